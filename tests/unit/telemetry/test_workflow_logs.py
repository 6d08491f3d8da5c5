"""A replay that took another way is counted, and debug lines of the SDK stay out of the log."""

import logging
from collections.abc import Iterator

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from services.orchestrator.workflow_logs import LOGGER, counted_replays
from shared.telemetry import metrics
from shared.temporal.converter import DATA_CONVERTER
from shared.workflows import scoring
from shared.workflows.scoring import ScoringOrder, ScoringReport, ScoringWorkflow
from tests.workflows.record import SCENES, load

RECORDED = next(name for name in sorted(SCENES) if name.startswith("scoring"))


@workflow.defn(name=scoring.NAME)
class Changed:
    """Does nothing of what the history says."""

    @workflow.run
    async def run(self, _order: ScoringOrder) -> ScoringReport:
        await workflow.sleep(5)
        return ScoringReport(completed=0, failed=0)


@pytest.fixture
def counting() -> Iterator[None]:
    metrics.begin(with_process=False)
    yield
    metrics.end()


async def _replay(kind: type) -> float:
    """Return how many broken replays were counted."""
    recorded = load(RECORDED)
    async with counted_replays():
        replayer = Replayer(
            workflows=[kind],
            data_converter=DATA_CONVERTER,
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        history = WorkflowHistory.from_json(recorded.workflow_id, recorded.history)
        await replayer.replay_workflow(history, raise_on_replay_failure=False)
    (line,) = (
        each
        for each in metrics.exposition().decode().splitlines()
        if each.startswith("workflow_nondeterminism_total")
    )
    return float(line.split()[1])


@pytest.mark.usefixtures("counting")
class TestReplays:
    async def test_the_workflow_of_today_counts_nothing(self) -> None:
        assert await _replay(ScoringWorkflow) == 0

    async def test_a_changed_one_is_counted(self, caplog: pytest.LogCaptureFixture) -> None:
        assert await _replay(Changed) > 0
        said = [each for each in caplog.records if each.name == LOGGER]
        assert all(each.levelno > logging.DEBUG for each in said)


async def test_without_metrics_the_sdk_s_log_is_left_alone() -> None:
    logger = logging.getLogger(LOGGER)
    async with counted_replays():
        assert (logger.level, logger.filters) == (logging.NOTSET, [])
