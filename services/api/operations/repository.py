"""Operations in Postgres, read for a caller."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from services.api.paging import PageRequest
from services.api.principal import Bounds
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.errors import NotFoundError
from shared.ids import format_id

Kind = Literal[
    "simulation_batch",
    "scoring_batch",
    "scenario_draft",
    "scenario_trial",
    "rubric_draft",
    "report_export",
    "learner_erasure",
    "learner_export",
    "tenant_export",
]
Status = Literal["queued", "running", "succeeded", "failed", "canceled"]

_SQL = Queries("services.api.operations")

CANCELED = "canceled"
"""Failure code of a scoring whose operation was canceled."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """Long work and how far it is."""

    operation_id: UUID
    kind: Kind
    status: Status
    is_scored: bool
    total: int
    played: int
    scored: int
    failed: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime


class OperationRepository:
    """Queries of one transaction; each is limited to what the caller may see."""

    def __init__(self, connection: Connection, bounds: Bounds) -> None:
        self._connection = connection
        self._bounds = bounds
        self._tenant_id = bounds[0]

    async def insert(self, operation: Operation, learner_id: UUID) -> None:
        """Store a queued operation."""
        await self._connection.execute(
            _SQL["insert_operation"],
            self._tenant_id,
            operation.operation_id,
            operation.kind,
            learner_id,
            operation.is_scored,
            operation.total,
            operation.created_at,
            operation.expires_at,
        )

    async def get(self, operation_id: UUID) -> Operation:
        """Return an operation.

        Raises:
            NotFoundError: none that the caller may see.
        """
        row = await self._connection.fetchrow(_SQL["get_operation"], *self._bounds, operation_id)
        if row is None:
            raise NotFoundError
        return _operation(row)

    async def list_page(self, page: PageRequest, status: Status | None) -> list[Operation]:
        """Return `page.limit + 1` operations, if there are so many."""
        rows = await self._connection.fetch(
            _SQL["list_operations"], *self._bounds, page.after, status, page.limit + 1
        )
        return [_operation(row) for row in rows]

    async def cancel(self, operation_id: UUID, at: datetime) -> bool:
        """Cancel what has not ended, with its open simulations; say whether that changed it."""
        row = await self._connection.fetchrow(
            _SQL["cancel_operation"], self._tenant_id, operation_id, at
        )
        if row is not None:
            await self._connection.execute(
                _SQL["cancel_simulations"], self._tenant_id, operation_id, at
            )
            await self._connection.execute(_SQL["forget_draft"], self._tenant_id, operation_id)
        return row is not None

    async def cancel_scorings(self, operation_id: UUID, at: datetime) -> None:
        """Fail what is not scored yet of a request with many conversations, with its jobs.

        Before the operation itself: a worker that ends its last scoring locks in the same order.
        """
        await self._connection.execute(
            _SQL["cancel_scorings"],
            self._tenant_id,
            operation_id,
            at,
            format_id("op", operation_id),
            CANCELED,
        )


def _operation(row: asyncpg.Record) -> Operation:
    return msgspec.convert({name: row[name] for name in Operation.__struct_fields__}, Operation)
