"""Dead letters: jobs that five workers took and none finished, and what a replay of each may do.

A replay never undoes what people were told; it does what can be done after that.
"""

from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from services.api.ops.stuck import SQL, score_job, told
from services.api.ops.stuck_schemas import (
    DeadLetter,
    DeadLetterView,
    Replay,
    Replayed,
)
from services.api.paging import PageRequest
from shared.contracts.jobs import (
    ActivityDone,
    BatchJob,
    BulkScoreJob,
    JobPayload,
    RescoreJob,
    RubricDraftJob,
    ScenarioDraftJob,
    ScenarioTrialJob,
    ScoreJob,
    SimulationEnded,
    StartBatch,
    StartScoring,
    StartSimulation,
    TurnJob,
    decode_payload,
    encode_payload,
)
from shared.db.pool import Connection
from shared.db.tx import system_tx, tenant_tx
from shared.errors import NotFoundError
from shared.ids import format_id
from shared.trail.entries import record

FAILED_CONVERSATION: Final = "the conversation ended with `failed`"
FAILED_SCORING: Final = "the scoring failed"
NOTHING: Final = "nothing: nobody waited for it"

TOLD: Final = {
    "turn": FAILED_CONVERSATION,
    "batch": FAILED_CONVERSATION,
    "score": FAILED_SCORING,
    "bulk_score": FAILED_SCORING,
    "start_scoring": FAILED_SCORING,
    "rescore": "the second judgment failed; the first one stands",
    "scenario_draft": "the draft failed",
    "scenario_trial": "the trial failed",
    "rubric_draft": "the draft failed",
    "start_simulation": "of autopilot: the conversation ended with `failed`; else nothing",
    "start_batch": NOTHING,
    "simulation_ended": NOTHING,
    "activity_done": NOTHING,
}
"""What whoever waited was told when the job died, by its type."""

REPLAYED: Final = (
    "score",
    "bulk_score",
    "rescore",
    "start_scoring",
    "start_simulation",
    "start_batch",
    "simulation_ended",
    "activity_done",
)
"""Types that a replay can do something for."""

MOST_LOOKED_AT: Final = 300
"""Dead letters that one request looks at, with those that are refused."""

_DRAFT: Final = "What was asked for is kept no longer than its operation: the author asks again"
_OVER: Final = "The conversation ended with `failed` when this died; a new one can be begun"


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay comes to."""

    outcome: Replayed
    words: str
    job: JobPayload | None = None
    """What is due again."""


_DUE: Final = "It is due again and is published within a second"


def _due(job: JobPayload, words: str = _DUE) -> _Plan:
    return _Plan(outcome="replayed", words=words, job=job)


def _refused(words: str) -> _Plan:
    return _Plan(outcome="refused", words=words)


class DeadLetters:
    """Lists dead letters across tenants; replays one inside its tenant."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def find(
        self, page: PageRequest, tenant_id: UUID | None, kind: str | None, code: str | None
    ) -> list[Any]:
        """Return one more row than the page holds, the oldest first."""
        kinds = None if kind is None else [kind]
        return await self._rows(page.after, tenant_id, kinds, code, page.limit + 1)

    async def get(self, tenant_id: UUID, job_id: UUID) -> DeadLetterView:
        """Return a dead letter; raises `NotFoundError`."""
        async with tenant_tx(self._context.database, tenant_id) as connection:
            row = await connection.fetchrow(SQL["dead_letter"], tenant_id, job_id)
        if row is None:
            raise NotFoundError("No such dead letter")
        return DeadLetterView(letter=letter_of(row), about=_about(decode_payload(row["payload"])))

    async def replay_many(
        self,
        tenant_id: UUID | None,
        kind: str | None,
        code: str | None,
        limit: int,
        request_id: str,
    ) -> list[Replay]:
        """Replay the oldest that fit, one by one, of types that can be replayed.

        One that is gone meanwhile is passed over. One that is refused stays where it is, so it
        does not count: it would stand before the others for ever.
        """
        kinds = [each for each in REPLAYED if kind in {None, each}]
        done: list[Replay] = []
        after, looked_at, tried = None, 0, 0
        while tried < limit and looked_at < MOST_LOOKED_AT:
            rows = await self._rows(after, tenant_id, kinds, code, limit - tried)
            if not rows:
                break
            for row in rows:
                with suppress(NotFoundError):
                    done.append(await self.replay(row["tenant_id"], row["job_id"], request_id))
                    tried += done[-1].outcome != "refused"
            after, looked_at = rows[-1]["job_id"], looked_at + len(rows)
        return done

    async def replay(self, tenant_id: UUID, job_id: UUID, request_id: str) -> Replay:
        """Make a dead letter due again, once; or say why not.

        Raises:
            NotFoundError: the tenant has no such job; it may have been replayed and done.
        """
        target = format_id("job", job_id)
        async with tenant_tx(self._context.database, tenant_id) as connection:
            row = await connection.fetchrow(SQL["lock_dead"], tenant_id, job_id)
            if row is None:
                raise NotFoundError("No such dead letter")
            plan = _Plan(outcome="already_due", words="It is no dead letter any more")
            if row["dead_at"] is not None:
                plan = await self._plan(connection, tenant_id, decode_payload(row["payload"]))
                await self._do(connection, tenant_id, job_id, plan)
            entry = told(
                tenant_id, "work.replayed", target, request_id, self._now, {"did": plan.outcome}
            )
            await record(connection, entry)
        return Replay(
            tenant_id=format_id("ten", tenant_id),
            id=target,
            outcome=plan.outcome,
            words=plan.words,
        )

    async def _do(self, connection: Connection, tenant_id: UUID, job_id: UUID, plan: _Plan) -> None:
        if plan.job is not None:
            await connection.execute(
                SQL["revive"], tenant_id, job_id, self._now, encode_payload(plan.job)
            )
        elif plan.outcome == "not_needed":
            await connection.execute(SQL["drop_job"], tenant_id, job_id)

    async def _plan(self, connection: Connection, tenant_id: UUID, job: JobPayload) -> _Plan:
        """Decide, and put right what the job's death has changed."""
        match job:
            case TurnJob():
                plan = await self._turn(connection, tenant_id, job)
            case ScoreJob() | BulkScoreJob():
                plan = await self._scoring(connection, tenant_id, job)
            case StartScoring():
                plan = await self._start_scoring(connection, tenant_id, job)
            case StartSimulation():
                plan = await self._start_simulation(connection, tenant_id, job)
            case RescoreJob():
                plan = _due(job, "It is judged again; its timeline keeps the failure too")
            case StartBatch() | SimulationEnded() | ActivityDone():
                plan = _due(job)
            case BatchJob():
                plan = _refused(_OVER)
            case ScenarioDraftJob() | ScenarioTrialJob() | RubricDraftJob():
                plan = _refused(_DRAFT)
        return plan

    async def _turn(self, connection: Connection, tenant_id: UUID, job: TurnJob) -> _Plan:
        row = await connection.fetchrow(SQL["lock_simulation"], tenant_id, job.simulation_id)
        if row is not None and row["status"] == "open" and row["last_seq"] == job.seq - 1:
            return _due(job)
        return _refused(_OVER)

    async def _scoring(
        self, connection: Connection, tenant_id: UUID, job: ScoreJob | BulkScoreJob
    ) -> _Plan:
        row = await connection.fetchrow(SQL["lock_scoring"], tenant_id, job.scoring_id)
        if row is None or row["status"] == "completed":
            return _Plan(outcome="not_needed", words="It was scored meanwhile, or is gone")
        if row["status"] != "failed":
            return _refused("Its failure has not reached it yet: try again in a minute")
        await connection.execute(SQL["unfail_scoring"], tenant_id, job.scoring_id, "running")
        # A request of many was counted when this died, so it comes back on its own.
        return _due(score_job(job.scoring_id), "It is scored again, as a new attempt")

    async def _start_scoring(
        self, connection: Connection, tenant_id: UUID, job: StartScoring
    ) -> _Plan:
        row = await connection.fetchrow(SQL["lock_scoring"], tenant_id, job.scoring_id)
        if row is None or row["status"] == "completed":
            return _Plan(outcome="not_needed", words="It was scored meanwhile, or is gone")
        if row["workflow_id"] is None:
            await connection.execute(SQL["unfail_scoring"], tenant_id, job.scoring_id, "queued")
            return _due(job)
        led = await connection.fetch(SQL["unfail_led"], tenant_id, row["workflow_id"])
        return _due(job, f"It starts {len(led)} failed scorings again")

    async def _start_simulation(
        self, connection: Connection, tenant_id: UUID, job: StartSimulation
    ) -> _Plan:
        row = await connection.fetchrow(SQL["lock_simulation"], tenant_id, job.simulation_id)
        if row is None or row["end_reason"] == "failed":
            return _refused(_OVER)
        if row["end_reason"] == "cancelled":  # its workflow would have it scored
            return _refused("The conversation was cancelled")
        return _due(job)

    async def _rows(
        self,
        after: UUID | None,
        tenant_id: UUID | None,
        kinds: list[str] | None,
        code: str | None,
        limit: int,
    ) -> list[Any]:
        async with system_tx(self._context.database) as connection:
            return await connection.fetch(SQL["dead_letters"], after, tenant_id, kinds, code, limit)

    @property
    def _now(self) -> datetime:
        return self._context.clock.now()


def letter_of(row: Any) -> DeadLetter:
    """Return the public form of a row."""
    return DeadLetter(
        tenant_id=format_id("ten", row["tenant_id"]),
        id=format_id("job", row["job_id"]),
        lane=row["kind"],
        type=row["type"],
        starts=row["starts"],
        failure_code=row["failure_code"],
        created_at=row["created_at"],
        died_at=row["dead_at"],
        can_replay=row["type"] in REPLAYED,
        told=TOLD.get(row["type"], NOTHING),
    )


_ABOUT: Final = {"simulation_id": "sim", "scoring_id": "scr", "operation_id": "op"}


def _about(job: JobPayload) -> list[str]:
    return [
        format_id(prefix, getattr(job, name))
        for name, prefix in _ABOUT.items()
        if hasattr(job, name)
    ]
