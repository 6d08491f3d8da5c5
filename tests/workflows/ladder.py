"""Runs workflows with fake activities: a worker and a task queue of its own per test."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from shared.ids import Uuid7Maker, format_id
from shared.workflows import batch, retention, scoring, simulation, weekly_reports
from shared.workflows.batch import BatchOrder, SimulationBatchWorkflow
from shared.workflows.retention import RetentionReport, RetentionWorkflow
from shared.workflows.scoring import ScoringOrder, ScoringReport, ScoringWorkflow
from shared.workflows.simulation import SimulationOrder, SimulationWorkflow
from shared.workflows.weekly_reports import WeeklyReportsReport, WeeklyReportsWorkflow
from tests.workflows.fake_activities import FakeActivities

IDS = Uuid7Maker()
WORKFLOWS = (
    SimulationWorkflow,
    SimulationBatchWorkflow,
    ScoringWorkflow,
    WeeklyReportsWorkflow,
    RetentionWorkflow,
)


class Ladder:
    """One test's workflows on one server; production ids, and the production runner by default."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.fakes = FakeActivities()
        self.queue = f"test-{IDS.new()}"
        self.tenant_id = IDS.new()

    @asynccontextmanager
    async def worker(
        self,
        runner: WorkflowRunner | None = None,
        workflows: Sequence[type] = WORKFLOWS,
    ) -> AsyncIterator[None]:
        async with Worker(
            self.client,
            task_queue=self.queue,
            workflows=workflows,
            activities=self.fakes.all(),
            workflow_runner=runner or UnsandboxedWorkflowRunner(),
        ):
            yield

    async def start_scoring(self, *scoring_ids: UUID) -> WorkflowHandle[Any, ScoringReport]:
        order = ScoringOrder(tenant_id=self.tenant_id, scoring_ids=scoring_ids)
        return await self.client.start_workflow(
            scoring.NAME,
            order,
            id=format_id("scr", scoring_ids[0]),
            task_queue=self.queue,
            result_type=ScoringReport,
        )

    async def start_simulation(
        self,
        simulation_id: UUID,
        mode: str = "interactive",
        first_look_s: float = 3600,
        signal: str | None = None,
    ) -> WorkflowHandle[Any, None]:
        order = SimulationOrder(
            tenant_id=self.tenant_id,
            simulation_id=simulation_id,
            mode="autopilot" if mode == "autopilot" else "interactive",
            first_look_s=first_look_s,
        )
        return await self.client.start_workflow(
            simulation.NAME,
            order,
            id=format_id("sim", simulation_id),
            task_queue=self.queue,
            start_signal=signal,
        )

    async def start_batch(
        self, operation_id: UUID, part: int = 0, *, is_scored: bool = True
    ) -> WorkflowHandle[Any, None]:
        order = BatchOrder(
            tenant_id=self.tenant_id, operation_id=operation_id, part=part, is_scored=is_scored
        )
        return await self.client.start_workflow(
            batch.NAME, order, id=batch.workflow_id(operation_id, part), task_queue=self.queue
        )

    async def start_weekly(self, name: str) -> WorkflowHandle[Any, WeeklyReportsReport]:
        return await self.client.start_workflow(
            weekly_reports.NAME,
            id=f"weekly-{name}",
            task_queue=self.queue,
            result_type=WeeklyReportsReport,
        )

    async def start_retention(self, name: str) -> WorkflowHandle[Any, RetentionReport]:
        return await self.client.start_workflow(
            retention.NAME,
            id=f"retention-{name}",
            task_queue=self.queue,
            result_type=RetentionReport,
        )

    async def complete(
        self, workflow_id: str, activity_id: str, failure: BaseException | None = None
    ) -> None:
        """Do what the orchestrator does with a worker's result: from outside, by ids alone."""
        handle = self.client.get_async_activity_handle(
            workflow_id=workflow_id, run_id=None, activity_id=activity_id
        )
        if failure is None:
            await handle.complete()
        else:
            await handle.fail(failure)
