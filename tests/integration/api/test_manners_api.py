"""What every answer carries, whatever it answers; slow bodies, hanging parts, deprecated operations."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from litestar import Litestar

from services.api.auth import Authenticator
from services.api.context import ProcessContext
from services.api.deprecation import Deprecation
from services.api.edge import Edge
from services.api.endpoint import (
    Answer,
    Call,
    Desk,
    Endpoint,
    endpoint,
    endpoints_of,
    route_handler,
)
from services.api.idempotency import Claims
from services.api.limits import RequestLimiter
from services.api.paging import Cursors, Page, PageQuery
from services.api.problem_pages import error_types
from services.api.problems import answer_exception
from services.api.versions.changes import CURRENT
from services.api.versions.service import VersionService
from shared.db.tx import tenant_tx
from shared.tenancy.book import LimitsBook
from shared.tenancy.limits import Defaults
from tests.integration.api.conftest import Partner
from tests.support.rate_model import ModelStore
from tests.support.tenants import TenantFactory

SINCE = datetime(2026, 11, 22, tzinfo=UTC)


class Thing(msgspec.Struct):
    name: str


class ThingRoutes:
    @endpoint(
        Endpoint(
            method="GET",
            path="/v1/old_things",
            scope="teams:read",
            query=PageQuery,
            answers={200: Page[Thing]},
            deprecation=Deprecation(
                since=SINCE,
                sunset=datetime(2027, 11, 22, tzinfo=UTC),
                page="/problems/not-found",
                successor="/v1/things",
            ),
        )
    )
    async def list_old_things(self, call: Call) -> Answer:
        """List old things."""
        return Answer(body=Page(data=[Thing("a")], next_cursor="more"))

    @endpoint(Endpoint(method="GET", path="/v1/hanging", scope="teams:read", answers={200: Thing}))
    async def get_hanging(self, call: Call) -> Answer:
        """Never answer."""
        await asyncio.Event().wait()
        raise AssertionError

    @endpoint(
        Endpoint(method="GET", path="/v1/streaming", scope="teams:read", answers={200: Thing})
    )
    async def get_stream(self, call: Call) -> Answer:
        """Stream."""

        async def stream() -> AsyncIterator[bytes]:
            yield b"data: 1\n\n"

        return Answer(body=None, stream=stream())


@pytest.fixture
async def things(context: ProcessContext, partner: Partner) -> AsyncIterator[Partner]:
    """An app with operations that the product does not have, behind the product's own reception."""
    key = bytes(32)
    book = LimitsBook(context.database, Defaults(requests_per_minute=3, backlog=1))
    desk = Desk(
        authenticator=Authenticator(context.database, context.clock),
        cursors=Cursors(key),
        claims=Claims(key),
        versions=VersionService(context.database),
        limiter=RequestLimiter(book, ModelStore(), lambda _: b"\2"),
        deadline_s=0.05,
    )
    app = Litestar(
        route_handlers=[route_handler(*each, desk) for each in endpoints_of(ThingRoutes())],
        exception_handlers={Exception: answer_exception},
        openapi_config=None,
        logging_config=None,
    )
    app.asgi_handler = Edge(app.asgi_handler, context.ids)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        yield Partner(client, partner.tenant)


def _check_manners(response: httpx.Response) -> None:
    assert re.fullmatch("req_[0-9a-z]{26}", response.headers["request-id"])
    assert response.headers["ratelimit-policy"] == '"requests";q=6000;w=60'
    assert re.fullmatch(r'"requests";r=\d+;t=\d+', response.headers["ratelimit"])
    assert response.headers["api-version"] == CURRENT


async def test_every_authenticated_answer_has_manners(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = await partner.team()
    cases = {
        200: await partner.get(f"/v1/teams/{team}"),
        201: await partner.post("/v1/teams", {"name": "x"}),
        400: await partner.post("/v1/teams", {"nam": "x"}),
        404: await partner.get(f"/v1/teams/{team[:-1]}"),
        413: await partner.post("/v1/teams", {"name": "x" * 1024 * 1024}),
        415: await partner.post("/v1/teams", content=b"x"),
        422: await partner.post("/v1/teams", {"name": "y"}, key=(key := "manners")),
    }
    assert cases[422].status_code == 201
    cases[422] = await partner.post("/v1/teams", {"name": "z"}, key=key)
    monkeypatch.setattr("services.api.teams.service.TeamRepository.list_page", None)
    cases[500] = await partner.get("/v1/teams")

    for status, response in cases.items():
        assert response.status_code == status, response.text
        _check_manners(response)


async def test_streams_and_directories_have_manners_too(
    things: Partner, http: httpx.AsyncClient, tenants: TenantFactory
) -> None:
    streamed = await things.get("/v1/streaming")
    assert streamed.status_code == 200
    assert streamed.headers["ratelimit-policy"] == '"requests";q=3;w=60'
    assert streamed.headers["ratelimit"].startswith('"requests";r=2;')

    own = Partner(http, await tenants.new())
    found = await own.get("/scim/v2/Users")
    missing = await own.get("/scim/v2/Users/usr_nobody")
    assert (found.status_code, missing.status_code) == (200, 404)
    for answer in (found, missing):
        assert answer.headers["ratelimit-policy"] == '"requests";q=6000;w=60'
        assert re.fullmatch(r'"requests";r=\d+;t=\d+', answer.headers["ratelimit"])


async def test_a_missing_scope_has_manners(partner: Partner, key_maker: Any) -> None:
    bound = partner.as_key(await key_maker.new(partner.tenant.tenant_id, scopes=["rubrics:read"]))
    refused = await bound.get("/v1/teams")
    assert refused.status_code == 403
    _check_manners(refused)


async def test_strangers_learn_no_limits(http: httpx.AsyncClient) -> None:
    refused = await http.get("/v1/teams")

    assert refused.status_code == 401
    assert "request-id" in refused.headers
    assert not {"ratelimit", "ratelimit-policy", "api-version"} & set(refused.headers)


async def test_requests_count_down(things: Partner) -> None:
    answers = [await things.get("/v1/old_things") for _ in range(3)]
    left = [re.match(r'"requests";r=(\d+);', each.headers["ratelimit"]) for each in answers]
    assert [each and each[1] for each in left] == ["2", "1", "0"]


async def test_too_many_requests(things: Partner) -> None:
    answers = [await things.get("/v1/old_things") for _ in range(4)]
    refused = answers.pop()

    assert {each.status_code for each in answers} == {200}
    assert refused.status_code == 429
    problem = refused.json()
    assert (problem["code"], problem["type"]) == ("quota-exceeded", "/problems/quota-exceeded")
    assert problem["violated-policies"] == ["requests"]
    assert problem["retryable"] is True
    assert 20 + 2 - 1 <= int(refused.headers["retry-after"]) <= 20 + 2
    assert refused.headers["ratelimit"].startswith('"requests";r=0;t=')
    assert refused.headers["ratelimit-policy"] == '"requests";q=3;w=60'


async def test_a_deprecated_operation_says_so(
    things: Partner, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = await things.get("/v1/old_things?limit=1")

    assert answer.headers["deprecation"] == f"@{int(SINCE.timestamp())}"
    assert answer.headers["sunset"] == "Mon, 22 Nov 2027 00:00:00 GMT"
    links = answer.headers["link"]
    for relation in ("deprecation", "sunset", "successor-version", "next"):
        assert f'rel="{relation}"' in links
    said = capsys.readouterr().out
    assert "request.deprecated" in said
    assert "list_old_things" in said


async def test_other_operations_are_not_deprecated(partner: Partner) -> None:
    assert "deprecation" not in (await partner.get("/v1/teams")).headers


async def test_a_part_that_hangs_is_a_503(things: Partner) -> None:
    answer = await things.get("/v1/hanging")

    assert answer.status_code == 503
    assert answer.json()["code"] == "temporary-reduced-capacity"
    assert answer.headers["retry-after"] == "1"


async def test_a_stream_has_manners(things: Partner) -> None:
    answer = await things.get("/v1/streaming")

    assert answer.text == "data: 1\n\n"
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert {"request-id", "ratelimit", "api-version"} <= set(answer.headers)


async def test_a_body_that_does_not_come_is_408(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.api.body.BODY_WAIT_S", 0.05)

    async def trickle() -> AsyncIterator[bytes]:
        yield b'{"name":'
        await asyncio.Event().wait()

    headers = {**partner.headers, "Content-Type": "application/json"}
    answer = await partner.http.post("/v1/teams", content=trickle(), headers=headers)

    assert answer.status_code == 408
    assert answer.json()["code"] == "request-timeout"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/v1/teams", "/v1/skills/relate.empathy"])
async def test_a_405_lists_the_methods(partner: Partner, path: str) -> None:
    answer = await partner.http.request("PATCH", path, headers=partner.headers)

    assert answer.status_code == 405
    allowed = set(answer.headers["allow"].split(", "))
    assert "PATCH" not in allowed
    for method in allowed:
        assert (
            await partner.http.request(method, path, headers=partner.headers)
        ).status_code != 405
    if "skills" in path:
        assert "DELETE" in allowed


async def test_every_type_seen_leads_to_its_page(partner: Partner, http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).text
    seen = set(re.findall(r'"(/problems/[a-z-]+)"', document))
    seen |= {f"/problems/{code}" for code in error_types()}
    for answer in (
        await partner.get("/v1/nothing"),
        await partner.post("/v1/simulations", {}, key=None),
        await partner.get("/v1/teams?cursor=x"),
        await http.get("/v1/teams"),
    ):
        seen.add(answer.json()["type"])

    for path in sorted(seen):
        page = await http.get(path)
        assert page.status_code == 200, path
        assert page.headers["content-type"].startswith("text/html")
        assert path.removeprefix("/problems/") in page.text
        assert "What to do" in page.text


async def test_the_limits_are_published(partner: Partner, context: ProcessContext) -> None:
    answer = await partner.get("/v1/limits")

    found = {each["name"]: each for each in answer.json()["data"]}
    assert found["requests"]["value"] == context.settings.requests_per_minute
    assert found["requests"]["window_s"] == 60
    assert found["idempotency-keys"] == {
        "name": "idempotency-keys",
        "value": 86400,
        "unit": "s",
        "window_s": None,
        "meaning": "a used Idempotency-Key is remembered",
    }
    assert found["waiting-work"]["value"] == context.settings.tenant_backlog


async def test_what_is_used_is_told(
    partner: Partner, context: ProcessContext, tenants: TenantFactory
) -> None:
    fresh = Partner(partner.http, await tenants.new())
    idle = (await fresh.get("/v1/limits")).json()["used"]
    assert set(idle.values()) == {0}
    await fresh.simulation()
    tenant_id = fresh.tenant.tenant_id
    async with tenant_tx(context.database, tenant_id) as connection:
        await connection.execute(
            "insert into llm_days (tenant_id, day, spent_microusd, reserved_microusd, spent_tokens,"
            " reserved_tokens) values ($1, $2, 5, 2, 300, 40), ($1, $2::date - 1, 9, 9, 9, 9)",
            tenant_id,
            context.clock.now().date(),
        )
        await connection.execute(
            "insert into llm_months (tenant_id, month, in_flight) values ($1, $2, 3)",
            tenant_id,
            context.clock.now().date().replace(day=1),
        )

    used = (await fresh.get("/v1/limits")).json()["used"]
    assert used == {
        "simulations": 1,
        "autopilot": 0,
        "scorings": 0,
        "waiting_jobs": 1,
        "model_calls": 3,
        "tokens_today": 340,
        "microusd_today": 7,
    }
    assert set((await partner.get("/v1/limits")).json()["used"]) == set(used)
