"""The fixed words of a report, and its numbers as people read them."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from services.reporting.documents.charts import shorten
from shared.contracts.reports.documents import (
    ChartKind,
    HeatCell,
    SkillLine,
    Source,
    TeamPage,
)

ON_PAGE: Final = 8
"""Skills in the heatmap and the distribution of a page; the weakest first."""

SOURCES: Final[dict[Source, str]] = {
    "simulation": "practice conversations",
    "call": "real conversations",
    "all": "practice and real conversations",
}

_WEEK_COLUMNS: Final = 7
"""Weeks of the heatmap that the page has room for: the newest."""


class Caption(NamedTuple):
    """What stands over a chart."""

    title: str
    text: str


CAPTIONS: Final[dict[ChartKind, Caption]] = {
    "trend": Caption(
        "How it moved",
        "Weekly mean score; the band is its 90 % interval, the dashed line a change of version.",
    ),
    "heatmap": Caption("Week by week", "Mean score of each skill; a dash: too few people."),
    "distribution": Caption(
        "How scores spread", "Bar: middle half. Thin line: middle four fifths. White: median."
    ),
}


def day(value: date) -> str:
    """Return a day as `3 Nov 2026`: the order of words is the same to every reader."""
    return f"{value.day} {value:%b %Y}"


def short_day(value: date) -> str:
    """Return a day without its year."""
    return f"{value.day} {value:%b}"


def period(page: TeamPage) -> str:
    """Return the time of a report."""
    return f"{day(page.start)} – {day(page.end)}"  # noqa: RUF001  (a range has an en dash)


def facts(page: TeamPage) -> list[tuple[str, str]]:
    """Return (number, what it counts) of the line under the headline; each is in the page."""
    if not page.skills:
        return []
    people = [line.learners for line in page.skills]
    most = "learners" if len(set(people)) == 1 else "learners at most behind one skill"
    return [
        (f"{len(page.skills)}", "skill" if len(page.skills) == 1 else "skills"),
        (f"{max(people)}", most),
        (f"{sum(line.n for line in page.skills):,}", "scores"),
    ]


def weakest(page: TeamPage) -> list[SkillLine]:
    """Return the skills that the page has room for, weakest first."""
    return sorted(page.skills, key=lambda line: (line.mean, line.skill))[:ON_PAGE]


def moving_first(page: TeamPage) -> list[SkillLine]:
    """Return the skills in the order of the trend chart: what moves, then what is weak."""
    moves = {"improving", "declining"}
    return sorted(page.skills, key=lambda line: (line.verdict not in moves, line.mean, line.skill))


def weekly_cells(lines: Sequence[SkillLine], newest: int = _WEEK_COLUMNS) -> list[HeatCell]:
    """Return skill by week, the `newest` weeks that anything is known of."""
    weeks = sorted({point.week for line in lines for point in line.points})[-newest:]
    cells = []
    for line in lines:
        known = {point.week: point for point in line.points}
        for week in weeks:
            point = known.get(week)
            cells.append(
                HeatCell(
                    row=shorten(line.name, 28),
                    column=short_day(week),
                    mean=None if point is None else point.mean,
                    learners=None if point is None else point.learners,
                )
            )
    return cells


def notes(page: TeamPage) -> list[str]:
    """Return the footnotes, the last one saying how fresh the numbers are."""
    waiting = page.as_of.behind
    late = f", {waiting} events are not counted yet" if waiting else ""
    moment = page.as_of.at
    return [
        *page.footnotes,
        f"As of {day(moment.date())}, {moment:%H:%M} UTC{late}. Scores are 0 to 100.",
    ]
