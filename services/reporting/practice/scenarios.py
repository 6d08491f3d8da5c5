"""How hard the tenant's scenarios are, and whether they tell good learners from others."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import reduce
from operator import or_
from uuid import UUID

from services.reporting.desk import Desk
from services.reporting.freshness import as_of
from services.reporting.practice import repository
from services.reporting.practice.records import Shelf, WeekPlayed
from services.reporting.settings import report_settings
from services.reporting.trends import scenario_quality as quality
from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.limits import Unit, groups_of
from services.reporting.trends.scenario_quality import Measured, Played
from shared.contracts.reports.practice import (
    Figure,
    ScenarioFigures,
    ScenarioQuality,
    ScenarioQualityQuery,
    SuppressedScenario,
)
from shared.db.pool import Connection
from shared.db.tx import tenant_tx
from shared.ids import format_id


async def scenario_figures(desk: Desk, query: ScenarioQualityQuery) -> ScenarioQuality:
    """Answer for every scenario that can be played, from finished weeks of last year and this."""
    since, until = days_that_count(query.today)
    async with tenant_tx(desk.database, query.tenant_id) as connection:
        fresh = await as_of(connection, query.tenant_id, desk.clock)
        least = (await report_settings(connection, query.tenant_id)).min_people
        shelves = await repository.library(connection, query.tenant_id)
        weeks, players = await counted(connection, query.tenant_id, query.today, least)
    # Beside the event loop: a big tenant has some hundred thousand of these.
    found = await asyncio.to_thread(_judged, players, least)
    shown = [
        figures
        for shelf in shelves
        if (figures := _figures(shelf, found.get(shelf.scenario_id))) is not None
    ]
    told, played = {each.scenario_id for each in shown}, {each.scenario_id for each in weeks}
    few = [format_id("scn", each.scenario_id) for each in shelves if each.scenario_id in played]
    return ScenarioQuality(
        as_of=fresh,
        headline=_headline(shown, least),
        since=since,
        until=until,
        min_people=least,
        scenarios=tuple(shown),
        suppressed=tuple(
            SuppressedScenario(scenario_id=each, reason="too_few_people")
            for each in few
            if each not in told
        ),
    )


def _judged(players: Sequence[Played], least: int) -> dict[UUID, quality.ScenarioQuality]:
    found = quality.scenario_quality(players, min_people=least)
    return {each.scenario_id: each for each in found}


def days_that_count(today: date) -> tuple[date, date]:
    """Return the days from January of last year to the end of the cut week before this one."""
    return date(today.year - 1, 1, 1), bucket_of(today) - timedelta(days=1)


async def counted(
    connection: Connection, tenant_id: UUID, today: date, least: int
) -> tuple[list[WeekPlayed], list[Played]]:
    """Return all weeks in which something was played, and the attempts that may count."""
    days = days_that_count(today)
    weeks = await repository.scenario_weeks(connection, tenant_id, *days, least)
    whole = whole_runs(weeks, least)
    return weeks, await repository.scenario_players(connection, tenant_id, *days, whole)


def whole_runs(weeks: Iterable[WeekPlayed], least: int) -> list[WeekPlayed]:
    """Return the weeks that count: those in runs with enough people each.

    A run depends on the data of its scenario and year only. So an answer grows by a whole run or
    not at all, and no two answers differ by what a few people did.
    """
    by_scenario: dict[UUID, list[WeekPlayed]] = defaultdict(list)
    for each in sorted(weeks, key=lambda week: (week.scenario_id, week.bucket)):
        by_scenario[each.scenario_id].append(each)
    return [
        rows[index]
        for rows in by_scenario.values()
        for group in groups_of(_units(rows, least), min_people=least)
        for index in group
    ]


def _units(rows: Sequence[WeekPlayed], least: int) -> list[Unit]:
    bits: dict[UUID, int] = {}
    for row in rows:
        for person in row.persons or ():
            bits.setdefault(person, 1 << (least + len(bits)))
    # Who is in a week of enough people does not matter: with it every run has enough.
    enough = (1 << least) - 1
    return [
        Unit(
            period=row.bucket.replace(month=1, day=1),
            bucket=row.bucket,
            people=enough
            if row.persons is None
            else reduce(or_, (bits[person] for person in row.persons), 0),
        )
        for row in rows
    ]


def _figures(shelf: Shelf, found: quality.ScenarioQuality | None) -> ScenarioFigures | None:
    if found is None or found.mean is None or found.expected is None or found.ease is None:
        return None
    return ScenarioFigures(
        scenario_id=format_id("scn", shelf.scenario_id),
        slug=shelf.spec.slug,
        title=shelf.spec.title,
        difficulty=shelf.spec.difficulty,
        attempts=found.n,
        people=found.people,
        mean=round(found.mean, 1),
        pass_share=_interval(found.pass_share, 3),
        expected=_rounded(found.expected, 1),
        ease=round(found.ease, 1),
        separation=_interval(found.separation, 2),
        judgment=found.quality,
        sentence=_sentence(shelf, found, round(found.expected.value, 1)),
    )


def _interval(measured: Measured | None, digits: int) -> Figure | None:
    return None if measured is None else _rounded(measured, digits)


def _rounded(measured: Measured, digits: int) -> Figure:
    return Figure(
        value=round(measured.value, digits),
        low=round(measured.low, digits),
        high=round(measured.high, digits),
        people=measured.people,
    )


def _sentence(shelf: Shelf, found: quality.ScenarioQuality, expected: float) -> str:
    begin = f"An average learner gets about {expected} in {shelf.spec.title}"
    share = found.pass_share
    passing = "" if share is None else f"; {round(share.value * 100, 1)} % of attempts pass"
    return f"{begin}{passing}. {_JUDGED[found.quality]}"


_JUDGED = {
    "fine": "Nothing speaks against it.",
    "too_easy": "It is too easy: nearly everybody passes.",
    "too_hard": "It is too hard: hardly anybody passes.",
    "does_not_separate": "Who is good elsewhere does no better here: look at what it asks for.",
    "too_little_data": "There are too few graded attempts to judge it.",
}


def _headline(shown: Sequence[ScenarioFigures], least: int) -> str:
    if not shown:
        return f"No scenario has been played by at least {least} people in finished weeks yet."
    wrong = [each for each in shown if each.judgment not in {"fine", "too_little_data"}]
    noun = "scenario" if len(shown) == 1 else "scenarios"
    if not wrong:
        return f"{len(shown)} {noun} played by enough people; nothing speaks against any of them."
    first = wrong[0]
    return f"{len(wrong)} of {len(shown)} {noun} deserve a look, for example {first.title}."
