"""Requests with many conversations in Postgres."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from services.api.operations.repository import Operation
from services.api.scorings.records import Status
from services.api.scorings.repository import SQL
from shared.contracts.jobs import BulkScoreJob, JobKind, JobMessage, encode_payload
from shared.db.pool import Connection
from shared.db.sealed import TenantKey
from shared.errors import FieldError
from shared.ids import format_id
from shared.intake.taking import Flag

Outcome = Literal["accepted", "held", "refused"]
Errors = tuple[FieldError, ...]

SPACING = timedelta(milliseconds=50)
"""How much later each job of a request is due than the one before: more than its work takes."""

_ERRORS = msgspec.json.Decoder(Errors)
_FLAGS = msgspec.json.Decoder(tuple[Flag, ...])
_COLUMN = "refused_conversations.errors"


class ItemRow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one conversation of a request."""

    item: int
    outcome: Outcome
    scoring_id: UUID | None = None
    status: Status | None = None
    failure_code: str | None = None
    flags: tuple[str, ...] = ()
    assessment_id: UUID | None = None
    overall: int | None = None
    errors: Errors = ()


class ScoringBatchRepository:
    """Statements inside one tenant; the caller owns the transaction."""

    def __init__(self, connection: Connection, tenant_id: UUID, key: TenantKey) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._key = key

    async def insert_operation(self, operation: Operation) -> None:
        """Store a request; with nothing to score it has ended already."""
        await self._connection.execute(
            SQL["insert_operation"],
            self._tenant_id,
            operation.operation_id,
            operation.status,
            operation.total,
            operation.created_at,
            operation.ended_at,
            operation.expires_at,
        )
        await self._connection.execute(
            SQL["insert_part"], self._tenant_id, operation.operation_id, operation.total
        )

    async def insert_refused(
        self, operation_id: UUID, refused: Sequence[tuple[int, Errors]]
    ) -> None:
        """Store what could not be taken, and why."""
        sealed = [
            self._key.seal(msgspec.json.encode(errors), _COLUMN, item_row(operation_id, item))
            for item, errors in refused
        ]
        await self._connection.execute(
            SQL["insert_refused"],
            self._tenant_id,
            operation_id,
            [item for item, _ in refused],
            sealed,
        )

    async def insert_jobs(
        self, operation_id: UUID, scoring_ids: Sequence[UUID], now: datetime, first_due: datetime
    ) -> list[JobMessage]:
        """Write the jobs of what was accepted; return the messages to publish after the commit."""
        jobs = [BulkScoreJob(scoring_id=one, operation_id=operation_id) for one in scoring_ids]
        await self._connection.execute(
            SQL["insert_jobs"],
            self._tenant_id,
            list(scoring_ids),
            [encode_payload(job) for job in jobs],
            [first_due + SPACING * place for place in range(len(jobs))],
            now,
        )
        return [
            JobMessage(tenant_id=self._tenant_id, job_id=one, kind=JobKind.SCORE, attempt=1)
            for one in scoring_ids
        ]

    async def list_items(self, operation_id: UUID) -> list[ItemRow]:
        """Return what became of every conversation so far, in the order of the request."""
        refused = await self._connection.fetch(SQL["batch_refused"], self._tenant_id, operation_id)
        taken = await self._connection.fetch(
            SQL["batch_scorings"], self._tenant_id, operation_id, format_id("op", operation_id)
        )
        rows = [*map(_taken, taken), *(self._refused(operation_id, row) for row in refused)]
        return sorted(rows, key=lambda row: row.item)

    def _refused(self, operation_id: UUID, row: asyncpg.Record) -> ItemRow:
        item = row["item"]
        plain = self._key.open(row["errors"], _COLUMN, item_row(operation_id, item))
        return ItemRow(item=item, outcome="refused", errors=_ERRORS.decode(plain))


def item_row(operation_id: UUID, item: int) -> bytes:
    """Return what binds the sealed reasons of a refusal to their row."""
    return operation_id.bytes + item.to_bytes(4, "big")


def _taken(row: asyncpg.Record) -> ItemRow:
    return ItemRow(
        item=row["item"],
        outcome="accepted" if row["was_accepted"] else "held",
        scoring_id=row["scoring_id"],
        status=row["status"],
        failure_code=row["failure_code"],
        flags=tuple(flag.code for flag in _FLAGS.decode(row["flags"])),
        assessment_id=row["assessment_id"],
        overall=row["overall"],
    )
