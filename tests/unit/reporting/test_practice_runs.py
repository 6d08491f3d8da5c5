"""Which weeks of a scenario count: the same whether small weeks say who played or all do."""

from datetime import date, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.reporting.practice.records import WeekPlayed
from services.reporting.practice.scenarios import whole_runs
from services.reporting.trends.limits import Unit, groups_of

FIRST = date(2025, 11, 3)

Played = list[set[int]]


def weeks_of(played: Played, least: int) -> list[WeekPlayed]:
    return [
        WeekPlayed(
            scenario_id=UUID(int=1),
            bucket=FIRST + number * timedelta(weeks=1),
            people=len(people),
            persons=None if len(people) >= least else tuple(UUID(int=each) for each in people),
        )
        for number, people in enumerate(played)
        if people
    ]


@given(st.lists(st.sets(st.integers(0, 9)), max_size=14), st.integers(5, 8))
def test_big_weeks_need_not_say_who(played: Played, least: int) -> None:
    weeks = weeks_of(played, least)
    units = [
        Unit(
            period=week.bucket.replace(month=1, day=1),
            bucket=week.bucket,
            people=sum(1 << each for each in played[(week.bucket - FIRST).days // 7]),
        )
        for week in weeks
    ]
    expected = {
        units[index].bucket for group in groups_of(units, min_people=least) for index in group
    }

    assert {week.bucket for week in whole_runs(weeks, least)} == expected


def test_scenarios_do_not_help_each_other() -> None:
    few = weeks_of([{1, 2, 3}], 5)
    others = [
        WeekPlayed(
            scenario_id=UUID(int=2), bucket=FIRST, people=2, persons=(UUID(int=8), UUID(int=9))
        )
    ]

    assert whole_runs([*few, *others], 5) == []
    assert whole_runs(weeks_of([{1, 2, 3}, {3, 4, 5}], 5), 5) != []
