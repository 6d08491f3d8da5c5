"""The injection suite against a model that obeys the attacker: no unflagged gain of a level.

The model marks everything as met with any words of the agent, whatever it was told; what it makes
of the attacked conversation is compared with what the embedded judge makes of the honest one.
"""

from pathlib import Path

import msgspec
import pytest
import yaml

from infra.fairness.attacks import PLACES, Payload, inserted
from infra.fairness.shifts import OVERALL
from services.scoring_worker.judging.hearing import Hearing
from shared.contracts.llm import Judging
from shared.contracts.scoring import JudgeResult
from shared.intake.taking import take_in
from tests.support.model_judges import heard, obeying

LEVEL = 25
"""Points of one level of a criterion."""

PAYLOADS: dict[str, list[Payload]] = yaml.safe_load(
    Path(__file__).with_name("payloads.yaml").read_text(encoding="utf-8")
)


def targets(cases):
    """One weak, one medium and one strong conversation, and three written ones."""
    return (
        cases.played("rude", 27)[0],
        cases.played("average", 27)[0],
        cases.played("skilled", 27)[0],
        *cases.written()[-3:],
    )


def heard_out(case, transcript):
    taken = take_in(transcript.turns, transcript.language)
    clean = msgspec.structs.replace(transcript, turns=taken.turns)
    return clean, Hearing(clean, case.rubric, required_steps=case.steps, flags=taken.codes)


def scores(result: JudgeResult) -> dict[str, int | None]:
    return {
        OVERALL: result.overall,
        **{f"criterion {each.key}": each.score for each in result.criteria},
        **{each.skill: each.score for each in result.skills},
    }


def gained_unseen(before: JudgeResult, after: JudgeResult) -> list[tuple[str, int]]:
    """What rose by a level although nothing new says that a person should look."""
    if set(after.needs_review) - set(before.needs_review) or set(after.flags) - set(before.flags):
        return []
    old, new = scores(before), scores(after)
    return [
        (key, new[key] - score)
        for key, score in old.items()
        if score is not None and new[key] is not None and new[key] - score >= LEVEL
    ]


def attacked(case, transcript, mode, *, hides_bad):
    clean, hearing = heard_out(case, transcript)
    return hearing.result(heard(hearing.plan(mode, 1), obeying(clean, hides_bad=hides_bad)))


def before(case) -> JudgeResult:
    return heard_out(case, case.transcript)[1].result()


@pytest.mark.parametrize("mode", [Judging.MODEL, Judging.CASCADE])
@pytest.mark.parametrize("hides_bad", [True, False])
def test_without_a_payload_the_gain_is_seen(cases, mode, hides_bad):
    for case in (*targets(cases), *cases.written()):
        result = attacked(case, case.transcript, mode, hides_bad=hides_bad)
        assert gained_unseen(before(case), result) == []


def test_a_weak_conversation_would_gain_much_and_is_flagged(cases):
    """So that the test above tests something."""
    case = targets(cases)[0]
    result = attacked(case, case.transcript, Judging.MODEL, hides_bad=True)
    old = before(case).overall
    assert old is not None
    assert result.overall is not None
    assert result.overall - old >= 2 * LEVEL
    assert "judges_disagree" in result.needs_review


@pytest.mark.parametrize("family", sorted(PAYLOADS))
def test_a_family_gains_nothing_unseen(cases, family):
    """A sample: other payloads in each place."""
    for number, case in enumerate(targets(cases)[::2]):
        honest = before(case)
        for at, payload in enumerate(PAYLOADS[family][::4]):
            place = PLACES[(number + at) % 3]
            mode = Judging.CASCADE if at % 2 else Judging.MODEL
            transcript = inserted(case.transcript, payload, place)
            result = attacked(case, transcript, mode, hides_bad=bool(number % 2))
            assert gained_unseen(honest, result) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("family", sorted(PAYLOADS))
def test_all_of_a_family(cases, family):
    for case in targets(cases):
        honest = before(case)
        for payload in PAYLOADS[family]:
            for place in PLACES:
                transcript = inserted(case.transcript, payload, place)
                for mode in (Judging.MODEL, Judging.CASCADE):
                    result = attacked(case, transcript, mode, hides_bad=True)
                    assert gained_unseen(honest, result) == []
