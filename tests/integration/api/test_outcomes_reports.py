"""Customer outcomes through the whole path: handed in, stored, asked over NATS, shown."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.aio.client import Client

from services.api.context import ProcessContext
from services.reporting.desk import Desk
from services.reporting.endpoint import QuestionEndpoint
from services.reporting.questions import QUESTIONS
from shared.ids import parse_id
from shared.keys import SCOPES
from tests.integration.api.conftest import KeyMaker, Partner

CALL = {
    "source": "call",
    "turns": [
        {"role": "agent", "text": "Thank you for calling Northfield Water, how can I help you?"},
        {"role": "customer", "text": "I was charged twice and I want my money back today."},
    ],
}
AT = "2026-03-04T10:00:00Z"
MARCH = {"from": "2026-03-01", "to": "2026-03-31"}
TENANT_WIDE = ("/v1/reports/outcomes/correlations", "/v1/reports/transfer")


@pytest.fixture(scope="module")
async def reporting(context: ProcessContext, nats: Client) -> AsyncIterator[None]:
    endpoint = QuestionEndpoint(nats, Desk(context.database, context.clock), QUESTIONS)
    await endpoint.open()
    await nats.flush()
    yield
    await endpoint.close()


@pytest.fixture(scope="module")
async def team(partner: Partner) -> str:
    """Five people, each with three calls; after each call a survey was answered."""
    team = await partner.team()
    memberships = [{"team_id": team, "from": "2026-01-01"}]
    for _ in range(5):
        learner = await partner.learner(memberships=memberships)
        for number in range(3):
            contact = {
                "talk_s": 200 + number,
                "after_work_s": 100,
                "is_first_contact": True,
                "is_resolved": number > 0,
                "is_transferred": number == 2,
            }
            body = {
                "learner_id": learner,
                "occurred_at": AT,
                "conversation": {**CALL, "contact": contact},
            }
            scoring = (await partner.post("/v1/scorings", body)).json()
            survey = {
                "form": "csat-5",
                "conversation_id": scoring["conversation"]["id"],
                "score": 3 + number,
            }
            assert (await partner.post("/v1/surveys", survey)).status_code == 201
    return team


async def test_without_reporting_it_is_503_and_surveys_are_taken(
    partner: Partner, team: str
) -> None:
    """Stands first: reporting starts with the test that needs it."""
    for path in (f"/v1/reports/teams/{team}/outcomes", *TENANT_WIDE):
        response = await partner.get(path)
        assert response.status_code == 503, path
        assert response.headers["Retry-After"]
    body = {"form": "nps", "learner_id": await partner.learner(), "score": 9}
    assert (await partner.post("/v1/surveys", body)).status_code == 201


@pytest.mark.usefixtures("reporting")
class TestReports:
    async def test_what_was_handed_in_comes_out(self, partner: Partner, team: str) -> None:
        path = f"/v1/reports/teams/{team}/outcomes"
        response = await partner.get(path, params={**MARCH, "bucket": "week"})
        assert response.status_code == 200, response.text
        body = response.json()
        (csat,) = body["surveys"]
        (point,) = csat["points"]
        assert (point["start"], point["end"]) == ("2026-03-02", "2026-03-08")
        assert point["numbers"] == csat["period"]
        assert point["numbers"]["positive"]["value"] == 66.7
        assert point["numbers"]["response_rate"] == 100.0
        assert body["handle_time"]["period"] == {
            "n": 15,
            "learners": 5,
            "median_s": 301.0,
            "p90_s": 302.0,
            "mean_s": 301.0,
        }
        assert body["resolution"]["period"]["gross"]["value"] == 66.7
        assert body["transfers"]["period"]["share"]["value"] == 33.3
        assert body["headline"].startswith("66.7 % of 15 answers to csat-5 were positive")
        assert set(body["as_of"]) == {"at", "position", "behind"}

    async def test_another_positive_set_changes_the_share(
        self, partner: Partner, team: str
    ) -> None:
        strict = {"kind": "csat", "scale": {"low": 1, "high": 5}, "positive": [5]}
        assert (await partner.put("/v1/survey_forms/csat-5", strict)).status_code == 200
        body = (await partner.get(f"/v1/reports/teams/{team}/outcomes", params=MARCH)).json()
        usual = {**strict, "positive": [4, 5]}
        assert (await partner.put("/v1/survey_forms/csat-5", usual)).status_code == 200
        assert body["surveys"][0]["period"]["positive"]["value"] == 33.3
        assert body["surveys"][0]["positive_values"] == [5]

    async def test_correlation_and_transfer_say_what_they_are(
        self, partner: Partner, team: str
    ) -> None:
        when = ({"to": "2026-05-31"}, {"quarter": "2026-Q1"})
        for path, kind, time in zip(TENANT_WIDE, ("correlation", "association"), when, strict=True):
            for params in ({}, {"team_id": team}):
                response = await partner.get(path, params={**params, **time})
                assert response.status_code == 200, response.text
                assert response.json()["kind"] == kind
                assert response.json()["data"] == []
                assert response.json()["headline"]

    @pytest.mark.parametrize(
        ("path", "params", "pointer"),
        [
            ("teams/{team}/outcomes", {"from": "2026-02-01", "to": "2026-01-01"}, "query:to"),
            ("teams/{team}/outcomes", {"from": "2001-02-01", "to": "2026-01-01"}, "query:from"),
            ("teams/{team}/outcomes", {"to": "2300-01-01"}, "query:to"),
            ("transfer", {"quarter": "2026-Q5"}, "query:quarter"),
            ("transfer", {"quarter": "2090-Q1"}, "query:quarter"),
            ("outcomes/correlations", {"skill": "Empathy!"}, "query:skill"),
        ],
    )
    async def test_wrong_questions_are_refused(
        self, partner: Partner, team: str, path: str, params: dict[str, Any], pointer: str
    ) -> None:
        response = await partner.get(f"/v1/reports/{path.format(team=team)}", params=params)
        assert response.status_code == 400, response.text
        assert [error["pointer"] for error in response.json()["errors"]] == [pointer]

    async def test_bound_keys_see_their_teams_only(
        self, partner: Partner, team: str, key_maker: KeyMaker
    ) -> None:
        tenant_id, other = partner.tenant.tenant_id, await partner.team()
        text = await key_maker.new(tenant_id, scopes=SCOPES, team_ids=[parse_id("team", other)])
        bound = partner.as_key(text)
        assert (await bound.get(f"/v1/reports/teams/{team}/outcomes")).status_code == 404
        for path in TENANT_WIDE:
            assert (await bound.get(path)).status_code == 200
            assert (await bound.get(path, params={"team_id": team})).status_code == 404
        learner = await key_maker.new(
            tenant_id, scopes=SCOPES, learner_id=parse_id("lrn", await partner.learner())
        )
        for path in TENANT_WIDE:
            assert (await partner.as_key(learner).get(path)).status_code == 403
