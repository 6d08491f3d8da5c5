"""Filters of the xAPI resource as the specification has them, and the key by HTTP Basic. [R-F1]"""

import base64
import json

import httpx
import pytest

from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import parse_id
from shared.xapi.vocabulary import VERBS
from tests.integration.api.conftest import KeyMaker, Partner
from tests.integration.api.xapi_reader import BASE, PATH, SOME, practiced, statements_of, verbs_of
from tests.support.tenants import TenantFactory


@pytest.fixture
async def own(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    """A tenant of the test's own: its statements are all that there are."""
    return Partner(http, await tenants.new())


async def test_what_matches_nothing_is_an_empty_answer(
    own: Partner, database: Database, keys: KeyRing
) -> None:
    await practiced(own, database, keys)
    for params in (
        {"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
        {"agent": '{"mbox": "mailto:a@x.test"}'},
        {"agent": '{"mbox_sha1sum": "ebd31e95054c018b10727ccffd2ef2ec3a016ee9"}'},
        {"agent": '{"openid": "https://a.x.test/"}', "related_agents": True},
        {"registration": SOME},
        {"registration": "fd41c918-b88b-5b20-a0a5-a4c32391aaa0"},
    ):
        assert await statements_of(own, **params) == [], params


async def test_times_are_those_that_statements_tell(
    own: Partner, database: Database, keys: KeyRing
) -> None:
    await practiced(own, database, keys)
    async with tenant_tx(database, own.tenant.tenant_id) as connection:
        moments = await connection.fetch(
            "select occurred_at from events where position is not null"
        )
    assert any(each["occurred_at"].microsecond % 1000 for each in moments)  # finer than is told

    stored = sorted({each["stored"] for each in await statements_of(own)})

    for moment in stored:
        until = {each["stored"] for each in await statements_of(own, until=moment)}
        since = {each["stored"] for each in await statements_of(own, since=moment)}
        assert until == {each for each in stored if each <= moment}
        assert since == {each for each in stored if each > moment}


async def test_by_registration(own: Partner, database: Database, keys: KeyRing) -> None:
    ada = await own.learner()
    for _ in range(2):
        await practiced(own, database, keys, learner=ada)
    everything = await statements_of(own)
    registered = {each["context"]["registration"] for each in everything}
    assert len(registered) == 2

    for one in registered:
        found = await statements_of(own, registration=one)
        assert [each["id"] for each in found] == [
            each["id"] for each in everything if each["context"]["registration"] == one
        ]
        assert len(found) == 4
        assert len(await statements_of(own, registration=one, verb=VERBS["scored"], agent=ada)) == 1


async def test_related_activities_and_agents(
    own: Partner, database: Database, keys: KeyRing
) -> None:
    ada, bob = await own.learner(), await own.learner()
    await practiced(own, database, keys, learner=ada)
    await practiced(own, database, keys, learner=bob)
    everything = await statements_of(own)
    (rubric,) = {
        each["id"]
        for statement in everything
        for each in statement["context"].get("contextActivities", {}).get("other", ())
    }
    authority = json.dumps({"account": {"homePage": BASE, "name": "rapport"}})
    person = json.dumps({"account": {"homePage": BASE, "name": ada}})

    assert await statements_of(own, activity=rubric) == []
    broad = await statements_of(own, activity=rubric, related_activities=True)
    assert verbs_of(broad) == ["passed", "scored"] * 2
    scenario = everything[0]["object"]["id"]
    assert len(await statements_of(own, activity=scenario, related_activities=True)) == 8
    assert len(await statements_of(own, related_activities=True)) == 8
    assert await statements_of(own, agent=authority) == []
    assert len(await statements_of(own, agent=authority, related_agents=True)) == 8
    assert len(await statements_of(own, agent=person, related_agents=True)) == 4


async def test_nothing_is_ever_voided(own: Partner, database: Database, keys: KeyRing) -> None:
    await practiced(own, database, keys)
    shown = (await statements_of(own))[0]["id"]

    answer = await own.get(PATH, params={"voidedStatementId": shown, "format": "ids"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert "ever voided" in answer.json()["detail"]
    assert (await own.get(PATH, params={"statementId": shown})).status_code == 200


class TestBasic:
    """The key as the password of HTTP Basic (RFC 7617), where learning record tools read."""

    def _header(self, user: str, password: str) -> str:
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    @pytest.mark.parametrize("user", ["", "rapport", "Jos\u00e9", "key_01k9"])
    async def test_the_key_is_the_password(self, own: Partner, user: str) -> None:
        header = self._header(user, own.tenant.api_key)
        for scheme in (header, header.replace("Basic", "basic")):
            answer = await own.http.get(PATH, headers={"Authorization": scheme})
            assert (answer.status_code, answer.json()["statements"]) == (200, [])
            assert "www-authenticate" not in answer.headers

    async def test_what_is_no_key_is_refused(self, own: Partner) -> None:
        key = own.tenant.api_key
        for header in (
            self._header("rapport", key + "x"),
            self._header(key, ""),
            self._header(key, "rapport"),
            "Basic " + key,
            "Basic %%%",
            "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
            "Basic",
        ):
            answer = await own.http.get(PATH, headers={"Authorization": header})
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), header
            assert answer.headers.get_list("www-authenticate") == [
                "Bearer",
                'Basic realm="Rapport", charset="UTF-8"',
            ]

    async def test_scopes_and_bounds_are_the_keys(
        self, own: Partner, key_maker: KeyMaker, database: Database, keys: KeyRing
    ) -> None:
        await practiced(own, database, keys)
        tenant_id, other = own.tenant.tenant_id, parse_id("lrn", await own.learner())
        narrow = await key_maker.new(tenant_id, scopes=["teams:read"])
        bound = await key_maker.new(tenant_id, scopes=["exports:read"], learner_id=other)

        refused = await own.http.get(PATH, headers={"Authorization": self._header("a", narrow)})
        empty = await own.http.get(PATH, headers={"Authorization": self._header("a", bound)})

        assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
        assert empty.json()["statements"] == []

    @pytest.mark.parametrize("path", ["/v1/lrs", "/v1/teams", "/v1/events", "/ops/tenants"])
    async def test_nowhere_else(self, own: Partner, path: str) -> None:
        header = self._header("rapport", own.tenant.api_key)
        answer = await own.http.get(path, headers={"Authorization": header})
        assert answer.status_code in {401, 404}
        assert "basic" not in answer.headers.get("www-authenticate", "").lower()
