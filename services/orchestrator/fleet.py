"""The whole fleet's numbers for Prometheus, as the database and Temporal see them.

A few statements of the system role every `PERIOD_S`; they look at work, so tenants without any
cost nothing. Every orchestrator shows the same numbers: take the largest. One whose looks come to
nothing shows none but the time of its last: old numbers would hide the others' and keep alerts up.
"""

import asyncio
from datetime import timedelta
from typing import Final

import asyncpg

from services.orchestrator.queues import TemporalWatch
from services.orchestrator.repository import SQL
from shared.clock import Clock
from shared.contracts.jobs import JobKind
from shared.db.pool import Connection, Database
from shared.db.tx import system_tx
from shared.load.heartbeat import LOST_AFTER
from shared.log import get_logger
from shared.telemetry import catalog, metrics
from shared.workflows.activity_api import TASK_QUEUE

log = get_logger()

PERIOD_S: Final = 10.0
"""Seconds between two looks."""

LOOK_S: Final = 20.0
"""Seconds one look may take: a connection that died in silence would else hang for minutes."""

STALE_S: Final = 45.0
"""Seconds after which numbers are no longer shown."""

SHOWN: Final = (
    catalog.JOBS,
    catalog.JOBS_DEAD,
    catalog.JOBS_OLDEST,
    catalog.TENANT_SHARE,
    catalog.TENANTS_WORKING,
    catalog.OUTBOX_PENDING,
    catalog.OUTBOX_LAG,
    catalog.ERASURE_OLDEST,
    catalog.KEYS_EXPIRING,
    catalog.KEY_EXPIRY,
    catalog.TEMPORAL_BACKLOG,
    catalog.PROCESSES_SILENT,
)
"""What comes from here, and from nowhere else."""

KEYS_EVERY: Final = 60
"""Looks between two counts of keys: they are many, and days matter there."""

SOON: Final = timedelta(days=14)
"""A key that expires within this time should be rolled now."""


class FleetWatch:
    """Looks again and again until it is canceled."""

    def __init__(self, database: Database, temporal: TemporalWatch, clock: Clock) -> None:
        self._database = database
        self._temporal = temporal
        self._clock = clock
        self._looks = 0
        self._looked_at = 0.0
        self._silent: set[str] = set()

    def start(self) -> list[asyncio.Task[None]]:
        """Begin to look; return what to cancel."""
        return [asyncio.create_task(self.run())]

    async def run(self) -> None:
        """Look every `PERIOD_S`; servers that are away leave the last numbers for `STALE_S`."""
        unshow = metrics.before_showing(self.forget_old)
        try:
            while True:
                try:
                    async with asyncio.timeout(LOOK_S):
                        await self.look()
                except Exception as error:
                    self._looks = 0  # what is forgotten meanwhile is counted with the next
                    log.warning("fleet.unknown", error=type(error).__name__)
                await asyncio.sleep(PERIOD_S)
        finally:
            unshow()

    def forget_old(self) -> None:
        """Show nothing that is older than `STALE_S`; the time of the last look stays."""
        if self._clock.now().timestamp() - self._looked_at > STALE_S:
            for metric in SHOWN:
                metric.forget_all()

    async def look(self) -> None:
        """Look once.

        Raises:
            asyncpg.PostgresError, OSError: the database does not answer.
        """
        async with system_tx(self._database) as connection:
            await _jobs(connection)
            await _outbox(connection)
            await self._processes(connection)
            if self._looks % KEYS_EVERY == 0:
                row = await _row(connection, "fleet_keys", SOON)
                catalog.KEYS_EXPIRING.set(row["keys"])
                catalog.KEY_EXPIRY.set(row["next_s"])
        self._looks += 1
        facts = await self._temporal.facts()
        backlogs: dict[tuple[str, ...], float] = {
            (TASK_QUEUE, kind): found
            for kind in ("workflow", "activity")
            if (found := facts.get(f"temporal_{kind}_tasks")) is not None
        }  # none while Temporal does not answer: a number of long ago would keep an alert up
        catalog.TEMPORAL_BACKLOG.replace(backlogs, TASK_QUEUE)
        self.looked()

    def looked(self) -> None:
        """Take note that the numbers are as of now."""
        self._looked_at = self._clock.now().timestamp()
        catalog.FLEET_LOOK.set(self._looked_at)

    async def _processes(self, connection: Connection) -> None:
        rows = await connection.fetch(SQL["fleet_silent"], LOST_AFTER)
        found = {row["service"]: row["silent"] for row in rows}
        self._silent |= set(found)
        for service in self._silent:  # also those of whose processes none is listed any more
            catalog.PROCESSES_SILENT.set(found.get(service, 0), service)


async def _jobs(connection: Connection) -> None:
    found = {row["kind"]: row for row in await connection.fetch(SQL["fleet_jobs"])}
    shares = {row["kind"]: row["share"] for row in await connection.fetch(SQL["fleet_shares"])}
    due, due_s = 0, 0.0
    for kind in JobKind:
        row = found.get(kind.value)
        for state in ("waiting", "in_flight"):
            catalog.JOBS.set(0 if row is None else row[state], kind.value, state)
        catalog.JOBS_DEAD.set(0 if row is None else row["dead"], kind.value)
        catalog.JOBS_OLDEST.set(0 if row is None else row["oldest_s"], kind.value)
        catalog.TENANT_SHARE.set(shares.get(kind.value, 0.0), kind.value)
        if row is not None:
            due, due_s = due + row["due"], max(due_s, row["due_s"])
    catalog.OUTBOX_PENDING.set(due, "jobs")
    catalog.OUTBOX_LAG.set(due_s, "jobs")
    catalog.TENANTS_WORKING.set(await connection.fetchval(SQL["fleet_tenants"]))


async def _outbox(connection: Connection) -> None:
    row = await _row(connection, "fleet_events")
    catalog.OUTBOX_PENDING.set(row["waiting"], "events")
    catalog.OUTBOX_LAG.set(row["oldest_s"], "events")
    catalog.ERASURE_OLDEST.set(await connection.fetchval(SQL["fleet_erasures"]))


async def _row(connection: Connection, name: str, *arguments: object) -> asyncpg.Record:
    row = await connection.fetchrow(SQL[name], *arguments)
    if row is None:
        raise AssertionError("an aggregate always has a row")
    return row
