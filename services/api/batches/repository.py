"""Batches in Postgres."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from shared.contracts.jobs import StartBatch, encode_payload
from shared.contracts.simulation import PersonaState
from shared.db.pool import Connection
from shared.db.sql import Queries

_SQL = Queries("services.api.batches")


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

    async def summarize(self, operation_id: UUID) -> list[Group]:
        """Return the outcomes so far, by scenario and profile."""
        rows = await self._connection.fetch(_SQL["summarize"], self._tenant_id, operation_id)
        return [msgspec.convert(dict(row), Group) for row in rows]
