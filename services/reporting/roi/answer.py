"""The question what a training program brought."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from services.reporting.desk import Desk, QuestionError
from services.reporting.freshness import state
from services.reporting.roi import repository
from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.roi_levels import Plan
from services.reporting.trends.roi_report import Findings, report
from services.reporting.trends.roi_sides import Windows
from services.reporting.trends.roi_tally import Cohorts
from shared.contracts.reports.roi import Measure, Metric, RoiQuery, RoiReply
from shared.db.pool import Connection
from shared.db.tx import tenant_tx

MAX_SPAN: Final = timedelta(days=3 * 366)
"""From the baseline's first day to the follow-up's last."""

_DAY: Final = timedelta(days=1)
_SURVEYS: Final[frozenset[Measure]] = frozenset({"csat", "nps", "ces"})
_CONTACTS: Final[frozenset[Measure]] = frozenset({"handle_time", "first_contact_resolution"})


async def program_roi(desk: Desk, query: RoiQuery) -> RoiReply:
    """Answer from rollups, attempts, surveys and facts of calls.

    Raises:
        QuestionError: the days are not in order, or too far apart.
    """
    _check(query)
    async with tenant_tx(desk.database, query.tenant_id) as connection:
        findings = await _read(connection, desk, query)
    # Beside the event loop: a year of many teams is a second of arithmetic.
    return await asyncio.to_thread(report, query, findings)


async def _read(connection: Connection, desk: Desk, query: RoiQuery) -> Findings:
    known = await state(connection, query.tenant_id, desk.clock)
    first, last = query.baseline_from.replace(day=1), _month_end(query.measured_to)
    cohorts, teams = await _cohorts(connection, query, first, last)
    span = repository.Span(query.tenant_id, teams, first, last)
    outcomes = await repository.surveys(connection, span, _forms(query.metrics), "customer")
    outcomes += await repository.contacts(connection, span, _contact_keys(query.metrics))
    form = query.reaction_form
    return Findings(
        cohorts=cohorts,
        plan=Plan(
            windows=Windows(
                baseline_from=query.baseline_from,
                baseline_to=query.starts_on - _DAY,
                follow_up_from=query.ends_on + _DAY,
                follow_up_to=query.measured_to,
            ),
            isolation=query.isolation,
            min_people=known.settings.min_people,
            open_from=bucket_of(known.today),
        ),
        rollups=await repository.rollups(connection, span),
        practice=await repository.practice(connection, span),
        outcomes=outcomes,
        reactions=await repository.surveys(connection, span, [form] if form else [], "learner"),
        words=known.skills,
        fresh=known.as_of,
    )


async def _cohorts(
    connection: Connection, query: RoiQuery, first: date, last: date
) -> tuple[Cohorts, Sequence[UUID]]:
    """Return who is in which cohort, and every team that one of them was in."""
    treated, comparison = query.treated, query.comparison
    if treated.team_ids:
        others = () if comparison is None else comparison.team_ids
        teams = Cohorts(frozenset(treated.team_ids), frozenset(others), are_teams=True)
        return teams, [*treated.team_ids, *others]
    others = () if comparison is None else comparison.learner_ids
    known = await repository.people(connection, query.tenant_id, [*treated.learner_ids, *others])
    cohorts = Cohorts(
        frozenset(known[each] for each in treated.learner_ids if each in known),
        frozenset(known[each] for each in others if each in known),
        are_teams=False,
    )
    return cohorts, await repository.teams_of(connection, query.tenant_id, known, first, last)


def _check(query: RoiQuery) -> None:
    days = (query.baseline_from, query.starts_on, query.ends_on, query.measured_to)
    if not (days[0] < days[1] <= days[2] < days[3]):
        raise QuestionError("the days of the program are not in order")
    if days[3] - days[0] > MAX_SPAN:
        raise QuestionError("the days of the program are too far apart")


def _forms(metrics: Sequence[Metric]) -> list[str]:
    return sorted({each.form for each in metrics if each.form and each.measure in _SURVEYS})


def _contact_keys(metrics: Sequence[Metric]) -> list[str]:
    return sorted({each.measure for each in metrics if each.measure in _CONTACTS})


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - _DAY
