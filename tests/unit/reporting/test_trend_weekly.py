"""Points of a trend: which people and scores they hold, what they leave out, and what is said."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.reporting.trends import people
from services.reporting.trends.breaks import Version, break_marks, breaks_of
from services.reporting.trends.buckets import last_day
from services.reporting.trends.distributions import pack
from services.reporting.trends.numbering import numbered
from services.reporting.trends.sheet import EPOCH, GroupRow, Level, Sheet, countable, sheet_of
from services.reporting.trends.verdicts import headline, trend_cells
from services.reporting.trends.weekly import (
    Asked,
    Unit,
    lines_of,
    running_of,
    trend_points,
)
from services.reporting.trends.words import STANDARD, SkillWords, counted, listed
from shared.contracts.reports.trend import TrendCell, TrendPoint

TEAM = UUID(int=7)
OPEN = date(2026, 11, 2)
START, END = date(2026, 9, 7), date(2026, 11, 8)
FIVE = ([50], [60], [70], [80], [90, 100])


class Rollup(NamedTuple):
    """One stored row."""

    skill: str
    source: str
    bucket: date
    histogram: bytes
    people: bytes


def rollup(
    skill: str, day: date, scores: Sequence[Sequence[int]], source: str = "call", first: int = 0
) -> Rollup:
    """A row in which person `first` + i has `scores[i]`."""
    records = np.zeros(len(scores), people.PERSON)
    records["person"] = [UUID(int=first + i + 1).bytes for i in range(len(scores))]
    records["n"] = [len(own) for own in scores]
    records["total"] = [sum(own) for own in scores]
    histogram = np.zeros((1, 101), dtype=np.int64)
    np.add.at(histogram[0], [score for own in scores for score in own], 1)
    return Rollup(skill, source, day, pack(histogram)[0], people.encode(records))


def sheet(rows: Sequence[Rollup]) -> Sheet:
    """As the database puts rows together: one per skill and kind."""
    groups: dict[tuple[str, bool], list[Rollup]] = {}
    for row in rows:
        groups.setdefault((row.skill, row.source == "simulation"), []).append(row)
    return sheet_of(
        [
            GroupRow(
                TEAM,
                skill,
                is_practice,
                b"".join((row.bucket - EPOCH).days.to_bytes(4, "big") for row in own),
                b"".join((len(row.people) // 24).to_bytes(4, "big") for row in own),
                b"".join(row.people for row in own),
                b"".join(row.histogram for row in own),
            )
            for (skill, is_practice), own in groups.items()
        ]
    )


def wanted(*names: str, unit: Unit = "week") -> Asked:
    level: Level = "skill" if all("." in name for name in names) else "root"
    return Asked(TEAM, names, level, None, START, END, unit)


def points(rows: Sequence[Rollup], asked: Asked, seed: int | None = None) -> tuple[TrendPoint, ...]:
    found = sheet(rows)
    blocks = countable(found, asked.level, min_people=5, open_from=OPEN)
    return trend_points(found, lines_of(found, blocks, asked), asked.unit, seed=seed)


def test_a_point_holds_all_scores_of_its_people():
    (point,) = points([rollup("a.b", date(2026, 9, 14), FIVE)], wanted("a.b"), seed=1)
    assert (point.n, point.learners, point.mean) == (6, 5, 75.0)
    assert [point.q1, point.median, point.q3] == np.quantile(
        [50, 60, 70, 80, 90, 100], [0.25, 0.5, 0.75]
    ).tolist()
    assert (point.week, point.start, point.through) == (
        date(2026, 9, 14),
        date(2026, 9, 14),
        date(2026, 9, 20),
    )
    assert point.low is not None
    assert point.high is not None
    assert 50 <= point.low < 75 < point.high <= 100


def test_sources_of_one_kind_and_the_halves_of_a_week_come_together():
    rows = [
        rollup("a.b", date(2026, 9, 28), FIVE),
        rollup("a.b", date(2026, 9, 28), FIVE, source="chat"),
        rollup("a.b", date(2026, 10, 1), FIVE, source="email"),
        rollup("a.b", date(2026, 10, 1), FIVE, source="simulation"),
    ]
    (point,) = points(rows, wanted("a.b"))
    assert (point.week, point.through) == (date(2026, 9, 28), date(2026, 10, 4))
    assert (point.n, point.learners, point.low) == (24, 5, None)


def test_weeks_of_too_few_people_are_shown_together():
    rows = [
        rollup("a.b", date(2026, 9, 7), FIVE[:3]),
        rollup("a.b", date(2026, 9, 14), FIVE[:3], first=3),
        rollup("a.b", date(2026, 9, 21), FIVE),
    ]
    wide, single = points(rows, wanted("a.b"))
    assert (wide.start, wide.through, wide.learners) == (date(2026, 9, 7), date(2026, 9, 20), 6)
    assert (single.start, single.n) == (date(2026, 9, 21), 6)


def test_months_and_roots():
    rows = [
        rollup("a.b", date(2026, 9, 14), FIVE),
        rollup("a.b", date(2026, 9, 28), FIVE),
        rollup("a.c", date(2026, 9, 21), FIVE),
    ]
    (month,) = points(rows, wanted("a", unit="month"))
    assert (month.skill, month.week, month.through, month.n) == (
        "a",
        date(2026, 9, 1),
        date(2026, 9, 30),
        18,
    )


def test_a_point_that_leaves_out_a_few_people_says_so():
    """Four real conversations beside practice: not in the week, not in the month."""
    rows = [
        rollup("a.b", date(2026, 9, 14), FIVE, source="simulation"),
        rollup("a.b", date(2026, 9, 14), FIVE[:4]),
        rollup("a.b", date(2026, 9, 21), FIVE, source="simulation"),
    ]
    found = points(rows, wanted("a.b"))
    assert [(point.start.day, point.n, point.is_partial) for point in found if point.start] == [
        (14, 6, True),
        (21, 6, False),
    ]
    assert [point.is_partial for point in points(rows, wanted("a.b", unit="month"))] == [True]
    practice = points(rows, wanted("a.b")._replace(kind="practice"))
    assert not any(point.is_partial for point in practice)


def test_what_is_not_shown_says_why():
    found = sheet(
        [rollup("a.b", date(2026, 9, 14), FIVE[:2]), rollup("a.b", date(2026, 11, 2), FIVE)]
    )
    asked = wanted("a.b")
    blocks = countable(found, "skill", min_people=5, open_from=OPEN)
    lines = lines_of(found, blocks, asked)
    assert trend_points(found, lines, "week", seed=None) == ()
    assert [(gap.start, gap.reason) for gap in lines.gaps] == [
        (date(2026, 9, 14), "too_few_people"),
        (date(2026, 11, 2), "not_over"),
    ]
    running = running_of(found, blocks, asked, 5)
    assert [(each.week, each.n, each.learners) for each in running] == [(OPEN, 6, 5)]
    assert running_of(found, blocks, asked, 6) == ()


def test_nothing_at_all():
    assert points([], wanted()) == ()
    assert headline((), STANDARD, 5) == (
        "Too few people scored in this time: a number needs at least 5 of them."
    )


@pytest.mark.parametrize(
    ("bucket", "last"),
    [
        (date(2026, 9, 14), date(2026, 9, 20)),
        (date(2026, 9, 28), date(2026, 9, 30)),
        (date(2026, 10, 1), date(2026, 10, 4)),
        (date(2027, 2, 22), date(2027, 2, 28)),
    ],
)
def test_the_last_day_of_a_bucket(bucket: date, last: date):
    assert last_day(bucket) == last


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=40))
def test_people_are_numbered_as_they_are(ids: list[bytes]):
    records = np.zeros(len(ids), people.PERSON)
    records["person"] = ids
    amount, numbers = numbered(records)
    assert amount == len(set(ids))
    pairs = set(zip(ids, numbers.tolist(), strict=True))
    assert len(pairs) == len(set(ids))


def test_ids_that_mix_alike_are_told_apart(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("services.reporting.trends.numbering._ODDS", (np.uint64(0),))
    records = np.zeros(3, people.PERSON)
    records["person"] = [b"a" * 8 + b"b" * 8, b"c" * 8 + b"b" * 8, b"a" * 8 + b"b" * 8]
    amount, numbers = numbered(records)
    assert amount == 2
    assert numbers[0] == numbers[2] != numbers[1]


class TestVerdicts:
    def sheet(self, step: float) -> Sheet:
        rows = []
        for week in range(8):
            level = round(40 + step * week)
            scores = [[level + wobble, level + 4 - wobble] for wobble in range(-4, 4)]
            rows.append(rollup("relate.empathy", date(2026, 9, 7) + timedelta(weeks=week), scores))
        return sheet(rows)

    def cells(self, step: float, breaks: Sequence[date] = ()) -> tuple[TrendCell, ...]:
        found = self.sheet(step)
        blocks = countable(found, "skill", min_people=5, open_from=OPEN)
        lines = lines_of(found, blocks, wanted("relate.empathy"))
        versions = [Version(TEAM, 1, "e 1", date(2026, 8, 1))]
        versions += [Version(TEAM, 2 + i, "e 1", day) for i, day in enumerate(breaks)]
        breaks_found = breaks_of(versions, {}, start=START)
        return trend_cells(found, lines, breaks_found, STANDARD, seed=1, min_people=5)

    def test_a_clear_rise_is_improving(self):
        (cell,) = self.cells(3.0)
        assert cell.verdict == "improving"
        assert cell.slope is not None
        assert 2.5 < cell.slope < 3.5
        assert (cell.learners, cell.weeks, cell.n) == (8, 8, 128)
        assert headline((cell,), STANDARD, 5) == (
            f"Empathy is improving by {cell.slope:.1f} points a week."
        )

    def test_the_headline_names_the_fastest_first(self):
        (up,), (down,), (flat,) = self.cells(3.0), self.cells(-3.0), self.cells(0.0)
        faster = replace(up, skill="solve.path", slope=4.0)
        up, down = replace(up, slope=3.0), replace(down, skill="relate.patience", slope=-2.0)
        few = replace(flat, skill="speak.tone", verdict="too_little_data")
        assert headline((up, faster, down, flat, few), STANDARD, 5) == (
            "Patience is declining by 2.0 points a week; Finding a path and Empathy are improving"
            " by 3.0 to 4.0 points a week; 1 skill shows no clear change; 1 skill has too little"
            " data."
        )
        roots = (replace(flat, skill="relate"), replace(flat, skill="solve"))
        assert headline(roots, STANDARD, 5) == "2 families of skills show no clear change."

    def test_the_same_level_is_steady(self):
        (cell,) = self.cells(0.0)
        assert cell.verdict == "steady"
        assert headline((cell,), STANDARD, 5) == "1 skill shows no clear change."

    def test_a_break_parts_the_line(self):
        assert self.cells(3.0, [date(2026, 10, 6)])[0].segments == 2


class TestBreaks:
    RUBRIC, OTHER = UUID(int=1), UUID(int=2)

    def test_the_first_of_a_kind_breaks_nothing(self):
        versions = [
            Version(self.RUBRIC, 1, "e 1", date(2026, 9, 1)),
            Version(self.OTHER, 4, "e 1", date(2026, 9, 20)),
        ]
        assert breaks_of(versions, {}, start=START) == ()

    def test_versions_and_engines(self):
        versions = [
            Version(self.RUBRIC, 1, "e 1", date(2026, 8, 1)),
            Version(self.RUBRIC, 2, "e 1", date(2026, 8, 20)),
            Version(self.RUBRIC, 3, "e 1", date(2026, 9, 16)),
            Version(self.RUBRIC, 3, "e 2", date(2026, 9, 23)),
        ]
        found = breaks_of(versions, {(self.RUBRIC, 3): {"a.c", "a.b"}}, start=START)
        assert [(each.kind, each.day, each.week, each.skills) for each in found] == [
            ("rubric", date(2026, 9, 16), date(2026, 9, 14), ("a.b", "a.c")),
            ("engine", date(2026, 9, 23), date(2026, 9, 21), ()),
        ]
        weeks = [date(2026, 9, 7), date(2026, 9, 14), date(2026, 9, 28)]
        marks = break_marks(found, ["a", "a.b", "x.y"], weeks)
        assert marks.tolist() == [[False, True, True], [False, True, True], [False, False, True]]


def test_words():
    own = SkillWords({"relate.empathy": "Fellow feeling"}, frozenset())
    assert [own.name(key) for key in ("relate.empathy", "relate", "own.call_notes")] == [
        "Fellow feeling",
        STANDARD.name("relate"),
        "Call notes",
    ]
    assert [listed(list("ABCDE")[:amount]) for amount in (1, 2, 5)] == [
        "A",
        "A and B",
        "A, B, C and 2 more",
    ]
    assert [counted(1, "team"), counted(2, "team"), counted(2, "is", "are")] == [
        "1 team",
        "2 teams",
        "2 are",
    ]
