"""SimulationBatchWorkflow with fake activities, on a real Temporal server."""

from shared.workflows import activity_api
from shared.workflows.activity_api import BatchPartRef
from tests.workflows.fake_activities import found_ids, refuse
from tests.workflows.ladder import IDS, Ladder

PLAYED = [
    activity_api.DISPATCH_BATCH,
    activity_api.CREATE_BATCH_SCORINGS,
    activity_api.DISPATCH_SCORING,
    activity_api.DISPATCH_SCORING,
    activity_api.FINISH_BATCH,
]


async def test_played_then_scored_then_finished(ladder: Ladder) -> None:
    operation_id = IDS.new()
    ladder.fakes.on[activity_api.CREATE_BATCH_SCORINGS] = found_ids(IDS.new(), IDS.new())
    async with ladder.worker():
        await (await ladder.start_batch(operation_id, 3)).result()
    assert ladder.fakes.names == PLAYED
    assert ladder.fakes.asked(activity_api.FINISH_BATCH) == [
        BatchPartRef(tenant_id=ladder.tenant_id, operation_id=operation_id, part=3)
    ]


async def test_without_scores_nothing_is_judged(ladder: Ladder) -> None:
    async with ladder.worker():
        await (await ladder.start_batch(IDS.new(), is_scored=False)).result()
    assert ladder.fakes.names == [activity_api.DISPATCH_BATCH, activity_api.FINISH_BATCH]


async def test_what_cannot_be_played_is_ended_and_the_part_finished(ladder: Ladder) -> None:
    ladder.fakes.on[activity_api.DISPATCH_BATCH] = refuse("not-found")
    async with ladder.worker():
        await (await ladder.start_batch(IDS.new())).result()
    assert ladder.fakes.names == [
        activity_api.DISPATCH_BATCH,
        activity_api.FAIL_BATCH,
        activity_api.CREATE_BATCH_SCORINGS,
        activity_api.FINISH_BATCH,
    ]


async def test_trouble_at_the_end_is_tried_again(ladder: Ladder) -> None:
    tries = 0

    async def unlucky(_ref: BatchPartRef) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise OSError("the database is away")

    ladder.fakes.on[activity_api.FINISH_BATCH] = unlucky
    async with ladder.worker():
        await (await ladder.start_batch(IDS.new(), is_scored=False)).result()
    assert ladder.fakes.count(activity_api.FINISH_BATCH) == 2
