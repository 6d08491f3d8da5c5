"""The one Schedule of weekly pages, on a real Temporal server."""

import asyncio
from dataclasses import replace

import pytest
from temporalio.client import Client, ScheduleOverlapPolicy

from infra.devstack.stack import Stack
from services.orchestrator.reports.schedule import PASSES
from shared.temporal.converter import DATA_CONVERTER
from shared.workflows import activity_api
from tests.support.waiting import eventually
from tests.workflows.ladder import Ladder


@pytest.fixture
async def client(stack: Stack) -> Client:
    return await Client.connect(stack.temporal_address, data_converter=DATA_CONVERTER)


async def test_several_processes_make_one_schedule_and_a_pause_stays(client: Client):
    ladder = Ladder(client)
    # A name of its own: the product's is one per installation, other tests start the product, and
    # while a pass of theirs waits for its worker a trigger of ours would be skipped.
    passes = replace(PASSES, schedule_id=f"{PASSES.schedule_id}-{ladder.queue}")
    await asyncio.gather(*(passes.ensure(client, ladder.queue) for _ in range(3)))
    handle = client.get_schedule_handle(passes.schedule_id)
    try:
        found = (await handle.describe()).schedule
        assert [each.every for each in found.spec.intervals] == [passes.every]
        assert found.policy.overlap is ScheduleOverlapPolicy.SKIP

        await handle.pause()
        await passes.ensure(client, ladder.queue)
        assert (await handle.describe()).schedule.state.paused

        async with ladder.worker():
            await handle.trigger()

            async def has_looked() -> bool:
                return ladder.fakes.count(activity_api.LIST_DUE_REPORTS) == 1

            await eventually(has_looked)
    finally:
        await handle.delete()
