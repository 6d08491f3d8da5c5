"""The quick way to what may be counted gives exactly what the limits give, whatever the data."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.trends import people
from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.distributions import pack
from services.reporting.trends.numbering import _MANY, numbered
from services.reporting.trends.sheet import EPOCH, GroupRow, Level, Sheet, countable, sheet_of
from services.reporting.trends.tables import names_of, table_of
from services.reporting.trends.weekly import Asked, Unit, lines_of, running_of, trend_points

START, END, OPEN = date(2026, 9, 7), date(2026, 11, 1), date(2026, 10, 26)
TEAMS = (UUID(int=1), UUID(int=2))
SKILLS = ("a.b", "a.c", "d.e")
SOURCES = ("simulation", "call", "chat")


class Score(NamedTuple):
    """One score of one person."""

    team: int
    skill: int
    source: int
    day: int
    person: int
    score: int


SCORES = st.lists(
    st.builds(
        Score,
        team=st.integers(0, 1),
        skill=st.integers(0, 2),
        source=st.integers(0, 2),
        day=st.integers(0, 60),
        person=st.integers(1, 9),
        score=st.integers(0, 100),
    ),
    max_size=400,
)


def sheet(scores: Sequence[Score]) -> Sheet:
    """Rollups of these scores, as the database hands them over."""
    cells: dict[tuple[UUID, str, bool], dict[tuple[int, date], list[Score]]] = {}
    for one in scores:
        key = (TEAMS[one.team], SKILLS[one.skill], one.source == 0)
        bucket = bucket_of(START - timedelta(days=6) + timedelta(days=one.day))
        cells.setdefault(key, {}).setdefault((one.source, bucket), []).append(one)
    return sheet_of([_row(key, rollups) for key, rollups in cells.items()])


def _row(key: tuple[UUID, str, bool], rollups: dict[tuple[int, date], list[Score]]) -> GroupRow:
    days, amounts, blobs, histograms = b"", b"", b"", b""
    for (_, bucket), own in rollups.items():
        ids = sorted({one.person for one in own})
        records = np.zeros(len(ids), people.PERSON)
        records["person"] = [UUID(int=person).bytes for person in ids]
        records["n"] = [sum(one.person == person for one in own) for person in ids]
        records["total"] = [sum(s.score for s in own if s.person == person) for person in ids]
        histogram = np.bincount([one.score for one in own], minlength=101)[None]
        days += (bucket - EPOCH).days.to_bytes(4, "big")
        amounts += len(ids).to_bytes(4, "big")
        blobs += people.encode(records)
        histograms += pack(histogram)[0]
    return GroupRow(*key, days, amounts, blobs, histograms)


@settings(max_examples=60, deadline=None)
@given(
    scores=SCORES,
    level=st.sampled_from(("skill", "root")),
    unit=st.sampled_from(("week", "month")),
    kind=st.sampled_from(("practice", "real", None)),
    least=st.sampled_from((5, 7)),
)
def test_the_quick_way_is_the_way_of_the_limits(
    scores: list[Score], level: Level, unit: Unit, kind: str | None, least: int
):
    quick = sheet(scores)
    slow = quick._replace(least=np.zeros_like(quick.least))  # so that nothing stands alone
    names = tuple(names_of(quick, level, frozenset(), START, END))
    asked = Asked(TEAMS[0], names, level, kind, START, END, unit)  # type: ignore[arg-type]  # sampled
    answers = []
    for one in (quick, slow):
        blocks = countable(one, level, min_people=least, open_from=OPEN)
        lines = lines_of(one, blocks, asked)
        table = table_of(one, blocks, level, asked.kind, names, START, END)
        answers.append(
            (
                trend_points(one, lines, unit, seed=3),
                lines.gaps,
                running_of(one, blocks, asked, least),
                table.places,
                table.n.tolist(),
                table.totals.tolist(),
                table.hidden,
            )
        )
    assert answers[0] == answers[1]
    assert all(point.learners >= least for point in answers[0][0])


def test_many_people_are_numbered_by_a_table():
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 256, size=(700, 16), dtype=np.uint8)
    chosen = rng.integers(0, 700, size=_MANY + 1)
    records = np.zeros(len(chosen), people.PERSON)
    records["person"] = np.frombuffer(ids[chosen].tobytes(), "S16")
    amount, person = numbered(records)
    pairs = set(zip(chosen.tolist(), person.tolist(), strict=True))
    assert amount == len(pairs) == len(np.unique(chosen))
