"""The Schedules of the installation: each starts one workflow again and again."""

import asyncio
from dataclasses import dataclass
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
from shared.workflows.activity_api import TASK_QUEUE

log = get_logger()

AGAIN_S: Final = 30.0
"""Seconds until the next try when Temporal does not take a schedule."""


@dataclass(frozen=True, kw_only=True)
class FleetSchedule:
    """One for all tenants: one pass at a time; passes that were missed are one pass."""

    schedule_id: str
    """Of the workflow as well."""
    workflow: str
    """Its name."""
    every: timedelta

    async def ensure(self, client: Client, task_queue: str = TASK_QUEUE) -> None:
        """Make the schedule what it should be, whatever it was; several processes may do so at
        once. An operator's pause stays.

        Raises:
            RPCError: Temporal does not take it now.
        """
        wanted = self._schedule(task_queue)
        try:
            await client.create_schedule(self.schedule_id, wanted)
        except ScheduleAlreadyRunningError:

            def replaced(found: ScheduleUpdateInput) -> ScheduleUpdate:
                wanted.state.paused = found.description.schedule.state.paused
                return ScheduleUpdate(schedule=wanted)

            await client.get_schedule_handle(self.schedule_id).update(replaced)

    async def keep_trying(self, client: Client) -> None:
        """Make the schedule, however long Temporal is away; a failure is no reason not to start."""
        while True:
            try:
                await self.ensure(client)
            except (RPCError, OSError) as error:
                log.warning(
                    "schedule.refused", schedule=self.schedule_id, error=type(error).__name__
                )
                await asyncio.sleep(AGAIN_S)
            else:
                return

    def _schedule(self, task_queue: str) -> Schedule:
        return Schedule(
            action=ScheduleActionStartWorkflow(
                self.workflow, id=self.schedule_id, task_queue=task_queue
            ),
            spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=self.every)]),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=self.every),
        )
