"""What the orchestrator tells the operators of Temporal."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from services.orchestrator.queues import TemporalWatch
from shared.ids import Uuid7Maker
from shared.workflows.activity_api import TASK_QUEUE
from tests.support.waiting import eventually


async def test_what_nobody_takes_is_counted(temporal: Client) -> None:
    watch = TemporalWatch(temporal, kept_s=0)
    assert (await watch.facts())["temporal_answers"] == 1
    ids = [f"watched-{Uuid7Maker().new()}" for _ in range(3)]
    for each in ids:
        await temporal.start_workflow(
            "NobodyRunsIt", id=each, task_queue=TASK_QUEUE, execution_timeout=timedelta(minutes=5)
        )

    async def is_counted() -> bool:
        facts = await watch.facts()
        assert facts["temporal_activity_tasks"] >= 0
        return facts["temporal_workflow_tasks"] >= 3

    # Temporal answers from a cache that is some seconds old.
    await eventually(is_counted, timeout_s=20)
    for each in ids:
        await temporal.get_workflow_handle(each).terminate()


async def test_silence_is_a_number_too(temporal: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(*_: Any, **__: Any) -> None:
        raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")

    monkeypatch.setattr(temporal.workflow_service, "describe_task_queue", silent)
    assert await TemporalWatch(temporal).facts() == {"temporal_answers": 0}
