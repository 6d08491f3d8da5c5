"""Reports about practice through the whole path: key, API, NATS, reporting, Postgres."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from nats.aio.client import Client

from services.api.context import ProcessContext
from services.reporting.desk import Desk
from services.reporting.endpoint import QuestionEndpoint
from services.reporting.questions import QUESTIONS
from shared.ids import format_id, parse_id
from shared.keys import SCOPES
from tests.integration.api.conftest import KeyMaker, Partner
from tests.integration.reporting.practice_world import Practice
from tests.integration.reporting.reporting_world import World

LEARNER = ("proficiency", "practice", "goals", "next_practice")
TEAM = ("proficiency", "practice", "next_practice")


@pytest.fixture(scope="module")
async def reporting(context: ProcessContext, nats: Client) -> AsyncIterator[None]:
    endpoint = QuestionEndpoint(nats, Desk(context.database, context.clock), QUESTIONS)
    await endpoint.open()
    await nats.flush()
    yield
    await endpoint.close()


class Site:
    """A team whose members are weak at empathy, by ids as the API shows them."""

    def __init__(self, team: str, learners: list[str]) -> None:
        self.team = team
        self.learners = learners
        self.paths = [f"/v1/reports/learners/{learners[0]}/{each}" for each in LEARNER]
        self.paths += [f"/v1/reports/teams/{team}/{each}" for each in TEAM]


@pytest.fixture(scope="module")
async def site(partner: Partner, database_url: str, context: ProcessContext) -> Site:
    connection = await asyncpg.connect(
        database_url, server_settings={"search_path": "app,report", "timezone": "UTC"}
    )
    practice = Practice(World(connection), partner.tenant.tenant_id)
    today = context.clock.now().date()
    team = await partner.team()
    memberships = [{"team_id": team, "from": "2025-01-06"}]
    learners = [await partner.learner(memberships=memberships) for _ in range(5)]
    scenario = await practice.scenario("support-angry-late-delivery")
    for learner in learners:
        for days in range(8, 29):
            await practice.attempt(
                parse_id("lrn", learner),
                today - timedelta(days=days),
                {"relate.empathy": 55},
                team_id=parse_id("team", team),
                scenario_id=scenario,
                overall=60,
                minutes=10,
            )
    await connection.close()
    return Site(team, learners)


async def ok(partner: Partner, path: str, **params: Any) -> dict[str, Any]:
    response = await partner.get(path, params=params)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    assert body["headline"]
    assert set(body["as_of"]) == {"at", "position", "behind"}
    return body


async def test_without_reporting_goals_still_work(partner: Partner, site: Site) -> None:
    """Stands first: reporting starts with the test that needs it."""
    for path in (*site.paths, "/v1/reports/scenarios"):
        response = await partner.get(path)
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) > 0
    assert (await partner.get("/v1/goals")).status_code == 200


@pytest.mark.usefixtures("reporting")
class TestAnswers:
    async def test_a_learner(self, partner: Partner, site: Site) -> None:
        learner = site.learners[0]
        path = f"/v1/reports/learners/{learner}"
        known = await ok(partner, f"{path}/proficiency", source="simulation")
        assert (known["learner_id"], known["source"]) == (learner, "simulation")
        assert [(each["skill"], each["score"]) for each in known["skills"]] == [
            ("relate.empathy", 55.0)
        ]
        done = await ok(partner, f"{path}/practice")
        assert sum(week["practice"]["attempts"] for week in done["weeks"]) == 21
        assert sum(week["practice"]["minutes"] or 0 for week in done["weeks"]) == 210
        advised = await ok(partner, f"{path}/next_practice", limit=1)
        (suggestion,) = advised["suggestions"]
        assert suggestion["skill"] == "relate.empathy"
        found = await partner.get(f"/v1/scenarios/{suggestion['scenario']['scenario_id']}")
        assert found.json()["slug"] == suggestion["scenario"]["slug"]

    async def test_goals(self, partner: Partner, site: Site) -> None:
        body = {
            "learner_id": site.learners[1],
            "kind": "score",
            "skill": "relate.empathy",
            "target": 50,
            "starts_on": "2026-01-01",
            "due_on": "2027-12-31",
        }
        goal = (await partner.post("/v1/goals", body)).json()
        told = await ok(partner, f"/v1/reports/learners/{site.learners[1]}/goals")
        (progress,) = told["goals"]

        assert progress["goal_id"] == goal["id"]
        assert progress["state"] == "met"

    async def test_a_ranking_only_where_the_tenant_wants_it(
        self, partner: Partner, site: Site, key_maker: KeyMaker
    ) -> None:
        path, asked = f"/v1/reports/teams/{site.team}/ranking", {"skill": "relate.empathy"}
        refused = await partner.get(path, params=asked)
        assert (refused.status_code, refused.json()["code"]) == (403, "ranking-off")
        body = {"expected_revision": 0, "rank_people": True}
        assert (await partner.put("/v1/settings/reports", body)).status_code == 200
        told = await ok(partner, path, **asked)
        assert {each["learner_id"] for each in told["people"]} == set(site.learners)
        assert {each["place"] for each in told["people"]} == {1}
        assert "no order" in told["headline"]
        assert (await partner.get(path)).json()["errors"][0]["pointer"] == "query:skill"
        bound = await key_maker.new(
            partner.tenant.tenant_id,
            scopes=["reports:read"],
            learner_id=parse_id("lrn", site.learners[0]),
        )
        assert (await partner.as_key(bound).get(path, params=asked)).status_code == 403

    async def test_a_team(self, partner: Partner, site: Site) -> None:
        path = f"/v1/reports/teams/{site.team}"
        known = await ok(partner, f"{path}/proficiency")
        assert [(each["skill"], each["people"]) for each in known["skills"]] == [
            ("relate.empathy", 5)
        ]
        done = await ok(partner, f"{path}/practice")
        assert {period["people"] for period in done["periods"]} == {5}
        exercise = (await ok(partner, f"{path}/next_practice"))["exercise"]
        assert exercise["skill"] == "relate.empathy"
        assert exercise["scenario"]["scenario_id"].startswith("scn_")

    async def test_scenarios(self, partner: Partner, site: Site) -> None:
        told = await ok(partner, "/v1/reports/scenarios")

        assert [each["slug"] for each in told["scenarios"]] == ["support-angry-late-delivery"]

    async def test_no_answer_about_a_team_names_anybody(self, partner: Partner, site: Site) -> None:
        for each in (*site.paths[len(LEARNER) :], "/v1/reports/scenarios"):
            text = (await partner.get(each)).text
            assert "lrn_" not in text
            assert not [one for one in site.learners if one in text]

    @pytest.mark.parametrize(
        ("path", "params"),
        [
            ("practice", {"from": "2026-05-01", "to": "2026-04-30"}),
            ("practice", {"from": "2020-05-01", "to": "2026-04-30"}),
            ("practice", {"from": "1020-05-01"}),
            ("next_practice", {"limit": 6}),
            ("proficiency", {"source": "dreams"}),
        ],
    )
    async def test_wrong_questions(
        self, partner: Partner, site: Site, path: str, params: dict[str, Any]
    ) -> None:
        learner = f"/v1/reports/learners/{site.learners[0]}/{path}"
        response = await partner.get(learner, params=params)

        assert response.status_code == 400
        assert response.json()["errors"][0]["pointer"].startswith("query:")

    async def test_who_may_not_ask(
        self, partner: Partner, stranger: Partner, site: Site, key_maker: KeyMaker
    ) -> None:
        tenant_id = partner.tenant.tenant_id
        team = parse_id("team", await partner.team())
        bound = partner.as_key(await key_maker.new(tenant_id, scopes=SCOPES, team_ids=[team]))
        for path in site.paths:
            assert (await stranger.get(path)).status_code == 404
            assert (await bound.get(path)).status_code == 404
        assert (await bound.get("/v1/reports/scenarios")).status_code == 403

    async def test_a_learner_s_own_key(
        self, partner: Partner, site: Site, key_maker: KeyMaker
    ) -> None:
        learner = parse_id("lrn", site.learners[0])
        tenant_id = partner.tenant.tenant_id
        own = partner.as_key(await key_maker.new(tenant_id, scopes=SCOPES, learner_id=learner))
        for path in site.paths[: len(LEARNER)]:
            assert (await own.get(path)).status_code == 200
            other = path.replace(site.learners[0], site.learners[1])
            assert (await own.get(other)).status_code == 404
        assert format_id("lrn", learner) == site.learners[0]
