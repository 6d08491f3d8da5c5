"""Statements over HTTP, and the settings of the store that they are sent to. [R-F1]"""

import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.keys import SCOPES
from shared.xapi.vocabulary import HEADER, VERBS
from tests.integration.api.conftest import IDS, KeyMaker, Partner
from tests.integration.api.xapi_reader import BASE, PATH, SOME, practiced, statements_of, verbs_of
from tests.support.tenants import TenantFactory
from tests.support.xapi_rules import broken_rules


@pytest.fixture
async def own(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    """A tenant of the test's own: its statements are all that there are."""
    return Partner(http, await tenants.new())


async def test_one_practice_makes_four_statements(
    own: Partner, database: Database, keys: KeyRing
) -> None:
    simulation = await practiced(own, database, keys)

    response = await own.get(PATH)

    statements = response.json()["statements"]
    assert verbs_of(statements) == ["passed", "scored", "completed", "attempted"]
    for statement in statements:
        assert broken_rules(statement) == []
        assert statement["actor"]["account"]["name"] == simulation["learner_id"]
        assert statement["object"]["id"] == f"{BASE}/scenarios/{simulation['scenario']['id']}"
        assert statement["version"] == "2.0.0"
    assert len({each["context"]["registration"] for each in statements}) == 1
    assert statements[1]["result"]["score"] == {"scaled": 0.71, "raw": 71, "min": 0, "max": 100}
    assert statements[1]["result"]["extensions"][f"{BASE}/extensions/roots"] == {"relate": 71}
    assert statements[2]["result"]["completion"] is True
    assert response.json()["more"] == ""
    assert response.headers[HEADER] == "2.0.0"
    assert response.headers["X-Experience-API-Consistent-Through"].endswith("Z")


@pytest.mark.parametrize(
    ("asked", "answered", "said"),
    [("1.0.3", "1.0.3", "1.0.0"), ("1.0", "1.0.3", "1.0.0"), ("2.0.0", "2.0.0", "2.0.0")],
)
async def test_versions(
    own: Partner, database: Database, keys: KeyRing, asked: str, answered: str, said: str
) -> None:
    await practiced(own, database, keys)

    response = await own.http.get(PATH, headers={**own.headers, HEADER: asked})

    assert response.headers[HEADER] == answered
    assert {each["version"] for each in response.json()["statements"]} == {said}


async def test_an_unknown_version_is_named(own: Partner) -> None:
    response = await own.http.get(PATH, headers={**own.headers, HEADER: "0.95"})

    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == f"header:{HEADER}"


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_more_leads_through_all_of_them_once(
    own: Partner, database: Database, keys: KeyRing, limit: int, *, ascending: bool
) -> None:
    for _ in range(3):
        await practiced(own, database, keys)
    whole = await statements_of(own, ascending=ascending)
    assert len(whole) == 12

    found: list[dict[str, Any]] = []
    path = f"{PATH}?limit={limit}&ascending={str(ascending).lower()}"
    while path:
        page = (await own.get(path)).json()
        assert len(page["statements"]) <= limit
        found += page["statements"]
        path = page["more"]

    assert [each["id"] for each in found] == [each["id"] for each in whole]
    times = [each["stored"] for each in whole]
    assert times == sorted(times, reverse=not ascending)


async def test_filters(own: Partner, database: Database, keys: KeyRing) -> None:
    ada, bob = await own.learner(), await own.learner()
    first = await practiced(own, database, keys, learner=ada)
    await practiced(own, database, keys, learner=bob, passed=False, overall=20)
    everything = await statements_of(own, ascending=True)
    scenario = everything[0]["object"]["id"]

    assert verbs_of(await statements_of(own, verb=VERBS["scored"])) == ["scored"] * 2
    assert verbs_of(await statements_of(own, verb=VERBS["failed"])) == ["failed"]
    assert await statements_of(own, verb="http://x.test/slept") == []
    assert len(await statements_of(own, activity=scenario)) == 8
    assert await statements_of(own, activity=f"{BASE}/scenarios/none") == []
    for agent in (
        ada,
        json.dumps({"objectType": "Agent", "account": {"homePage": BASE, "name": ada}}),
    ):
        found = await statements_of(own, agent=agent)
        assert len(found) == 4
        assert {each["actor"]["account"]["name"] for each in found} == {first["learner_id"]}
    elsewhere = json.dumps({"account": {"homePage": "https://x.test", "name": ada}})
    assert await statements_of(own, agent=elsewhere) == []
    middle = everything[3]["stored"]
    later = await statements_of(own, since=middle, ascending=True)
    earlier = await statements_of(own, until=middle, ascending=True)
    assert [each["id"] for each in earlier + later] == [each["id"] for each in everything]


async def test_one_statement_by_its_id(own: Partner, database: Database, keys: KeyRing) -> None:
    await practiced(own, database, keys)
    for statement in await statements_of(own):
        one = await own.get(PATH, params={"statementId": statement["id"]})
        assert one.json() == statement
        told = parsedate_to_datetime(one.headers["last-modified"])
        assert told == datetime.fromisoformat(statement["stored"]).replace(microsecond=0)
    bare = await own.get(PATH, params={"statementId": statement["id"], "format": "ids"})
    assert bare.json()["object"] == {
        "objectType": "Activity",
        "id": statement["object"]["id"],
    }
    missing = await own.get(PATH, params={"statementId": "fd41c918-b88b-4b20-a0a5-a4c32391aaa0"})
    assert missing.status_code == 404


async def test_who_sees_what(
    own: Partner, database: Database, keys: KeyRing, key_maker: KeyMaker, stranger: Partner
) -> None:
    team = await own.team()
    member = await own.learner(memberships=[{"team_id": team}])
    await practiced(own, database, keys, learner=member)
    foreign = await practiced(own, database, keys)
    shown = (await statements_of(own, agent=foreign["learner_id"]))[0]["id"]
    tenant_id = own.tenant.tenant_id
    bound = own.as_key(
        await key_maker.new(tenant_id, scopes=SCOPES, team_ids=[parse_id("team", team)])
    )
    narrow = own.as_key(
        await key_maker.new(tenant_id, scopes=[s for s in SCOPES if s != "exports:read"])
    )

    assert {each["actor"]["account"]["name"] for each in await statements_of(bound)} == {member}
    assert (await bound.get(PATH, params={"statementId": shown})).status_code == 404
    assert (await stranger.get(PATH, params={"statementId": shown})).status_code == 404
    assert (await narrow.get(PATH)).json()["code"] == "scope-missing"
    async with tenant_tx(database, tenant_id) as connection:
        await connection.execute(
            "delete from learner_keys where tenant_id = $1 and learner_id = $2",
            tenant_id,
            parse_id("lrn", member),
        )
    assert await statements_of(bound) == []


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"agent": "Ada"}, "query:agent"),
        ({"agent": "{}"}, "query:agent"),
        ({"agent": '{"account": {"homePage": "https://x.test"}}'}, "query:agent"),
        ({"agent": '{"mbox": "Ada"}'}, "query:agent"),
        ({"agent": '{"mbox": "mailto:a@x.test", "openid": "https://x.test"}'}, "query:agent"),
        ({"agent": '{"objectType": "Robot", "mbox": "mailto:a@x.test"}'}, "query:agent"),
        ({"registration": "sim_1"}, "query:registration"),
        ({"related_agents": "maybe"}, "query:related_agents"),
        ({"related_activities": "yes"}, "query:related_activities"),
        ({"relatedActivities": "true"}, "query:relatedActivities"),
        ({"voidedStatementId": "1"}, "query:voidedStatementId"),
        ({"statementId": SOME, "voidedStatementId": SOME}, "query:voidedStatementId"),
        ({"voidedStatementId": SOME, "ascending": True}, "query:ascending"),
        ({"statementId": SOME, "registration": SOME}, "query:registration"),
        ({"verb": "scored"}, "query:verb"),
        ({"statementId": "1"}, "query:statementId"),
        ({"since": "yesterday"}, "query:since"),
        ({"limit": -1}, "query:limit"),
        ({"format": "xml"}, "query:format"),
        ({"mood": "good"}, "query:mood"),
        ({"ascending": "maybe"}, "query:ascending"),
        ({"since": "2026-01-02T00:00:00"}, "query:since"),
        ({"limit": 1.5}, "query:limit"),
        ({"statementId": SOME, "limit": 5}, "query:limit"),
    ],
)
async def test_wrong_parameters_are_named(
    partner: Partner, params: dict[str, Any], pointer: str
) -> None:
    response = await partner.get(PATH, params=params)

    assert response.status_code == 400
    assert [each["pointer"] for each in response.json()["errors"]] == [pointer]


STORE = {
    "url": "https://lrs.example.com/xapi/",
    "auth": {"kind": "basic", "username": "rapport", "secret": "CANARY-secret"},
    "version": "2.0.0",
    "actor": "external_id",
    "home_page": "https://lms.example.com",
}


async def test_a_store_is_set_shown_and_taken_away(own: Partner, database: Database) -> None:
    assert (await own.get("/v1/lrs")).status_code == 404

    put = await own.put("/v1/lrs", STORE)

    assert put.status_code == 200, put.text
    view = put.json()
    assert "CANARY" not in put.text
    assert (view["url"], view["auth"], view["username"]) == (
        "https://lrs.example.com/xapi",
        "basic",
        "rapport",
    )
    assert (view["enabled"], view["failures"], view["next_attempt_at"]) == (True, 0, None)
    assert (await own.get("/v1/lrs")).json() == view
    async with tenant_tx(database, own.tenant.tenant_id) as connection:
        row = await connection.fetchrow(
            "select url, auth from lrs where tenant_id = $1", own.tenant.tenant_id
        )
    assert b"CANARY" not in row["auth"]
    assert b"lrs.example" not in row["url"]
    replaced = (await own.put("/v1/lrs", {"url": "https://b.example.com", "enabled": False})).json()
    assert (replaced["auth"], replaced["version"], replaced["enabled"]) == (None, "1.0.3", False)
    for _ in range(2):
        assert (await own.delete("/v1/lrs")).json() == {"deleted": True}
    assert (await own.get("/v1/lrs")).status_code == 404


async def test_people_are_named_as_the_store_wants(
    own: Partner, database: Database, keys: KeyRing
) -> None:
    name = str(IDS.new())
    await own.put("/v1/lrs", STORE)
    await practiced(own, database, keys, learner=await own.learner(external_id=name))

    account = {"homePage": "https://lms.example.com", "name": name}
    agent = json.dumps({"account": account})
    found = await statements_of(own, agent=agent)
    nobody = json.dumps({"account": {**account, "name": "nobody"}})

    assert [each["actor"]["account"] for each in found] == [account] * 4
    assert await statements_of(own, agent=nobody) == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"url": "http://lrs.example.com"}, "/url"),
        ({"url": "https://user:pass@lrs.example.com"}, "/url"),
        ({"url": "https://169.254.169.254/latest"}, "/url"),
        ({"url": "https://127.0.0.1/xapi"}, "/url"),
        ({"url": "ftp://lrs.example.com"}, "/url"),
        ({"auth": {"kind": "basic", "secret": "x"}}, "/auth/username"),
        ({"auth": {"kind": "bearer", "username": "a", "secret": "x"}}, "/auth/username"),
        ({"auth": {"kind": "bearer", "secret": "a\nb"}}, "/auth/secret"),
        ({"version": "0.9"}, "/version"),
        ({"actor": "mbox"}, "/actor"),
        ({"home_page": "lms"}, "/home_page"),
        ({"color": "red"}, "/color"),
    ],
)
async def test_wrong_settings_are_named(
    partner: Partner, changes: dict[str, Any], pointer: str
) -> None:
    response = await partner.put("/v1/lrs", {**STORE, **changes})

    assert response.status_code == 400
    assert [each["pointer"] for each in response.json()["errors"]] == [pointer]


async def test_bound_keys_have_no_settings(partner: Partner, key_maker: KeyMaker) -> None:
    learner = parse_id("lrn", await partner.learner())
    bound = partner.as_key(
        await key_maker.new(partner.tenant.tenant_id, scopes=SCOPES, learner_id=learner)
    )

    for response in (
        await bound.put("/v1/lrs", STORE),
        await bound.get("/v1/lrs"),
        await bound.delete("/v1/lrs"),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "scope-missing")
