"""Committed histories are replayed against the workflows of today; no server.

And the test of the test: each kind of change that would break a running workflow makes it fail.
"""

from pathlib import Path
from uuid import UUID

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from infra.checks import workflow_fingerprints
from shared.temporal.converter import DATA_CONVERTER
from shared.workflows import (
    activity_api,
    batch,
    policies,
    retention,
    scoring,
    simulation,
    weekly_reports,
)
from shared.workflows.activity_api import BatchPartRef, DueReports, ScoringRef, SimulationRef
from shared.workflows.batch import BatchOrder, SimulationBatchWorkflow
from shared.workflows.retention import RetentionReport, RetentionWorkflow
from shared.workflows.scoring import ScoringOrder, ScoringReport, ScoringWorkflow
from shared.workflows.simulation import SimulationOrder, SimulationWorkflow
from shared.workflows.weekly_reports import WeeklyReportsReport, WeeklyReportsWorkflow
from tests.workflows.ladder import WORKFLOWS
from tests.workflows.record import FOLDER, SCENES, load

PLAIN = "anNvbi9wbGFpbg=="
"""`json/plain` in base64: the encoding of every payload."""

NAMES = sorted(SCENES)
SCORINGS = [name for name in NAMES if name.startswith("scoring")]
BATCHES = [name for name in NAMES if name.startswith("batch")]
WEEKLY = [name for name in NAMES if name.startswith("weekly")]
RETENTION = [name for name in NAMES if name.startswith("retention")]
SIMULATIONS = [name for name in NAMES if name not in {*SCORINGS, *BATCHES, *WEEKLY, *RETENTION}]
WAITING = [
    "autopilot_failed",
    "autopilot_played",
    "simulation_idle",
    "simulation_open_then_signaled",
    "simulation_signaled",
]
"""Those that wait for the end, or play it; the other ones were told of it at the start."""


async def _replay(
    name: str,
    *workflows: type,
    runner: WorkflowRunner | None = None,
) -> Exception | None:
    """Return what is wrong with the workflow, None when it still walks the recorded way."""
    recorded = load(name)
    replayer = Replayer(
        workflows=workflows or WORKFLOWS,
        data_converter=DATA_CONVERTER,
        workflow_runner=runner or UnsandboxedWorkflowRunner(),
    )
    history = WorkflowHistory.from_json(recorded.workflow_id, recorded.history)
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    return result.replay_failure


class TestHistories:
    @pytest.mark.parametrize("name", NAMES)
    async def test_still_replays(self, name: str) -> None:
        failure = await _replay(name)
        assert failure is None, (
            f"{failure}\nWorkflows that run now would fail like this. {workflow_fingerprints.HOW}"
        )

    @pytest.mark.parametrize(
        "name",
        [
            "scoring_batch",
            "simulation_idle",
            "autopilot_failed",
            "batch_played",
            "weekly_made",
            "retention_enforced",
        ],
    )
    async def test_replays_in_the_sandbox(self, name: str) -> None:
        assert await _replay(name, runner=SandboxedWorkflowRunner()) is None

    def test_there_is_one_for_each_scene_and_no_other(self) -> None:
        assert sorted(path.stem for path in FOLDER.glob("*.json")) == NAMES

    @pytest.mark.parametrize("name", NAMES)
    def test_tells_nothing_about_the_machine_it_was_recorded_on(self, name: str) -> None:
        text = (FOLDER / f"{name}.json").read_text()
        assert "stackTrace" not in text
        assert "@" not in text
        paths = text.replace("json/plain", "").replace(PLAIN, "")
        assert "/" not in paths

    def test_every_activity_and_the_child_occur(self) -> None:
        text = "".join((FOLDER / f"{name}.json").read_text() for name in NAMES)
        names = {
            value
            for key, value in vars(activity_api).items()
            if key.isupper() and key != "TASK_QUEUE" and isinstance(value, str)
        }
        assert len(names) == 12
        assert [name for name in sorted(names) if f'"{name}"' not in text] == []
        assert "startChildWorkflowExecutionFailedEventAttributes" in text


@workflow.defn(name=simulation.NAME)
class WithExtraTimer(SimulationWorkflow):
    """Sleeps before it does what it always did."""

    @workflow.run
    async def run(self, order: SimulationOrder) -> None:
        await workflow.sleep(1)
        await super().run(order)


@workflow.defn(name=simulation.NAME)
class WithExtraActivity(SimulationWorkflow):
    """Looks once more before the conversation is scored."""

    @workflow.run
    async def run(self, order: SimulationOrder) -> None:
        await super().run(order)

    async def _score(self, ref: SimulationRef) -> None:
        await workflow.execute_activity(
            activity_api.CHECK_SIMULATION, ref, start_to_close_timeout=policies.QUICK
        )
        await super()._score(ref)


@workflow.defn(name=simulation.NAME)
class Reordered(SimulationWorkflow):
    """Makes the scoring first, then waits for the end."""

    @workflow.run
    async def run(self, order: SimulationOrder) -> None:
        ref = SimulationRef(tenant_id=order.tenant_id, simulation_id=order.simulation_id)
        await self._score(ref)
        if order.mode == "autopilot":
            await self._play(ref)
        else:
            await self._wait_for_end(ref, order.first_look_s)


@workflow.defn(name=simulation.NAME)
class WithoutScoring(SimulationWorkflow):
    """Forgets its last step."""

    @workflow.run
    async def run(self, order: SimulationOrder) -> None:
        await super().run(order)

    async def _score(self, ref: SimulationRef) -> None:
        """Do nothing."""


@workflow.defn(name=scoring.NAME)
class OtherActivityId(ScoringWorkflow):
    """Dispatches under an id that no waiting worker knows."""

    @workflow.run
    async def run(self, order: ScoringOrder) -> ScoringReport:
        return await super().run(order)

    async def _score(self, ref: ScoringRef) -> bool:
        await workflow.execute_activity(
            activity_api.DISPATCH_SCORING,
            ref,
            activity_id=f"judge-{ref.scoring_id}",
            start_to_close_timeout=policies.SCORE,
        )
        return True


@workflow.defn(name=scoring.NAME)
class WithFirstLook(ScoringWorkflow):
    """Waits a moment before it dispatches."""

    @workflow.run
    async def run(self, order: ScoringOrder) -> ScoringReport:
        await workflow.sleep(1)
        return await super().run(order)


@workflow.defn(name=batch.NAME)
class OtherPlayId(SimulationBatchWorkflow):
    """Waits under an id that no worker completes."""

    @workflow.run
    async def run(self, order: BatchOrder) -> None:
        await super().run(order)

    async def _play(self, ref: BatchPartRef) -> None:
        await workflow.execute_activity(
            activity_api.DISPATCH_BATCH,
            ref,
            activity_id=f"batch-{ref.part}",
            start_to_close_timeout=policies.PLAY_PART,
        )


@workflow.defn(name=batch.NAME)
class WithoutFinish(SimulationBatchWorkflow):
    """Never says that the part is done."""

    @workflow.run
    async def run(self, order: BatchOrder) -> None:
        ref = BatchPartRef(
            tenant_id=order.tenant_id, operation_id=order.operation_id, part=order.part
        )
        await self._play(ref)
        if order.is_scored:
            await self._score(ref)


class TestBreakingChanges:
    """Were one of these released, running workflows would get stuck: replay must say so."""

    @pytest.mark.parametrize("name", SIMULATIONS)
    @pytest.mark.parametrize("changed", [WithExtraTimer, WithExtraActivity, WithoutScoring])
    async def test_a_changed_simulation_workflow_fails(self, name: str, changed: type) -> None:
        assert isinstance(await _replay(name, changed), NondeterminismError)

    @pytest.mark.parametrize("name", WAITING)
    async def test_a_reordered_simulation_workflow_fails(self, name: str) -> None:
        assert isinstance(await _replay(name, Reordered), NondeterminismError)

    @pytest.mark.parametrize("name", SCORINGS)
    @pytest.mark.parametrize("changed", [OtherActivityId, WithFirstLook])
    async def test_a_changed_scoring_workflow_fails(self, name: str, changed: type) -> None:
        assert isinstance(await _replay(name, changed), NondeterminismError)

    @pytest.mark.parametrize("name", BATCHES)
    @pytest.mark.parametrize("changed", [OtherPlayId, WithoutFinish])
    async def test_a_changed_batch_workflow_fails(self, name: str, changed: type) -> None:
        assert isinstance(await _replay(name, changed), NondeterminismError)


@workflow.defn(name=weekly_reports.NAME)
class OtherReportsId(WeeklyReportsWorkflow):
    """Makes the pages under another id than the one that is recorded."""

    @workflow.run
    async def run(self) -> WeeklyReportsReport:
        return await super().run()

    async def _make(self, one: DueReports) -> bool:
        await workflow.execute_activity(
            activity_api.MAKE_REPORTS,
            one,
            activity_id=f"weekly-{one.tenant_id}",
            start_to_close_timeout=policies.REPORTS,
        )
        return True


@workflow.defn(name=weekly_reports.NAME)
class WithoutLook(WeeklyReportsWorkflow):
    """Does not ask who is due."""

    @workflow.run
    async def run(self) -> WeeklyReportsReport:
        return WeeklyReportsReport(done=0, failed=0)


class TestChangedWeekly:
    @pytest.mark.parametrize("name", ["weekly_made", "weekly_failed"])
    async def test_another_activity_id_fails(self, name: str) -> None:
        assert isinstance(await _replay(name, OtherReportsId), NondeterminismError)

    @pytest.mark.parametrize("name", WEEKLY)
    async def test_a_missing_look_fails(self, name: str) -> None:
        assert isinstance(await _replay(name, WithoutLook), NondeterminismError)


@workflow.defn(name=retention.NAME)
class OtherRetentionId(RetentionWorkflow):
    """Enforces under another id than the one that is recorded."""

    @workflow.run
    async def run(self) -> RetentionReport:
        return await super().run()

    async def _enforce(self, tenant_id: UUID) -> bool:
        await workflow.execute_activity(
            retention.ENFORCE,
            tenant_id,
            activity_id=f"keep-{tenant_id}",
            start_to_close_timeout=policies.REPORTS,
        )
        return True


@workflow.defn(name=retention.NAME)
class WithoutAsking(RetentionWorkflow):
    """Does not ask who is due."""

    @workflow.run
    async def run(self) -> RetentionReport:
        return RetentionReport(done=0, failed=0)


class TestChangedRetention:
    @pytest.mark.parametrize("name", ["retention_enforced", "retention_failed"])
    async def test_another_activity_id_fails(self, name: str) -> None:
        assert isinstance(await _replay(name, OtherRetentionId), NondeterminismError)

    @pytest.mark.parametrize("name", RETENTION)
    async def test_a_missing_question_fails(self, name: str) -> None:
        assert isinstance(await _replay(name, WithoutAsking), NondeterminismError)


class TestFingerprints:
    def test_the_baseline_is_the_code(self, repository_root: Path) -> None:
        found = list(workflow_fingerprints.check(repository_root))
        assert found == [], "\n".join(map(str, found))
