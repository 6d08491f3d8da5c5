"""Disputes in Postgres."""

from datetime import datetime
from uuid import UUID

import asyncpg

from services.api.assessments.records import Dispute, DisputeStatus
from services.api.assessments.repository import SQL
from services.api.paging import PageRequest
from services.api.principal import Bounds
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.errors import NotFoundError

_COMMENT = "disputes.comment"


class DisputeRepository:
    """Statements of one transaction; each read is limited to what the caller may see."""

    def __init__(self, connection: Connection, bounds: Bounds, tenant: TenantKey) -> None:
        self._connection = connection
        self._bounds = bounds
        self._tenant_id = bounds[0]
        self._tenant = tenant

    async def insert(self, dispute: Dispute, key: SealKey) -> None:
        """Store an open dispute; its comment is sealed with the learner's key."""
        await self._connection.execute(
            SQL["insert_dispute"],
            self._tenant_id,
            dispute.dispute_id,
            dispute.scoring_id,
            dispute.learner_id,
            dispute.assessment_id,
            dispute.reason_code,
            list(dispute.criteria),
            key.seal_text(dispute.comment or "", _COMMENT, dispute.dispute_id.bytes),
            dispute.key_id,
            dispute.actor_hash,
            dispute.opened_at,
            dispute.due_at,
        )

    async def find_open(self, scoring_id: UUID) -> UUID | None:
        """Return the dispute of a scoring that waits for an answer."""
        found: UUID | None = await self._connection.fetchval(
            SQL["open_dispute"], self._tenant_id, scoring_id
        )
        return found

    async def get(self, dispute_id: UUID) -> Dispute:
        """Return a dispute.

        Raises:
            NotFoundError: none that the caller may see.
        """
        row = await self._connection.fetchrow(SQL["get_dispute"], *self._bounds, dispute_id)
        if row is None:
            raise NotFoundError
        return self._dispute(row)

    async def list_page(
        self, page: PageRequest, status: DisputeStatus | None, due_before: datetime | None
    ) -> list[Dispute]:
        """Return `page.limit + 1` disputes, if there are so many, in order of opening."""
        rows = await self._connection.fetch(
            SQL["list_disputes"], *self._bounds, page.after, status, due_before, page.limit + 1
        )
        return [self._dispute(row) for row in rows]

    async def resolve(
        self, dispute_id: UUID, status: DisputeStatus, result_id: UUID, now: datetime
    ) -> bool:
        """Answer a dispute; say whether it was still open."""
        done = await self._connection.execute(
            SQL["resolve_dispute"], self._tenant_id, dispute_id, status, now, result_id
        )
        return done != "UPDATE 0"

    def _dispute(self, row: asyncpg.Record) -> Dispute:
        return Dispute(
            dispute_id=row["dispute_id"],
            scoring_id=row["scoring_id"],
            learner_id=row["learner_id"],
            assessment_id=row["assessment_id"],
            status=row["status"],
            reason_code=row["reason_code"],
            criteria=tuple(row["criteria"]),
            comment=self._comment(row),
            key_id=row["key_id"],
            actor_hash=row["actor_hash"],
            opened_at=row["opened_at"],
            due_at=row["due_at"],
            resolved_at=row["resolved_at"],
            result_id=row["result_id"],
        )

    def _comment(self, row: asyncpg.Record) -> str | None:
        if row["wrapped"] is None:
            return None
        key = self._tenant.learner_key(row["learner_id"], row["wrapped"])
        return key.open_text(row["comment"], _COMMENT, row["dispute_id"].bytes)
