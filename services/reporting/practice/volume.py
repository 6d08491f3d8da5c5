"""How much a learner or a team practices."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from services.reporting.desk import Desk, QuestionError
from services.reporting.freshness import as_of
from services.reporting.practice import repository
from services.reporting.practice.records import Stay
from services.reporting.settings import report_settings
from services.reporting.trends import streaks
from services.reporting.trends.buckets import bucket_of, weeks_between, whole_weeks
from services.reporting.trends.volume import (
    Effort,
    Gap,
    Period,
    Volume,
    by_period,
    by_week,
)
from shared.contracts.reports.practice import (
    MAX_PRACTICE_WEEKS,
    LearnerPractice,
    LearnerPracticeQuery,
    PracticePeriod,
    PracticeVolume,
    PracticeWeek,
    Streak,
    SuppressedPeriod,
    TeamPractice,
    TeamPracticeQuery,
)
from shared.db.tx import tenant_tx


async def learner_practice(desk: Desk, query: LearnerPracticeQuery) -> LearnerPractice:
    """Answer for one person, week by week.

    Raises:
        QuestionError: an empty range, or more than `MAX_PRACTICE_WEEKS`.
    """
    first, last = _checked(query.start, query.end)
    efforts: list[Effort] = []
    days: list[date] = []
    async with tenant_tx(desk.database, query.tenant_id) as connection:
        fresh = await as_of(connection, query.tenant_id, desk.clock)
        tenant_id = query.tenant_id
        person_id = await repository.person_of(connection, tenant_id, query.learner_id)
        if person_id is not None:
            efforts = await repository.person_efforts(connection, tenant_id, person_id, first, last)
            days = await repository.practice_days(connection, tenant_id, person_id, query.today)
    streak = streaks.streak(days, query.today)
    weeks = by_week(efforts, streaks.weeks_of(first, last))
    return LearnerPractice(
        as_of=fresh,
        headline=_learner_headline(streak),
        streak=Streak(
            current_weeks=streak.current_weeks,
            longest_weeks=streak.longest_weeks,
            is_this_week_done=streak.is_this_week_done,
            last_day=streak.last_day,
        ),
        weeks=tuple(
            PracticeWeek(week=each.week, practice=_told(each.practice), real=_told(each.real))
            for each in weeks
        ),
    )


async def team_practice(desk: Desk, query: TeamPracticeQuery) -> TeamPractice:
    """Answer with periods of whole weeks in which enough people were active.

    Raises:
        QuestionError: an empty range, or more than `MAX_PRACTICE_WEEKS`.
    """
    start, end = _checked(query.start, query.end)
    first, last = start.replace(day=1), _month_end(end)
    async with tenant_tx(desk.database, query.tenant_id) as connection:
        fresh = await as_of(connection, query.tenant_id, desk.clock)
        least = (await report_settings(connection, query.tenant_id)).min_people
        where = (connection, query.tenant_id, query.team_id, first, last)
        efforts = await repository.team_efforts(*where)
        stays = await repository.team_stays(*where)
    periods, gaps = by_period(efforts, min_people=least, open_from=bucket_of(query.today))
    shown = [each for each in periods if start <= each.first and each.last <= end]
    return TeamPractice(
        as_of=fresh,
        headline=_team_headline(shown, least),
        min_people=least,
        periods=tuple(_period(each, stays) for each in shown),
        suppressed=tuple(_gap(each) for each in gaps if start <= each.first and each.last <= end),
    )


def _checked(start: date, end: date) -> tuple[date, date]:
    if end < start:
        raise QuestionError("the range ends before it starts", "to")
    try:
        first, last = whole_weeks(start, end)
        _month_end(last)
    except OverflowError:
        raise QuestionError("the range leaves the calendar", "to") from None
    if weeks_between(start, end) > MAX_PRACTICE_WEEKS:
        raise QuestionError(f"the range is longer than {MAX_PRACTICE_WEEKS} weeks", "from")
    return first, last


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _told(volume: Volume) -> PracticeVolume:
    return PracticeVolume(
        attempts=volume.attempts,
        minutes=round(volume.minutes, 1) if volume.timed else None,
        timed=volume.timed,
    )


def _period(period: Period, stays: Iterable[Stay]) -> PracticePeriod:
    members = {
        each.learner_id
        for each in stays
        if each.valid_from <= period.last and (each.valid_to is None or each.valid_to > period.last)
    }
    return PracticePeriod(
        kind=period.kind,
        first=period.first,
        last=period.last,
        people=period.people,
        members=len(members),
        volume=_told(period.volume),
    )


def _gap(gap: Gap) -> SuppressedPeriod:
    return SuppressedPeriod(kind=gap.kind, first=gap.first, last=gap.last, reason="too_few_people")


def _learner_headline(streak: streaks.Streak) -> str:
    if streak.last_day is None:
        return "No practice yet."
    weeks = f"{streak.current_weeks} week{'' if streak.current_weeks == 1 else 's'}"
    if not streak.current_weeks:
        return f"Last practiced on {streak.last_day}; the longest run was {streak.longest_weeks}."
    if streak.is_this_week_done:
        return f"{weeks} in a row with practice."
    return f"{weeks} in a row with practice; one conversation this week keeps it going."


def _team_headline(periods: Sequence[Period], least: int) -> str:
    practice = [each for each in periods if each.kind == "practice"]
    if not practice:
        return f"In no finished week of this time did {least} or more people practice."
    latest = practice[-1]
    return (
        f"{latest.people} people practiced {latest.volume.attempts} times from {latest.first} to "
        f"{latest.last}."
    )
