"""The one Schedule of the installation that starts a pass of retention."""

import asyncio
from datetime import timedelta
from typing import Final

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError

from shared.log import get_logger
from shared.workflows import retention
from shared.workflows.activity_api import TASK_QUEUE

log = get_logger()

SCHEDULE_ID: Final = "retention"

EVERY: Final = timedelta(minutes=30)
"""How late a pass may come; one that finds nobody is one query."""

AGAIN_S: Final = 30.0
"""Seconds until the next try when Temporal does not take the schedule."""


async def ensure_schedule(client: Client, task_queue: str = TASK_QUEUE) -> None:
    """Make the schedule what it should be, whatever it was; several processes may do so at once.

    Raises:
        RPCError: Temporal does not take it now.
    """
    wanted = retention_schedule(task_queue)
    try:
        await client.create_schedule(SCHEDULE_ID, wanted)
    except ScheduleAlreadyRunningError:

        def replaced(found: ScheduleUpdateInput) -> ScheduleUpdate:
            # An operator's pause stays: so a pass can be held back, for a legal hold say.
            wanted.state.paused = found.description.schedule.state.paused
            return ScheduleUpdate(schedule=wanted)

        await client.get_schedule_handle(SCHEDULE_ID).update(replaced)


async def keep_trying(client: Client) -> None:
    """Make the schedule, however long Temporal is away; a failure is no reason not to start."""
    while True:
        try:
            await ensure_schedule(client)
        except (RPCError, OSError) as error:
            log.warning("retention.schedule_refused", error=type(error).__name__)
            await asyncio.sleep(AGAIN_S)
        else:
            return


def retention_schedule(task_queue: str) -> Schedule:
    """Return the schedule: one pass at a time; passes that were missed are one pass."""
    return Schedule(
        action=ScheduleActionStartWorkflow(retention.NAME, id=SCHEDULE_ID, task_queue=task_queue),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=EVERY),
    )
