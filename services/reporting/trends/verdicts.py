"""What can be said about a team's skills over a time: a verdict each, and all in one sentence."""

from collections.abc import Sequence

import numpy as np

from services.reporting.trends.breaks import break_marks
from services.reporting.trends.sheet import Sheet
from services.reporting.trends.stats.panel import Cells, cells_of
from services.reporting.trends.stats.team import team_statistics
from services.reporting.trends.stats.verdicts import CellStatistics
from services.reporting.trends.weekly import Lines, weeks_of
from services.reporting.trends.words import SkillWords, listed, skills_counted
from shared.contracts.reports.trend import TrendBreak, TrendCell


def trend_cells(
    sheet: Sheet,
    lines: Lines,
    breaks: Sequence[TrendBreak],
    words: SkillWords,
    *,
    seed: int,
    min_people: int,
) -> tuple[TrendCell, ...]:
    """Return one cell per line, in the same order, counted from what its points count."""
    if not lines.names:
        return ()
    panel = _panel(sheet, lines, breaks, words)
    statistics = team_statistics(panel, seed=seed, min_people=min_people)
    return tuple(_cell(name, each) for name, each in zip(lines.names, statistics, strict=True))


def headline(cells: Sequence[TrendCell], words: SkillWords, min_people: int) -> str:
    """Return what all cells say together."""
    if not any(cell.n for cell in cells):
        return f"Too few people scored in this time: a number needs at least {min_people} of them."
    better = [cell for cell in cells if cell.verdict == "improving"]
    worse = [cell for cell in cells if cell.verdict == "declining"]
    keys = [cell.skill for cell in cells]
    steady = sum(cell.verdict == "steady" for cell in cells)
    unknown = sum(cell.verdict == "too_little_data" for cell in cells)
    parts = [
        _moving(group, verdict, words)
        for group, verdict in ((worse, "declining"), (better, "improving"))
        if group
    ]
    if steady:
        parts.append(f"{skills_counted(steady, keys, 'shows', 'show')} no clear change")
    if unknown:
        parts.append(f"{skills_counted(unknown, keys, 'has', 'have')} too little data")
    return f"{'; '.join(parts)}."


def _moving(group: Sequence[TrendCell], verdict: str, words: SkillWords) -> str:
    """Say which skills move, the fastest first, and by how much."""
    speeds = {each.skill: abs(each.slope or 0) for each in group}
    skills = sorted(speeds, key=lambda skill: (-speeds[skill], skill))
    low, high = f"{speeds[skills[-1]]:.1f}", f"{speeds[skills[0]]:.1f}"
    speed = high if low == high else f"{low} to {high}"
    return (
        f"{listed([words.name(skill) for skill in skills])} {'is' if len(skills) == 1 else 'are'}"
        f" {verdict} by {speed} points a week"
    )


def _panel(sheet: Sheet, lines: Lines, breaks: Sequence[TrendBreak], words: SkillWords) -> Cells:
    shown = lines.place >= 0
    weeks, column = weeks_of(sheet, shown)
    line_of_point = np.array([span.line for span in lines.spans], dtype=np.int64)
    row = np.where(shown, line_of_point[lines.place] if len(line_of_point) else 0, -1)
    kept = shown[sheet.atom]
    return cells_of(
        tuple(map(words.name, lines.names)),
        tuple(weeks),
        sheet.persons,
        cell=row[sheet.atom][kept],
        week=column[sheet.atom][kept],
        person=sheet.person[kept],
        n=sheet.n[kept],
        totals=sheet.total[kept],
        breaks=break_marks(breaks, lines.names, weeks),
    )


def _cell(skill: str, found: CellStatistics) -> TrendCell:
    return TrendCell(
        skill=skill,
        n=found.assessments,
        learners=found.learners,
        weeks=found.weeks,
        mean=_one(found.mean),
        low=_one(found.mean_low),
        high=_one(found.mean_high),
        slope=_fine(found.slope),
        slope_low=_fine(found.slope_low),
        slope_high=_fine(found.slope_high),
        p=_chance(found.p),
        p_adjusted=_chance(found.p_adjusted),
        p_people=_chance(found.p_people),
        p_people_adjusted=_chance(found.p_people_adjusted),
        verdict=found.verdict,
        reason=found.reason,
        segments=found.segments,
        sentence=found.sentence,
    )


def _rounded(value: float | None, digits: int) -> float | None:
    # A cell without a score has no mean: not a number inside, null outside.
    return None if value is None or value != value else round(value, digits)  # noqa: PLR0124


def _one(value: float | None) -> float | None:
    return _rounded(value, 1)


def _fine(value: float | None) -> float | None:
    return _rounded(value, 2)


def _chance(value: float | None) -> float | None:
    return _rounded(value, 4)
