"""Reports over HTTP: questions go to reporting and come back; bound keys see theirs; it may be away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.api.context import ProcessContext
from services.reporting.desk import Desk
from services.reporting.endpoint import QuestionEndpoint
from services.reporting.questions import QUESTIONS
from shared.config import Settings
from shared.ids import parse_id
from tests.integration.api.conftest import KeyMaker, Partner
from tests.integration.reporting.reporting_process import ReportingProcess
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

SETTINGS = "/v1/settings/reports"
SCOPES = ["reports:read", "teams:read", "learners:read"]


@pytest.fixture
async def partner(http: Any, tenants: TenantFactory) -> Partner:
    """A tenant of its own for each test."""
    return Partner(http, await tenants.new())


@pytest.fixture
async def reporting(context: ProcessContext) -> AsyncIterator[None]:
    """Reporting in this process."""
    endpoint = QuestionEndpoint(context.nats, Desk(context.database, context.clock), QUESTIONS)
    await endpoint.open()
    yield
    await endpoint.close()


@pytest.mark.usefixtures("reporting")
class TestAnswers:
    async def test_every_report_of_a_team_without_scores(self, partner: Partner) -> None:
        team = await partner.team()
        base = f"/v1/reports/teams/{team}"

        trend = (await partner.get(f"{base}/trend?bucket=month&level=root")).json()
        assert (trend["data"], trend["cells"], trend["suppressed"]) == ([], [], [])
        assert (trend["bucket"], trend["min_people"]) == ("month", 5)
        assert trend["headline"].startswith("Too few people")
        assert (trend["as_of"]["behind"], trend["as_of"]["at"][-1]) == (0, "Z")
        quick = (await partner.get(f"{base}/trend?view=points")).json()
        assert quick["headline"] is None
        strengths = (await partner.get(f"{base}/strengths")).json()
        assert (strengths["mean"], strengths["strengths"]) == (None, [])
        heatmap = (await partner.get("/v1/reports/heatmap")).json()
        assert (heatmap["level"], heatmap["data"]) == ("skill", [])
        uniformity = (await partner.get("/v1/reports/uniformity")).json()
        assert (uniformity["level"], uniformity["data"]) == ("root", [])
        fresh = (await partner.get("/v1/reports/freshness")).json()
        assert (fresh["is_late"], fresh["lag_s"]) == (False, 0.0)

    async def test_a_learner_s_report(self, partner: Partner) -> None:
        learner = await partner.learner()
        found = (await partner.get(f"/v1/reports/learners/{learner}/strengths")).json()
        assert found["headline"].startswith("Too few scores")
        assert found["min_people"] == 1

    async def test_keys_see_what_they_are_bound_to(
        self, partner: Partner, key_maker: KeyMaker
    ) -> None:
        mine, other = await partner.team(), await partner.team()
        inside = await partner.learner(memberships=[{"team_id": mine, "from": "2025-01-06"}])
        outside = await partner.learner(memberships=[{"team_id": other, "from": "2025-01-06"}])
        tenant_id = partner.tenant.tenant_id
        key = await key_maker.new(tenant_id, scopes=SCOPES, team_ids=[parse_id("team", mine)])
        manager = partner.as_key(key)
        key = await key_maker.new(tenant_id, scopes=SCOPES, learner_id=parse_id("lrn", inside))
        learner = partner.as_key(key)

        async def status(caller: Partner, path: str) -> int:
            return (await caller.get(f"/v1/reports/{path}")).status_code

        for report in ("trend", "strengths"):
            assert await status(manager, f"teams/{mine}/{report}") == 200
            assert await status(manager, f"teams/{other}/{report}") == 404
            assert await status(learner, f"teams/{mine}/{report}") == 404
        assert await status(manager, f"learners/{inside}/strengths") == 200
        assert await status(manager, f"learners/{outside}/strengths") == 404
        assert await status(learner, f"learners/{inside}/strengths") == 200
        assert await status(learner, f"learners/{outside}/strengths") == 404
        for report in ("heatmap", "uniformity"):
            assert await status(manager, report) == 200
            assert await status(learner, report) == 403

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("from=2026-02-01&to=2026-01-01", "query:to"),
            ("bucket=day", "query:bucket"),
            ("view=short", "query:view"),
            ("from=1999-12-31", "query:from"),
        ],
    )
    async def test_wrong_questions(self, partner: Partner, query: str, pointer: str) -> None:
        path = f"/v1/reports/teams/{await partner.team()}/trend?{query}"
        response = await partner.get(path)
        assert response.status_code == 400
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]

    async def test_what_is_set_counts_at_once(self, partner: Partner) -> None:
        await partner.put(SETTINGS, {"expected_revision": 0, "min_people": 12})
        trend = await partner.get(f"/v1/reports/teams/{await partner.team()}/trend")
        assert trend.json()["min_people"] == 12


class TestSettings:
    async def test_defaults_changes_and_repeats(self, partner: Partner) -> None:
        shown = (await partner.get(SETTINGS)).json()
        assert (shown["revision"], shown["min_people"], shown["rank_people"]) == (0, 5, False)
        body = {"expected_revision": 0, "min_people": 8, "rank_people": True, "is_weekly": True}

        changed = (await partner.put(SETTINGS, body)).json()
        repeated = (await partner.put(SETTINGS, body)).json()

        assert (changed["revision"], changed["min_people"], changed["weekly_hour"]) == (1, 8, 6)
        assert repeated == changed == (await partner.get(SETTINGS)).json()
        stale = await partner.put(SETTINGS, {"expected_revision": 0})
        assert stale.status_code == 409
        assert stale.json()["errors"][0]["pointer"] == "/expected_revision"
        again = (await partner.put(SETTINGS, {"expected_revision": 1})).json()
        assert (again["revision"], again["min_people"], again["rank_people"]) == (2, 5, False)

    @pytest.mark.parametrize(
        ("field", "value"),
        [("min_people", 4), ("min_people", 101), ("weekly_weekday", 0), ("weekly_hour", 24)],
    )
    async def test_what_cannot_be_set(self, partner: Partner, field: str, value: int) -> None:
        response = await partner.put(SETTINGS, {"expected_revision": 0, field: value})
        assert response.status_code == 400
        assert [error["pointer"] for error in response.json()["errors"]] == [f"/{field}"]

    async def test_who_may_not(self, partner: Partner, key_maker: KeyMaker) -> None:
        team = parse_id("team", await partner.team())
        scopes = ["settings:read", "settings:write"]
        key = await key_maker.new(partner.tenant.tenant_id, scopes=scopes, team_ids=[team])
        response = await partner.as_key(key).put(SETTINGS, {"expected_revision": 0})
        assert response.status_code == 403

    async def test_two_writers_at_once(self, partner: Partner) -> None:
        bodies = [{"expected_revision": 0, "min_people": 6 + number} for number in range(5)]
        answers = await asyncio.gather(*(partner.put(SETTINGS, body) for body in bodies))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]


async def test_when_reporting_dies_everything_else_works(
    partner: Partner, settings: Settings, tmp_path: Path
) -> None:
    process = ReportingProcess(settings, tmp_path / "reporting.log")
    team = await partner.team()
    path = f"/v1/reports/teams/{team}/trend"

    async def it_answers() -> bool:
        process.assert_alive()
        return (await partner.get(path)).status_code == 200

    try:
        process.start()
        await eventually(it_answers, timeout_s=60)
        process.kill()

        for _ in range(3):
            response = await partner.get(path)
            assert response.status_code == 503
            assert response.headers["retry-after"] == "2"
            assert (await partner.get(f"/v1/teams/{team}")).status_code == 200
        assert (await partner.get(SETTINGS)).status_code == 200
        process.start()
        await eventually(it_answers, timeout_s=60)
    finally:
        process.clean_up()
