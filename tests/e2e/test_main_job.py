"""The main job over HTTP, like a partner does it: practice, be scored with proof, see the trend."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.e2e.partner import LINES, SCENARIO, Partner, transcript
from tests.e2e.truth import assert_whole, settled

SKILLS = {
    "relate.empathy",
    "understand.active_listening",
    "communicate.clarity",
}
"""Some of the taxonomy that every conversation of a few turns lets a judge observe."""


async def test_practice_scores_and_trend(partner: Partner) -> None:
    team, other_team = await partner.team("Delivery desk"), await partner.team("Night shift")
    learner, colleague = await partner.learner(team), await partner.learner(other_team)
    others = [await partner.learner(team) for _ in range(4)]
    last_week = datetime.now(UTC) - timedelta(days=7)

    practiced, played, *called = await asyncio.gather(
        _practice(partner, learner),
        _autopilot(partner, learner),
        *(
            partner.score(each, exchanges=4 + number, occurred_at=last_week.isoformat())
            for number, each in enumerate((learner, *others))
        ),
    )
    await partner.score(colleague)
    await settled(partner)

    practice = await _assessment_of_simulation(partner, practiced)
    autopilot = await _assessment_of_simulation(partner, played)
    calls = [await _assessment_of_scoring(partner, each) for each in called]
    call = calls[0]
    assert (practice["source"], autopilot["source"], call["source"]) == (
        "simulation",
        "simulation",
        "call",
    )
    spoken = await partner.get(f"/v1/simulations/{practiced}/turns")
    assert _verify_evidence(practice, _texts(spoken["data"])) >= 3
    listed = await partner.get(f"/v1/simulations/{played}/turns")
    assert _verify_evidence(autopilot, _texts(listed["data"])) >= 3
    handed_in = {
        f"t{number}": (turn["role"], turn["text"])
        for number, turn in enumerate(transcript(4)["turns"], start=1)
    }
    assert _verify_evidence(call, handed_in) >= 3
    await _check_trend(partner, team, practices=(practice, autopilot), calls=calls)
    elsewhere = await partner.get(f"/v1/reports/teams/{other_team}/trend", source="simulation")
    assert elsewhere["data"] == []
    await assert_whole(partner)


async def _practice(partner: Partner, learner: str) -> str:
    """Practice until the customer ends it or the learner has nothing more to say."""
    created = await partner.simulation(learner, seed=7)
    assert [turn["seq"] for turn in created["turns"]] == [0]
    assert created["turns"][0]["role"] == "customer"
    await partner.talk(created["id"], len(LINES))
    mood = [partner.exchanges[created["id"], seq]["reply"]["mind"] for seq in (1, 3, 5)]
    assert mood[0] != mood[2], "what the learner does moves the customer"
    await partner.end(created["id"])
    ended = await partner.get(f"/v1/simulations/{created['id']}")
    assert ended["end_reason"] in {"learner_ended", "goal_met"}
    refused = await partner.post(
        f"/v1/simulations/{created['id']}/turns",
        {"text": "One more thing", "expected_seq": ended["last_seq"]},
    )
    assert refused.json()["code"] == "simulation-closed"
    return str(created["id"])


async def _autopilot(partner: Partner, learner: str) -> str:
    created = await partner.simulation(learner, mode="autopilot", profile="skilled", seed=3)
    assert created["scenario"]["slug"] == SCENARIO
    return str(created["id"])


async def _assessment_of_simulation(partner: Partner, simulation_id: str) -> Any:
    simulation = await partner.get(f"/v1/simulations/{simulation_id}")
    assert simulation["status"] == "scored"
    scoring = await partner.get(f"/v1/scorings/{simulation['scoring_id']}")
    assert scoring["simulation_id"] == simulation_id
    assert scoring["assessment_id"] == simulation["assessment_id"]
    return await partner.get(f"/v1/assessments/{simulation['assessment_id']}")


async def _assessment_of_scoring(partner: Partner, scoring_id: str) -> Any:
    scoring = await partner.get(f"/v1/scorings/{scoring_id}")
    assert scoring["status"] == "completed"
    return await partner.get(f"/v1/assessments/{scoring['assessment_id']}")


def _texts(turns: Sequence[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    roles = {"learner": "agent", "customer": "customer"}
    return {f"t{turn['seq']}": (roles[turn["role"]], turn["text"]) for turn in turns}


def _verify_evidence(assessment: Any, turns: dict[str, tuple[str, str]]) -> int:
    """Check every quote against the turn it cites; return how many quotes there were."""
    quotes = [
        quote
        for criterion in assessment["criteria"]
        for indicator in criterion["indicators"]
        for quote in indicator["evidence"]
    ]
    quotes += [advice["evidence"] for advice in assessment["advice"] if advice["evidence"]]
    for quote in quotes:
        role, text = turns[quote["turn_id"]]
        assert role == "agent", "only the scored person's words are evidence"
        assert quote["quote"] == text[quote["start"] : quote["end"]] != ""
    scored = {each["skill"]: each for each in assessment["skills"] if each["status"] == "scored"}
    assert scored.keys() >= SKILLS
    assert all(0 <= each["score"] <= 100 for each in scored.values())
    assert assessment["engine"] == "embedded"
    return len(quotes)


async def _check_trend(
    partner: Partner, team: str, *, practices: Sequence[Any], calls: Sequence[Any]
) -> None:
    """Last week's number is made of the calls of that week, and of nothing else; what one person
    practiced today is counted, and shown to nobody.
    """
    scores = [_score(assessment, "relate.empathy") for assessment in calls]
    for source in ("call", "all"):
        trend = await partner.get(
            f"/v1/reports/teams/{team}/trend", skill="relate.empathy", source=source
        )
        (point,) = trend["data"]
        day = datetime.fromisoformat(calls[0]["occurred_at"]).date()
        assert point["week"] == (day - timedelta(days=day.weekday())).isoformat()
        assert (point["n"], point["learners"]) == (len(calls), len(calls))
        assert point["mean"] == round(sum(scores) / len(scores), 1)
        assert trend["as_of"]["behind"] == 0
    practiced = await partner.get(
        f"/v1/reports/teams/{team}/trend", skill="relate.empathy", source="simulation"
    )
    assert (practiced["data"], practiced["running"]) == ([], [])
    assert [gap["reason"] for gap in practiced["suppressed"]] == ["not_over"]
    counted = await partner.product.sql(
        "select score from report.facts where tenant_id = $1 and source = 'simulation'"
        " and skill = 'relate.empathy'",
        partner.tenant_id,
    )
    assert sorted(row["score"] for row in counted) == sorted(
        _score(assessment, "relate.empathy") for assessment in practices
    )


def _score(assessment: Any, skill: str) -> int:
    return {each["skill"]: each["score"] for each in assessment["skills"]}[skill]
