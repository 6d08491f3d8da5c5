"""A second judgment and a person's override on the whole product, down to the team's trend."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.ids import parse_id
from tests.e2e.partner import Partner
from tests.e2e.truth import settled
from tests.support.waiting import eventually

LEAST_PEOPLE = 5
"""A trend tells nothing about fewer."""


async def _scored(partner: Partner, scoring_id: str) -> dict[str, Any]:
    scoring = await partner.get(f"/v1/scorings/{scoring_id}")
    assert scoring["status"] == "completed"
    found: dict[str, Any] = await partner.get(f"/v1/assessments/{scoring['assessment_id']}")
    return found


def _score(assessment: dict[str, Any], skill: str) -> int:
    scores = {each["skill"]: each["score"] for each in assessment["skills"]}
    return int(scores[skill])


async def _mean(partner: Partner, team: str, skill: str) -> float | None:
    trend = await partner.get(f"/v1/reports/teams/{team}/trend", skill=skill)
    return trend["data"][0]["mean"] if trend["data"] else None


async def test_revisions_follow_each_other_and_the_trend_follows_them(partner: Partner) -> None:
    team = await partner.team("Reviewed")
    last_week = (datetime.now(UTC) - timedelta(days=7)).isoformat()
    scoring_id, *others = [
        await partner.score(await partner.learner(team), exchanges=6, occurred_at=last_week)
        for _ in range(LEAST_PEOPLE)
    ]
    await settled(partner)
    first = await _scored(partner, scoring_id)
    criterion = next(each for each in first["criteria"] if each["score"] is not None)
    skill = criterion["skill"]
    body = {
        "criteria": [{"key": criterion["key"], "score": 0, "comment": "Not heard on the call."}],
        "reason_code": "not_heard",
        "expected_revision": 1,
    }
    overridden = await partner.insist(f"/v1/assessments/{first['id']}/overrides", body)

    assert overridden.json()["overall"] < first["overall"]

    rescored = await partner.insist(f"/v1/scorings/{scoring_id}/rescore", {"rubric": "support"})
    assert rescored.json()["replaces_override"] is True
    path = f"/v1/assessments/{rescored.json()['assessment_id']}"

    async def is_there() -> bool:
        return (await partner.http.get(path)).status_code == 200

    await eventually(is_there)
    third = await partner.get(path)
    assert (third["revision"], third["cause"], third["rubric"]["slug"]) == (3, "rescore", "support")
    assert "override_superseded" in third["needs_review"]
    assert await partner.get(f"/v1/assessments/{first['id']}") == {**first, "is_latest": False}
    timeline = await partner.get(f"/v1/scorings/{scoring_id}/timeline")
    assert [each["kind"] for each in timeline["data"]] == [
        "scored",
        "overridden",
        "rescore_requested",
        "rescored",
    ]
    same = [await _scored(partner, each) for each in others]
    scores = [_score(each, skill) for each in (third, *same)]
    wanted = round(sum(scores) / LEAST_PEOPLE, 1)

    async def trend_has_moved() -> bool:
        rows = await partner.product.sql(
            "select distinct revision from report.facts where tenant_id = $1 and scoring_id = $2",
            partner.tenant_id,
            parse_id("scr", scoring_id),
        )
        is_counted = [row["revision"] for row in rows] == [3]
        return is_counted and await _mean(partner, team, skill) == wanted

    await eventually(trend_has_moved)
