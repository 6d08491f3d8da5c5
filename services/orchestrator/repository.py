"""Every statement of the orchestrator, typed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.contracts.events import EventHeader
from shared.contracts.jobs import MAX_STARTS, JobKind, JobMessage, JobPayload, decode_payload
from shared.contracts.simulation import EndReason
from shared.db.pool import Connection
from shared.db.sql import Queries

SQL = Queries("services.orchestrator")

EVENTS_PER_PASS = 2000
"""Events placed in one transaction."""

JOBS_PER_PASS = 500
"""Jobs republished in one transaction."""


class SimulationRow(Record, frozen=True, kw_only=True):
    """A simulation as its workflow sees it."""

    status: str
    end_reason: str | None
    mode: str
    last_activity_at: datetime
    last_seq: int
    created_at: datetime
    ended_at: datetime | None
    learner_id: UUID
    idle_timeout_s: int
    rubric: str


class OrchestratorRepository:
    """Statements inside one tenant; the caller owns the transaction."""

    def __init__(self, connection: Connection, tenant_id: UUID) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def take_unstarted(
        self, scoring_id: UUID, limit: int, workflow_id: str
    ) -> tuple[UUID, ...]:
        """Give up to `limit` queued scorings, this one among them, to a workflow; none when this
        one has a workflow or needs none. Return those given.
        """
        await self._connection.execute(SQL["lock_starts"], self._tenant_id)
        rows = await self._connection.fetch(
            SQL["unstarted_scorings"], self._tenant_id, scoring_id, limit, workflow_id
        )
        return tuple(row["scoring_id"] for row in rows)

    async def find_workflow(self, scoring_id: UUID) -> str | None:
        """Return the workflow that has the scoring."""
        value: str | None = await self._connection.fetchval(
            SQL["scoring_workflow"], self._tenant_id, scoring_id
        )
        return value

    async def list_scorings(self, workflow_id: str) -> tuple[UUID, ...]:
        """Return the scorings of a workflow, sorted."""
        rows = await self._connection.fetch(
            SQL["scorings_of_workflow"], self._tenant_id, workflow_id
        )
        return tuple(row["scoring_id"] for row in rows)

    async def find_scoring_status(self, scoring_id: UUID) -> str | None:
        """Return `queued`, `running`, `completed`, `failed`, or None when there is no such
        scoring.
        """
        value: str | None = await self._connection.fetchval(
            SQL["scoring_status"], self._tenant_id, scoring_id
        )
        return value

    async def fail_scoring(self, scoring_id: UUID, code: str, now: datetime) -> bool:
        """Mark a scoring failed; say whether that changed anything."""
        row = await self._connection.fetchrow(
            SQL["fail_scoring"], self._tenant_id, scoring_id, code, now
        )
        return row is not None

    async def add_rescore_failed(
        self, scoring_id: UUID, assessment_id: UUID, code: str, now: datetime
    ) -> None:
        """Note in the timeline that a revision will not come."""
        await self._connection.fetchval(SQL["lock_scoring"], self._tenant_id, scoring_id)
        await self._connection.execute(
            SQL["rescore_failed"], self._tenant_id, scoring_id, assessment_id, code, now
        )

    async def find_simulation(self, simulation_id: UUID) -> SimulationRow | None:
        """Return the simulation, locked until the transaction ends."""
        row = await self._connection.fetchrow(SQL["simulation"], self._tenant_id, simulation_id)
        return None if row is None else msgspec.convert(dict(row), SimulationRow)

    async def end_simulation(self, simulation_id: UUID, reason: EndReason, now: datetime) -> bool:
        """End an open simulation; say whether that changed anything."""
        row = await self._connection.fetchrow(
            SQL["end_simulation"], self._tenant_id, simulation_id, reason.value, now
        )
        return row is not None

    async def create_simulation_scoring(
        self, simulation_id: UUID, simulation: SimulationRow, workflow_id: str, now: datetime
    ) -> UUID | None:
        """Create the scoring of an ended simulation, once; return its id, None without a rubric."""
        await self._connection.execute(
            SQL["create_simulation_scoring"],
            self._tenant_id,
            simulation_id,
            simulation_id,
            simulation.learner_id,
            simulation.rubric,
            workflow_id,
            simulation.created_at,
            now,
        )
        value: UUID | None = await self._connection.fetchval(
            SQL["scoring_of_simulation"], self._tenant_id, simulation_id
        )
        return value

    async def start_operation(self, operation_id: UUID, now: datetime) -> bool | None:
        """Mark a queued operation running; say whether it is scored. None: no such operation."""
        value: bool | None = await self._connection.fetchval(
            SQL["start_operation"], self._tenant_id, operation_id, now
        )
        return value

    async def list_unplayed(self, operation_id: UUID, part: int) -> list[UUID]:
        """Return the simulations of a part that are open."""
        rows = await self._connection.fetch(SQL["unplayed"], self._tenant_id, operation_id, part)
        return [row["simulation_id"] for row in rows]

    async def insert_jobs(
        self, jobs: Sequence[tuple[UUID, str]], now: datetime, due: datetime
    ) -> None:
        """Write jobs of the lane `batch`, id and payload; those that exist stay as they are."""
        await self._connection.execute(
            SQL["insert_batch_jobs"],
            self._tenant_id,
            [job_id for job_id, _ in jobs],
            [payload for _, payload in jobs],
            due,
            now,
        )

    async def list_waiting(self, operation_id: UUID, part: int) -> list[UUID]:
        """Return the jobs of a part that nobody has finished or buried."""
        rows = await self._connection.fetch(
            SQL["waiting_jobs"], self._tenant_id, operation_id, part
        )
        return [row["job_id"] for row in rows]

    async def create_batch_scorings(
        self, operation_id: UUID, part: int, workflow_id: str, now: datetime
    ) -> list[UUID]:
        """Create the scorings of a part's ended simulations, once; return all of them, sorted."""
        await self._connection.execute(
            SQL["create_batch_scorings"], self._tenant_id, operation_id, part, workflow_id, now
        )
        rows = await self._connection.fetch(
            SQL["scorings_of_part"], self._tenant_id, operation_id, part
        )
        return [row["scoring_id"] for row in rows]

    async def end_part(self, operation_id: UUID, part: int, now: datetime) -> str | None:
        """Mark a part ended; return the operation's last status if this ended it."""
        await self._connection.execute(SQL["lock_operation"], self._tenant_id, operation_id)
        await self._connection.execute(SQL["end_part"], self._tenant_id, operation_id, part, now)
        value: str | None = await self._connection.fetchval(
            SQL["end_operation"], self._tenant_id, operation_id, now
        )
        return value

    async def find_payload(self, job_id: UUID) -> JobPayload | None:
        """Return what a job is about."""
        payload = await self._connection.fetchval(SQL["job_payload"], self._tenant_id, job_id)
        return None if payload is None else decode_payload(payload)

    async def find_death(self, job_id: UUID) -> str | None:
        """Return why a job was buried; None when it was not."""
        code: str | None = await self._connection.fetchval(
            SQL["job_death"], self._tenant_id, job_id
        )
        return code

    async def give_back_job(self, job_id: UUID, retry_s: float) -> None:
        """Let a job go without counting the start; it is published again in `retry_s` seconds."""
        await self._connection.execute(SQL["give_back_job"], self._tenant_id, job_id, retry_s)

    async def bury_job(self, job_id: UUID, code: str, now: datetime) -> bool:
        """Mark a job dead, once, and say so; its row stays as the dead letter."""
        row = await self._connection.fetchrow(SQL["bury_job"], self._tenant_id, job_id, now, code)
        return row is not None


class Placed(msgspec.Struct, frozen=True):
    """An event that has its position."""

    header: EventHeader
    trace: str
    """Traceparent of what made it happen; empty where nothing is recorded."""


class Due(msgspec.Struct, frozen=True):
    """A job to be published again."""

    message: JobMessage
    trace: str
    """Traceparent of whoever wrote it; empty where nothing is recorded."""


async def place_events(connection: Connection) -> list[Placed]:
    """Give waiting events their positions, in the caller's system transaction; return them."""
    rows = await connection.fetch(SQL["place_events"], EVENTS_PER_PASS)
    return [Placed(msgspec.convert(dict(row), EventHeader), row["trace"] or "") for row in rows]


async def republish_jobs(connection: Connection, first_retry_s: float) -> list[Due]:
    """Count another attempt for every due job; return what to publish after the commit."""
    rows = await connection.fetch(SQL["republish_jobs"], JOBS_PER_PASS, first_retry_s, MAX_STARTS)
    return [Due(msgspec.convert(dict(row), JobMessage), row["trace"] or "") for row in rows]


async def list_dying_jobs(connection: Connection) -> list[tuple[UUID, UUID, JobKind]]:
    """Return (tenant, job, kind) of jobs that no worker survived."""
    rows = await connection.fetch(SQL["dying_jobs"], JOBS_PER_PASS, MAX_STARTS)
    return [(row["tenant_id"], row["job_id"], JobKind(row["kind"])) for row in rows]


async def forget_claims(connection: Connection, now: datetime, kept: timedelta) -> None:
    """Delete idempotency claims older than `kept`."""
    await connection.execute(SQL["forget_claims"], now - kept)
