"""What needs no tenant: health, the OpenAPI document, problem pages; and reports, which need reporting."""

import asyncio
from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import msgspec
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.api.app import create_app
from services.api.context import ProcessContext
from services.api.problem_pages import error_types
from shared.contracts.questions import ERROR_CODE_HEADER
from shared.contracts.reports.trend import TrendPoint, TrendQuery, TrendReply
from shared.contracts.subjects import report_subject
from tests.integration.api.conftest import Partner


async def test_health(http: httpx.AsyncClient) -> None:
    assert (await http.get("/livez")).status_code == 200
    assert (await http.get("/readyz")).json() == {"status": "ok"}


async def test_red_health_is_a_problem(
    context: ProcessContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail() -> None:
        raise OSError

    monkeypatch.setattr(context.nats, "flush", fail)
    transport = httpx.ASGITransport(app=create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        response = await client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["detail"] == "Not ready: nats"
    assert response.headers["retry-after"] == "1"


async def test_every_problem_type_has_its_page(http: httpx.AsyncClient) -> None:
    for code in error_types():
        page = await http.get(f"/problems/{code}")
        assert page.status_code == 200
        assert code in page.text
        assert page.headers["content-type"].startswith("text/html")
    assert (await http.get("/problems/nothing")).status_code == 404


async def test_the_document_describes_every_operation(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()

    assert document["openapi"] == "3.1.0"
    operations = {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert "post /v1/simulations/{simulation_id}/turns" in operations
    assert len({operation["operationId"] for operation in operations.values()}) == len(operations)
    for name, operation in operations.items():
        assert operation["summary"], name
        assert {"401", "403", "500", "503"} <= set(operation["responses"]), name
        if _takes_key(operation):
            assert "422" in operation["responses"], name
    for reference in _references(document):
        _, _, kind, component = reference.split("/", 3)
        assert component in document["components"][kind]


def _takes_key(operation: dict[str, Any]) -> bool:
    return any(one.get("name") == "Idempotency-Key" for one in operation.get("parameters", []))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "$ref":
                yield inner
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


async def test_a_trend_is_asked_of_reporting(partner: Partner, nats: Client) -> None:
    team = await partner.team()
    asked: list[TrendQuery] = []

    async def answer(message: Msg) -> None:
        asked.append(msgspec.json.decode(message.data, type=TrendQuery))
        point = TrendPoint(
            skill="relate.empathy", week=date(2026, 1, 5), n=3, mean=50.0, q1=40, median=50, q3=60
        )
        await message.respond(msgspec.json.encode(TrendReply(points=(point,))))

    subscription = await nats.subscribe(report_subject("trend"), cb=answer)
    try:
        path = f"/v1/reports/teams/{team}/trend"
        response = await partner.get(
            path, params={"from": "2026-01-01", "to": "2026-02-01", "source": "call"}
        )
        default = await partner.get(path)
    finally:
        await subscription.unsubscribe()

    assert response.status_code == 200
    assert response.json()["data"][0]["week"] == "2026-01-05"
    assert (response.json()["from"], response.json()["to"]) == ("2026-01-01", "2026-02-01")
    assert asked[0].source == "call"
    assert asked[0].tenant_id == partner.tenant.tenant_id
    assert default.status_code == 200
    assert (asked[1].end - asked[1].start).days == 84


async def test_without_reporting_a_trend_is_503(partner: Partner) -> None:
    response = await partner.get(f"/v1/reports/teams/{await partner.team()}/trend")

    assert response.status_code == 503
    assert response.json()["code"] == "temporary-reduced-capacity"
    assert response.headers["retry-after"] == "2"


async def test_a_refused_trend(partner: Partner, nats: Client) -> None:
    async def refuse(message: Msg) -> None:
        await nats.publish(message.reply, b"", headers={ERROR_CODE_HEADER: "503"})

    subscription = await nats.subscribe(report_subject("trend"), cb=refuse)
    try:
        response = await partner.get(f"/v1/reports/teams/{await partner.team()}/trend")
    finally:
        await subscription.unsubscribe()

    assert response.status_code == 503


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"from": "2026-02-01", "to": "2026-01-01"}, "query:to"),
        ({"from": "2001-02-01", "to": "2026-01-01"}, "query:to"),
        ({"from": "yesterday"}, "query:from"),
        ({"to": "0001-01-01"}, "query:to"),
        ({"source": "dream"}, "query:source"),
        ({"skill": "Empathy!"}, "query:skill"),
    ],
)
async def test_wrong_ranges(partner: Partner, params: dict[str, str], pointer: str) -> None:
    response = await partner.get(f"/v1/reports/teams/{await partner.team()}/trend", params=params)

    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


async def test_a_bug_is_a_500_without_details(
    context: ProcessContext, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_arguments: object) -> None:
        raise RuntimeError("what the learner wrote")

    monkeypatch.setattr("services.api.teams.service.TeamRepository.list_page", explode)

    response = await partner.get("/v1/teams")

    assert response.status_code == 500
    assert response.json()["code"] == "internal"
    assert "learner" not in response.text
    await asyncio.sleep(0)
