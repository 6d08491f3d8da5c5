"""The frame of a conversation: not owed in a short one, and no easier to hit in a long one."""

import pytest

from services.scoring_worker.judging.detectors.process import AT_END, EARLY, FRAMED_FROM
from services.scoring_worker.judging.detectors.registry import DETECTORS
from services.scoring_worker.judging.reading import read

SHOWS = {
    "greets": "Hello, this is Sam.",
    "asks_about_needs": "What happened before that?",
    "asks_early": "What happened before that?",
    "recaps": "To recap: a technician comes on Friday.",
    "sums_up_at_end": "To recap: a technician comes on Friday.",
    "sets_next_step": "I'll call you on Friday at noon.",
    "agrees_next_step": "I'll call you on Friday at noon.",
    "closes": "Thank you for calling, have a nice day.",
    "offers_arrangement": "I can offer you three payments of 40 dollars.",
    "reassures": "Your money is safe, take your time.",
}
"""Indicator key and what does it."""

EARLY_ONES = frozenset({"greets", "asks_about_needs", "asks_early"})
LATE_ONES = frozenset({"recaps", "sums_up_at_end", "sets_next_step", "agrees_next_step", "closes"})


def finding(talks, key: str, turns: int, *places: int):
    """Look at a talk of so many agent turns that shows it at these places (from 0)."""
    said = [SHOWS[key] if place in places else "Right." for place in range(turns)]
    lines = "\n".join(
        f"C: The heating went cold on day {n}.\nA: {text}" for n, text in enumerate(said)
    )
    return DETECTORS[key](read(talks(lines)))


@pytest.mark.parametrize("key", sorted(SHOWS))
class TestFrame:
    def test_a_short_talk_is_neither_praised_nor_blamed(self, key: str, talks) -> None:
        for turns in range(1, FRAMED_FROM):
            assert finding(talks, key, turns).opportunities == 0
            assert finding(talks, key, turns, *range(turns)).opportunities == 0

    def test_from_four_turns_on_it_is_owed(self, key: str, talks) -> None:
        assert finding(talks, key, FRAMED_FROM).opportunities == 1
        assert finding(talks, key, FRAMED_FROM).hits == 0
        assert finding(talks, key, FRAMED_FROM, *range(FRAMED_FROM)).hits == 1


LONG = 30


@pytest.mark.parametrize("key", sorted(EARLY_ONES | LATE_ONES))
def test_a_long_talk_gives_no_more_chances(key: str, talks) -> None:
    """The middle of a long talk is neither its beginning nor its end."""
    middle = range(EARLY, LONG - AT_END)
    assert finding(talks, key, LONG, *middle).hits == 0
    assert finding(talks, key, LONG, 0 if key in EARLY_ONES else LONG - 1).hits == 1


@pytest.mark.parametrize(("place", "hits"), [(LONG - AT_END, 1), (LONG - AT_END - 1, 0)])
def test_the_outcome_is_confirmed_in_the_last_few_turns(talks, place: int, hits: int) -> None:
    said = ["Did I get that right?" if n == place else "Right." for n in range(LONG)]
    lines = "\n".join(
        f"C: The heating went cold on day {n}.\nA: {text}" for n, text in enumerate(said)
    )
    assert DETECTORS["confirms_outcome"](read(talks(lines))).hits == hits
