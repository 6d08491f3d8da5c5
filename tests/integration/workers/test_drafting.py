"""Drafting operations from the API's first row to their end, with the workers' handlers by hand."""

from typing import Any

import msgspec
import pytest
from nats.aio.client import Client

from services.api.operations.service import OperationService
from services.api.scenarios.authoring import AuthoringService
from services.api.scenarios.refusals import ScenarioFaultsError
from services.orchestrator.context import Context as OrchestratorContext
from services.orchestrator.relay import Relay
from services.sim_worker.drafting.handler import ScenarioDrafts
from shared.clock import SystemClock
from shared.config import Settings
from shared.contracts.jobs import JobKind, decode_payload
from shared.contracts.llm import WhyEmbedded
from shared.db.jobs import claim
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.errors import NotFoundError
from shared.llm.ports import ModelFailedError
from shared.redaction.redactor import PatternRedactor
from tests.integration.workers.drafting_world import CALL, IDEA, IDS, Room, open_room, outline
from tests.support.drafting import (
    ScriptedModel,
    impossible,
    leaking,
    scenario_json,
    scenario_outline,
    too_generous,
)
from tests.support.tenants import TenantFactory


@pytest.fixture
async def room(
    settings: Settings, database: Database, keys: KeyRing, nats: Client, tenants: TenantFactory
) -> Room:
    return await open_room(settings, database, keys, nats, tenants)


class TestScenarios:
    async def test_a_good_outline_becomes_a_draft_that_can_be_published(self, room: Room) -> None:
        operation_id = await room.draft()
        assert (await room.status(operation_id))[0] == "queued"
        await room.work(operation_id, scenario_outline())

        status, kept = await room.status(operation_id)
        assert status == "succeeded"
        assert kept.scenario_id is not None
        assert kept.report is not None
        assert kept.report.trial is not None
        assert kept.report.trial.passed
        authoring = AuthoringService(room.context)
        examined = await authoring.get_draft(room.principal, kept.scenario_id)
        assert (examined.draft.author, examined.draft.revision) == ("model", 1)
        published = await authoring.publish(room.principal, None, kept.scenario_id)
        assert published.version.version == 1
        assert await room.ends(operation_id) == ["succeeded"]

    async def test_the_authors_text_rests_sealed_and_then_is_gone(self, room: Room) -> None:
        operation_id = await room.draft()
        ((wanted,),) = await room.fetch(
            "select wanted from model_drafts where tenant_id = $1 and operation_id = $2",
            operation_id,
        )
        assert b"Quillfeather" not in wanted
        ((payload,),) = await room.fetch(
            "select payload from jobs where tenant_id = $1 and job_id = $2", operation_id
        )
        assert decode_payload(payload).operation_id == operation_id  # type: ignore[union-attr]  # it is a draft's
        assert "cake" not in payload
        await room.work(operation_id, scenario_outline())
        ((wanted,),) = await room.fetch(
            "select wanted from model_drafts where tenant_id = $1 and operation_id = $2",
            operation_id,
        )
        assert wanted is None
        jobs = await room.fetch("select 1 from jobs where tenant_id = $1")
        assert jobs == []

    async def test_a_second_delivery_changes_nothing(self, room: Room) -> None:
        operation_id = await room.draft()
        await room.work(operation_id, scenario_outline())
        before = await room.counts()
        second = await room.work(operation_id, scenario_outline())
        assert second.asked == []
        assert await room.counts() == before
        assert await room.ends(operation_id) == ["succeeded"]

    async def test_a_taken_slug_gets_a_number(self, room: Room) -> None:
        slugs = set()
        for _ in range(3):
            operation_id = await room.draft(msgspec.structs.replace(IDEA, slug="the-cake"))
            await room.work(operation_id, scenario_outline())
            _, kept = await room.status(operation_id)
            assert kept.scenario_id is not None
            examined = await AuthoringService(room.context).get_draft(
                room.principal, kept.scenario_id
            )
            assert examined.draft.spec.slug == examined.draft.slug
            slugs.add(examined.draft.slug)
        assert slugs == {"the-cake", "the-cake-2", "the-cake-3"}

    async def test_faults_keep_it_from_being_published_until_it_is_mended_and_tried(
        self, room: Room
    ) -> None:
        operation_id = await room.draft()
        bad = outline(too_generous())
        await room.work(operation_id, bad, bad, bad)
        status, kept = await room.status(operation_id)
        assert (status, kept.failure_code) == ("succeeded", None)
        assert kept.scenario_id is not None
        authoring = AuthoringService(room.context)
        with pytest.raises(ScenarioFaultsError) as caught:
            await authoring.publish(room.principal, None, kept.scenario_id)
        codes = {error.code for error in caught.value.errors}
        assert {"term-title-outside", "trial-due"} <= codes

        draft = (await authoring.get_draft(room.principal, kept.scenario_id)).draft
        deal = draft.spec.resolutions[0]
        mended = msgspec.structs.replace(
            draft.spec,
            resolutions=(
                msgspec.structs.replace(deal, title=deal.title.replace("$120", "$20")),
                *draft.spec.resolutions[1:],
            ),
        )
        await authoring.replace_draft(
            room.principal, None, kept.scenario_id, spec=mended, expected_revision=1
        )
        with pytest.raises(ScenarioFaultsError) as caught:
            await authoring.publish(room.principal, None, kept.scenario_id)
        assert [error.code for error in caught.value.errors if error.code.startswith("trial")] == [
            "trial-due"
        ]
        operation, _ = await room.drafts.try_scenario(room.principal, None, kept.scenario_id)
        await room.work(operation.operation_id)
        status, trial = await room.status(operation.operation_id)
        assert (status, trial.revision) == ("succeeded", 2)
        published = await authoring.publish(room.principal, None, kept.scenario_id)
        assert published.is_new

    async def test_a_failed_trial_is_named_when_publishing(self, room: Room) -> None:
        operation_id = await room.draft()
        bad = outline(impossible())
        await room.work(operation_id, bad, bad, bad)
        _, kept = await room.status(operation_id)
        assert kept.scenario_id is not None
        with pytest.raises(ScenarioFaultsError) as caught:
            await AuthoringService(room.context).publish(room.principal, None, kept.scenario_id)
        assert "trial-skilled-fails" in {error.code for error in caught.value.errors}

    async def test_a_leak_leaves_nothing_behind(self, room: Room) -> None:
        before = await room.counts()
        operation_id = await room.draft(CALL)
        model = await room.work(operation_id, *[outline(leaking())] * 3)
        status, kept = await room.status(operation_id)
        assert (status, kept.failure_code) == ("failed", WhyEmbedded.FAILED_CHECKS.value)
        assert kept.scenario_id is None
        assert await room.counts() == before
        assert len(model.asked) == 3
        assert all(
            "Brandl" not in message.content
            for request in model.asked
            for message in request.prompt.messages
        )

    async def test_a_dead_model_fails_the_operation_after_bounded_tries(self, room: Room) -> None:
        before = await room.counts()
        operation_id = await room.draft()
        trouble = [ModelFailedError(WhyEmbedded.UNREACHABLE) for _ in range(9)]
        model = await room.work(operation_id, *trouble)
        status, kept = await room.status(operation_id)
        assert (status, kept.failure_code) == ("failed", "unreachable")
        assert len(model.asked) == 3
        assert await room.counts() == before
        assert await room.ends(operation_id) == ["failed"]

    async def test_questions_are_bounded_over_restarts(self, room: Room) -> None:
        operation_id = await room.draft()
        await room.fetch(
            "update model_drafts set asked = 8 where tenant_id = $1 and operation_id = $2",
            operation_id,
        )
        model = await room.work(operation_id, scenario_outline())
        assert model.asked == []
        assert (await room.status(operation_id))[1].failure_code == "asked_too_often"

    async def test_a_canceled_operation_is_drafted_by_nobody(self, room: Room) -> None:
        before = await room.counts()
        operation_id = await room.draft()
        await OperationService(room.context).cancel(room.principal, None, operation_id)
        status, kept = await room.status(operation_id)
        assert (status, kept.wanted) == ("canceled", None)
        model = await room.work(operation_id, scenario_outline())
        assert model.asked == []
        assert await room.counts() == before
        assert await room.ends(operation_id) == ["canceled"]

    async def test_canceling_while_the_model_thinks_stores_nothing(self, room: Room) -> None:
        before = await room.counts()
        operation_id = await room.draft()

        class Slow(ScriptedModel):
            async def structured(self, request: Any, kind: Any) -> Any:
                await OperationService(room.context).cancel(room.principal, None, operation_id)
                return await super().structured(request, kind)

        handler = ScenarioDrafts(
            room.settings,
            room.database,
            room.keys,
            room.publisher,
            model=Slow(scenario_outline()),
            redactor=PatternRedactor(),
            clock=SystemClock(),
            ids=IDS,
        )
        message = room.message(operation_id, JobKind.BATCH)
        async with tenant_tx(room.database, room.tenant_id) as connection:
            job = await claim(connection, message, room.settings.job_lease_s)
        await handler.handle(message, job)  # type: ignore[arg-type]  # a scenario's draft
        assert (await room.status(operation_id))[0] == "canceled"
        assert await room.counts() == before
        assert await room.ends(operation_id) == ["canceled"]

    async def test_a_job_that_kills_its_workers_fails_visibly(self, room: Room) -> None:
        operation_id = await room.draft()
        orchestrator = OrchestratorContext(
            settings=room.settings,
            database=room.database,
            publisher=room.publisher,
            temporal=None,  # type: ignore[arg-type]  # nothing here speaks to it
            clock=SystemClock(),
            ids=IDS,
        )
        relay = Relay(orchestrator, room.context.nats)
        for _ in range(2):  # the relay may be interrupted before the burial
            await relay._mourn(room.tenant_id, operation_id)
        status, kept = await room.status(operation_id)
        assert (status, kept.failure_code, kept.wanted) == ("failed", "worker-crashed", None)
        assert await room.ends(operation_id) == ["failed"]

    async def test_a_trial_of_an_edited_draft_is_due_again(self, room: Room) -> None:
        operation_id = await room.draft()
        await room.work(operation_id, scenario_outline())
        _, kept = await room.status(operation_id)
        assert kept.scenario_id is not None
        authoring = AuthoringService(room.context)
        spec = (await authoring.get_draft(room.principal, kept.scenario_id)).draft.spec
        await authoring.replace_draft(
            room.principal,
            None,
            kept.scenario_id,
            spec=msgspec.structs.replace(spec, title="Another title"),
            expected_revision=1,
        )
        with pytest.raises(ScenarioFaultsError) as caught:
            await authoring.publish(room.principal, None, kept.scenario_id)
        assert "trial-due" in {error.code for error in caught.value.errors}

    async def test_what_people_write_keeps_its_rules(self, room: Room) -> None:
        authoring = AuthoringService(room.context)
        rows = await room.fetch("select scenario_id from scenarios where tenant_id = $1 limit 1")
        scenario_id = rows[0]["scenario_id"]
        spec = (await authoring.get_draft(room.principal, scenario_id)).draft.spec
        await authoring.replace_draft(
            room.principal,
            None,
            scenario_id,
            spec=msgspec.structs.replace(spec, title="Mine"),
            expected_revision=0,
        )
        assert (await authoring.publish(room.principal, None, scenario_id)).is_new

    async def test_only_a_stored_draft_can_be_tried(self, room: Room) -> None:
        rows = await room.fetch("select scenario_id from scenarios where tenant_id = $1 limit 1")
        with pytest.raises(NotFoundError):
            await room.drafts.try_scenario(room.principal, None, rows[0]["scenario_id"])


def test_the_bad_outlines_are_bad_in_one_way_each() -> None:
    good = scenario_json()
    for bad in (too_generous(), leaking(), impossible()):
        assert sum(bad[name] != good[name] for name in good) == 1
