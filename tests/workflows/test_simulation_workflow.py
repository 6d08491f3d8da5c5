"""SimulationWorkflow with fake activities: on a real server, and where hours pass, on one that
skips time."""

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from shared.ids import format_id
from shared.workflows import activity_api
from shared.workflows.activity_api import ScoringRef, SimulationRef
from shared.workflows.simulation import ENDED_SIGNAL
from tests.support.waiting import eventually
from tests.workflows.fake_activities import ENDED, looks, refuse, still_open, wait_for_worker
from tests.workflows.ladder import IDS, Ladder

CHECK = activity_api.CHECK_SIMULATION
CREATE = activity_api.CREATE_SIMULATION_SCORING
SCORE = activity_api.DISPATCH_SCORING
PLAY = activity_api.DISPATCH_SIMULATION
FAIL = activity_api.FAIL_SIMULATION


async def _event_types(handle: WorkflowHandle) -> list[str]:
    history = await handle.fetch_history()
    return [event.WhichOneof("attributes") or "" for event in history.events]


async def _status(client: Client, workflow_id: str) -> WorkflowExecutionStatus | None:
    try:
        return (await client.get_workflow_handle(workflow_id).describe()).status
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return None


async def _has_scored(ladder: Ladder, simulation_id) -> bool:
    status = await _status(ladder.client, format_id("scr", simulation_id))
    return status is WorkflowExecutionStatus.COMPLETED


class TestInteractive:
    async def test_the_signal_ends_the_wait_and_the_conversation_is_scored(
        self, ladder: Ladder
    ) -> None:
        simulation_id = IDS.new()
        ref = SimulationRef(tenant_id=ladder.tenant_id, simulation_id=simulation_id)
        async with ladder.worker():
            handle = await ladder.start_simulation(simulation_id)
            await handle.signal(ENDED_SIGNAL)
            assert await handle.result() is None
        scoring = ScoringRef(tenant_id=ladder.tenant_id, scoring_id=simulation_id)
        assert ladder.fakes.calls == [(CREATE, ref), (SCORE, scoring)]
        assert await _has_scored(ladder, simulation_id)

    async def test_an_end_that_overtakes_the_start(self, ladder: Ladder) -> None:
        """Signal-with-start, and the order's own start comes to the running workflow later."""
        simulation_id = IDS.new()
        async with ladder.worker():
            await (await ladder.start_simulation(simulation_id, signal=ENDED_SIGNAL)).result()
        assert ladder.fakes.names == [CREATE, SCORE]

    async def test_more_signals_change_nothing(self, ladder: Ladder) -> None:
        """The end is told twice at once, and again while the judge works."""
        simulation_id = IDS.new()
        ladder.fakes.on[SCORE] = wait_for_worker
        async with ladder.worker():
            handle = await ladder.start_simulation(simulation_id, signal=ENDED_SIGNAL)
            await handle.signal(ENDED_SIGNAL)
            await eventually(lambda: ladder.fakes.count(SCORE) == 1)
            await handle.signal(ENDED_SIGNAL)
            scoring_workflow = format_id("scr", simulation_id)

            async def completed() -> bool:
                try:
                    await ladder.complete(scoring_workflow, f"score-{simulation_id}")
                except RPCError:
                    return False  # the dispatch has not yet told the server that it stays open
                return True

            await eventually(completed)
            await handle.result()
            with pytest.raises(RPCError):  # too late: the workflow is closed
                await handle.signal(ENDED_SIGNAL)
        assert ladder.fakes.names == [CREATE, SCORE]

    async def test_a_scoring_that_runs_already_is_left_alone(self, ladder: Ladder) -> None:
        simulation_id = IDS.new()
        async with ladder.worker():
            await (await ladder.start_scoring(simulation_id)).result()
            await (await ladder.start_simulation(simulation_id, signal=ENDED_SIGNAL)).result()
        assert ladder.fakes.names == [SCORE, CREATE]

    async def test_nothing_to_score_with_fails_the_workflow_visibly(self, ladder: Ladder) -> None:
        ladder.fakes.on[CREATE] = refuse("not-found")
        async with ladder.worker():
            handle = await ladder.start_simulation(IDS.new(), signal=ENDED_SIGNAL)
            with pytest.raises(WorkflowFailureError) as caught:
                await handle.result()
        assert isinstance(caught.value.cause, ActivityError)
        assert isinstance(caught.value.cause.cause, ApplicationError)
        assert caught.value.cause.cause.type == "not-found"

    async def test_goes_on_in_another_worker(self, ladder: Ladder) -> None:
        simulation_id = IDS.new()
        async with ladder.worker():
            handle = await ladder.start_simulation(simulation_id)
            await eventually(lambda: _has_timer(handle))
        async with ladder.worker():
            await handle.signal(ENDED_SIGNAL)
            await handle.result()
        assert ladder.fakes.names == [CREATE, SCORE]

    async def test_runs_in_the_sandbox(self, ladder: Ladder) -> None:
        """Production runs without it (CPU); code that the sandbox refuses is not deterministic."""
        ladder.fakes.on[CHECK] = looks(still_open(0.1), ENDED)
        async with ladder.worker(SandboxedWorkflowRunner()):
            await (await ladder.start_simulation(IDS.new(), first_look_s=0.1)).result()
        assert ladder.fakes.names == [CHECK, CHECK, CREATE, SCORE]


async def _has_timer(handle: WorkflowHandle) -> bool:
    return "timer_started_event_attributes" in await _event_types(handle)


class TestBackstop:
    """No signal comes: the timer looks into Postgres."""

    async def test_looks_and_waits_again_until_the_end(self, skipping_ladder: Ladder) -> None:
        ladder = skipping_ladder
        ladder.fakes.on[CHECK] = looks(still_open(600), still_open(1200), ENDED)
        async with ladder.worker():
            handle = await ladder.start_simulation(IDS.new(), first_look_s=1800)
            await handle.result()
        assert ladder.fakes.names == [CHECK, CHECK, CHECK, CREATE, SCORE]
        events = (await handle.fetch_history()).events
        waits = [
            event.timer_started_event_attributes.start_to_fire_timeout.seconds
            for event in events
            if event.HasField("timer_started_event_attributes")
        ]
        assert waits == [1800, 600, 1200]
        lived_s = events[-1].event_time.seconds - events[0].event_time.seconds
        assert 3600 <= lived_s < 3700

    async def test_an_idle_simulation_is_ended_by_the_first_look_and_scored(
        self, skipping_ladder: Ladder
    ) -> None:
        ladder = skipping_ladder
        simulation_id = IDS.new()
        async with ladder.worker():
            await (await ladder.start_simulation(simulation_id, first_look_s=900)).result()
        assert ladder.fakes.names == [CHECK, CREATE, SCORE]
        ref = SimulationRef(tenant_id=ladder.tenant_id, simulation_id=simulation_id)
        assert ladder.fakes.asked(CHECK) == [ref]

    async def test_a_signal_between_two_looks_ends_the_wait(self, skipping_ladder: Ladder) -> None:
        """Told while the look is under way, which saw the row before the commit."""
        ladder = skipping_ladder

        async def look(_ref: SimulationRef) -> activity_api.SimulationLook:
            await handle.signal(ENDED_SIGNAL)
            return still_open(3600)

        ladder.fakes.on[CHECK] = look
        handle = await ladder.start_simulation(IDS.new(), first_look_s=60)
        async with ladder.worker():
            await handle.result()
        assert ladder.fakes.names == [CHECK, CREATE, SCORE]

    async def test_a_look_that_fails_is_repeated(self, skipping_ladder: Ladder) -> None:
        ladder = skipping_ladder

        async def look(_ref: SimulationRef) -> activity_api.SimulationLook:
            if ladder.fakes.count(CHECK) < 4:
                raise OSError("the database is away")
            return ENDED

        ladder.fakes.on[CHECK] = look
        async with ladder.worker():
            await (await ladder.start_simulation(IDS.new(), first_look_s=60)).result()
        assert ladder.fakes.names == [CHECK] * 4 + [CREATE, SCORE]


class TestAutopilot:
    async def test_a_played_simulation_is_scored(self, ladder: Ladder) -> None:
        simulation_id = IDS.new()
        async with ladder.worker():
            await (await ladder.start_simulation(simulation_id, "autopilot")).result()
        assert ladder.fakes.names == [PLAY, CREATE, SCORE]
        assert await _has_scored(ladder, simulation_id)

    async def test_the_worker_s_result_completes_the_play(self, ladder: Ladder) -> None:
        simulation_id = IDS.new()
        ladder.fakes.on[PLAY] = wait_for_worker
        async with ladder.worker():
            handle = await ladder.start_simulation(simulation_id, "autopilot")

            async def completed() -> bool:
                try:
                    await ladder.complete(handle.id, f"play-{simulation_id}")
                except RPCError:
                    return False
                return True

            await eventually(completed)
            # The end of the row tells the workflow as well: it does not care any more.
            await handle.signal(ENDED_SIGNAL)
            await handle.result()
        assert ladder.fakes.names == [PLAY, CREATE, SCORE]
        assert ladder.fakes.activity_ids[PLAY] == f"play-{simulation_id}"

    async def test_a_simulation_that_cannot_be_played_fails_and_is_not_scored(
        self, ladder: Ladder
    ) -> None:
        """Our own fault says nothing about the learner, so there is no scoring."""
        simulation_id = IDS.new()
        ladder.fakes.on[PLAY] = refuse("worker-crashed")

        async def nothing_to_score(_ref: SimulationRef) -> None:
            return None

        ladder.fakes.on[CREATE] = nothing_to_score
        async with ladder.worker():
            await (await ladder.start_simulation(simulation_id, "autopilot")).result()
        ref = SimulationRef(tenant_id=ladder.tenant_id, simulation_id=simulation_id)
        assert ladder.fakes.calls == [(PLAY, ref), (FAIL, ref), (CREATE, ref)]
        assert await _status(ladder.client, format_id("scr", simulation_id)) is None
