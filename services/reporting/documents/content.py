"""What a team's page says, put together from the answers that the API gives as well."""

from collections.abc import Mapping, Sequence

from services.reporting.documents.words import day, short_day
from services.reporting.trends.words import SkillWords
from shared.contracts.reports.advice import TeamExercise
from shared.contracts.reports.documents import (
    Advice,
    DocumentQuery,
    SkillLine,
    Spread,
    TeamPage,
    VersionBreak,
    WeekPoint,
)
from shared.contracts.reports.trend import TrendBreak, TrendPoint, TrendReply
from shared.ids import format_id


def team_page(
    query: DocumentQuery,
    team_name: str,
    trend: TrendReply,
    spreads: Mapping[str, Spread],
    skills: SkillWords,
    exercise: TeamExercise | None,
) -> TeamPage:
    """Return the page; every number and sentence in it is one of the answers'.

    Raises:
        ValueError: the trend was asked for without its statistics.
    """
    if trend.as_of is None or trend.headline is None:
        raise ValueError("a page needs the full view of a trend")
    lines = _lines(trend, spreads, skills)
    return TeamPage(
        team_id=format_id("team", query.team_id),
        team_name=team_name,
        source=query.source,
        start=query.start,
        end=query.end,
        headline=trend.headline,
        skills=lines,
        breaks=_breaks(trend.breaks, {line.skill for line in lines}),
        practice=_advice(exercise),
        footnotes=_footnotes(trend, skills),
        as_of=trend.as_of,
    )


def _lines(
    trend: TrendReply, spreads: Mapping[str, Spread], skills: SkillWords
) -> tuple[SkillLine, ...]:
    points: dict[str, list[TrendPoint]] = {}
    for point in trend.points:
        points.setdefault(point.skill, []).append(point)
    return tuple(
        SkillLine(
            skill=cell.skill,
            name=skills.name(cell.skill),
            n=cell.n,
            learners=cell.learners,
            mean=cell.mean,
            spread=spreads[cell.skill],
            slope_per_week=cell.slope,
            verdict=cell.verdict,
            sentence=cell.sentence,
            points=tuple(map(_point, points[cell.skill])),
        )
        for cell in trend.cells
        if cell.mean is not None and cell.skill in points and cell.skill in spreads
    )


def _point(point: TrendPoint) -> WeekPoint:
    return WeekPoint(
        week=point.week,
        through=point.through or point.week,
        n=point.n,
        learners=point.learners,
        mean=point.mean,
        low=point.low,
        high=point.high,
    )


def _breaks(breaks: Sequence[TrendBreak], shown: set[str]) -> tuple[VersionBreak, ...]:
    """Return one break per day that touches a skill of the page."""
    said: dict[object, VersionBreak] = {}
    for each in breaks:
        if not each.skills or shown.intersection(each.skills):
            said.setdefault(each.day, VersionBreak(day=each.day, text=_change(each)))
    return tuple(said.values())


def _change(change: TrendBreak) -> str:
    if change.kind == "engine":
        return f"new judge ({change.engine})" if change.engine else "new judge"
    return f"rubric version {change.rubric_version}" if change.rubric_version else "other rubric"


def _advice(exercise: TeamExercise | None) -> tuple[Advice, ...]:
    if exercise is None:
        return ()
    card = exercise.scenario
    title = f"{exercise.name}: play “{card.title}” together ({exercise.minutes} minutes)"
    listen = "; ".join(exercise.watch.look_for[:2])
    watch = f" Listen for: {listen}." if listen else ""
    return (Advice(title=title, reason=f"{exercise.reason}{watch}"),)


def _footnotes(trend: TrendReply, skills: SkillWords) -> tuple[str, ...]:
    least = trend.min_people
    rule = f"Every number stands for at least {least} people; weeks with fewer are shown together"
    notes = [f"{rule}, or not at all."]
    hidden = sorted(skills.name(cell.skill) for cell in trend.cells if cell.mean is None)
    if hidden:
        notes.append(f"Not shown, too few people: {', '.join(hidden)}.")
    if trend.running:
        week = short_day(trend.running[0].week)
        notes.append(f"The week of {week} is not over: its scores are not shown yet.")
    if trend.breaks:
        last = max(each.day for each in trend.breaks)
        notes.append(
            f"Levels before and after a dashed line (the last one: {day(last)}) do not compare; "
            "directions are taken between the lines."
        )
    return tuple(notes)
