"""Weekly pages: one per team and week, made once however often it is asked for."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from services.reporting.desk import Desk, QuestionError
from services.reporting.documents.pages import SQL, read_page, weeks_before
from shared.contracts.events import EventType, ReportReady
from shared.contracts.reports.documents import (
    DocumentQuery,
    StoredPageQuery,
    TeamPage,
    WeeklyQuery,
    WeeklyReply,
)
from shared.db.keys import KeyRing
from shared.db.outbox import add_event
from shared.db.tx import tenant_reads, tenant_tx
from shared.ids import IdMaker
from shared.reports import PAGE

WEEKS: Final = 12
"""Weeks that a page looks back on, the one that is over included: enough for a direction."""

PER_REQUEST: Final = 20
"""Pages of one request; each takes some tens of milliseconds."""


async def make_weekly(desk: Desk, keys: KeyRing, ids: IdMaker, query: WeeklyQuery) -> WeeklyReply:
    """Make pages that a tenant's teams do not have yet; the last request ends the week.

    Raises:
        QuestionError: the day is no Monday.
        NotReadyError: numbers are being counted anew.
    """
    if query.week.weekday() != 0:
        raise QuestionError("a week begins on Monday", "week")
    first, last = weeks_before(query.week, WEEKS), query.week + timedelta(days=6)
    reads = tenant_reads(desk.database)
    found = await reads.fetch(
        SQL["waiting_teams"], query.tenant_id, query.week, first, last, PER_REQUEST + 1
    )
    teams: list[UUID] = [row["team_id"] for row in found]
    made = 0
    for team_id in teams[:PER_REQUEST]:
        asked = DocumentQuery(tenant_id=query.tenant_id, team_id=team_id, start=first, end=last)
        page = await read_page(desk, keys, asked)
        made += await _store(desk, keys, ids, query, team_id, page)
    left = max(0, len(teams) - PER_REQUEST)
    if not left:
        async with tenant_tx(desk.database, query.tenant_id) as connection:
            await connection.execute(SQL["end_week"], query.tenant_id, query.week)
    return WeeklyReply(made=made, left=left)


async def _store(
    desk: Desk, keys: KeyRing, ids: IdMaker, query: WeeklyQuery, team_id: UUID, page: TeamPage
) -> bool:
    """Store a page with its event; say whether nobody else had done so."""
    document_id, now = ids.new(), desk.clock.now()
    async with tenant_tx(desk.database, query.tenant_id) as connection:
        tenant = await keys.tenant(connection, query.tenant_id)
        sealed = tenant.seal(msgspec.json.encode(page), PAGE, document_id.bytes)
        row = (document_id, team_id, query.week, sealed, now)
        if await connection.fetchval(SQL["insert_document"], query.tenant_id, *row) is None:
            return False
        await add_event(
            connection,
            query.tenant_id,
            ids.new(),
            EventType.REPORT_READY,
            document_id,
            ReportReady(team_id=team_id, week=query.week.isoformat()),
            now=now,
        )
    return True


async def stored_page(desk: Desk, keys: KeyRing, query: StoredPageQuery) -> TeamPage:
    """Return a page as it was made; raises `QuestionError` when there is none."""
    reads = tenant_reads(desk.database)
    sealed = await reads.fetchval(SQL["get_document"], query.tenant_id, query.document_id)
    if sealed is None:
        raise QuestionError("there is no such report")
    tenant = await keys.tenant(reads, query.tenant_id)
    plain = tenant.open(sealed, PAGE, query.document_id.bytes)
    return msgspec.json.decode(plain, type=TeamPage)
