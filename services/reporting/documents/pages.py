"""From the views' answers to a team's page."""

from datetime import date
from typing import Final, Literal
from uuid import UUID

import msgspec

from services.reporting.desk import Desk, QuestionError
from services.reporting.documents.content import team_page
from services.reporting.documents.spread import spreads
from services.reporting.freshness import state
from services.reporting.practice.advice import team_exercise
from services.reporting.trends.buckets import whole_weeks
from services.reporting.views.rollups import team_sheet
from services.reporting.views.trend import team_trend
from shared.contracts.reports.documents import DocumentQuery, TeamPage
from shared.contracts.reports.practice import TeamExerciseQuery
from shared.contracts.reports.trend import TrendQuery, TrendReply
from shared.db.keys import KeyRing
from shared.db.sql import Queries
from shared.db.tx import tenant_reads

SQL: Final = Queries("services.reporting.documents")


async def full_trend(
    desk: Desk, query: DocumentQuery, level: Literal["skill", "root"] = "skill"
) -> TrendReply:
    """Return the weekly trend of all skills with its statistics; raises as `team_trend`."""
    asked = TrendQuery(
        tenant_id=query.tenant_id,
        team_id=query.team_id,
        skill=None,
        start=query.start,
        end=query.end,
        source=query.source,
        level=level,
        view="full",
    )
    return await team_trend(desk, asked)


async def _headline(desk: Desk, query: DocumentQuery, trend: TrendReply) -> str | None:
    """Return what moved: a skill, else a family of skills.

    Nine families are fewer chances of a false alarm than forty skills, so more can be said of them.
    """
    if any(cell.verdict in {"improving", "declining"} for cell in trend.cells):
        return trend.headline
    return (await full_trend(desk, query, "root")).headline


async def read_page(desk: Desk, keys: KeyRing, query: DocumentQuery) -> TeamPage:
    """Return a team's page as of now.

    Raises:
        QuestionError: the range is empty or too long, or there is no such team.
        NotReadyError: numbers are being counted anew.
    """
    trend = await full_trend(desk, query)
    trend = msgspec.structs.replace(trend, headline=await _headline(desk, query, trend))
    reads = tenant_reads(desk.database)
    current = await state(reads, query.tenant_id, desk.clock)
    days = whole_weeks(query.start, query.end)
    sheet = await team_sheet(reads, query.tenant_id, query.team_id, *days)
    name = await team_name(desk, keys, query.tenant_id, query.team_id)
    advised = await team_exercise(
        desk,
        TeamExerciseQuery(tenant_id=query.tenant_id, team_id=query.team_id, today=current.today),
    )
    found = spreads(sheet, current, query.team_id, days, query.source)
    return team_page(query, name, trend, found, current.skills, advised.exercise)


async def team_name(desk: Desk, keys: KeyRing, tenant_id: UUID, team_id: UUID) -> str:
    """Return what a team is called; raises `QuestionError` when the tenant has no such team."""
    reads = tenant_reads(desk.database)
    sealed = await reads.fetchval(SQL["team_name"], tenant_id, team_id)
    if sealed is None:
        raise QuestionError("there is no such team")
    tenant = await keys.tenant(reads, tenant_id)
    return tenant.open_text(sealed, "teams.name", team_id.bytes)


def weeks_before(last: date, weeks: int) -> date:
    """Return the Monday of the first of `weeks` weeks of which the last one holds a day."""
    return date.fromordinal(whole_weeks(last, last)[0].toordinal() - 7 * (weeks - 1))
