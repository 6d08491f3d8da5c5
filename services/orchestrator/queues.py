"""What waits in Temporal, as numbers that this process tells the operators and Prometheus."""

import asyncio
from datetime import timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from shared.workflows.activity_api import TASK_QUEUE

_QUEUES: Final = {
    "temporal_workflow_tasks": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    "temporal_activity_tasks": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
}
"""Fact by what it counts: tasks that no orchestrator has taken yet, about."""

_TIMEOUT: Final = timedelta(seconds=2)
"""Longest wait for one of the two answers; a beat must not be late."""

ANSWERS: Final = "temporal_answers"
"""1 when Temporal answered this process the last time it looked, else 0."""

KEPT_S: Final = 9.0
"""Seconds an answer is good for: less than those who ask wait between two questions, so that the
first to ask again has a new one, and whoever asks beside it has the same."""


class TemporalWatch:
    """Asks Temporal how long its queues are; one for everybody in a process."""

    def __init__(self, temporal: Client, *, kept_s: float = KEPT_S) -> None:
        """`kept_s`: seconds that an answer is good for."""
        self._temporal = temporal
        self._kept_s = kept_s
        self._asking = asyncio.Lock()
        self._facts: dict[str, float] = {}
        self._good_until = 0.0

    async def facts(self) -> dict[str, float]:
        """Return the numbers; Temporal that does not answer is a number too."""
        loop = asyncio.get_running_loop()
        async with self._asking:
            if not self._facts or loop.time() >= self._good_until:
                asked_at = loop.time()
                self._facts = await self._ask()
                self._good_until = asked_at + self._kept_s
            return dict(self._facts)

    async def _ask(self) -> dict[str, float]:
        try:
            found = {name: await self._backlog(kind) for name, kind in _QUEUES.items()}
        except RPCError:
            return {ANSWERS: 0}
        return {ANSWERS: 1, **found}

    async def _backlog(self, kind: "TaskQueueType.ValueType") -> float:
        described = await self._temporal.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._temporal.namespace,
                task_queue=TaskQueue(name=TASK_QUEUE),
                task_queue_type=kind,
                report_stats=True,
            ),
            timeout=_TIMEOUT,
        )
        return float(described.stats.approximate_backlog_count)
