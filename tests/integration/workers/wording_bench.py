"""A tenant whose customers a model words: the real gateway before the scripted endpoint."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.sim_worker.autopilot import AutopilotHandler
from services.sim_worker.context import Context
from services.sim_worker.interactive import TurnHandler
from services.sim_worker.model_wording import ModelWording
from services.sim_worker.repository import SimulationReader
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import BatchJob, JobKind, JobMessage, ReplyTo, TurnJob, encode_payload
from shared.contracts.live import DELTA_COLUMN, LiveDelta, LiveNews, delta_row
from shared.contracts.llm import ModelPolicy, WordingNote
from shared.contracts.scenario import ScenarioSpec, opening_line
from shared.contracts.simulation import PersonaState
from shared.contracts.subjects import live_subject
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import SealKey, turn_row
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker
from shared.llm.gateway import gateway
from shared.messaging.publisher import Publisher
from shared.messaging.topology import ensure_stream, job_stream_config
from tests.integration.workers.model_bench import new_learner
from tests.support.llm import FakeLlm, endpoint, with_endpoint
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()
SEED = 3
SCENARIO = "support-angry-late-delivery"


class Reply(NamedTuple):
    """A customer's turn as it is stored."""

    text: str
    engine: str
    note: WordingNote
    state: str


class Wordings(NamedTuple):
    """One tenant with one learner, the handlers of a worker, and an endpoint."""

    database: Database
    keys: KeyRing
    nats: Client
    tenant_id: UUID
    learner_id: UUID
    key: SealKey
    turns: TurnHandler
    autopilot: AutopilotHandler
    fake: FakeLlm

    async def run(self, statement: str, *values: Any) -> list[Any]:
        async with tenant_tx(self.database, self.tenant_id) as connection:
            return await connection.fetch(statement, self.tenant_id, *values)

    async def use(self, **policy: Any) -> None:
        """Say how the tenant uses its model; before anything is."""
        await self.run(
            "insert into llm_settings (tenant_id, revision, policy, updated_at)"
            " values ($1, 1, $2, now())",
            msgspec.json.encode(ModelPolicy(**policy)).decode(),
        )

    async def start(self, *, mode: str = "interactive", environment: str = "live") -> UUID:
        """Begin a simulation; return its id."""
        simulation_id = IDS.new()
        (row,) = await self.run(
            "select s.scenario_id, v.version, v.spec from scenarios s"
            " join scenario_versions v using (tenant_id, scenario_id)"
            " where s.tenant_id = $1 and s.slug = $2",
            SCENARIO,
        )
        spec = msgspec.json.decode(row["spec"], type=ScenarioSpec)
        await self.run(
            "insert into simulations (tenant_id, simulation_id, learner_id, scenario_id,"
            " scenario_version, mode, profile, seed, status, last_seq, environment, created_at,"
            " last_activity_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, 'open', 0, $9, now(), now())",
            simulation_id,
            self.learner_id,
            row["scenario_id"],
            row["version"],
            mode,
            "skilled" if mode == "autopilot" else None,
            SEED,
            environment,
        )
        await self._store(simulation_id, 0, "customer", opening_line(spec, SEED), spec)
        return simulation_id

    async def _store(
        self, simulation_id: UUID, seq: int, role: str, text: str, spec: ScenarioSpec | None = None
    ) -> None:
        state = None if spec is None else PersonaState(mind=spec.opening.mind)
        await self.run(
            "insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, state,"
            " created_at) values ($1, $2, $3, $4, $5, $6, $7, now())",
            simulation_id,
            seq,
            IDS.new(),
            role,
            self.key.seal_text(text, "turns.text", turn_row(simulation_id, seq)),
            None if state is None else msgspec.json.encode(state).decode(),
        )

    async def job(self, payload: TurnJob | BatchJob, kind: JobKind) -> JobMessage:
        job_id = IDS.new()
        await self.run(
            "insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)"
            " values ($1, $2, $3, $4, now() + interval '1 hour', now())",
            job_id,
            kind.value,
            encode_payload(payload),
        )
        return JobMessage(tenant_id=self.tenant_id, job_id=job_id, kind=kind, attempt=1)

    async def ask(self, simulation_id: UUID, text: str, *, streamed: bool = False) -> JobMessage:
        """Store what the learner says; return the job that answers."""
        (row,) = await self.run(
            "update simulations set last_seq = last_seq + 1"
            " where tenant_id = $1 and simulation_id = $2 returning last_seq",
            simulation_id,
        )
        seq = row["last_seq"]
        await self._store(simulation_id, seq, "learner", text)
        job = TurnJob(simulation_id=simulation_id, seq=seq + 1, streamed=streamed)
        return await self.job(job, JobKind.TURN)

    async def say(self, simulation_id: UUID, text: str, *, streamed: bool = False) -> Reply:
        """Let the learner say something; return the reply."""
        await self.turns.handle(await self.ask(simulation_id, text, streamed=streamed))
        return (await self.replies(simulation_id))[-1]

    async def play(self, simulation_id: UUID) -> list[Reply]:
        """Let a simulation play itself."""
        reply_to = ReplyTo(workflow_id="nobody", activity_id="waits")
        job = BatchJob(simulation_id=simulation_id, reply_to=reply_to)
        await self.autopilot.handle(await self.job(job, JobKind.BATCH))
        return await self.replies(simulation_id)

    async def replies(self, simulation_id: UUID) -> list[Reply]:
        """Return the customer's turns behind the first line."""
        rows = await self.run(
            "select seq, text, engine, wording, state from turns where tenant_id = $1"
            " and simulation_id = $2 and surface is not null order by seq",
            simulation_id,
        )
        return [
            Reply(
                text=self.key.open_text(
                    row["text"], "turns.text", turn_row(simulation_id, row["seq"])
                ),
                engine=row["engine"],
                note=msgspec.json.decode(row["wording"], type=WordingNote),
                state=row["state"],
            )
            for row in rows
        ]

    @asynccontextmanager
    async def hearing(self, simulation_id: UUID) -> AsyncIterator[list[str]]:
        """Collect the pieces that are told of a simulation."""
        told: list[str] = []

        async def hear(message: Msg) -> None:
            news = msgspec.json.decode(message.data, type=LiveNews)
            if isinstance(news, LiveDelta):
                row = delta_row(simulation_id, news.seq, news.attempt, news.index)
                told.append(self.key.open_text(news.text, DELTA_COLUMN, row))

        subject = live_subject(self.tenant_id, simulation_id)
        subscription = await self.nats.subscribe(subject, cb=hear)
        await self.nats.flush()
        yield told
        await subscription.unsubscribe()


@asynccontextmanager
async def open_wordings(
    settings: Settings, database: Database, keys: KeyRing, tenants: TenantFactory, nats: Client
) -> AsyncIterator[Wordings]:
    """Make a tenant, and a worker with an endpoint of its own."""
    tenant_id = (await tenants.new()).tenant_id
    learner_id = await new_learner(database, keys, tenant_id)
    async with tenant_tx(database, tenant_id) as connection:
        key = await keys.learner(connection, tenant_id, learner_id)
    for kind in (JobKind.TURN, JobKind.FLOW):
        await ensure_stream(nats, job_stream_config(kind))
    async with endpoint() as fake:
        settings = with_endpoint(settings, fake.url)
        clock = SystemClock()
        model = gateway(settings, database, keys, clock=clock, ids=IDS)
        context = Context(
            settings=settings,
            database=database,
            publisher=Publisher(nats),
            wording=ModelWording(model, IDS),
            reader=SimulationReader(database, keys),
            clock=clock,
            ids=IDS,
            model=model,
        )
        yield Wordings(
            database, keys, nats, tenant_id, learner_id, key,
            TurnHandler(context), AutopilotHandler(context), fake,
        )  # fmt: skip
        await model.close()
