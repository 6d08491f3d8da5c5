"""Rollups moved by differences, in whatever steps, end where counting from scratch ends."""

import struct
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from uuid import UUID

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.trends.facts import (
    Attempt,
    Cell,
    Counted,
    compare,
    facts_of,
    key_of,
)
from services.reporting.trends.people import decode
from services.reporting.trends.rollups import Rollup, RollupBrokenError, moved, movements

TEAMS = (UUID(int=1), UUID(int=2), None)
START = date(2026, 9, 1)

State = dict[UUID, Counted]


def counted(
    scores: dict[str, int] | None = None,
    *,
    scoring: int = 1,
    revision: int = 1,
    team: UUID | None = TEAMS[0],
    person: int = 99,
    day: int = 0,
    source: str = "call",
) -> Counted:
    attempt = Attempt(
        scoring_id=UUID(int=scoring),
        assessment_id=UUID(int=scoring * 10 + revision),
        revision=revision,
        person_id=UUID(int=person << 64),
        team_id=team,
        source=source,
        day=START + timedelta(days=day),
        rubric_id=UUID(int=7),
        rubric_version=1,
        engine="embedded-2",
        scenario_id=None,
        scenario_version=None,
        simulation_id=None,
        conversation_id=UUID(int=scoring),
        overall=50,
        passed=True,
    )
    return Counted(attempt, {"empathy": 50} if scores is None else scores)


def state(*rows: Counted) -> State:
    return {row.attempt.scoring_id: row for row in rows}


states = st.lists(
    st.builds(
        counted,
        st.dictionaries(st.sampled_from(("empathy", "clarity", "pace")), st.integers(0, 100)),
        scoring=st.integers(1, 6),
        revision=st.integers(1, 3),
        team=st.sampled_from(TEAMS),
        person=st.integers(0, 4),
        day=st.integers(0, 45),
        source=st.sampled_from(("call", "simulation")),
    ),
    max_size=8,
).map(lambda rows: state(*rows))


def from_scratch(rows: Iterable[Counted]) -> dict[Cell, Rollup]:
    """Counted plainly, without any of the code under test but the calendar."""
    scores: dict[Cell, list[tuple[bytes, int]]] = {}
    for attempt, by_skill in rows:
        monday = attempt.day - timedelta(days=attempt.day.weekday())
        bucket = max(monday, attempt.day.replace(day=1))
        for skill, score in by_skill.items():
            if attempt.team_id is not None:
                cell = Cell(attempt.team_id, skill, attempt.source, bucket)
                scores.setdefault(cell, []).append((attempt.person_id.bytes, score))
    return {cell: rollup_of(pairs) for cell, pairs in scores.items()}


def rollup_of(pairs: list[tuple[bytes, int]]) -> Rollup:
    counts = Counter(score for _, score in pairs)
    n = Counter(person for person, _ in pairs)
    return Rollup(
        n=len(pairs),
        total=sum(score for _, score in pairs),
        squares=sum(score * score for _, score in pairs),
        histogram=struct.pack("<101i", *(counts[score] for score in range(101))),
        people=b"".join(
            struct.pack("<16sii", person, n[person], sum(s for p, s in pairs if p == person))
            for person in sorted(n)
        ),
    )


def apply(rollups: dict[Cell, Rollup], before: State, after: State) -> dict[Cell, Rollup]:
    whole = rollups | moved(movements(compare(before, after)), rollups)
    return {cell: rollup for cell, rollup in whole.items() if rollup is not None}


@settings(deadline=None)
@given(history=st.lists(states, max_size=5))
def test_any_history_ends_where_a_rebuild_ends(history: list[State]):
    stored: State = {}
    rollups: dict[Cell, Rollup] = {}
    for wanted in history:
        rollups = apply(rollups, stored, wanted)
        stored = wanted
        assert rollups == from_scratch(stored.values())


@settings(deadline=None)
@given(whole=states, seed=st.randoms())
def test_any_order_and_any_pages_end_the_same(whole: State, seed):
    order = list(whole.values())
    seed.shuffle(order)
    rollups: dict[Cell, Rollup] = {}
    while order:
        size = seed.randint(1, 3)
        rollups = apply(rollups, {}, state(*order[:size]))
        order = order[size:]
    assert rollups == from_scratch(whole.values())


@settings(deadline=None)
@given(whole=states)
def test_the_same_again_changes_nothing(whole: State):
    change = compare(whole, dict(reversed(whole.items())))
    assert (change.removed, change.added) == ((), ())
    assert moved(movements(change), {}) == {}


class TestChange:
    def test_a_revision_replaces_its_predecessor(self):
        before, after = state(counted({"empathy": 40})), state(counted({"empathy": 70}, revision=2))
        ((_, rollup),) = moved(
            movements(compare(before, after)), from_scratch(before.values())
        ).items()
        assert rollup is not None
        assert (rollup.n, rollup.total, rollup.squares) == (1, 70, 4900)

    def test_a_revision_with_the_same_score_moves_no_rollup(self):
        before, after = state(counted()), state(counted(revision=2))
        change = compare(before, after)
        assert len(change.added) == 1
        assert moved(movements(change), from_scratch(before.values())) == {}

    def test_a_skill_that_is_no_longer_scored_goes(self):
        before = state(counted({"empathy": 1, "clarity": 2}))
        after = state(counted({"empathy": 1}, revision=2))
        moves = moved(movements(compare(before, after)), from_scratch(before.values()))
        assert {cell.skill: rollup for cell, rollup in moves.items()} == {"clarity": None}

    def test_a_scoring_that_no_longer_counts_goes_with_all_its_scores(self):
        before = state(counted({"empathy": 1, "clarity": 2}))
        change = compare(before, {})
        assert ([each.attempt for each in change.removed], change.added) == (
            [before[UUID(int=1)].attempt],
            (),
        )
        moves = moved(movements(change), from_scratch(before.values()))
        assert list(moves.values()) == [None, None]

    def test_another_team_takes_score_and_person_along(self):
        before, after = state(counted(team=TEAMS[0])), state(counted(team=TEAMS[1]))
        rollups = from_scratch(before.values())
        moves = moved(movements(compare(before, after)), rollups)
        assert {cell.team_id: rollup is None for cell, rollup in moves.items()} == {
            TEAMS[0]: True,
            TEAMS[1]: False,
        }

    def test_facts_carry_what_their_attempt_says(self):
        (fact,) = facts_of([counted({"clarity": 9}, revision=3, team=None)])
        assert (fact.skill, fact.score, fact.revision, fact.team_id) == ("clarity", 9, 3, None)
        assert key_of(fact) == (UUID(int=1), "clarity")

    def test_a_week_is_cut_at_the_end_of_the_month(self):
        moves = movements(compare({}, state(counted(day=29), counted(scoring=2, day=30))))
        assert [cell.bucket for cell in moves.cells] == [date(2026, 9, 28), date(2026, 10, 1)]


class TestBroken:
    """Nothing is made of a rollup that cannot be right."""

    def test_scores_that_were_never_counted_cannot_be_taken_out(self):
        with pytest.raises(RollupBrokenError):
            moved(movements(compare(state(counted()), {})), {})

    def test_people_who_do_not_match_the_scores(self):
        before, after = state(counted()), state(counted(), counted(scoring=2))
        ((cell, rollup),) = from_scratch(before.values()).items()
        stranger = decode(rollup.people).copy()
        stranger["n"] += 1
        broken = msgspec.structs.replace(rollup, people=stranger.tobytes())
        with pytest.raises(RollupBrokenError):
            moved(movements(compare(before, after)), {cell: broken})

    def test_a_histogram_of_somebody_else(self):
        ((cell, rollup),) = from_scratch([counted({"empathy": 3})]).items()
        with pytest.raises(RollupBrokenError):
            moved(movements(compare(state(counted({"empathy": 4})), {})), {cell: rollup})

    def test_numbers_are_of_the_histogram(self):
        ((cell, rollup),) = from_scratch([counted()]).items()
        assert np.frombuffer(rollup.histogram, "<i4").sum() == rollup.n == 1
        assert cell.skill == "empathy"
