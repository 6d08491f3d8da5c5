"""What other rooms write, by SQL inside the tenant: people, simulations, scorings, jobs, events."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.clock import SystemClock
from shared.contracts.base import Record
from shared.contracts.events import EventType
from shared.contracts.jobs import (
    ActivityDone,
    BatchJob,
    JobKind,
    JobMessage,
    JobPayload,
    ScoreJob,
    encode_payload,
)
from shared.db.jobs import claim, count_down, finish
from shared.db.outbox import add_event, add_job
from shared.db.pool import Connection, Database
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker
from shared.messaging.publisher import Publisher
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()
CLOCK = SystemClock()
SCENARIO = "support-angry-late-delivery"


class Nothing(Record, frozen=True, kw_only=True):
    """Data of an event that tells nothing."""


class World:
    """One tenant with one learner."""

    def __init__(self, database: Database, tenant_id: UUID, learner_id: UUID) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self.learner_id = learner_id

    @classmethod
    async def create(cls, database: Database, tenants: TenantFactory) -> "World":
        tenant = await tenants.new()
        world = cls(database, tenant.tenant_id, IDS.new())
        await world.execute(
            "insert into learners (tenant_id, learner_id, person_id, external_id,"
            " external_id_hash, created_at) values ($1, $2, $2, 'x', 'x', now())",
            world.learner_id,
        )
        return world

    async def execute(self, statement: str, *values: Any) -> None:
        async with tenant_tx(self.database, self.tenant_id) as connection:
            await connection.execute(statement, self.tenant_id, *values)

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        async with tenant_tx(self.database, self.tenant_id) as connection:
            return await connection.fetch(statement, self.tenant_id, *values)

    async def one(self, statement: str, *values: Any) -> Any:
        """The only row."""
        (row,) = await self.fetch(statement, *values)
        return row

    # -- lives

    async def simulation(
        self, *, mode: str = "interactive", last_seq: int = 0, active_at: datetime | None = None
    ) -> UUID:
        simulation_id = IDS.new()
        await self.execute(
            "insert into simulations (tenant_id, simulation_id, learner_id, scenario_id,"
            " scenario_version, mode, seed, status, last_seq, created_at, last_activity_at)"
            " select $1, $2, $3, v.scenario_id, v.version, $4, 1, 'open', $5, $6, $6"
            "   from scenarios s join scenario_versions v using (tenant_id, scenario_id)"
            "  where s.tenant_id = $1 and s.slug = $7",
            simulation_id,
            self.learner_id,
            mode,
            last_seq,
            active_at or CLOCK.now(),
            SCENARIO,
        )
        return simulation_id

    async def batch(self, *sizes: int, is_scored: bool = False) -> UUID:
        """An operation with parts of these sizes, as the API stores it."""
        operation_id = IDS.new()
        await self.execute(
            "insert into operations (tenant_id, operation_id, kind, status, learner_id, is_scored,"
            " total, created_at, expires_at)"
            " values ($1, $2, 'simulation_batch', 'queued', $3, $4, $5, now(), now())",
            operation_id,
            self.learner_id,
            is_scored,
            sum(sizes),
        )
        for part, size in enumerate(sizes):
            await self.execute(
                "insert into operation_parts (tenant_id, operation_id, part, unplayed)"
                " values ($1, $2, $3, $4)",
                operation_id,
                part,
                size,
            )
            for _ in range(size):
                simulation_id = await self.simulation(mode="autopilot")
                await self.execute(
                    "update simulations set operation_id = $3, part = $4"
                    " where tenant_id = $1 and simulation_id = $2",
                    simulation_id,
                    operation_id,
                    part,
                )
        return operation_id

    async def operation(self, operation_id: UUID) -> Any:
        return await self.one(
            "select * from operations where tenant_id = $1 and operation_id = $2", operation_id
        )

    async def played(self, operation_id: UUID) -> list[Any]:
        return await self.fetch(
            "select * from simulations where tenant_id = $1 and operation_id = $2"
            " order by simulation_id",
            operation_id,
        )

    async def idle_timeout_s(self) -> int:
        row = await self.one(
            "select (v.spec ->> 'idle_timeout_s')::int as seconds from scenarios s"
            " join scenario_versions v using (tenant_id, scenario_id)"
            " where s.tenant_id = $1 and s.slug = $2",
            SCENARIO,
        )
        return int(row["seconds"])

    async def end(self, simulation_id: UUID) -> None:
        await self.execute(
            "update simulations set status = 'ended', end_reason = 'learner_ended', ended_at = now()"
            " where tenant_id = $1 and simulation_id = $2",
            simulation_id,
        )

    async def scorings(self, amount: int) -> list[UUID]:
        """Queued scorings of external conversations."""
        scoring_ids = [IDS.new() for _ in range(amount)]
        await self.execute(
            "with heard as (insert into conversations (tenant_id, conversation_id, learner_id,"
            "  source, turns, turn_count, occurred_at, created_at)"
            "  select $1, one, $3, 'call', 'x', 1, now(), now() from unnest($2::uuid[]) as one)"
            " insert into scorings (tenant_id, scoring_id, learner_id, conversation_id, rubric_id,"
            "  rubric_version, source, status, occurred_at, created_at)"
            " select $1, one, $3, one, v.rubric_id, v.version, 'call', 'queued', now(), now()"
            "   from unnest($2::uuid[]) as one,"
            "        (select rubric_id, version from rubric_versions where tenant_id = $1"
            "          order by rubric_id, version limit 1) as v",
            scoring_ids,
            self.learner_id,
        )
        return scoring_ids

    async def scoring(self, scoring_id: UUID) -> Any:
        return await self.one(
            "select * from scorings where tenant_id = $1 and scoring_id = $2", scoring_id
        )

    async def row(self, simulation_id: UUID) -> Any:
        return await self.one(
            "select * from simulations where tenant_id = $1 and simulation_id = $2", simulation_id
        )

    # -- jobs

    async def job(
        self,
        payload: JobPayload,
        kind: JobKind,
        *,
        starts: int = 0,
        attempt: int = 1,
        due_in_s: float = 3600,
    ) -> JobMessage:
        """A job's row, and the message that points at it."""
        job_id = IDS.new()
        await self.execute(
            "insert into jobs (tenant_id, job_id, kind, payload, starts, attempt, next_publish_at,"
            " created_at) values ($1, $2, $3, $4, $5, $6, now() + $7, now())",
            job_id,
            kind.value,
            encode_payload(payload),
            starts,
            attempt,
            timedelta(seconds=due_in_s),
        )
        return JobMessage(tenant_id=self.tenant_id, job_id=job_id, kind=kind, attempt=attempt)

    async def flow(self, payload: JobPayload) -> JobMessage:
        return await self.job(payload, JobKind.FLOW)

    async def jobs(self) -> list[Any]:
        return await self.fetch(
            "select * from jobs where tenant_id = $1 order by created_at, job_id"
        )

    async def make_due(self) -> None:
        await self.execute(
            "update jobs set next_publish_at = now(), lease_until = null where tenant_id = $1"
        )

    # -- events

    async def event(self, connection: Connection, resource_id: UUID, event_id: UUID) -> None:
        """An event in a transaction of the caller's."""
        await add_event(
            connection,
            self.tenant_id,
            event_id,
            EventType.TURN_COMPLETED,
            resource_id,
            Nothing(),
            now=CLOCK.now(),
        )

    async def events(self, after: int = 0) -> list[Any]:
        """What a consumer reads: by position."""
        return await self.fetch(
            "select * from events where tenant_id = $1 and position > $2 order by position", after
        )

    async def event_types(self, resource_id: UUID) -> list[str]:
        rows = await self.fetch(
            "select type from events where tenant_id = $1 and resource_id = $2 order by sequence",
            resource_id,
        )
        return [row["type"] for row in rows]


class FakeJudge:
    """Completes scorings without judging them, as a worker does: result, then flow job, then ack."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self.failure_code: str | None = None

    async def handle(self, message: JobMessage) -> None:
        async with tenant_tx(self._database, message.tenant_id) as connection:
            payload = await claim(connection, message, 8)
            if not isinstance(payload, ScoreJob):
                return
            if self.failure_code is None:
                await connection.execute(
                    "update scorings set status = 'completed', assessment_id = $3,"
                    " finished_at = now() where tenant_id = $1 and scoring_id = $2",
                    message.tenant_id,
                    payload.scoring_id,
                    IDS.new(),
                )
            done = await add_job(
                connection,
                message.tenant_id,
                IDS.new(),
                ActivityDone(reply_to=payload.reply_to, failure_code=self.failure_code),
                JobKind.FLOW,
                now=CLOCK.now(),
                first_retry_s=3,
            )
            await finish(connection, message.tenant_id, message.job_id)
        await self._publisher.job(done)


class FakePlayer:
    """Ends the conversations of batches without playing them, as a worker does."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher
        self.is_deaf_to: set[UUID] = set()
        """Simulations that it never plays."""

    async def handle(self, message: JobMessage) -> None:
        done: JobMessage | None = None
        async with tenant_tx(self._database, message.tenant_id) as connection:
            payload = await claim(connection, message, 8)
        if not isinstance(payload, BatchJob) or payload.simulation_id in self.is_deaf_to:
            return
        # As the worker: the claim ends before the conversation is touched. Whoever starts a part
        # locks conversations first and jobs second.
        async with tenant_tx(self._database, message.tenant_id) as connection:
            await connection.execute(
                "update simulations set status = 'ended', end_reason = 'goal_met', ended_at = now()"
                " where tenant_id = $1 and simulation_id = $2 and status = 'open'",
                message.tenant_id,
                payload.simulation_id,
            )
            assert payload.part is not None
            if await finish(connection, message.tenant_id, message.job_id) and await count_down(
                connection, message.tenant_id, payload.part
            ):
                done = await add_job(
                    connection,
                    message.tenant_id,
                    IDS.new(),
                    ActivityDone(reply_to=payload.reply_to),
                    JobKind.FLOW,
                    now=CLOCK.now(),
                    first_retry_s=3,
                )
        if done is not None:
            await self._publisher.job(done)
