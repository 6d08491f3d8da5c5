"""One tenant, and everybody who takes part in a draft; handlers are called by hand."""

from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from nats.aio.client import Client

from services.api.context import ProcessContext
from services.api.principal import Principal
from services.api.scenario_drafts.service import DraftingService
from services.scoring_worker.drafting.handler import RubricDrafts
from services.sim_worker.drafting.handler import ScenarioDrafts
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind, JobMessage
from shared.db.jobs import claim
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.drafting.outline import ScenarioOutline
from shared.drafting.stored import Kept
from shared.drafting.wanted import RubricWanted, SaidLine, ScenarioWanted
from shared.ids import Uuid7Maker
from shared.messaging.publisher import Publisher
from shared.messaging.topology import ensure_stream, job_stream_config
from shared.redaction.redactor import PatternRedactor
from tests.support.drafting import (
    TRANSCRIPT,
    ScriptedModel,
)
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()
SECRET = "The cake was moved to the wrong day, says Zebedee Quillfeather."
IDEA = ScenarioWanted(kind="prompt", text=SECRET)
CALL = ScenarioWanted(
    kind="transcript",
    turns=tuple(SaidLine(role=role, text=text) for role, text in TRANSCRIPT),
)
SCORECARD = RubricWanted(text="Greets (10 points)\nSmiles (5 points)", slug="front-desk")


async def no_rest(_seconds: float) -> None:
    """Tests do not wait for trouble to pass."""


def outline(made: dict[str, Any]) -> ScenarioOutline:
    return msgspec.convert(made, ScenarioOutline)


class Room(NamedTuple):
    """One tenant, and the services that take part."""

    settings: Settings
    database: Database
    keys: KeyRing
    publisher: Publisher
    principal: Principal
    context: ProcessContext

    @property
    def tenant_id(self) -> UUID:
        return self.principal.tenant_id

    @property
    def drafts(self) -> DraftingService:
        return DraftingService(self.context)

    async def fetch(self, statement: str, *values: Any) -> list[Any]:
        async with tenant_tx(self.database, self.tenant_id) as connection:
            return await connection.fetch(statement, self.tenant_id, *values)

    async def work(self, operation_id: UUID, *said: Any) -> ScriptedModel:
        """Have the scenarios' worker do the job as the lane would."""
        model = ScriptedModel(*said)
        handler = ScenarioDrafts(
            self.settings,
            self.database,
            self.keys,
            self.publisher,
            model=model,
            redactor=PatternRedactor(),
            clock=SystemClock(),
            ids=IDS,
            rest=no_rest,
        )
        message = self.message(operation_id, JobKind.BATCH)
        async with tenant_tx(self.database, self.tenant_id) as connection:
            job = await claim(connection, message, self.settings.job_lease_s)
        if job is not None:
            await handler.handle(message, job)  # type: ignore[arg-type]  # the tests make no others
        return model

    async def work_rubric(self, operation_id: UUID, *said: Any) -> ScriptedModel:
        model = ScriptedModel(*said)
        handler = RubricDrafts(
            self.settings,
            self.database,
            self.keys,
            self.publisher,
            model=model,
            clock=SystemClock(),
            ids=IDS,
            rest=no_rest,
        )
        await handler.handle(self.message(operation_id, JobKind.SCORE))
        return model

    def message(self, operation_id: UUID, kind: JobKind) -> JobMessage:
        return JobMessage(tenant_id=self.tenant_id, job_id=operation_id, kind=kind, attempt=1)

    async def draft(self, wanted: ScenarioWanted = IDEA) -> UUID:
        operation, _ = await self.drafts.draft_scenario(self.principal, None, wanted)
        return operation.operation_id

    async def status(self, operation_id: UUID) -> tuple[str, Kept]:
        kinds = ("scenario_draft", "scenario_trial", "rubric_draft")
        operation, kept = await self.drafts.get(self.principal, operation_id, kinds)  # type: ignore[arg-type]  # mypy sees plain texts
        return operation.status, kept

    async def ends(self, operation_id: UUID) -> list[str]:
        rows = await self.fetch(
            "select data ->> 'status' as status from events where tenant_id = $1"
            " and resource_id = $2 and type = 'operation.ended'",
            operation_id,
        )
        return [row["status"] for row in rows]

    async def counts(self) -> tuple[int, int]:
        rows = await self.fetch(
            "select (select count(*) from scenarios where tenant_id = $1) as s,"
            " (select count(*) from rubrics where tenant_id = $1) as r"
        )
        return rows[0]["s"], rows[0]["r"]


async def open_room(
    settings: Settings,
    database: Database,
    keys: KeyRing,
    nats: Client,
    tenants: TenantFactory,
) -> Room:
    """Return the room of a new tenant."""
    for kind in (JobKind.BATCH, JobKind.SCORE):
        await ensure_stream(nats, job_stream_config(kind))
    publisher = Publisher(nats)
    tenant = await tenants.new()
    context = ProcessContext(
        settings=settings,
        database=database,
        keys=keys,
        nats=nats,
        publisher=publisher,
        model=ScriptedModel(),
    )
    principal = Principal(
        tenant_id=tenant.tenant_id,
        key_id=IDS.new(),
        scopes=frozenset(),
        team_ids=None,
        learner_id=None,
        time_zone=ZoneInfo("UTC"),
    )
    return Room(settings, database, keys, publisher, principal, context)
