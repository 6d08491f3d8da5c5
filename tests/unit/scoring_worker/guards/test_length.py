"""It is not how much somebody says: words alone neither win nor lose."""

from statistics import fmean

import msgspec
import pytest

from infra.fairness.shifts import OVERALL, Case, correlation, judged, shifts
from shared.contracts.scoring import TranscriptTurn

MOST = 0.5
"""Largest correlation of a skill's score with the words of the person."""
ENOUGH = 20
"""Conversations with a score that a correlation needs."""

PADDING = (
    "Well, as I was going to say, and this is just by the way, so to speak, there it is.",
    "Right then, more or less the way things are, at the end of the day, as ever.",
    "And so on and so forth, one thing and another, as these things tend to go in general.",
)


def words(case) -> int:
    return sum(len(turn.text.split()) for turn in case.transcript.turns if turn.role == "agent")


def correlations(*kinds: list[Case]) -> dict[str, float]:
    """Return r of each key within kinds of learners: both sides less the mean of their kind."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for found in kinds:
        scored: dict[str, list[tuple[int, int]]] = {}
        for case in found:
            for key, score in judged(case).scores.items():
                scored.setdefault(key, []).append((words(case), score))
        for key, seen in scored.items():
            mean = [fmean(column) for column in zip(*seen, strict=True)]
            pairs.setdefault(key, []).extend((w - mean[0], s - mean[1]) for w, s in seen)
    return {
        key: correlation([a for a, _ in seen], [b for _, b in seen])
        for key, seen in pairs.items()
        if len(seen) >= ENOUGH
    }


def padded(case, *, own_turns: bool):
    turns: list[TranscriptTurn] = []
    for n, turn in enumerate(case.transcript.turns):
        empty = PADDING[n % len(PADDING)]
        if turn.role != "agent":
            turns.append(turn)
        elif own_turns:
            turns += [turn, TranscriptTurn(id=f"e{n}", role="agent", text=empty)]
        else:
            turns.append(msgspec.structs.replace(turn, text=f"{turn.text} {empty}"))
    return msgspec.structs.replace(case.transcript, turns=tuple(turns))


@pytest.mark.parametrize("own_turns", [True, False])
@pytest.mark.parametrize("profile", ["rude", "average", "skilled"])
def test_padding_does_not_win(cases, profile, own_turns):
    for case in cases.played(profile, 27):
        moved = shifts(judged(case), judged(case, padded(case, own_turns=own_turns)))
        assert moved[OVERALL] <= 3
        assert fmean(moved.values()) <= 3


BRIEF = """\
C: My internet has been down for four days and nobody calls me back. I am furious.
A: {0}
C: I lost a client because of this.
A: {1}
C: When does the technician come?
A: {2}
C: Okay.
A: {3}"""
SHORT = (
    "Four days offline, that is really frustrating. I am sorry. What have you tried so far?",
    "Losing a client is hard, I understand that you are angry. I will send a technician tomorrow.",
    "Tomorrow at nine, because the line itself is broken. Does that suit you?",
    "To recap: the technician comes tomorrow at nine. Thank you, take care.",
)
LONG = (
    "Four days offline, with everything that hangs on it in a home these days, that is really frustrating, and there is no other word for it. I am sorry. What have you tried so far, if I may ask, on your side of the line?",
    "Losing a client is hard, whatever the trade and whatever the size of the thing, and I understand that you are angry. I will send a technician tomorrow, and that is the first thing on the list here.",
    "Tomorrow at nine, when the first round of the day begins, because the line itself is broken. Does that suit you, with the day as you have it?",
    "To recap, so that it is all in one place: the technician comes tomorrow at nine. Thank you for the talk today, and take care until then.",
)


def test_the_same_acts_in_fewer_words_do_not_lose(talks):
    def overall(said) -> int:
        found = judged(_case(talks, BRIEF.format(*said)))
        return found.scores[OVERALL]

    assert overall(SHORT) >= overall(LONG) - 3


def _case(talks, lines) -> Case:
    return Case(transcript=talks(lines), rubric=talks.rubric("support"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_words_do_not_make_the_score_within_a_kind_of_learner(cases):
    """Over all learners together, skill and words go together: the script of the skilled is longer."""
    found = correlations(
        *(
            [case for seed in range(3) for case in cases.played(name, 1, seed)]
            for name in ("average", "skilled", "unskilled")
        )
    )
    assert {key: round(r, 2) for key, r in found.items() if abs(r) > MOST} == {}
