"""A worker that lost its lease without knowing must not answer for the one that has it now."""

import asyncio
import threading
from typing import Any
from uuid import UUID

import msgspec
import pytest
from nats.aio.client import Client

from services.scoring_worker import handler as scoring
from services.scoring_worker.handler import ScoreHandler
from services.sim_worker.autopilot import AutopilotHandler
from services.sim_worker.context import Context
from services.sim_worker.engine.ports import WordingRequest
from services.sim_worker.repository import SimulationReader
from services.sim_worker.wording import EmbeddedWording, Place, Told, Worded, Wording
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import (
    BatchJob,
    JobKind,
    JobMessage,
    JobPayload,
    ReplyTo,
    ScoreJob,
    encode_payload,
)
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.scoring import TranscriptTurn
from shared.contracts.simulation import PersonaState
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import SealKey, turn_row
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker
from shared.messaging.publisher import Publisher
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

IDS = Uuid7Maker()
SCENARIO = "support-angry-late-delivery"
REPLY_TO = ReplyTo(workflow_id="nobody", activity_id="waits")


class Bench:
    """One tenant with one learner, and rows as other rooms write them."""

    def __init__(self, database: Database, tenant_id: UUID, key: SealKey, learner_id: UUID) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self.key = key
        self.learner_id = learner_id

    @classmethod
    async def create(cls, database: Database, keys: KeyRing, tenants: TenantFactory) -> "Bench":
        tenant_id = (await tenants.new()).tenant_id
        learner_id = IDS.new()
        async with tenant_tx(database, tenant_id) as connection:
            tenant = await keys.tenant(connection, tenant_id)
            wrapped = tenant.new_learner_key(learner_id)
            await connection.execute(
                "insert into learners (tenant_id, learner_id, person_id, external_id,"
                " external_id_hash, created_at) values ($1, $2, $2, 'x', 'x', now())",
                tenant_id,
                learner_id,
            )
            await connection.execute(
                "insert into learner_keys (tenant_id, learner_id, wrapped) values ($1, $2, $3)",
                tenant_id,
                learner_id,
                wrapped,
            )
        return cls(database, tenant_id, tenant.learner_key(learner_id, wrapped), learner_id)

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        async with tenant_tx(self.database, self.tenant_id) as connection:
            return await connection.fetch(statement, self.tenant_id, *values)

    async def job(self, payload: JobPayload, kind: JobKind) -> JobMessage:
        job_id = IDS.new()
        await self.fetch(
            "insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)"
            " values ($1, $2, $3, $4, now() + interval '1 hour', now())",
            job_id,
            kind.value,
            encode_payload(payload),
        )
        return JobMessage(tenant_id=self.tenant_id, job_id=job_id, kind=kind, attempt=1)

    async def autopilot(self) -> UUID:
        simulation_id = IDS.new()
        (row,) = await self.fetch(
            "select s.scenario_id, v.version, v.spec from scenarios s"
            " join scenario_versions v using (tenant_id, scenario_id)"
            " where s.tenant_id = $1 and s.slug = $2",
            SCENARIO,
        )
        spec = msgspec.json.decode(row["spec"], type=ScenarioSpec)
        await self.fetch(
            "insert into simulations (tenant_id, simulation_id, learner_id, scenario_id,"
            " scenario_version, mode, profile, seed, status, last_seq, created_at,"
            " last_activity_at)"
            " values ($1, $2, $3, $4, $5, 'autopilot', 'skilled', 1, 'open', 0, now(), now())",
            simulation_id,
            self.learner_id,
            row["scenario_id"],
            row["version"],
        )
        await self.fetch(
            "insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, state,"
            " created_at) values ($1, $2, 0, $3, 'customer', $4, $5, now())",
            simulation_id,
            IDS.new(),
            self.key.seal_text(spec.opening.lines[0], "turns.text", turn_row(simulation_id, 0)),
            msgspec.json.encode(PersonaState(mind=spec.opening.mind)).decode(),
        )
        return simulation_id

    async def scoring(self) -> UUID:
        scoring_id, conversation_id = IDS.new(), IDS.new()
        turns = (
            TranscriptTurn(id="t1", role="customer", text="My parcel is late again."),
            TranscriptTurn(id="t2", role="agent", text="I am sorry, that is a long wait."),
        )
        sealed = self.key.seal(
            msgspec.json.encode(turns), "conversations.turns", conversation_id.bytes
        )
        await self.fetch(
            "insert into conversations (tenant_id, conversation_id, learner_id, source, turns,"
            " turn_count, occurred_at, created_at)"
            " values ($1, $2, $3, 'call', $4, 2, now(), now())",
            conversation_id,
            self.learner_id,
            sealed,
        )
        await self.fetch(
            "insert into scorings (tenant_id, scoring_id, learner_id, conversation_id, rubric_id,"
            " rubric_version, source, status, workflow_id, occurred_at, created_at)"
            " select $1, $2, $3, $4, rubric_id, version, 'call', 'running', 'x', now(), now()"
            "   from rubric_versions where tenant_id = $1 order by rubric_id limit 1",
            scoring_id,
            self.learner_id,
            conversation_id,
        )
        return scoring_id

    async def lose_leases(self) -> None:
        await self.fetch("update jobs set lease_until = null where tenant_id = $1")

    async def answers(self) -> int:
        """How often a workflow was told that its activity is done."""
        rows = await self.fetch("select 1 from jobs where tenant_id = $1 and kind = 'flow'")
        return len(rows)

    async def status(self, simulation_id: UUID) -> str:
        (row,) = await self.fetch(
            "select status from simulations where tenant_id = $1 and simulation_id = $2",
            simulation_id,
        )
        return str(row["status"])


class Gated(Wording):
    """Words as many lines as it is let."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self._permits = asyncio.Semaphore(0)

    def let(self, lines: int) -> None:
        for _ in range(lines):
            self._permits.release()

    async def word(self, request: WordingRequest, place: Place, told: Told | None = None) -> Worded:
        self.asked.set()
        await self._permits.acquire()
        return await EmbeddedWording().word(request, place, told)


@pytest.fixture
async def bench(database: Database, keys: KeyRing, tenants: TenantFactory) -> Bench:
    return await Bench.create(database, keys, tenants)


class TestAutopilot:
    @pytest.fixture
    def worker(self, settings: Settings, database: Database, keys: KeyRing, nats: Client):
        def make(wording: Wording) -> AutopilotHandler:
            return AutopilotHandler(
                Context(
                    settings=settings,
                    database=database,
                    publisher=Publisher(nats),
                    wording=wording,
                    reader=SimulationReader(database, keys),
                    clock=SystemClock(),
                    ids=IDS,
                )
            )

        return make

    async def test_the_slow_one_leaves_the_answer_to_the_one_that_took_over(
        self, bench: Bench, worker: Any
    ) -> None:
        simulation_id = await bench.autopilot()
        message = await bench.job(
            BatchJob(simulation_id=simulation_id, reply_to=REPLY_TO), JobKind.BATCH
        )
        slow, fast = Gated(), Gated()
        zombie = asyncio.create_task(worker(slow).handle(message))
        await slow.asked.wait()
        await bench.lose_leases()
        heir = asyncio.create_task(worker(fast).handle(message))
        await fast.asked.wait()
        fast.let(1)

        async def heir_is_ahead() -> bool:
            rows = await bench.fetch("select 1 from turns where tenant_id = $1 and seq = 2")
            return bool(rows)

        await eventually(heir_is_ahead)
        slow.let(1)
        await zombie
        assert await bench.status(simulation_id) == "open"
        assert await bench.answers() == 0
        fast.let(100)
        await heir
        assert await bench.status(simulation_id) == "ended"
        assert await bench.answers() == 1

    async def test_one_that_was_ended_meanwhile_is_answered(
        self, bench: Bench, worker: Any
    ) -> None:
        simulation_id = await bench.autopilot()
        message = await bench.job(
            BatchJob(simulation_id=simulation_id, reply_to=REPLY_TO), JobKind.BATCH
        )
        gate = Gated()
        work = asyncio.create_task(worker(gate).handle(message))
        await gate.asked.wait()
        await bench.fetch(
            "update simulations set status = 'ended', end_reason = 'learner_ended'"
            " where tenant_id = $1 and simulation_id = $2",
            simulation_id,
        )
        gate.let(1)
        await work
        assert await bench.answers() == 1


class TestScoring:
    async def test_the_lease_is_kept_while_the_judge_thinks(
        self,
        bench: Bench,
        settings: Settings,
        keys: KeyRing,
        nats: Client,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        thinking, let = threading.Event(), threading.Event()
        judge = scoring._verdict

        def slow(*arguments: Any, **options: Any) -> Any:
            thinking.set()
            assert let.wait(10)
            return judge(*arguments, **options)

        monkeypatch.setattr(scoring, "_verdict", slow)
        handler = ScoreHandler(
            msgspec.structs.replace(settings, job_lease_s=0.6),
            bench.database,
            keys,
            Publisher(nats),
            clock=SystemClock(),
            ids=IDS,
        )
        scoring_id = await bench.scoring()
        message = await bench.job(ScoreJob(scoring_id=scoring_id, reply_to=REPLY_TO), JobKind.SCORE)
        work = asyncio.create_task(handler.handle(message))
        await asyncio.to_thread(thinking.wait, 10)
        await asyncio.sleep(1.0)
        await handler.handle(message)  # another worker finds nothing to take
        (job,) = await bench.fetch("select starts from jobs where tenant_id = $1")
        assert job["starts"] == 1
        let.set()
        await work
        assert len(await bench.fetch("select 1 from assessments where tenant_id = $1")) == 1
        assert await bench.answers() == 1
