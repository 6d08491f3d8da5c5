"""The activities of weekly pages. Reporting makes and stores them; here is only who is due."""

from collections.abc import Callable
from datetime import date
from typing import Any, Final

import msgspec
from nats.aio.client import Client as NatsClient
from nats.errors import Error as NatsError
from temporalio import activity

from services.orchestrator.context import Context
from shared.contracts.questions import ERROR_CODE_HEADER, PATIENCE_HEADER
from shared.contracts.reports.documents import WeeklyQuery, WeeklyReply
from shared.contracts.subjects import report_subject
from shared.db.sql import Queries
from shared.db.tx import system_tx
from shared.telemetry import trace
from shared.workflows import activity_api
from shared.workflows.activity_api import DueReports

_SQL: Final = Queries("services.orchestrator.reports")

TENANTS: Final = 200
"""Tenants of one pass: with their ids and weeks well below the size of a payload; the next pass
takes the others."""

PATIENCE_S: Final = 55.0
"""Seconds for one request's share of pages; below the heartbeat, which comes after each."""


class ReportingAwayError(Exception):
    """Reporting does not answer, or cannot now; the activity is tried again."""


class ReportActivities:
    """The activity bodies of weekly pages. Each may run twice; pages are known by team and week."""

    def __init__(self, context: Context, nats: NatsClient) -> None:
        self._context = context
        self._nats = nats

    def all(self) -> list[Callable[..., Any]]:
        """Return the bodies for registration."""
        return [self.list_due, self.make]

    @activity.defn(name=activity_api.LIST_DUE_REPORTS)
    async def list_due(self) -> tuple[DueReports, ...]:
        """Find tenants whose pages are due."""
        now = self._context.clock.now()
        async with system_tx(self._context.database) as connection:
            rows = await connection.fetch(_SQL["due_tenants"], now, TENANTS)
        return tuple(
            DueReports(tenant_id=row["tenant_id"], week=row["week"].isoformat()) for row in rows
        )

    @activity.defn(name=activity_api.MAKE_REPORTS)
    async def make(self, due: DueReports) -> None:
        """Have reporting make the pages, some at a time, until all are made."""
        while True:
            reply = await self._ask(due)
            if reply.made:
                self._context.publisher.wake_events()
            if not reply.left:
                return
            activity.heartbeat(reply.left)

    async def _ask(self, due: DueReports) -> WeeklyReply:
        query = WeeklyQuery(tenant_id=due.tenant_id, week=date.fromisoformat(due.week))
        try:
            message = await self._nats.request(
                report_subject("weekly"),
                msgspec.json.encode(query),
                timeout=PATIENCE_S,
                headers={PATIENCE_HEADER: str(int(PATIENCE_S * 1000)), **trace.headers()},
            )
        except (NatsError, OSError, TimeoutError) as error:
            raise ReportingAwayError(type(error).__name__) from None
        refusal = (message.headers or {}).get(ERROR_CODE_HEADER)
        if refusal is not None:
            raise ReportingAwayError(refusal)
        return msgspec.json.decode(message.data, type=WeeklyReply)
