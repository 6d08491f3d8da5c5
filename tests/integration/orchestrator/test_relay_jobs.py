"""The relay repairs: due jobs go out again, dead ones end visibly, old claims are forgotten."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import asyncpg
import msgspec
import pytest
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg

from services.orchestrator import lives
from services.orchestrator.context import Context
from services.orchestrator.flow import FlowHandler
from services.orchestrator.relay import LOCK, WORKER_CRASHED, Relay, _unlock
from shared.contracts.jobs import (
    MAX_STARTS,
    ActivityDone,
    BatchJob,
    JobKind,
    JobMessage,
    JobPayload,
    ReplyTo,
    ScoreJob,
    SimulationEnded,
    StartScoring,
    StartSimulation,
    TurnJob,
    decode_payload,
)
from shared.contracts.subjects import job_subject
from shared.db.jobs import claim
from shared.db.tx import tenant_tx
from shared.ids import format_id
from tests.integration.orchestrator.orchestrator_world import IDS, World
from tests.support.waiting import eventually

NOBODY = ReplyTo(workflow_id="scr_nobody", activity_id="score-nothing")


@pytest.fixture
def relay(context: Context, nats: NatsClient) -> Relay:
    return Relay(context, nats)


@pytest.fixture
async def published(nats: NatsClient, world: World) -> AsyncIterator[list[JobMessage]]:
    """Job messages of the test's tenant, turns and scores, as they are published."""
    seen: list[JobMessage] = []

    async def note(message: Msg) -> None:
        seen.append(msgspec.json.decode(message.data, type=JobMessage))

    subscriptions = [
        await nats.subscribe(job_subject(kind, world.tenant_id), cb=note)
        for kind in (JobKind.TURN, JobKind.SCORE)
    ]
    yield seen
    for subscription in subscriptions:
        await subscription.unsubscribe()


async def _turn(world: World, **options: float) -> JobMessage:
    return await world.job(TurnJob(simulation_id=IDS.new(), seq=2), JobKind.TURN, **options)


class TestRepublication:
    async def test_a_due_job_goes_out_again_with_the_next_attempt(
        self, world: World, relay: Relay, published: list[JobMessage]
    ) -> None:
        due = await _turn(world, due_in_s=0)
        await _turn(world, due_in_s=60)
        await relay.repair()
        await eventually(lambda: len(published) == 1)
        assert published == [msgspec.structs.replace(due, attempt=2)]
        await relay.repair()
        assert len(published) == 1  # it waits now

    async def test_the_wait_doubles_up_to_a_minute(
        self, world: World, context: Context, relay: Relay, published: list[JobMessage]
    ) -> None:
        await _turn(world, due_in_s=0)
        waits = []
        for _ in range(6):
            await world.make_due()
            await relay.repair()
            row = await world.one(
                "select extract(epoch from next_publish_at - now())::float8 as wait_s from jobs"
                " where tenant_id = $1"
            )
            waits.append(row["wait_s"])
        assert context.settings.job_first_retry_s == 3
        assert waits == pytest.approx([6, 12, 24, 48, 60, 60], abs=1.5)
        await eventually(lambda: len(published) == 6)
        assert [message.attempt for message in published] == [2, 3, 4, 5, 6, 7]

    async def test_a_job_in_a_worker_s_hands_is_left_alone(
        self, world: World, relay: Relay, published: list[JobMessage]
    ) -> None:
        message = await _turn(world, due_in_s=0)
        async with tenant_tx(world.database, world.tenant_id) as connection:
            assert await claim(connection, message, 60) is not None
        await relay.repair()
        await world.make_due()  # its worker is dead: the lease has run out
        await relay.repair()
        await eventually(lambda: len(published) == 1)
        assert published[0].attempt == 2

    async def test_one_pass_takes_no_more_than_its_limit(
        self,
        world: World,
        relay: Relay,
        published: list[JobMessage],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("services.orchestrator.repository.JOBS_PER_PASS", 3)
        for _ in range(7):
            await _turn(world, due_in_s=0)
        for expected in (3, 6, 7):
            await relay.repair()
            await eventually(lambda amount=expected: len(published) == amount)
        assert len({message.job_id for message in published}) == 7


class TestBurial:
    @staticmethod
    async def _bury(world: World, relay: Relay, payload: JobPayload, kind: JobKind) -> JobMessage:
        message = await world.job(payload, kind, starts=MAX_STARTS, attempt=9, due_in_s=0)
        await relay.repair()
        (row,) = [row for row in await world.jobs() if row["job_id"] == message.job_id]
        assert row["dead_at"] is not None
        assert row["failure_code"] == WORKER_CRASHED
        assert row["attempt"] == 9
        return message

    @staticmethod
    async def _others(world: World, buried: JobMessage) -> list[JobPayload]:
        rows = [row for row in await world.jobs() if row["job_id"] != buried.job_id]
        return [decode_payload(row["payload"]) for row in rows]

    async def test_a_dead_turn_ends_its_simulation_visibly(
        self, world: World, relay: Relay, published: list[JobMessage]
    ) -> None:
        simulation_id = await world.simulation(last_seq=1)
        turn = TurnJob(simulation_id=simulation_id, seq=2)
        buried = await self._bury(world, relay, turn, JobKind.TURN)
        row = await world.row(simulation_id)
        assert (row["status"], row["end_reason"]) == ("ended", "failed")
        assert await world.event_types(simulation_id) == ["simulation.ended"]
        ended = SimulationEnded(simulation_id=simulation_id)
        assert await self._others(world, buried) == [ended]
        await relay.repair()  # a second pass finds nothing to do
        assert await world.event_types(simulation_id) == ["simulation.ended"]
        assert await self._others(world, buried) == [ended]
        assert published == []

    @pytest.mark.parametrize(
        ("kind", "payload"),
        [
            (JobKind.SCORE, ScoreJob(scoring_id=IDS.new(), reply_to=NOBODY)),
            (JobKind.BATCH, BatchJob(simulation_id=IDS.new(), reply_to=NOBODY)),
        ],
    )
    async def test_a_dead_job_of_a_workflow_fails_its_activity(
        self, world: World, relay: Relay, kind: JobKind, payload: JobPayload
    ) -> None:
        buried = await self._bury(world, relay, payload, kind)
        done = ActivityDone(reply_to=NOBODY, failure_code=WORKER_CRASHED)
        assert await self._others(world, buried) == [done]

    async def test_a_dead_score_job_fails_the_scoring_with_its_event(
        self, world: World, context: Context, relay: Relay, flow: FlowHandler, workflows: None
    ) -> None:
        """All the way: StartScoring, a worker that crashes five times, burial, scoring.failed."""
        (scoring_id,) = await world.scorings(1)
        await context.publisher.job(await world.flow(StartScoring(scoring_id=scoring_id)))

        async def is_dispatched() -> bool:
            return [row["kind"] for row in await world.jobs()] == ["score"]

        await eventually(is_dispatched)
        message = JobMessage(
            tenant_id=world.tenant_id, job_id=scoring_id, kind=JobKind.SCORE, attempt=1
        )
        for _ in range(MAX_STARTS):
            async with tenant_tx(world.database, world.tenant_id) as connection:
                assert await claim(connection, message, 60) is not None
            await world.make_due()
        async with tenant_tx(world.database, world.tenant_id) as connection:
            assert await claim(connection, message, 60) is None
        await relay.repair()

        async def is_failed() -> bool:
            return (await world.scoring(scoring_id))["status"] == "failed"

        await eventually(is_failed)
        assert (await world.scoring(scoring_id))["failure_code"] == WORKER_CRASHED
        assert await world.event_types(scoring_id) == ["scoring.failed"]

    async def test_a_dead_start_fails_what_it_would_have_started(
        self, world: World, relay: Relay
    ) -> None:
        led, lead, other = await world.scorings(3)
        await world.execute(
            "update scorings set workflow_id = $2, status = 'running'"
            " where tenant_id = $1 and scoring_id = any($3::uuid[])",
            format_id("scr", lead),
            [led, lead],
        )
        await self._bury(world, relay, StartScoring(scoring_id=lead), JobKind.FLOW)
        statuses = [(await world.scoring(one))["status"] for one in (led, lead, other)]
        assert statuses == ["failed", "failed", "queued"]

    @pytest.mark.parametrize(
        ("mode", "end_reason"), [("autopilot", "failed"), ("interactive", None)]
    )
    async def test_a_dead_start_of_a_simulation_fails_it_when_nobody_else_would_play_it(
        self, world: World, relay: Relay, mode: str, end_reason: str | None
    ) -> None:
        simulation_id = await world.simulation(mode=mode)
        await self._bury(world, relay, StartSimulation(simulation_id=simulation_id), JobKind.FLOW)
        assert (await world.row(simulation_id))["end_reason"] == end_reason

    async def test_a_job_buried_before_its_workflow_began_fails_the_scoring(
        self, world: World, context: Context, relay: Relay, flow: FlowHandler, workflows: None
    ) -> None:
        (scoring_id,) = await world.scorings(1)
        await world.execute(
            "insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, dead_at,"
            " failure_code, created_at)"
            " values ($1, $2, 'score', '{}', now(), now(), 'worker-crashed', now())",
            scoring_id,
        )
        await flow.handle(await world.flow(StartScoring(scoring_id=scoring_id)))

        async def is_failed() -> bool:
            return (await world.scoring(scoring_id))["status"] == "failed"

        await eventually(is_failed)
        assert (await world.scoring(scoring_id))["failure_code"] == WORKER_CRASHED

    async def test_a_dead_start_of_a_scoring_that_others_lead_fails_nothing(
        self, world: World, relay: Relay
    ) -> None:
        (scoring_id,) = await world.scorings(1)
        await world.execute(
            "update scorings set workflow_id = 'another', status = 'running' where tenant_id = $1"
        )
        await self._bury(world, relay, StartScoring(scoring_id=scoring_id), JobKind.FLOW)
        assert (await world.scoring(scoring_id))["status"] == "running"

    async def test_a_crash_before_the_burial_is_made_good(
        self, world: World, relay: Relay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The job must not be dead before somebody was told."""
        simulation_id = await world.simulation(last_seq=1)
        turn = TurnJob(simulation_id=simulation_id, seq=2)
        message = await world.job(turn, JobKind.TURN, starts=MAX_STARTS, due_in_s=0)

        async def crash(*_arguments: object) -> None:
            raise OSError("the database is away")

        with monkeypatch.context() as patched:
            patched.setattr(lives, "fail_simulation", crash)
            await relay.repair()
        (row,) = await world.jobs()
        assert (row["job_id"], row["dead_at"]) == (message.job_id, None)
        await relay.repair()
        assert (await world.row(simulation_id))["end_reason"] == "failed"

    async def test_a_living_worker_on_its_fifth_start_is_not_buried(
        self, world: World, relay: Relay
    ) -> None:
        simulation_id = await world.simulation(last_seq=1)
        turn = TurnJob(simulation_id=simulation_id, seq=2)
        message = await world.job(turn, JobKind.TURN, starts=MAX_STARTS - 1, due_in_s=0)
        async with tenant_tx(world.database, world.tenant_id) as connection:
            assert await claim(connection, message, 60) == turn
        await relay.repair()
        assert (await world.row(simulation_id))["status"] == "open"


class TestLeadership:
    async def test_a_lock_that_cannot_be_given_back_goes_with_its_connection(
        self, context: Context
    ) -> None:
        pool = await context.database.system()
        async with pool.acquire() as guard:
            assert await guard.fetchval("select pg_try_advisory_lock($1)", LOCK)
            await guard.execute("begin")
            with suppress(asyncpg.PostgresError):
                await guard.execute("select 1 / 0")
            await _unlock(guard)  # refused: the transaction is aborted

        async def is_free() -> bool:
            async with pool.acquire() as other:
                free = await other.fetchval("select pg_try_advisory_lock($1)", LOCK)
                if free:
                    await other.execute("select pg_advisory_unlock($1)", LOCK)
                return bool(free)

        await eventually(is_free)


class TestHousekeeping:
    async def test_claims_are_kept_for_a_day(self, world: World, relay: Relay) -> None:
        for age in (timedelta(hours=23), timedelta(hours=25)):
            await world.execute(
                "insert into idempotency_claims (tenant_id, claim_hash, fingerprint, resource_id,"
                " created_at) values ($1, $2, $3, $4, now() - $5::interval)",
                IDS.new().bytes * 2,
                b"x" * 32,
                IDS.new(),
                age,
            )
        await relay._clean()
        rows = await world.fetch(
            "select now() - created_at as age from idempotency_claims where tenant_id = $1"
        )
        assert [row["age"] < timedelta(hours=24) for row in rows] == [True]
