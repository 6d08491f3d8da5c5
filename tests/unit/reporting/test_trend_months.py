"""Parts of months add up to what the whole time gives at once, kept or not, whatever the data."""

from datetime import date
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.reporting.trends.months import (
    Part,
    kept_of,
    part_of,
    part_of_kept,
    table_of_parts,
)
from services.reporting.trends.sheet import Level, Sheet, countable
from services.reporting.trends.tables import Table, names_of, table_of
from tests.unit.reporting.test_trend_sheet import OPEN, SCORES, TEAMS, Score, sheet

MONTHS = (date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1))
OVER = MONTHS[:1]
"""`OPEN` is in October."""
RANGE = (date(2026, 8, 31), date(2026, 10, 25))


def month_of(scores: list[Score], month: date) -> Sheet:
    """Only what is in one month."""
    return sheet(
        [
            one
            for one in scores
            if date.fromordinal(int(sheet([one]).day[0])).replace(day=1) == month
        ]
    )


def learners(table: Table) -> list[list[tuple[int, int]]]:
    """What the people of each place scored, whoever they are numbered as."""
    rows = zip(table.n.tolist(), table.totals.tolist(), strict=True)
    return [sorted(pair for pair in zip(*row, strict=True) if pair[0]) for row in rows]


@settings(max_examples=60, deadline=None)
@given(
    scores=SCORES,
    level=st.sampled_from(("skill", "root")),
    kind=st.sampled_from(("practice", "real", None)),
    least=st.sampled_from((5, 7)),
    hidden=st.sampled_from((frozenset[str](), frozenset({"a.b"}))),
)
def test_months_add_up_to_the_whole(
    scores: list[Score], level: Level, kind: str | None, least: int, hidden: frozenset[str]
):
    whole = sheet(scores)
    blocks = countable(whole, level, min_people=least, open_from=OPEN)
    names = names_of(whole, level, hidden, *RANGE)
    wanted = table_of(whole, blocks, level, kind, names, *RANGE)  # type: ignore[arg-type]  # sampled

    parts: list[Part] = []
    for month in MONTHS:
        own = month_of(scores, month)
        part = part_of(own, countable(own, level, min_people=least, open_from=OPEN), level, RANGE)
        is_over = month in OVER
        parts.append(part_of_kept(kept_of(part, TEAMS)) if is_over else part)
    shown = hidden if level == "skill" else frozenset[str]()
    found = table_of_parts(parts, kind, shown)  # type: ignore[arg-type]  # sampled

    assert found.places == wanted.places
    assert found.hidden == wanted.hidden
    assert learners(found) == learners(wanted)


def test_one_name_alone_may_be_asked_for():
    scores = [
        Score(0, skill, source=0, day=10, person=p, score=50) for skill in (0, 2) for p in range(6)
    ]
    own = sheet(scores)
    blocks = countable(own, "skill", min_people=5, open_from=OPEN)
    part = part_of(own, blocks, "skill", RANGE)

    table = table_of_parts([part], None, (), only="d.e")

    assert [place.name for place in table.places] == ["d.e"]


def test_a_team_without_scores_is_kept_as_nothing():
    nobody = sheet([])
    part = part_of(nobody, countable(nobody, "skill", min_people=5, open_from=OPEN), "skill", RANGE)
    kept = kept_of(part, [UUID(int=7)])
    assert [(row.team_id, row.groups, row.amounts, row.people, row.cells) for row in kept] == [
        (UUID(int=7), "[]", b"", b"", b"")
    ]
    assert table_of_parts([part_of_kept(kept)], None, ()).places == ()
    assert table_of_parts([], None, ()).n.shape[0] == 0
