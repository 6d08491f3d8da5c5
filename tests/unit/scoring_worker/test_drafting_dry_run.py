"""Drafted rubrics on the recorded conversations."""

from services.scoring_worker.drafting.trying import recorded, try_out
from shared.library import load_scenarios
from shared.library.rubrics import load_rubrics


def test_the_recordings_are_of_every_role_and_of_both_sides() -> None:
    conversations = recorded()
    assert len(conversations) == 12
    known = {spec.slug for spec in load_scenarios()}
    assert known
    for one in conversations:
        assert {turn.role for turn in one.turns} == {"agent", "customer"}
        assert len({turn.id for turn in one.turns}) == len(one.turns) >= 8


def test_a_rubric_tells_them_apart() -> None:
    (general,) = [rubric for rubric in load_rubrics() if rubric.slug == "general"]
    trial = try_out(general)
    assert trial.conversations == 12
    assert trial.overall.count >= 9
    low, high = sum(trial.overall.classes[:2]), sum(trial.overall.classes[3:])
    assert low >= 2
    assert high >= 2
