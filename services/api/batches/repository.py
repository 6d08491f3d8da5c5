"""Batches in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from services.api.metadata import Attached, open_metadata, seal_metadata
from shared.contracts.jobs import StartBatch, encode_payload
from shared.contracts.simulation import PersonaState
from shared.db.pool import Connection
from shared.db.sealed import SealKey, TenantKey
from shared.db.sql import Queries
from shared.errors import NotFoundError

_SQL = Queries("services.api.batches")

METADATA = "operations.metadata"


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation of a batch, ready to be stored."""

    simulation_id: UUID
    part: int
    scenario_id: UUID
    scenario_version: int
    profile: str
    seed: int
    turn_id: UUID
    opening: bytes
    """Sealed."""
    state: PersonaState


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """How the conversations of one scenario with one profile came out so far."""

    scenario: str
    profile: str
    conversations: int
    played: int
    goal_met: int
    out_of_policy: int
    failed: int
    simulator_faults: int
    scored: int
    mean_score: int | None
    min_score: int | None
    max_score: int | None


class BatchRepository:
    """Statements inside one tenant; the caller owns the transaction."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def insert(
        self,
        operation_id: UUID,
        learner_id: UUID,
        conversations: Sequence[Conversation],
        at: datetime,
    ) -> None:
        """Store the conversations of an operation, with its parts."""
        sizes = [0] * (conversations[-1].part + 1)
        for one in conversations:
            sizes[one.part] += 1
        await self._connection.execute(_SQL["insert_parts"], self._tenant_id, operation_id, sizes)
        names = Conversation.__struct_fields__[:-1]
        columns = [[getattr(one, name) for one in conversations] for name in names]
        states = [msgspec.json.encode(one.state).decode() for one in conversations]
        await self._connection.execute(
            _SQL["insert_simulations"],
            self._tenant_id,
            operation_id,
            learner_id,
            *columns,
            states,
            at,
        )

    async def insert_starts(
        self, operation_id: UUID, job_ids: Sequence[UUID], at: datetime, retry_at: datetime
    ) -> None:
        """Write the job that starts the workflow of each part."""
        payloads = [
            encode_payload(StartBatch(operation_id=operation_id, part=part))
            for part in range(len(job_ids))
        ]
        await self._connection.execute(
            _SQL["insert_starts"], self._tenant_id, list(job_ids), payloads, retry_at, at
        )

    async def find_metadata(self, operation_id: UUID, tenant: TenantKey) -> Attached:
        """Return what is attached to a batch; nothing once its learner is erased."""
        row = await self._connection.fetchrow(_SQL["find_metadata"], self._tenant_id, operation_id)
        return {} if row is None else _attached(row, operation_id, tenant)[0]

    async def lock_metadata(
        self, operation_id: UUID, tenant: TenantKey
    ) -> tuple[Attached, SealKey]:
        """Return what is attached under the row lock, and the key to seal it with.

        Raises:
            NotFoundError: no such batch, or its learner was erased.
        """
        row = await self._connection.fetchrow(_SQL["lock_metadata"], self._tenant_id, operation_id)
        if row is None:
            raise NotFoundError
        return _attached(row, operation_id, tenant)

    async def set_metadata(self, operation_id: UUID, metadata: Attached, key: SealKey) -> None:
        """Attach something, sealed with the learner's key."""
        sealed = seal_metadata(key, metadata, METADATA, operation_id.bytes)
        await self._connection.execute(_SQL["set_metadata"], self._tenant_id, operation_id, sealed)

    async def summarize(self, operation_id: UUID) -> list[Group]:
        """Return the outcomes so far, by scenario and profile."""
        rows = await self._connection.fetch(_SQL["summarize"], self._tenant_id, operation_id)
        return [msgspec.convert(dict(row), Group) for row in rows]


def _attached(
    row: asyncpg.Record, operation_id: UUID, tenant: TenantKey
) -> tuple[Attached, SealKey]:
    key = tenant.learner_key(row["learner_id"], row["wrapped"])
    return open_metadata(key, row["metadata"], METADATA, operation_id.bytes), key
