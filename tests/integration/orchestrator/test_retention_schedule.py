"""The schedule of retention on a real Temporal: one pass, every due tenant, also a broken one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from services.orchestrator.context import Context
from services.orchestrator.retention.activities import RetentionActivities
from services.orchestrator.retention.enforcing import Beat, Enforcer
from services.orchestrator.retention.schedule import PASSES
from shared.db.keys import KeyRing, read_hash_key
from shared.ids import Uuid7Maker
from shared.trail.chain import HeadSigner
from shared.workflows import retention
from shared.workflows.retention import RetentionReport, RetentionWorkflow
from tests.integration.orchestrator.orchestrator_world import World
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

QUEUE = "retention-test"


class Watched(Enforcer):
    """The real one, which one tenant breaks."""

    breaks: UUID | None = None
    tried: list[UUID]

    async def enforce(self, tenant_id: UUID, beat: Beat = lambda _: None) -> dict[str, int]:
        self.tried.append(tenant_id)
        if tenant_id == self.breaks:
            raise OSError("away")
        return await super().enforce(tenant_id, beat)


@pytest.fixture
async def enforcer(context: Context, keys: KeyRing) -> Watched:
    key = await read_hash_key(context.database, context.settings)
    made = Watched(context.database, keys, context.clock, HeadSigner(key))
    made.tried = []
    return made


@pytest.fixture
async def worker(context: Context, temporal: Client, enforcer: Watched) -> AsyncIterator[None]:
    async with Worker(
        temporal,
        task_queue=QUEUE,
        workflows=[RetentionWorkflow],
        activities=RetentionActivities(context, enforcer).all(),
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield


async def _run(temporal: Client) -> RetentionReport:
    return await temporal.execute_workflow(
        RetentionWorkflow.run,
        id=f"retention-{Uuid7Maker().new()}",
        task_queue=QUEUE,
        execution_timeout=timedelta(seconds=60),
    )


@pytest.mark.usefixtures("worker")
class TestWorkflow:
    async def test_every_due_tenant_is_dealt_with_and_is_due_no_more(
        self, world: World, temporal: Client, enforcer: Watched
    ) -> None:
        report = await _run(temporal)
        assert world.tenant_id in enforcer.tried
        assert (report.done, report.failed) == (len(enforcer.tried), 0)
        enforcer.tried.clear()
        assert await _run(temporal) == RetentionReport(done=0, failed=0)
        assert enforcer.tried == []

    async def test_a_tenant_in_trouble_does_not_hold_up_the_others(
        self, world: World, temporal: Client, enforcer: Watched, tenants: TenantFactory
    ) -> None:
        enforcer.breaks = (await tenants.new()).tenant_id
        report = await _run(temporal)
        assert report.failed == 1
        assert world.tenant_id in enforcer.tried
        assert enforcer.tried.count(enforcer.breaks) == 4  # the next pass begins anew
        enforcer.breaks = None
        assert (await _run(temporal)).failed == 0


class TestSchedule:
    async def test_it_is_there_once_and_keeps_an_operators_pause(self, temporal: Client) -> None:
        passes = replace(PASSES, schedule_id=f"{PASSES.schedule_id}-of-this-test")
        await passes.ensure(temporal, QUEUE)
        handle = temporal.get_schedule_handle(passes.schedule_id)
        await handle.pause(note="a legal hold")
        await passes.keep_trying(temporal)

        async def is_as_wanted() -> bool:
            found = (await handle.describe()).schedule
            return found.state.paused and found.spec.intervals[0].every == passes.every

        await eventually(is_as_wanted, timeout_s=20)
        assert (await handle.describe()).schedule.action.workflow == retention.NAME
        await handle.delete()
