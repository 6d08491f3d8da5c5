"""Two answers about a team differ by nobody or by enough people."""

from datetime import date, timedelta
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import given

from services.reporting.trends.telling import Told, decode, encode, next_told

SUNDAY = date(2026, 9, 27)
PEOPLE = [UUID(int=number) for number in range(12)]

levels = st.dictionaries(
    st.sampled_from(PEOPLE), st.sampled_from([0.0, 49.9, 62.5, 100.0]), max_size=12
)


def told(levels: dict[UUID, float], weeks: int = 0) -> Told:
    return Told(until=SUNDAY + timedelta(weeks=weeks), levels=levels)


def changed(one: Told, other: Told) -> int:
    everybody = one.levels.keys() | other.levels.keys()
    return sum(one.levels.get(each) != other.levels.get(each) for each in everybody)


FIVE = dict.fromkeys(PEOPLE[:5], 80.0)


def test_a_newcomer_alone_is_not_shown():
    first = next_told(None, told(FIVE), at_least=5)
    assert first == told(FIVE)
    joined = told({**FIVE, PEOPLE[7]: 10.0}, weeks=1)
    assert next_told(first, joined, at_least=5) == first
    assert next_told(first, told(FIVE, weeks=2), at_least=5) == told(FIVE, weeks=2)
    many = told({**FIVE, **dict.fromkeys(PEOPLE[5:10], 10.0)}, weeks=3)
    assert next_told(first, many, at_least=5) == many


def test_too_few_are_told_nothing():
    assert next_told(None, told({}), at_least=5) is None
    assert next_told(told(FIVE), told({}, weeks=1), at_least=5) is None  # all have left
    assert next_told(told(FIVE), told(FIVE, weeks=1), at_least=6) is None  # more are wanted now


@given(st.lists(levels, max_size=12), st.integers(5, 7))
def test_whatever_happens_answers_differ_by_enough(course, at_least):
    before = None
    for week, now in enumerate(course):
        answer = next_told(before, told(now, week), at_least=at_least)
        if answer is None:
            continue  # nothing is remembered: the next one is compared with the same as this
        assert len(answer.levels) >= at_least
        assert before is None or not 0 < changed(before, answer) < at_least
        before = answer


@given(levels)
def test_levels_are_kept_exactly(levels):
    assert decode(encode(levels)) == levels
    assert encode(dict(reversed(levels.items()))) == encode(levels)
