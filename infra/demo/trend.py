"""Prints a team's weekly trend, and measures how far it moved."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from infra.demo.printing import Page, score_style, spark
from shared.contracts.reports.trend import TrendPoint

SHOWN: Final = {
    "relate.empathy": "Empathy",
    "understand.active_listening": "Active listening",
    "communicate.clarity": "Clarity",
    "solve.path": "Problem solving",
}
"""Skills of the table, with their titles; the report holds all six."""

ENDS: Final = 2
"""Weeks at either end that a change is measured between: one week of twelve calls wobbles."""

_CELL: Final = 20


def of_skill(points: Sequence[TrendPoint], skill: str) -> list[TrendPoint]:
    """Return the points of one skill by week."""
    return [point for point in points if point.skill == skill]


def mean_of(points: Sequence[TrendPoint]) -> float:
    """Return the mean over all assessments behind some points, 0..100; 0 without any."""
    n = sum(point.n for point in points)
    return sum(point.mean * point.n for point in points) / n if n else 0.0


def change_of(points: Sequence[TrendPoint]) -> float:
    """Return the last two weeks minus the first two, in points."""
    return mean_of(points[-ENDS:]) - mean_of(points[:ENDS])


def overall_change(points: Sequence[TrendPoint]) -> float:
    """Return the mean change over the shown skills, in points."""
    return sum(change_of(of_skill(points, skill)) for skill in SHOWN) / len(SHOWN)


def weakest(points: Sequence[TrendPoint], weeks: int = 4) -> tuple[str, float]:
    """Return the shown skill with the lowest mean in the last weeks, and that mean."""
    means = {skill: mean_of(of_skill(points, skill)[-weeks:]) for skill in SHOWN}
    skill = min(means, key=means.__getitem__)
    return skill, means[skill]


def signed(points: float) -> str:
    """Return a change as text: `+3`, `-2` or `0`."""
    whole = round(points)
    return f"{whole:+d}" if whole else "0"


def show_trend(page: Page, title: str, points: Sequence[TrendPoint]) -> None:
    """Print one team's table: per week and skill the mean, the quartiles and n."""
    page.line(f"   {page.paint(title, 'bold')}")
    page.line()
    page.line(page.paint(_row("week of", list(SHOWN.values())), "bold"))
    page.line(page.paint(_row("", ["mean  q1-q3     n"] * len(SHOWN)), "dim"))
    cells = {(point.week, point.skill): point for point in points}
    for week in sorted({point.week for point in points}):
        page.line(_week(page, week, [cells.get((week, skill)) for skill in SHOWN]))
    series = [of_skill(points, skill) for skill in SHOWN]
    sparks = [
        f"{spark([point.mean for point in one])}  {signed(change_of(one))}".ljust(_CELL)
        for one in series
    ]
    changes = [change_of(one) for one in series]
    painted = [
        page.paint(text, "green" if change >= 5 else "")
        for text, change in zip(sparks, changes, strict=True)
    ]
    page.line(f"   {'change':<10}{''.join(painted)}")
    page.line()


def _row(head: str, texts: Sequence[str]) -> str:
    return f"   {head:<10}" + "".join(text.ljust(_CELL) for text in texts)


def _week(page: Page, week: date, points: Sequence[TrendPoint | None]) -> str:
    cells = []
    for point in points:
        if point is None:
            cells.append("--".ljust(_CELL))
            continue
        quartiles = f"{point.q1:.0f}-{point.q3:.0f}"
        mean = page.paint(f"{point.mean:4.0f}", score_style(round(point.mean)))
        rest = f"  {quartiles:<7} {point.n:>3}"
        cells.append(mean + rest.ljust(_CELL - 4))
    return f"   {week:%d %b}    " + "".join(cells)
