"""Who gets nothing drafted, and drafts of rubrics."""

from uuid import UUID

import msgspec
import pytest
from nats.aio.client import Client

from services.api.context import ProcessContext
from services.api.scenario_drafts.refusals import ModelRequiredError
from services.api.scenario_drafts.service import MAX_OPEN, DraftingService
from shared.config import Settings
from shared.contracts.llm import ModelPolicy, WhyEmbedded
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.errors import BacklogFullError
from shared.llm.ports import ModelFailedError
from tests.integration.workers.drafting_world import IDEA, SCORECARD, Room, open_room
from tests.support.drafting import ScriptedModel, rubric_outline
from tests.support.tenants import TenantFactory


@pytest.fixture
async def room(
    settings: Settings, database: Database, keys: KeyRing, nats: Client, tenants: TenantFactory
) -> Room:
    return await open_room(settings, database, keys, nats, tenants)


class TestRefusals:
    async def test_without_a_model(self, room: Room) -> None:
        context = ProcessContext(
            settings=room.settings,
            database=room.database,
            keys=room.keys,
            nats=room.context.nats,
            publisher=room.publisher,
        )
        with pytest.raises(ModelRequiredError):
            await DraftingService(context).draft_scenario(room.principal, None, IDEA)
        assert await room.fetch("select 1 from operations where tenant_id = $1") == []

    async def test_with_a_test_key(self, room: Room) -> None:
        tester = msgspec.structs.replace(room.principal, environment="test")
        with pytest.raises(ModelRequiredError, match="test key"):
            await room.drafts.draft_rubric(tester, None, SCORECARD)

    async def test_where_nobody_can_tell_the_worker_finds_out(self, room: Room) -> None:
        class Unreadable(ScriptedModel):
            async def policy(self, tenant_id: UUID) -> ModelPolicy | None:
                raise ModelFailedError(WhyEmbedded.UNACCOUNTED)

        context = ProcessContext(
            settings=room.settings,
            database=room.database,
            keys=room.keys,
            nats=room.context.nats,
            publisher=room.publisher,
            model=Unreadable(),
        )
        operation, _ = await DraftingService(context).draft_scenario(room.principal, None, IDEA)
        assert operation.status == "queued"

    async def test_too_many_at_once(self, room: Room) -> None:
        for _ in range(MAX_OPEN):
            await room.draft()
        with pytest.raises(BacklogFullError):
            await room.draft()


class TestRubrics:
    async def test_a_scorecard_becomes_a_draft_with_a_report(self, room: Room) -> None:
        operation, _ = await room.drafts.draft_rubric(room.principal, None, SCORECARD)
        await room.work_rubric(operation.operation_id, rubric_outline())
        status, kept = await room.status(operation.operation_id)
        assert status == "succeeded"
        assert kept.report is not None
        assert [gap.source for gap in kept.report.unmapped] == ["Smiles while speaking (5 points)"]
        assert kept.report.dry_run is not None
        assert kept.report.dry_run.conversations == 12
        rows = await room.fetch(
            "select r.slug, d.origin, d.revision from rubrics r join rubric_drafts d"
            " using (tenant_id, rubric_id) where r.tenant_id = $1 and r.rubric_id = $2",
            kept.rubric_id,
        )
        assert [tuple(row) for row in rows] == [("front-desk", "model", 1)]
        assert await room.ends(operation.operation_id) == ["succeeded"]

    async def test_nothing_mapped_leaves_nothing_behind(self, room: Room) -> None:
        before = await room.counts()
        operation, _ = await room.drafts.draft_rubric(room.principal, None, SCORECARD)
        await room.work_rubric(operation.operation_id, *[rubric_outline(sections=[])] * 3)
        status, kept = await room.status(operation.operation_id)
        assert (status, kept.failure_code) == ("failed", "failed_checks")
        assert await room.counts() == before
