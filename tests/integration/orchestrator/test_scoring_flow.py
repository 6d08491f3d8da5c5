"""Scorings from their StartScoring jobs to their end, on real servers with a fake judge."""

import asyncio
from uuid import UUID

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from services.orchestrator.context import Context
from services.orchestrator.flow import FlowHandler
from shared.contracts.jobs import MAX_STARTS, RETRIED, ActivityDone, ReplyTo, StartScoring
from shared.ids import format_id
from shared.workflows.sizes import BATCH
from tests.integration.orchestrator.orchestrator_world import FakeJudge, World
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("workflows")


async def _all_are(world: World, status: str) -> bool:
    rows = await world.fetch("select status from scorings where tenant_id = $1")
    return {row["status"] for row in rows} == {status}


async def _workflows_of(world: World) -> dict[str, int]:
    rows = await world.fetch(
        "select workflow_id, count(*) as amount from scorings where tenant_id = $1 group by 1"
    )
    return {row["workflow_id"]: row["amount"] for row in rows}


async def _is_closed(context: Context, workflow_id: str) -> bool:
    description = await context.temporal.get_workflow_handle(workflow_id).describe()
    return description.status is WorkflowExecutionStatus.COMPLETED


async def _is_done(world: World) -> bool:
    return await world.jobs() == []


class TestBurst:
    async def test_a_burst_of_scorings_shares_few_workflows_and_all_complete(
        self, world: World, context: Context, flow: FlowHandler, judge: FakeJudge
    ) -> None:
        scoring_ids = await world.scorings(120)
        for scoring_id in scoring_ids:
            message = await world.flow(StartScoring(scoring_id=scoring_id))
            await context.publisher.job(message)
        await eventually(lambda: _all_are(world, "completed"), timeout_s=30)
        workflows = await _workflows_of(world)
        assert sum(workflows.values()) == 120
        assert len(workflows) <= 12
        assert max(workflows.values()) <= BATCH
        for workflow_id in workflows:
            await eventually(lambda one=workflow_id: _is_closed(context, one))
        await eventually(lambda: _is_done(world))

    async def test_simultaneous_starts_never_take_each_other_s_lead(
        self, world: World, context: Context, judge: FakeJudge
    ) -> None:
        """All at once, before any is committed: a workflow without its lead would never start."""
        handler = FlowHandler(context)
        scoring_ids = await world.scorings(120)
        messages = [await world.flow(StartScoring(scoring_id=one)) for one in scoring_ids]
        await asyncio.gather(*(handler.handle(message) for message in messages))
        leads = {format_id("scr", one) for one in scoring_ids}
        for workflow_id in await _workflows_of(world):
            assert workflow_id in leads
            (lead,) = [one for one in scoring_ids if format_id("scr", one) == workflow_id]
            assert (await world.scoring(lead))["workflow_id"] == workflow_id
        assert len(await _workflows_of(world)) == 3

    async def test_a_scoring_that_is_taken_takes_no_others(
        self, world: World, context: Context
    ) -> None:
        """Its job comes late: what it would take under its own name nobody would ever start."""
        taken, queued = await world.scorings(2)
        await world.execute(
            "update scorings set workflow_id = 'another', status = 'running'"
            " where tenant_id = $1 and scoring_id = $2",
            taken,
        )
        await FlowHandler(context).handle(await world.flow(StartScoring(scoring_id=taken)))
        row = await world.scoring(queued)
        assert (row["workflow_id"], row["status"]) == (None, "queued")
        assert await world.jobs() == []


class TestRepeats:
    async def test_a_start_that_comes_twice_starts_once(
        self, world: World, context: Context, flow: FlowHandler, judge: FakeJudge
    ) -> None:
        (scoring_id,) = await world.scorings(1)
        message = await world.flow(StartScoring(scoring_id=scoring_id))
        await asyncio.gather(flow.handle(message), flow.handle(message))
        await flow.handle(await world.flow(StartScoring(scoring_id=scoring_id)))
        await eventually(lambda: _all_are(world, "completed"))
        first = await world.scoring(scoring_id)
        workflow_id = format_id("scr", scoring_id)
        await eventually(lambda: _is_closed(context, workflow_id))
        run_id = await _run_id(context, workflow_id)
        # Once more, after everything is over.
        await flow.handle(await world.flow(StartScoring(scoring_id=scoring_id)))
        assert await world.scoring(scoring_id) == first
        assert await _run_id(context, workflow_id) == run_id
        await eventually(lambda: _is_done(world))

    async def test_a_crash_between_taking_and_starting_is_repaired_by_the_repeat(
        self, world: World, context: Context, judge: FakeJudge, flow: FlowHandler
    ) -> None:
        first, second = await world.scorings(2)
        await world.execute(
            "update scorings set workflow_id = $2, status = 'running' where tenant_id = $1",
            format_id("scr", first),
        )
        await flow.handle(await world.flow(StartScoring(scoring_id=first)))
        await eventually(lambda: _all_are(world, "completed"))
        assert (await world.scoring(second))["workflow_id"] == format_id("scr", first)

    async def test_a_second_result_of_a_scoring_changes_nothing(
        self, world: World, context: Context, flow: FlowHandler, judge: FakeJudge
    ) -> None:
        (scoring_id,) = await world.scorings(1)
        await flow.handle(await world.flow(StartScoring(scoring_id=scoring_id)))
        workflow_id = format_id("scr", scoring_id)
        await eventually(lambda: _is_closed(context, workflow_id))
        before = await world.scoring(scoring_id)
        late = ActivityDone(reply_to=_reply_to(scoring_id), failure_code="worker-crashed")
        await flow.handle(await world.flow(late))
        assert await world.scoring(scoring_id) == before
        assert await world.jobs() == []

    async def test_a_result_for_a_workflow_that_never_was_is_swallowed(
        self, world: World, flow: FlowHandler
    ) -> None:
        nobody = ReplyTo(workflow_id="scr_nobody", activity_id="score-nothing")
        await flow.handle(await world.flow(ActivityDone(reply_to=nobody)))
        assert await world.jobs() == []


class TestFailures:
    async def test_a_worker_s_failure_fails_the_scoring_with_its_event(
        self, world: World, context: Context, flow: FlowHandler, judge: FakeJudge
    ) -> None:
        judge.failure_code = "learner-erased"
        (scoring_id,) = await world.scorings(1)
        await context.publisher.job(await world.flow(StartScoring(scoring_id=scoring_id)))
        await eventually(lambda: _all_are(world, "failed"))
        row = await world.scoring(scoring_id)
        assert row["failure_code"] == "learner-erased"
        assert row["finished_at"] is not None
        assert await world.event_types(scoring_id) == ["scoring.failed"]

    async def test_one_that_an_operator_had_judged_again_fails_without_a_workflow(
        self, world: World, flow: FlowHandler
    ) -> None:
        (scoring_id,) = await world.scorings(1)
        await world.execute(
            "update scorings set workflow_id = 'op_x', status = 'running'"
            " where tenant_id = $1 and scoring_id = $2",
            scoring_id,
        )
        asked = ReplyTo(workflow_id="scr_x", activity_id=f"{RETRIED}{scoring_id}")
        for _ in range(2):
            await flow.handle(
                await world.flow(ActivityDone(reply_to=asked, failure_code="learner-erased"))
            )
        row = await world.scoring(scoring_id)
        assert (row["status"], row["failure_code"]) == ("failed", "learner-erased")
        assert await world.event_types(scoring_id) == ["scoring.failed"]

    async def test_temporal_away_is_no_fault_of_the_job(
        self, world: World, context: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Any number of starts while the server is away; the job waits and is never dead."""
        (scoring_id,) = await world.scorings(1)
        message = await world.flow(StartScoring(scoring_id=scoring_id))

        async def away(*_arguments: object, **_options: object) -> None:
            raise RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b"")

        with monkeypatch.context() as patched:
            patched.setattr(type(context.temporal), "start_workflow", away)
            for _ in range(MAX_STARTS + 1):
                await FlowHandler(context).handle(message)
        (job,) = [row for row in await world.jobs() if row["kind"] == "flow"]
        assert (job["starts"], job["dead_at"], job["lease_until"]) == (0, None, None)
        await FlowHandler(context).handle(message)
        assert job["job_id"] not in [row["job_id"] for row in await world.jobs()]
        assert await _run_id(context, format_id("scr", scoring_id))


async def _run_id(context: Context, workflow_id: str) -> str | None:
    """Of the newest run; another one than before would be a second start."""
    return (await context.temporal.get_workflow_handle(workflow_id).describe()).run_id


def _reply_to(scoring_id: UUID) -> ReplyTo:
    return ReplyTo(workflow_id=format_id("scr", scoring_id), activity_id=f"score-{scoring_id}")
