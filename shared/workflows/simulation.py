"""SimulationWorkflow: the life of one simulation, from open to scored.

Interactive turns never pass through here (docs/adr/0001): the workflow waits for the end, with a
timer that asks Postgres as the backstop, then has the conversation scored.
"""

from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from shared.contracts.base import Record
    from shared.ids import format_id
    from shared.workflows import activity_api, policies
    from shared.workflows.activity_api import ScoringRef, SimulationLook, SimulationRef
    from shared.workflows.scoring import ScoringOrder, ScoringWorkflow

NAME: Final = "SimulationWorkflow"
ENDED_SIGNAL: Final = "ended"


class SimulationOrder(Record, frozen=True, kw_only=True):
    """Which simulation to accompany; ids only."""

    tenant_id: UUID
    simulation_id: UUID
    mode: Literal["interactive", "autopilot"]
    first_look_s: float
    """Seconds until the first look at the row, when no signal comes."""


@workflow.defn(name=NAME)
class SimulationWorkflow:
    """Waits for (or drives) the end of a simulation, then scores it."""

    def __init__(self) -> None:
        self._ended = False

    @workflow.signal(name=ENDED_SIGNAL)
    def ended(self) -> None:
        """Learn that the simulation's row says ended; may come any number of times."""
        self._ended = True

    @workflow.run
    async def run(self, order: SimulationOrder) -> None:
        """Return when the simulation is scored."""
        ref = SimulationRef(tenant_id=order.tenant_id, simulation_id=order.simulation_id)
        if order.mode == "autopilot":
            await self._play(ref)
        else:
            await self._wait_for_end(ref, order.first_look_s)
        await self._score(ref)

    async def _play(self, ref: SimulationRef) -> None:
        try:
            await workflow.execute_activity(
                activity_api.DISPATCH_SIMULATION,
                ref,
                activity_id=f"play-{ref.simulation_id}",
                start_to_close_timeout=policies.PLAY,
                retry_policy=policies.PATIENT,
            )
        except ActivityError:
            await workflow.execute_activity(
                activity_api.FAIL_SIMULATION,
                ref,
                start_to_close_timeout=policies.QUICK,
                retry_policy=policies.PATIENT,
            )

    async def _wait_for_end(self, ref: SimulationRef, wait_s: float) -> None:
        while not self._ended:
            try:
                await workflow.wait_condition(
                    lambda: self._ended, timeout=timedelta(seconds=wait_s)
                )
            except TimeoutError:
                look = await workflow.execute_activity(
                    activity_api.CHECK_SIMULATION,
                    ref,
                    result_type=SimulationLook,
                    start_to_close_timeout=policies.QUICK,
                    retry_policy=policies.PATIENT,
                )
                if look.ended:
                    return
                wait_s = look.wait_s

    async def _score(self, ref: SimulationRef) -> None:
        scoring = await workflow.execute_activity(
            activity_api.CREATE_SIMULATION_SCORING,
            ref,
            result_type=ScoringRef | None,  # type: ignore[arg-type]  # a union is a form, not a type
            start_to_close_timeout=policies.QUICK,
            retry_policy=policies.PATIENT,
        )
        if scoring is None:
            return
        try:
            await workflow.execute_child_workflow(
                ScoringWorkflow.run,
                ScoringOrder(tenant_id=scoring.tenant_id, scoring_ids=(scoring.scoring_id,)),
                id=format_id("scr", scoring.scoring_id),
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("scoring.already_started")
