"""Rollups moved by differences, in whatever steps, end where counting from scratch ends."""

from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.reporting.trends.distributions import EMPTY, Distribution, merge
from services.reporting.trends.facts import Cell, Fact, FactKey, compare, movements

TEAMS = (UUID(int=1), UUID(int=2), None)
START = date(2026, 9, 1)


def fact(
    scoring: int = 1,
    *,
    skill: str = "empathy",
    revision: int = 1,
    team: UUID | None = TEAMS[0],
    day: int = 0,
    score: int = 50,
    source: str = "call",
) -> Fact:
    return Fact(
        scoring_id=UUID(int=scoring),
        skill=skill,
        revision=revision,
        team_id=team,
        person_id=UUID(int=99),
        source=source,
        day=START + timedelta(days=day),
        score=score,
    )


facts = st.builds(
    fact,
    scoring=st.integers(1, 6),
    skill=st.sampled_from(("empathy", "clarity")),
    revision=st.integers(1, 3),
    team=st.sampled_from(TEAMS),
    day=st.integers(0, 45),
    score=st.integers(0, 100),
    source=st.sampled_from(("call", "simulation")),
)
states = st.lists(facts, max_size=12).map(
    lambda rows: list({(row.scoring_id, row.skill): row for row in rows}.values())
)


def apply(
    rollups: dict[Cell, Distribution], moves: dict[Cell, Distribution]
) -> dict[Cell, Distribution]:
    moved = rollups | {
        cell: merge([rollups.get(cell, EMPTY), move]) for cell, move in moves.items()
    }
    return {cell: rollup for cell, rollup in moved.items() if not rollup.is_zero}


@given(history=st.lists(states, max_size=5))
def test_any_history_ends_where_a_rebuild_ends(history: list[list[Fact]]):
    stored: list[Fact] = []
    rollups: dict[Cell, Distribution] = {}
    for wanted in history:
        rollups = apply(rollups, movements(compare(stored, wanted)))
        stored = wanted
        assert rollups == movements(compare([], stored))
        assert all(rollup.n > 0 and min(rollup.histogram) >= 0 for rollup in rollups.values())


@given(state=states)
def test_the_same_facts_again_change_nothing(state: list[Fact]):
    change = compare(state, reversed(state))
    assert (change.removed, change.added, movements(change)) == ((), (), {})


class TestChange:
    def test_a_revision_replaces_its_predecessor(self):
        change = compare([fact(score=40)], [fact(score=70, revision=2)])
        (move,) = movements(change).values()
        assert (move.n, move.total, move.squares) == (0, 30, 70 * 70 - 40 * 40)
        assert (move.histogram[40], move.histogram[70]) == (-1, 1)
        assert change.dropped == ()

    def test_a_revision_with_the_same_score_moves_no_rollup(self):
        change = compare([fact()], [fact(revision=2)])
        assert len(change.added) == 1
        assert movements(change) == {}

    def test_a_skill_that_is_no_longer_scored_goes(self):
        change = compare([fact(), fact(skill="clarity")], [fact(revision=2)])
        assert change.dropped == (FactKey(UUID(int=1), "clarity"),)

    def test_another_team_takes_the_score_along(self):
        moves = movements(compare([fact(team=TEAMS[0])], [fact(team=TEAMS[1])]))
        assert {cell.team_id: move.n for cell, move in moves.items()} == {TEAMS[0]: -1, TEAMS[1]: 1}

    def test_nobody_s_team_has_no_rollup(self):
        change = compare([], [fact(team=None)])
        assert len(change.added) == 1
        assert movements(change) == {}

    def test_a_week_is_cut_at_the_end_of_the_month(self):
        moves = movements(compare([], [fact(1, day=29), fact(2, day=30)]))
        assert [cell.bucket for cell in moves] == [date(2026, 9, 28), date(2026, 10, 1)]
