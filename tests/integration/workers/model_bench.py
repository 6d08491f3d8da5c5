"""A tenant whose conversations a model judges: the real gateway before the scripted endpoint."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from nats.aio.client import Client

from services.api.context import ProcessContext
from services.api.principal import Principal
from services.api.scorings.batches import ScoringBatchService
from services.scoring_worker.handler import ScoreHandler
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind, JobMessage, RescoreJob
from shared.contracts.llm import Judging, ModelPolicy
from shared.contracts.scoring import JudgeResult
from shared.db.keys import KeyRing
from shared.db.outbox import add_job
from shared.db.pool import Database
from shared.db.sealed import SealKey
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker, format_id
from shared.llm.gateway import gateway
from shared.messaging.publisher import Publisher
from shared.messaging.topology import ensure_stream, job_stream_config
from tests.support.llm import FakeLlm, endpoint, with_endpoint
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()

CALL = (
    ("agent", "Hello, this is Priya from Northfield Water, how can I help you?"),
    ("customer", "I was charged twice and I want it back. Write to ana.bell@example.com please."),
    ("agent", "I'm so sorry, I will write to ana.bell@example.com. May I have your number?"),
    ("customer", "It's 4432 1198. I've called three times already, this is frustrating."),
    ("agent", "I understand how frustrating three calls are. I'll refund it by five today."),
    ("customer", "Thank you, that helps."),
    ("agent", "Is there anything else I can do for you? Thank you for calling."),
)


class Bench(NamedTuple):
    """One tenant with one learner, a worker and an endpoint."""

    database: Database
    keys: KeyRing
    tenant_id: UUID
    learner_id: UUID
    batches: ScoringBatchService
    worker: ScoreHandler
    fake: FakeLlm

    async def run(self, statement: str, *values: Any) -> list[Any]:
        async with tenant_tx(self.database, self.tenant_id) as connection:
            return await connection.fetch(statement, self.tenant_id, *values)

    async def use(self, judging: Judging, **fields: Any) -> None:
        """Say how the tenant is judged; before anything is."""
        await self.run(
            "insert into llm_settings (tenant_id, revision, policy, updated_at)"
            " values ($1, 1, $2, now())",
            msgspec.json.encode(ModelPolicy(judging=judging, **fields)).decode(),
        )

    async def key(self) -> SealKey:
        async with tenant_tx(self.database, self.tenant_id) as connection:
            return await self.keys.learner(connection, self.tenant_id, self.learner_id)

    async def hand_in(self, said: Any = CALL) -> tuple[JobMessage, UUID]:
        """Hand a conversation in; return its job and its scoring."""
        turns = [{"role": role, "text": text} for role, text in said]
        item = {
            "learner_id": format_id("lrn", self.learner_id),
            "conversation": {"source": "call", "turns": turns},
        }
        principal = Principal(
            tenant_id=self.tenant_id,
            key_id=IDS.new(),
            scopes=frozenset(),
            team_ids=None,
            learner_id=None,
            time_zone=ZoneInfo("UTC"),
        )
        operation, _, _ = await self.batches.accept(principal, None, (item,))
        (row,) = await self.run(
            "select job_id, payload ->> 'scoring_id' as scoring_id from jobs"
            " where tenant_id = $1 and payload ->> 'operation_id' = $2",
            str(operation.operation_id),
        )
        return self._message(row["job_id"]), UUID(row["scoring_id"])

    async def judge(self, said: Any = CALL) -> JudgeResult:
        """Hand a conversation in, and judge it."""
        message, scoring_id = await self.hand_in(said)
        await self.worker.handle(message)
        return await self.result(scoring_id)

    async def judge_again(self, scoring_id: UUID) -> JudgeResult:
        """Judge a conversation that was judged once more."""
        (row,) = await self.run(
            "select rubric_id, rubric_version from scorings"
            " where tenant_id = $1 and scoring_id = $2",
            scoring_id,
        )
        job = RescoreJob(scoring_id=scoring_id, assessment_id=IDS.new(), **dict(row))
        async with tenant_tx(self.database, self.tenant_id) as connection:
            message = await add_job(
                connection,
                self.tenant_id,
                IDS.new(),
                job,
                JobKind.SCORE,
                now=SystemClock().now(),
                first_retry_s=60,
            )
        await self.worker.handle(message)
        return await self.result(scoring_id)

    async def result(self, scoring_id: UUID) -> JudgeResult:
        """The revision that counts; there is exactly one."""
        (row,) = await self.run(
            "select a.assessment_id, a.result from scorings s join assessments a"
            " on a.tenant_id = s.tenant_id and a.assessment_id = s.assessment_id"
            " where s.tenant_id = $1 and s.scoring_id = $2 and s.status = 'completed'",
            scoring_id,
        )
        key = await self.key()
        plain = key.open(row["result"], "assessments.result", row["assessment_id"].bytes)
        return msgspec.json.decode(plain, type=JudgeResult)

    def _message(self, job_id: UUID) -> JobMessage:
        return JobMessage(tenant_id=self.tenant_id, job_id=job_id, kind=JobKind.SCORE, attempt=1)


async def new_learner(database: Database, keys: KeyRing, tenant_id: UUID) -> UUID:
    """Make a learner with a key; return its id."""
    learner_id = IDS.new()
    async with tenant_tx(database, tenant_id) as connection:
        tenant = await keys.tenant(connection, tenant_id)
        await connection.execute(
            "insert into learners (tenant_id, learner_id, person_id, external_id,"
            " external_id_hash, created_at) values ($1, $2, $2, 'x', $3, now())",
            tenant_id,
            learner_id,
            learner_id.bytes,
        )
        await connection.execute(
            "insert into learner_keys (tenant_id, learner_id, wrapped) values ($1, $2, $3)",
            tenant_id,
            learner_id,
            tenant.new_learner_key(learner_id),
        )
    return learner_id


@asynccontextmanager
async def open_bench(
    database: Database,
    keys: KeyRing,
    tenants: TenantFactory,
    settings: Settings,
    nats: Client,
    **changes: Any,
) -> AsyncIterator[Bench]:
    """A bench with settings of its own."""
    for kind in (JobKind.SCORE, JobKind.FLOW):
        await ensure_stream(nats, job_stream_config(kind))
    tenant_id = (await tenants.new()).tenant_id
    learner_id = await new_learner(database, keys, tenant_id)
    publisher, clock = Publisher(nats), SystemClock()
    async with endpoint() as fake:
        wanted = with_endpoint(settings, fake.url, **changes)
        context = ProcessContext(
            settings=wanted, database=database, keys=keys, nats=nats, publisher=publisher
        )
        model = gateway(wanted, database, keys, clock=clock, ids=IDS)
        worker = ScoreHandler(wanted, database, keys, publisher, clock=clock, ids=IDS, model=model)
        batches = ScoringBatchService(context)
        yield Bench(database, keys, tenant_id, learner_id, batches, worker, fake)
        await model.close()
