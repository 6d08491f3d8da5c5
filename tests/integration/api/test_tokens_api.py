"""Learner tokens over HTTP: what they open, what they do not, and how they die. [R-C5]"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.api.app import create_app
from services.api.context import ProcessContext
from shared.clock import Clock
from shared.db.keys import read_master_key
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from shared.ids import format_id, parse_id
from shared.tokens import TokenSecrets, sign, verify
from tests.integration.api.conftest import FakeWorker, KeyMaker, Partner
from tests.integration.api.stream_world import follow, plain, score
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually


async def token(partner: Partner, learner_id: str, **fields: Any) -> dict[str, Any]:
    response = await partner.post("/v1/learner_tokens", {"learner_id": learner_id, **fields})
    assert response.status_code == 201, response.text
    assert response.headers["cache-control"] == "no-store"
    made: dict[str, Any] = response.json()
    return made


async def page(partner: Partner, learner_id: str, **fields: Any) -> Partner:
    return partner.as_key((await token(partner, learner_id, **fields))["token"])


async def test_a_token_for_one_conversation_speaks_in_it(
    partner: Partner, worker: FakeWorker
) -> None:
    learner = await partner.learner()
    simulation = await partner.simulation(learner)
    browser = await page(partner, learner, simulation_id=simulation["id"])
    path = f"/v1/simulations/{simulation['id']}"

    said = await browser.say(simulation["id"], 0)
    seen = [await browser.get(path + each) for each in ("", "/turns", "/result")]
    ended = await browser.post(f"{path}/end")

    assert said.status_code == 200, said.text
    assert [each.status_code for each in seen] == [200, 200, 200]
    assert ended.json()["status"] == "ended"


async def test_a_token_for_one_conversation_reaches_nothing_else(
    partner: Partner, worker: FakeWorker
) -> None:
    learner = await partner.learner()
    simulation, other = await partner.simulation(learner), await partner.simulation(learner)
    browser = await page(partner, learner, simulation_id=simulation["id"])
    body = {"scenario": await partner.scenario(), "learner_id": learner, "mode": "interactive"}

    for path in (f"/v1/simulations/{other['id']}", "/v1/simulations"):
        assert (await browser.get(path)).json()["code"] == "not-found", path
    assert (await browser.say(other["id"], 0)).status_code == 404
    assert (await browser.post("/v1/simulations", body)).status_code == 404
    refused = [
        await browser.get("/v1/learners"),
        await browser.get("/v1/scenarios"),
        await browser.post("/v1/learner_tokens", {"learner_id": learner}),
        await browser.put("/v1/allowed_origins", {"origins": []}),
        await browser.post(f"/v1/simulations/{simulation['id']}/branches", {"from_seq": 0}),
        await browser.post("/v1/simulation_batches", {}),
    ]
    assert {each.status_code for each in refused} == {403}
    assert {each.json()["code"] for each in refused} == {"scope-missing"}


async def test_a_token_reads_its_own_score_only(
    partner: Partner, worker: FakeWorker, database: Database
) -> None:
    learner = await partner.learner()
    mine, other = await partner.simulation(learner), await partner.simulation(learner)
    tenant_id = partner.tenant.tenant_id
    async with tenant_tx(database, tenant_id) as connection:
        assessments = [
            await score(connection, tenant_id, plain(each["id"])) for each in (mine, other)
        ]
        for simulation, assessment in zip((mine, other), assessments, strict=True):
            await connection.execute(
                "insert into assessments (tenant_id, assessment_id, scoring_id, learner_id,"
                " revision, result, engine, engine_version, created_at)"
                " values ($1, $2, $3, $4, 1, '', 'x', '1', now())",
                tenant_id,
                assessment,
                plain(simulation["id"]),
                parse_id("lrn", learner),
            )
    browser = await page(partner, learner, simulation_id=mine["id"])

    scorings = [
        await browser.get(f"/v1/scorings/{format_id('scr', plain(each['id']))}")
        for each in (mine, other)
    ]
    foreign = await browser.get(f"/v1/assessments/{format_id('asm', assessments[1])}")

    assert [each.status_code for each in scorings] == [200, 404]
    assert foreign.status_code == 404


async def test_a_token_without_a_conversation_starts_its_own(
    partner: Partner, worker: FakeWorker
) -> None:
    learner, other = await partner.learner(), await partner.learner()
    browser = await page(partner, learner)
    scenario = await partner.scenario()
    body = {"scenario": scenario, "learner_id": learner, "mode": "interactive"}

    started = await browser.post("/v1/simulations", body)
    foreign = await browser.post("/v1/simulations", {**body, "learner_id": other})
    listed = await browser.get("/v1/simulations")

    assert started.status_code == 201
    assert foreign.status_code == 404
    assert [each["id"] for each in listed.json()["data"]] == [started.json()["id"]]
    assert (await browser.say(started.json()["id"], 0)).status_code == 200


async def test_a_token_for_one_scenario_starts_no_other(
    partner: Partner, worker: FakeWorker
) -> None:
    learner = await partner.learner()
    scenarios = (await partner.get("/v1/scenarios", params={"limit": 2})).json()["data"]
    browser = await page(partner, learner, scenario=scenarios[0]["slug"])
    body = {"learner_id": learner, "mode": "interactive"}

    answers = [
        await browser.post("/v1/simulations", {**body, "scenario": name})
        for name in (scenarios[0]["id"], scenarios[0]["slug"], scenarios[1]["slug"])
    ]

    assert [each.status_code for each in answers] == [201, 201, 404]


async def test_scopes_are_never_more_than_the_keys(
    partner: Partner, worker: FakeWorker, key_maker: KeyMaker
) -> None:
    learner = await partner.learner()
    simulation = await partner.simulation(learner)
    tenant_id = partner.tenant.tenant_id
    reader = partner.as_key(
        await key_maker.new(tenant_id, scopes=["learner_tokens:write", "simulations:read"])
    )

    narrow = await token(reader, learner)
    wide = await reader.post(
        "/v1/learner_tokens", {"learner_id": learner, "scopes": ["simulations:write"]}
    )

    assert narrow["scopes"] == ["simulations:read"]
    assert wide.json()["code"] == "scope-missing"
    said = await partner.as_key(narrow["token"]).say(simulation["id"], 0)
    assert said.json()["code"] == "scope-missing"
    blind = partner.as_key(await key_maker.new(tenant_id, scopes=["learner_tokens:write"]))
    assert (await blind.post("/v1/learner_tokens", {"learner_id": learner})).status_code == 403


async def test_a_token_is_for_who_the_key_may_see(
    partner: Partner, stranger: Partner, worker: FakeWorker
) -> None:
    learner = await partner.learner()
    simulation = await partner.simulation()
    foreign = await stranger.post("/v1/learner_tokens", {"learner_id": learner})
    others = await partner.post(
        "/v1/learner_tokens",
        {"learner_id": learner, "simulation_id": simulation["id"]},
    )
    unknown = await partner.post(
        "/v1/learner_tokens", {"learner_id": learner, "scenario": "no-such-scenario"}
    )

    assert foreign.status_code == others.status_code == unknown.status_code == 404
    pointers = [each.json()["errors"][0]["pointer"] for each in (foreign, others, unknown)]
    assert pointers == ["/learner_id", "/simulation_id", "/scenario"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"ttl_s": 59}, "/ttl_s"),
        ({"ttl_s": 3601}, "/ttl_s"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["settings:write"]}, "/scopes/0"),
        ({"origin": "https://elsewhere.example"}, "/origin"),
        ({"origin": "http://academy.example"}, "/origin"),
        ({"simulation_id": "sim_" + "0" * 26, "scenario": "x"}, "/scenario"),
    ],
)
async def test_bad_wishes_are_named(partner: Partner, fields: dict[str, Any], pointer: str) -> None:
    body = {"learner_id": await partner.learner(), **fields}

    response = await partner.post("/v1/learner_tokens", body)

    assert response.status_code == 400, response.text
    assert [each["pointer"] for each in response.json()["errors"]] == [pointer]


async def test_a_token_of_another_tenant_is_no_token(
    partner: Partner, stranger: Partner, worker: FakeWorker, context: ProcessContext
) -> None:
    """The tenant comes from the key that `kid` names, and so does the secret."""
    learner = await partner.learner()
    simulation = await partner.simulation(learner)
    text = (await token(partner, learner))["token"]
    key_id, tenant_id = _key(partner), partner.tenant.tenant_id
    secrets = TokenSecrets(read_master_key(context.settings))
    claims = verify(text, key_id, secrets.of(tenant_id, key_id))
    swapped = sign(
        type(claims)(**{**_fields(claims), "key_id": _key(stranger)}),
        secrets.of(tenant_id, key_id),
    )

    assert (await partner.as_key(text).get(f"/v1/simulations/{simulation['id']}")).is_success
    response = await partner.as_key(swapped).get(f"/v1/simulations/{simulation['id']}")
    assert response.status_code == 401
    assert response.json()["code"] == "unauthenticated"


def _key(partner: Partner) -> UUID:
    return parse_id("key", "key_" + partner.tenant.api_key.split("_")[2][:26])


def _fields(claims: Any) -> dict[str, Any]:
    return {name: getattr(claims, name) for name in claims.__struct_fields__}


class Later(Clock):
    """The system's clock, moved."""

    def __init__(self, inner: Clock) -> None:
        self._inner = inner
        self.moved = timedelta()

    def now(self) -> Any:
        return self._inner.now() + self.moved


async def test_a_token_ends_with_its_time(
    context: ProcessContext, tenants: TenantFactory, worker: FakeWorker
) -> None:
    clock = Later(context.clock)
    moving = ProcessContext(
        settings=context.settings,
        database=context.database,
        keys=context.keys,
        nats=context.nats,
        publisher=context.publisher,
        clock=clock,
    )
    transport = httpx.ASGITransport(app=create_app(moving))
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        partner = Partner(client, await tenants.new())
        learner = await partner.learner()
        browser = await page(partner, learner, ttl_s=60)
        assert (await browser.get("/v1/simulations")).status_code == 200
        clock.moved = timedelta(seconds=61)
        late = await browser.get("/v1/simulations")
    assert late.status_code == 401
    assert late.json()["code"] == "key-expired"


ENDS = {
    "update api_keys set revoked_at = now() where tenant_id = $1": 401,
    "update api_keys set expires_at = now() where tenant_id = $1": 401,
    "update api_keys set scopes = '{simulations:read}' where tenant_id = $1": 401,
    "update api_keys set scopes = '{learner_tokens:write}' where tenant_id = $1": 403,
}


async def test_a_token_dies_with_its_key(
    http: httpx.AsyncClient, tenants: TenantFactory, database: Database
) -> None:
    browsers = []
    for change in ENDS:
        partner = Partner(http, await tenants.new())
        browser = await page(partner, await partner.learner())
        assert (await browser.get("/v1/simulations")).status_code == 200
        async with tenant_tx(database, partner.tenant.tenant_id) as connection:
            await connection.execute(change, partner.tenant.tenant_id)
        browsers.append(browser)

    async def are_dead() -> bool:
        answers = [await browser.get("/v1/simulations") for browser in browsers]
        return [each.status_code for each in answers] == list(ENDS.values())

    await eventually(are_dead, timeout_s=7)


async def test_a_stream_ends_when_the_key_is_revoked(
    context: ProcessContext, http: httpx.AsyncClient, tenants: TenantFactory, database: Database
) -> None:
    partner = Partner(http, await tenants.new())
    learner = await partner.learner()
    simulation = await partner.simulation(learner)
    browser = await page(partner, learner, simulation_id=simulation["id"])
    answer = await follow(create_app(context), browser, simulation["id"])
    assert answer.status == 200
    async with tenant_tx(database, partner.tenant.tenant_id) as connection:
        await connection.execute(
            "update api_keys set revoked_at = now() where tenant_id = $1",
            partner.tenant.tenant_id,
        )

    assert b'"code":"unauthenticated"' in await answer.text()


async def test_a_suspended_tenants_tokens_are_refused(
    http: httpx.AsyncClient, tenants: TenantFactory, database: Database
) -> None:
    partner = Partner(http, await tenants.new())
    browser = await page(partner, await partner.learner())
    async with system_tx(database) as connection:
        await connection.execute(
            "update tenants set status = 'suspended' where tenant_id = $1",
            partner.tenant.tenant_id,
        )

    response = await browser.get("/v1/simulations")

    assert response.json()["code"] == "tenant-suspended"
