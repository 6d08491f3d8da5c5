"""A team's page for tests of what is drawn."""

from datetime import UTC, date, datetime, timedelta

from shared.contracts.reports.base import AsOf
from shared.contracts.reports.documents import (
    Advice,
    SkillLine,
    Spread,
    TeamPage,
    Verdict,
    VersionBreak,
    WeekPoint,
)

FIRST = date(2026, 8, 31)
WEEK, DAY = timedelta(weeks=1), timedelta(days=1)


def point(number: int, mean: float, weeks: int = 1) -> WeekPoint:
    week = FIRST + number * WEEK
    through = week + weeks * WEEK - DAY
    return WeekPoint(
        week=week, through=through, n=9, learners=6, mean=mean, low=mean - 4, high=mean + 4
    )


def line(
    skill: str, mean: float, verdict: Verdict = "steady", points: tuple[WeekPoint, ...] = ()
) -> SkillLine:
    spread = Spread(p10=mean - 9, q1=mean - 5, median=mean, q3=mean + 5, p90=mean + 9)
    return SkillLine(
        skill=skill,
        name=skill.title(),
        n=90,
        learners=6,
        mean=mean,
        spread=spread,
        slope_per_week=1.25 if verdict == "improving" else -1.25,
        verdict=verdict,
        sentence=f"{skill} is {verdict}.",
        points=points or tuple(point(number, mean) for number in range(12)),
    )


def page(*lines: SkillLine, name: str = "North") -> TeamPage:
    return TeamPage(
        team_id="team_x",
        team_name=name,
        source="all",
        start=FIRST,
        end=FIRST + 12 * WEEK - DAY,
        headline=f"About {name}.",
        skills=lines,
        breaks=(VersionBreak(day=FIRST + 3 * WEEK, text="rubric version 2"),),
        practice=(Advice(title=f"Play {name}", reason="Weak."),),
        footnotes=("Five at least.",),
        as_of=AsOf(at=datetime(2026, 11, 23, 6, tzinfo=UTC), position=1, behind=3),
    )
