"""What moves no more, and setting it going again; a repeat does no harm."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from services.api.context import ProcessContext
from services.api.ops.access import Operator
from services.api.ops.reasons import Sight, reason
from services.api.ops.stuck_schemas import Did, Retried, Stuck
from services.api.ops.watching import Watcher
from shared.contracts.jobs import (
    RETRIED,
    BulkScoreJob,
    JobKind,
    JobPayload,
    ReplyTo,
    ScoreJob,
    SimulationEnded,
    StartBatch,
    StartScoring,
    StartSimulation,
    TurnJob,
)
from shared.db.outbox import add_job
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_tx
from shared.errors import NotFoundError
from shared.ids import format_id, parse_id
from shared.trail.entries import Actor, Entry, record

SQL: Final = Queries("services.api.ops", "stuck.sql")

PREFIXES: Final = {"job": "job", "scoring": "scr", "simulation": "sim", "operation": "op"}
"""Prefix of a thing's id by what it is."""

MOST: Final = 1000
"""Stuck things that are counted at most."""

LOOKED_BACK: Final = timedelta(days=7)
"""How far back conversations are looked for that ended and were never scored."""

Retry = tuple[Did, str]


class StuckDesk:
    """Finds what is stuck across tenants, and retries one thing inside its tenant."""

    def __init__(self, context: ProcessContext, watcher: Watcher) -> None:
        self._context = context
        self._watcher = watcher

    async def find(self, tenant_id: UUID | None, limit: int) -> tuple[list[Stuck], int]:
        """Return what is stuck, the oldest first, and how much there is in all."""
        rows = await self._rows(tenant_id, limit)
        sight = Sight.of(await self._watcher.processes()) if rows else None
        found = [_stuck(row, sight) for row in rows if sight is not None]
        return found, rows[0]["of"] if rows else 0

    async def count(self) -> int:
        """Return how much is stuck."""
        rows = await self._rows(None, 1)
        return min(rows[0]["of"], MOST) if rows else 0

    async def _rows(self, tenant_id: UUID | None, limit: int) -> list[Any]:
        now = self._context.clock.now()
        async with system_tx(self._context.database) as connection:
            return await connection.fetch(
                SQL["stuck"], now, tenant_id, limit, first_id(now - LOOKED_BACK)
            )

    async def retry(
        self, operator: Operator, tenant_id: UUID, text: str, request_id: str
    ) -> Retried:
        """Set one thing going again.

        Raises:
            NotFoundError: the tenant has no such thing.
        """
        prefix, _, _ = text.partition("_")
        try:
            thing_id = parse_id(prefix, text)
        except ValueError:
            raise NotFoundError from None
        ways: dict[str, Callable[[Connection, UUID, UUID], Awaitable[Retry]]] = {
            "job": self._job,
            "scr": self._scoring,
            "sim": self._simulation,
            "op": self._operation,
        }
        async with tenant_tx(self._context.database, tenant_id) as connection:
            did, words = await ways[prefix](connection, tenant_id, thing_id)
            entry = told(tenant_id, "work.retried", text, request_id, self._now, {"did": did})
            await record(connection, entry)
        return Retried(id=text, did=did, words=words)

    async def _job(self, connection: Connection, tenant_id: UUID, job_id: UUID) -> Retry:
        row = await connection.fetchrow(SQL["tenant_job"], tenant_id, job_id)
        if row is None:
            raise NotFoundError("No such job: it was done, or never was")
        if row["dead_at"] is not None:
            return "nothing", "It is a dead letter: replay it"
        if await connection.fetchval(SQL["make_due"], tenant_id, job_id, self._now) is None:
            return "nothing", "A worker has it just now"
        return "made_due", "It is published again within a second"

    async def _alive(self, connection: Connection, tenant_id: UUID, thing_id: UUID) -> Retry | None:
        """Make due what there is for a thing; None where there is no living job."""
        rows = await connection.fetch(SQL["jobs_about"], tenant_id, thing_id)
        due = [
            row
            for row in rows
            if await connection.fetchval(SQL["make_due"], tenant_id, row["job_id"], self._now)
        ]
        if due:
            return "made_due", f"{len(due)} of its jobs are published again within a second"
        return ("nothing", "Its jobs are in work just now") if rows else None

    async def _scoring(self, connection: Connection, tenant_id: UUID, scoring_id: UUID) -> Retry:
        row = await connection.fetchrow(SQL["lock_scoring"], tenant_id, scoring_id)
        if row is None:
            raise NotFoundError("No such scoring")
        if row["status"] not in {"queued", "running"}:
            return "nothing", f"It is {row['status']}"
        if (done := await self._alive(connection, tenant_id, scoring_id)) is not None:
            return done
        job: JobPayload = score_job(scoring_id)
        job_id, lane = scoring_id, JobKind.SCORE
        if row["workflow_id"] is None:
            job = StartScoring(scoring_id=scoring_id, again=True)
            job_id, lane = _named(scoring_id, "start"), JobKind.FLOW
        elif _is_of_many(row):  # its request counts what is judged, and would else wait for ever
            job = BulkScoreJob(scoring_id=scoring_id, operation_id=row["operation_id"])
        return await self._add(connection, tenant_id, job_id, job, lane, "It has a new job")

    async def _simulation(
        self, connection: Connection, tenant_id: UUID, simulation_id: UUID
    ) -> Retry:
        row = await connection.fetchrow(SQL["lock_simulation"], tenant_id, simulation_id)
        if row is None:
            raise NotFoundError("No such conversation")
        if row["status"] == "scored" or row["has_scoring"]:
            return "nothing", "It has ended and has its scoring"
        if row["end_reason"] in {"failed", "cancelled"}:
            return "nothing", f"It has ended: {row['end_reason']}"
        if (done := await self._alive(connection, tenant_id, simulation_id)) is not None:
            return done
        if row["operation_id"] is not None:  # whether it is scored is for its batch to say
            return await self._operation(connection, tenant_id, row["operation_id"])
        job, purpose, words = _missing(simulation_id, row)
        lane = JobKind.TURN if isinstance(job, TurnJob) else JobKind.FLOW
        name = _named(simulation_id, purpose)
        return await self._add(connection, tenant_id, name, job, lane, words)

    async def _operation(
        self, connection: Connection, tenant_id: UUID, operation_id: UUID
    ) -> Retry:
        row = await connection.fetchrow(SQL["lock_operation"], tenant_id, operation_id)
        if row is None:
            raise NotFoundError("No such operation")
        if row["status"] not in {"queued", "running"}:
            return "nothing", f"It has ended: {row['status']}"
        if (done := await self._alive(connection, tenant_id, operation_id)) is not None:
            return done
        if row["kind"] != "simulation_batch":
            return "nothing", _no_retry(row["kind"])
        parts = await connection.fetch(SQL["open_parts"], tenant_id, operation_id)
        came: Retry = ("nothing", "All of its parts have ended")
        words = f"Temporal is asked again for {len(parts)} parts"
        for part in parts:
            job = StartBatch(operation_id=operation_id, part=part["part"], again=True)
            name = _named(operation_id, f"part {part['part']}")
            did = await self._add(connection, tenant_id, name, job, JobKind.FLOW, words)
            came = did if came[0] == "nothing" else came
        return came

    async def _add(
        self,
        connection: Connection,
        tenant_id: UUID,
        job_id: UUID,
        job: JobPayload,
        kind: JobKind,
        words: str,
    ) -> Retry:
        """Write a job that the relay publishes at its next look; what is there already is dead."""
        if await connection.fetchrow(SQL["tenant_job"], tenant_id, job_id) is not None:
            return "nothing", f"{format_id('job', job_id)} is its dead letter: replay it"
        await add_job(connection, tenant_id, job_id, job, kind, now=self._now, first_retry_s=0)
        return "started_again", words

    @property
    def _now(self) -> datetime:
        return self._context.clock.now()


def _is_of_many(row: Any) -> bool:
    """Say whether a scoring's request waits for it, and no workflow does."""
    operation_id = row["operation_id"]
    return operation_id is not None and row["workflow_id"] == format_id("op", operation_id)


def _missing(simulation_id: UUID, row: Any) -> tuple[JobPayload, str, str]:
    """Return the job that a conversation lacks, what it is for, and what a retry says of it.

    Workflows are asked for again also where one has ended: then it ended too early.
    """
    if row["status"] == "ended":
        ended = SimulationEnded(simulation_id=simulation_id, again=True)
        return ended, "ended", "Temporal is asked again to end and score it"
    if row["mode"] == "interactive" and row["last_seq"] % 2 == 1:
        turn = TurnJob(simulation_id=simulation_id, seq=row["last_seq"] + 1)
        return turn, f"turn {row['last_seq']}", "Its reply has a new job"
    start = StartSimulation(simulation_id=simulation_id, again=True)
    return start, "start", "Temporal is asked again to look after it"


def score_job(scoring_id: UUID) -> ScoreJob:
    """Return the judge's job of a scoring for which no workflow waits any more.

    Its result is told to an activity that there is not, which the orchestrator takes as told; a
    failure it writes into the scoring.
    """
    reply_to = ReplyTo(
        workflow_id=format_id("scr", scoring_id), activity_id=f"{RETRIED}{scoring_id}"
    )
    return ScoreJob(scoring_id=scoring_id, reply_to=reply_to)


def told(
    tenant_id: UUID,
    action: str,
    target: str,
    request_id: str,
    now: datetime,
    facts: Mapping[str, str | int | bool],
) -> Entry:
    """Return what the tenant's own trail says: an operator did it, and not which one.

    The operators' trail says that, by the same request.
    """
    return Entry(
        tenant_id=tenant_id,
        actor=Actor(kind="operator"),
        action=action,
        target=target,
        request_id=request_id,
        at=now,
        facts=dict(facts),
    )


def first_id(at: datetime) -> UUID:
    """Return the smallest id (UUIDv7) of a millisecond."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def _named(thing_id: UUID, purpose: str) -> UUID:
    """Return the id of a thing's new job: the same for the same purpose, so a repeat adds none."""
    return uuid5(NAMESPACE_OID, f"rapport retry {thing_id} {purpose}")


def _no_retry(kind: str) -> str:
    if kind == "report_export":
        return "A reporting process takes it as soon as one runs"
    if kind == "scoring_batch":
        return "Retry its scorings, which are listed on their own"
    return "It was lost with its worker: cancel it and ask for it again"


def _stuck(row: Any, sight: Sight) -> Stuck:
    return Stuck(
        tenant_id=format_id("ten", row["tenant_id"]),
        id=format_id(PREFIXES[row["what"]], row["id"]),
        what=row["what"],
        detail=row["detail"],
        since=row["since"],
        starts=row["starts"],
        reason=reason(row, sight),
        can_retry=row["what"] != "operation" or row["detail"] == "simulation_batch",
    )
