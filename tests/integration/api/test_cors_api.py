"""Pages in browsers: the first question, the answer, and writes from pages nobody listed."""

from typing import Any

import httpx
import pytest

from shared.db.pool import Database
from shared.db.tx import tenant_tx
from tests.integration.api.conftest import FakeWorker, KeyMaker, Partner

HOME = "https://academy.example"
FOREIGN = "https://rival.example"
NOWHERE = "https://unlisted.example"
LOCAL = "http://localhost:5173"


@pytest.fixture(scope="module", autouse=True)
async def listed(partner: Partner, stranger: Partner) -> None:
    for who, origin in ((partner, HOME), (stranger, FOREIGN)):
        response = await who.put("/v1/allowed_origins", {"origins": [origin]})
        assert response.status_code == 200, response.text


async def ask(
    http: httpx.AsyncClient, origin: str, path: str = "/v1/simulations"
) -> httpx.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, idempotency-key",
    }
    return await http.request("OPTIONS", path, headers=headers)


async def read(who: Partner, origin: str, path: str = "/v1/simulations") -> httpx.Response:
    return await who.http.get(path, headers={**who.headers, "Origin": origin})


def readable_for(response: httpx.Response) -> str | None:
    assert "origin" in response.headers["vary"].lower()
    assert "access-control-allow-credentials" not in response.headers
    allowed = response.headers.get_list("access-control-allow-origin")
    assert len(allowed) <= 1
    return allowed[0] if allowed else None


@pytest.mark.parametrize("origin", [HOME, FOREIGN, LOCAL])
async def test_a_known_page_may_ask(http: httpx.AsyncClient, origin: str) -> None:
    for path in ("/v1/simulations", "/v1/simulations/sim_1/turns", "/v1/nothing"):
        response = await ask(http, origin, path)
        assert response.status_code == 204
        assert readable_for(response) == origin
        assert "POST" in response.headers["access-control-allow-methods"]
        granted = response.headers["access-control-allow-headers"].lower().split(", ")
        assert {"authorization", "idempotency-key", "last-event-id"} <= set(granted)
        assert response.headers["access-control-max-age"] == "600"
        assert "request-id" in response.headers


@pytest.mark.parametrize(
    "origin",
    [NOWHERE, "null", "https://academy.example:444", "http://academy.example", "*", "x" * 5000],
)
async def test_an_unknown_page_may_not(http: httpx.AsyncClient, origin: str) -> None:
    response = await ask(http, origin)
    assert response.status_code == 204
    assert readable_for(response) is None
    assert "access-control-allow-methods" not in response.headers


async def test_an_answer_is_readable_for_the_callers_own_pages(
    partner: Partner, stranger: Partner
) -> None:
    mine, others = await read(partner, HOME), await read(partner, FOREIGN)
    theirs = await read(stranger, FOREIGN)

    assert mine.status_code == others.status_code == 200
    assert readable_for(mine) == HOME
    assert readable_for(others) is None
    assert readable_for(theirs) == FOREIGN
    exposed = mine.headers["access-control-expose-headers"].lower().split(", ")
    assert {"request-id", "location", "ratelimit", "retry-after"} <= set(exposed)


async def test_refusals_are_readable_too(partner: Partner, http: httpx.AsyncClient) -> None:
    missing = await read(partner, HOME, "/v1/simulations/sim_1")
    anonymous = await http.get("/v1/simulations", headers={"Origin": HOME})
    unknown = await http.get("/v1/simulations", headers={"Origin": NOWHERE})

    assert (missing.status_code, readable_for(missing)) == (404, HOME)
    assert (anonymous.status_code, readable_for(anonymous)) == (401, HOME)
    assert readable_for(unknown) is None


async def test_without_an_origin_nothing_is_added(partner: Partner) -> None:
    response = await partner.get("/v1/simulations")

    assert "access-control-allow-origin" not in response.headers
    assert "vary" not in response.headers


async def test_test_keys_work_on_a_developers_own_machine(
    partner: Partner, key_maker: KeyMaker
) -> None:
    text = await key_maker.new(
        partner.tenant.tenant_id, environment="test", scopes=["simulations:read"]
    )
    developer = partner.as_key(text)

    for origin in (LOCAL, "http://localhost", "http://127.0.0.1:8080"):
        assert readable_for(await read(developer, origin)) == origin
        assert readable_for(await read(partner, origin)) is None
    for origin in ("http://localhost.evil.example", "https://localhost:1", "http://localhost:1/x"):
        assert readable_for(await read(developer, origin)) is None


async def write(who: Partner, simulation_id: str, origin: str | None) -> httpx.Response:
    headers = {} if origin is None else {"Origin": origin}
    body: dict[str, Any] = {"text": "Hello", "expected_seq": 0}
    return await who.post(f"/v1/simulations/{simulation_id}/turns", body, headers=headers)


async def test_writes_with_a_token_come_from_listed_pages(
    partner: Partner, worker: FakeWorker
) -> None:
    learner = await partner.learner()
    simulation = (await partner.simulation(learner))["id"]
    made = await partner.post(
        "/v1/learner_tokens", {"learner_id": learner, "simulation_id": simulation}
    )
    browser = partner.as_key(made.json()["token"])

    refused = [await write(browser, simulation, each) for each in (NOWHERE, FOREIGN, "null")]
    unreadable = await read(browser, NOWHERE, f"/v1/simulations/{simulation}")
    spoken = await write(browser, simulation, HOME)

    assert {each.status_code for each in refused} == {403}
    assert {each.json()["code"] for each in refused} == {"origin-not-allowed"}
    assert (unreadable.status_code, readable_for(unreadable)) == (200, None)
    assert (spoken.status_code, readable_for(spoken)) == (200, HOME)


async def test_a_token_for_one_page_works_there_only(partner: Partner, worker: FakeWorker) -> None:
    learner = await partner.learner()
    simulation = (await partner.simulation(learner))["id"]
    made = await partner.post("/v1/learner_tokens", {"learner_id": learner, "origin": HOME})
    browser = partner.as_key(made.json()["token"])
    path = f"/v1/simulations/{simulation}"

    assert (await read(browser, HOME, path)).status_code == 200
    for response in (await read(browser, FOREIGN, path), await browser.get(path)):
        assert response.json()["code"] == "origin-not-allowed"


async def test_a_list_is_replaced_and_read_back_and_rests_sealed(
    stranger: Partner, database: Database
) -> None:
    several = [FOREIGN, "https://b.rival.example:8443"]
    put = await stranger.put("/v1/allowed_origins", {"origins": several})
    again = await stranger.put("/v1/allowed_origins", {"origins": several})
    async with tenant_tx(database, stranger.tenant.tenant_id) as connection:
        rows = await connection.fetch("select * from allowed_origins")

    assert put.json() == again.json() == {"origins": several}
    assert sorted((await stranger.get("/v1/allowed_origins")).json()["origins"]) == several[::-1]
    assert len(rows) == 2
    assert not [row for row in rows if b"rival" in row["origin"]]
    assert readable_for(await read(stranger, several[1])) == several[1]
    await stranger.put("/v1/allowed_origins", {"origins": [FOREIGN]})
    assert readable_for(await read(stranger, several[1])) is None


@pytest.mark.parametrize(
    ("origins", "pointer"),
    [
        (["http://academy.example"], "/origins/0"),
        (["https://Academy.example"], "/origins/0"),
        (["https://academy.example/"], "/origins/0"),
        (["https://*.example"], "/origins/0"),
        (["https://academy.example:443"], "/origins/0"),
        (["https://user@academy.example"], "/origins/0"),
        ([HOME, HOME], "/origins/1"),
        ([f"https://a{number}.example" for number in range(21)], "/origins"),
        ([LOCAL], "/origins/0"),
    ],
)
async def test_a_list_of_anything_else_is_refused(
    partner: Partner, origins: list[str], pointer: str
) -> None:
    response = await partner.put("/v1/allowed_origins", {"origins": origins})

    assert response.status_code == 400
    assert [each["pointer"] for each in response.json()["errors"]] == [pointer]


async def test_a_bound_key_has_no_say(partner: Partner, key_maker: KeyMaker) -> None:
    key = await key_maker.new(partner.tenant.tenant_id, scopes=["settings:write"], team_ids=[])

    response = await partner.as_key(key).put("/v1/allowed_origins", {"origins": []})

    assert response.json()["code"] == "scope-missing"
