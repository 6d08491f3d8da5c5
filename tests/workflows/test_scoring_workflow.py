"""ScoringWorkflow with fake activities, on a real Temporal server."""

import asyncio
from uuid import UUID

import pytest
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from shared.workflows import activity_api, sizes
from shared.workflows.activity_api import ScoringFailure, ScoringRef
from shared.workflows.scoring import ScoringReport
from tests.support.waiting import eventually
from tests.workflows.fake_activities import refuse, wait_for_worker
from tests.workflows.ladder import IDS, Ladder


async def _is_open(handle: WorkflowHandle, activity_id: str) -> bool:
    """Whether an activity was started and waits to be completed from outside."""
    pending = (await handle.describe()).raw_description.pending_activities
    return any(
        one.activity_id == activity_id and one.HasField("last_started_time") for one in pending
    )


class TestOutcomes:
    async def test_a_judged_scoring_is_completed(self, ladder: Ladder) -> None:
        scoring_id = IDS.new()
        async with ladder.worker():
            report = await (await ladder.start_scoring(scoring_id)).result()
        assert report == ScoringReport(completed=1, failed=0)
        assert ladder.fakes.calls == [
            (
                activity_api.DISPATCH_SCORING,
                ScoringRef(tenant_id=ladder.tenant_id, scoring_id=scoring_id),
            )
        ]

    async def test_a_domain_failure_marks_the_scoring_failed_with_its_code(
        self, ladder: Ladder
    ) -> None:
        scoring_id = IDS.new()
        ladder.fakes.on[activity_api.DISPATCH_SCORING] = refuse("unsupported-language")
        async with ladder.worker():
            report = await (await ladder.start_scoring(scoring_id)).result()
        assert report == ScoringReport(completed=0, failed=1)
        assert ladder.fakes.asked(activity_api.FAIL_SCORING) == [
            ScoringFailure(
                tenant_id=ladder.tenant_id, scoring_id=scoring_id, code="unsupported-language"
            )
        ]

    async def test_trouble_with_the_infrastructure_is_tried_again(self, ladder: Ladder) -> None:
        tries = 0

        async def unlucky(_ref: ScoringRef) -> None:
            nonlocal tries
            tries += 1
            if tries == 1:
                raise OSError("the database is away")

        ladder.fakes.on[activity_api.DISPATCH_SCORING] = unlucky
        async with ladder.worker():
            report = await (await ladder.start_scoring(IDS.new())).result()
        assert report == ScoringReport(completed=1, failed=0)
        assert ladder.fakes.names == [activity_api.DISPATCH_SCORING] * 2

    async def test_a_full_batch_with_failures_among_it(self, ladder: Ladder) -> None:
        scoring_ids = [IDS.new() for _ in range(sizes.BATCH)]
        bad = set(scoring_ids[::10])

        async def judge(ref: ScoringRef) -> None:
            if ref.scoring_id in bad:
                await refuse("worker-crashed")(ref)

        ladder.fakes.on[activity_api.DISPATCH_SCORING] = judge
        async with ladder.worker():
            report = await (await ladder.start_scoring(*scoring_ids)).result()
        assert report == ScoringReport(completed=45, failed=5)
        dispatched = [ref.scoring_id for ref in ladder.fakes.asked(activity_api.DISPATCH_SCORING)]
        assert sorted(dispatched) == sorted(scoring_ids)
        failed = {failure.scoring_id for failure in ladder.fakes.asked(activity_api.FAIL_SCORING)}
        assert failed == bad


class TestCompletionFromOutside:
    async def test_a_result_completes_by_workflow_and_activity_id(self, ladder: Ladder) -> None:
        scoring_id = IDS.new()
        ladder.fakes.on[activity_api.DISPATCH_SCORING] = wait_for_worker
        async with ladder.worker():
            handle = await ladder.start_scoring(scoring_id)
            await eventually(lambda: _is_open(handle, f"score-{scoring_id}"))
            await ladder.complete(handle.id, f"score-{scoring_id}")
            assert await handle.result() == ScoringReport(completed=1, failed=0)
        assert ladder.fakes.count(activity_api.FAIL_SCORING) == 0

    async def test_a_failed_result_marks_the_scoring_failed(self, ladder: Ladder) -> None:
        scoring_id = IDS.new()
        ladder.fakes.on[activity_api.DISPATCH_SCORING] = wait_for_worker
        async with ladder.worker():
            handle = await ladder.start_scoring(scoring_id)
            await eventually(lambda: _is_open(handle, f"score-{scoring_id}"))
            failure = ApplicationError("x", type="worker-crashed", non_retryable=True)
            await ladder.complete(handle.id, f"score-{scoring_id}", failure)
            assert await handle.result() == ScoringReport(completed=0, failed=1)
        assert ladder.fakes.asked(activity_api.FAIL_SCORING)[0].code == "worker-crashed"

    async def test_a_result_of_the_first_attempt_completes_the_second(self, ladder: Ladder) -> None:
        """By-id calls carry no attempt, so a late result is as good as a fresh one."""
        scoring_id = IDS.new()

        async def crash_then_wait(ref: ScoringRef) -> None:
            if ladder.fakes.count(activity_api.DISPATCH_SCORING) == 1:
                raise OSError("crashed after the job was published")
            await wait_for_worker(ref)

        ladder.fakes.on[activity_api.DISPATCH_SCORING] = crash_then_wait
        async with ladder.worker():
            handle = await ladder.start_scoring(scoring_id)
            await eventually(lambda: ladder.fakes.count(activity_api.DISPATCH_SCORING) == 2)
            await eventually(lambda: _is_open(handle, f"score-{scoring_id}"))
            await ladder.complete(handle.id, f"score-{scoring_id}")
            assert await handle.result() == ScoringReport(completed=1, failed=0)

    async def test_a_second_result_finds_the_activity_closed(self, ladder: Ladder) -> None:
        first, second = IDS.new(), IDS.new()
        ladder.fakes.on[activity_api.DISPATCH_SCORING] = wait_for_worker
        async with ladder.worker():
            handle = await ladder.start_scoring(first, second)
            for scoring_id in (first, second):
                await eventually(lambda one=scoring_id: _is_open(handle, f"score-{one}"))
            await ladder.complete(handle.id, f"score-{first}")
            await self._expect_not_found(ladder, handle.id, first)
            await ladder.complete(handle.id, f"score-{second}")
            assert await handle.result() == ScoringReport(completed=2, failed=0)
            await self._expect_not_found(ladder, handle.id, second)

    @staticmethod
    async def _expect_not_found(ladder: Ladder, workflow_id: str, scoring_id: UUID) -> None:
        with pytest.raises(RPCError) as caught:
            await ladder.complete(workflow_id, f"score-{scoring_id}")
        assert caught.value.status is RPCStatusCode.NOT_FOUND


class TestWorkers:
    async def test_goes_on_in_another_worker(self, ladder: Ladder) -> None:
        """The second worker replays what the first one did; nothing is dispatched twice."""
        scoring_id = IDS.new()
        ladder.fakes.on[activity_api.DISPATCH_SCORING] = wait_for_worker
        async with ladder.worker():
            handle = await ladder.start_scoring(scoring_id)
            await eventually(lambda: _is_open(handle, f"score-{scoring_id}"))
        async with ladder.worker():
            await ladder.complete(handle.id, f"score-{scoring_id}")
            report = await asyncio.wait_for(handle.result(), 30)
        assert report == ScoringReport(completed=1, failed=0)
        assert ladder.fakes.count(activity_api.DISPATCH_SCORING) == 1

    async def test_runs_in_the_sandbox(self, ladder: Ladder) -> None:
        """Production runs without it (CPU); code that the sandbox refuses is not deterministic."""
        ladder.fakes.on[activity_api.DISPATCH_SCORING] = refuse("no-such-rubric")
        async with ladder.worker(SandboxedWorkflowRunner()):
            report = await (await ladder.start_scoring(IDS.new())).result()
        assert report == ScoringReport(completed=0, failed=1)
        assert ladder.fakes.asked(activity_api.FAIL_SCORING)[0].code == "no-such-rubric"
