"""A partner whose customers speak German through the scripted endpoint."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import msgspec

from infra.llm_fake.server import FakeLlm
from services.api.app import create_app
from services.api.context import ProcessContext
from services.scoring_worker.handler import ScoreHandler
from services.sim_worker.context import Context
from services.sim_worker.interactive import TurnHandler
from services.sim_worker.model_wording import ModelWording
from services.sim_worker.repository import SimulationReader
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind, JobMessage, ReplyTo, RescoreJob, ScoreJob, encode_payload
from shared.contracts.scoring import Evidence, JudgeResult
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import turn_row
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker, parse_id
from shared.llm.gateway import Gateway, gateway
from shared.messaging.consumer import LaneConsumer
from shared.messaging.publisher import Publisher
from shared.messaging.topology import ensure_stream, job_stream_config
from shared.rendering.records import APPRAISAL_COLUMN, Appraisal
from tests.integration.api.conftest import Partner
from tests.support.llm import endpoint, with_endpoint
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()
HELLO = "Guten Tag, ich bin Anna. Was ist genau passiert?"
NOBODY = ReplyTo(workflow_id="nobody", activity_id="waits")
CALL = (
    ("customer", "Guten Tag, meine Lieferung ist seit zwei Wochen nicht da und ich bin wütend."),
    ("agent", "Guten Tag, hier ist Anna. Es tut mir sehr leid, dass Sie so lange warten."),
    ("customer", "Ich habe drei Mal angerufen und niemand hat mir geholfen."),
    ("agent", "Ich verstehe, dass Sie wütend sind. Was ist genau passiert?"),
    ("customer", "Die Lieferung ist nicht gekommen und ich will mein Geld zurück."),
    ("agent", "Ich gebe Ihnen heute Ihr Geld zurück. Ich rufe Sie morgen an. Ist das gut?"),
    ("customer", "Ja, danke, das ist gut."),
    ("agent", "Danke. Kann ich Ihnen noch mit etwas anderem helfen?"),
)


class World(NamedTuple):
    """A partner whose customers may speak German."""

    partner: Partner
    test_key: Partner
    fake: FakeLlm
    database: Database
    keys: KeyRing
    judge: ScoreHandler
    publisher: Publisher

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        tenant_id = self.partner.tenant.tenant_id
        async with tenant_tx(self.database, tenant_id) as connection:
            return await connection.fetch(statement, tenant_id, *values)

    async def start(self, **fields: Any) -> httpx.Response:
        body = {
            "scenario": await self.partner.scenario(),
            "learner_id": await self.partner.learner(),
            "mode": "interactive",
            "language": "de",
            "seed": 1,
            **fields,
        }
        return await self.partner.post("/v1/simulations", body)

    async def german(self) -> dict[str, Any]:
        response = await self.start()
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        return created

    async def appraisals(self, simulation_id: str) -> dict[int, Appraisal]:
        plain = parse_id("sim", simulation_id)
        rows = await self.fetch(
            "select t.seq, t.appraisal, s.learner_id from turns t join simulations s"
            " using (tenant_id, simulation_id) where t.tenant_id = $1 and t.simulation_id = $2"
            " and t.appraisal is not null order by t.seq",
            plain,
        )
        tenant_id = self.partner.tenant.tenant_id
        found = {}
        for row in rows:
            async with tenant_tx(self.database, tenant_id) as connection:
                key = await self.keys.learner(connection, tenant_id, row["learner_id"])
            opened = key.open(row["appraisal"], APPRAISAL_COLUMN, turn_row(plain, row["seq"]))
            found[row["seq"]] = msgspec.json.decode(opened, type=Appraisal)
        return found

    async def judged(self, scoring_id: UUID, job_id: UUID) -> JudgeResult:
        """Let the worker judge; return what it stored."""
        tenant_id = self.partner.tenant.tenant_id
        await self.judge.handle(
            JobMessage(tenant_id=tenant_id, job_id=job_id, kind=JobKind.SCORE, attempt=1)
        )
        (row,) = await self.fetch(
            "select a.assessment_id, a.learner_id, a.result from assessments a join scorings s"
            " using (tenant_id, assessment_id) where a.tenant_id = $1 and s.scoring_id = $2",
            scoring_id,
        )
        async with tenant_tx(self.database, tenant_id) as connection:
            key = await self.keys.learner(connection, tenant_id, row["learner_id"])
        stored = key.open(row["result"], "assessments.result", row["assessment_id"].bytes)
        return msgspec.json.decode(stored, type=JudgeResult)

    async def hand_in(self, partner: Partner | None = None, **fields: Any) -> tuple[UUID, UUID]:
        """Hand a German call in; return its scoring and the job that judges it."""
        partner = partner or self.partner
        learner_id = fields.pop("learner_id", None) or await self.partner.learner()
        turns = [{"role": role, "text": text} for role, text in CALL]
        talk = {"source": "call", "turns": turns, "language": "de", **fields}
        item = {"learner_id": learner_id, "conversation": talk}
        response = await partner.post("/v1/scoring_batches", {"conversations": [item]})
        assert response.status_code == 202, response.text
        (row,) = await self.fetch(
            "select job_id, (payload ->> 'scoring_id')::uuid as scoring_id from jobs"
            " where tenant_id = $1 and kind = 'score' order by created_at desc limit 1"
        )
        return row["scoring_id"], row["job_id"]

    async def retry(self) -> None:
        """Publish the waiting turn again, as the relay does when its lease has run out."""
        (row,) = await self.fetch(
            "update jobs set lease_until = null where tenant_id = $1 and kind = 'turn'"
            " returning job_id"
        )
        tenant_id = self.partner.tenant.tenant_id
        await self.publisher.job(
            JobMessage(tenant_id=tenant_id, job_id=row["job_id"], kind=JobKind.TURN, attempt=2)
        )

    async def rescore(self, scoring_id: UUID) -> UUID:
        """Order a second judgment by the same rubric; return its job."""
        (row,) = await self.fetch(
            "select rubric_id, rubric_version from scorings"
            " where tenant_id = $1 and scoring_id = $2",
            scoring_id,
        )
        return await self.job(
            RescoreJob(
                scoring_id=scoring_id,
                assessment_id=IDS.new(),
                rubric_id=row["rubric_id"],
                rubric_version=row["rubric_version"],
            )
        )

    async def job(self, payload: ScoreJob | RescoreJob) -> UUID:
        """Store a job for the judge."""
        job_id = IDS.new()
        await self.fetch(
            "insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)"
            " values ($1, $2, 'score', $3, now() + interval '1 hour', now())",
            job_id,
            encode_payload(payload),
        )
        return job_id

    async def order(self, simulation_id: str) -> tuple[UUID, UUID]:
        """Order the scoring of an ended simulation, as the orchestrator does; and its job."""
        plain = parse_id("sim", simulation_id)
        await self.fetch(
            "insert into scorings (tenant_id, scoring_id, learner_id, simulation_id, rubric_id,"
            " rubric_version, source, status, workflow_id, occurred_at, created_at)"
            " select $1, $2, s.learner_id, $2, r.rubric_id, r.version, 'simulation', 'running', 'x',"
            " now(), now() from simulations s, rubric_versions r where s.tenant_id = $1"
            " and s.simulation_id = $2 and r.tenant_id = $1 order by r.rubric_id limit 1",
            plain,
        )
        return plain, await self.job(ScoreJob(scoring_id=plain, reply_to=NOBODY))


@contextlib.asynccontextmanager
async def open_world(context: ProcessContext, tenants: TenantFactory) -> AsyncIterator[World]:
    """The API, the worker of turns and the judge, all with a gateway to one scripted endpoint."""
    database, keys, nats = context.database, context.keys, context.nats
    for kind in JobKind:
        await ensure_stream(nats, job_stream_config(kind))
    async with endpoint() as fake:
        settings = with_endpoint(context.settings, fake.url, llm_timeout_s=2.0)
        model = gateway(settings, database, keys, clock=SystemClock(), ids=IDS)
        lane = LaneConsumer(nats, JobKind.TURN, _turns(settings, context, model).handle, slots=4)
        await lane.start()
        api = ProcessContext(
            settings=settings, database=database, keys=keys, nats=nats,
            publisher=context.publisher, model=model,
        )  # fmt: skip
        judge = ScoreHandler(
            settings, database, keys, Publisher(nats), clock=SystemClock(), ids=IDS, model=model
        )
        transport = httpx.ASGITransport(app=create_app(api))
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as http:
            tenant = await tenants.new()
            partner = Partner(http, tenant)
            test_key = partner.as_key(await tenants.key(tenant, environment="test"))
            yield World(partner, test_key, fake, database, keys, judge, context.publisher)
        await lane.stop()
        await model.close()


def _turns(settings: Settings, context: ProcessContext, model: Gateway) -> TurnHandler:
    return TurnHandler(
        Context(
            settings=settings,
            database=context.database,
            publisher=Publisher(context.nats),
            wording=ModelWording(model, IDS),
            reader=SimulationReader(context.database, context.keys),
            clock=SystemClock(),
            ids=IDS,
            model=model,
        )
    )


def evidence_of(result: JudgeResult) -> list[Evidence]:
    """Return every quote of a judgment."""
    found = [
        each
        for criterion in result.criteria
        for one in criterion.indicators
        for each in one.evidence
    ]
    return found + [advice.evidence for advice in result.advice if advice.evidence is not None]
