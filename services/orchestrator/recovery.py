"""Starts every life anew that Temporal may have forgotten: after a restore from a backup.

PostgreSQL knows what has not ended; for each such thing a job asks the orchestrator to start its
workflow. A workflow that still runs is left alone, and each of its steps finds what was done
before, so that this may be repeated at any time, beside the running product too.
"""

from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg

from shared.clock import Clock
from shared.contracts.base import Record
from shared.contracts.jobs import (
    FlowJob,
    SimulationEnded,
    StartBatch,
    StartScoring,
    StartSimulation,
    encode_payload,
)
from shared.db.pool import Connection, Database
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_tx
from shared.ids import IdMaker, InvalidIdError, parse_id

_SQL = Queries("services.orchestrator", "recovery.sql")

PAGE = 1000
"""Rows of one transaction."""

_NOBODY = UUID(int=0)
"""Before every id."""


class Recovered(Record, frozen=True, kw_only=True):
    """How many lives were started anew, of all tenants."""

    simulations: int = 0
    scorings: int = 0
    """Workflows of scorings: one may hold up to 50 of them."""
    parts: int = 0
    """Of batches of simulations."""

    def __add__(self, other: "Recovered") -> "Recovered":
        return Recovered(
            simulations=self.simulations + other.simulations,
            scorings=self.scorings + other.scorings,
            parts=self.parts + other.parts,
        )


class Recovery:
    """Looks through every tenant."""

    def __init__(self, database: Database, clock: Clock, ids: IdMaker) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids

    async def run(self) -> Recovered:
        """Ask for everything that has not ended; return how much that was."""
        async with system_tx(self._database) as connection:
            rows = await connection.fetch(_SQL["tenants"])
        total = Recovered()
        for row in rows:
            total += await self._tenant(row["tenant_id"])
        return total

    async def _tenant(self, tenant_id: UUID) -> Recovered:
        total = Recovered()
        async for page in self._pages(tenant_id, "lives", "simulation_id"):
            await self._order(tenant_id, [_life(row) for row in page])
            total += Recovered(simulations=len(page))
        leaders: set[UUID] = set()
        async for page in self._pages(tenant_id, "unfinished_scorings", "scoring_id"):
            found = {_leader(row) for row in page} - leaders
            await self._order(
                tenant_id, [StartScoring(scoring_id=each, again=True) for each in found]
            )
            leaders |= found
        async with tenant_tx(self._database, tenant_id) as connection:
            parts = await connection.fetch(_SQL["unfinished_parts"], tenant_id)
            await self._insert(
                connection,
                tenant_id,
                [
                    StartBatch(operation_id=row["operation_id"], part=row["part"], again=True)
                    for row in parts
                ],
            )
        return total + Recovered(scorings=len(leaders), parts=len(parts))

    async def _pages(
        self, tenant_id: UUID, query: str, column: str
    ) -> AsyncIterator[list[asyncpg.Record]]:
        after = _NOBODY
        while True:
            async with tenant_tx(self._database, tenant_id) as connection:
                page = await connection.fetch(_SQL[query], tenant_id, after, PAGE)
            if not page:
                return
            yield page
            after = page[-1][column]

    async def _order(self, tenant_id: UUID, jobs: list[FlowJob]) -> None:
        async with tenant_tx(self._database, tenant_id) as connection:
            await self._insert(connection, tenant_id, jobs)

    async def _insert(self, connection: Connection, tenant_id: UUID, jobs: list[FlowJob]) -> None:
        await connection.execute(
            _SQL["insert_flow_jobs"],
            tenant_id,
            [self._ids.new() for _ in jobs],
            [encode_payload(job) for job in jobs],
            self._clock.now(),
        )


def _life(row: asyncpg.Record) -> FlowJob:
    simulation_id = row["simulation_id"]
    if row["status"] == "open":
        return StartSimulation(simulation_id=simulation_id, again=True)
    return SimulationEnded(simulation_id=simulation_id, again=True)


def _leader(row: asyncpg.Record) -> UUID:
    """Return the scoring whose workflow has this one; itself, while it has none."""
    try:
        return parse_id("scr", row["workflow_id"] or "")
    except InvalidIdError:
        own: UUID = row["scoring_id"]
        return own
