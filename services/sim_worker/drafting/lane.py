"""The lane `batch`: conversations of scripted learners, and now and then a draft of an author."""

from services.sim_worker.autopilot import AutopilotHandler
from services.sim_worker.drafting.handler import ScenarioDrafts
from services.sim_worker.repository import NoConversationError
from shared.contracts.jobs import JobMessage, ScenarioDraftJob, ScenarioTrialJob


class BatchLane:
    """Hands each job of the lane to whom it is for, after one claim."""

    def __init__(self, autopilot: AutopilotHandler, drafts: ScenarioDrafts) -> None:
        self._autopilot = autopilot
        self._drafts = drafts

    async def handle(self, message: JobMessage) -> None:
        """Do one job of the lane `batch`."""
        try:
            await self._autopilot.handle(message)
        except NoConversationError as other:
            if isinstance(other.job, ScenarioDraftJob | ScenarioTrialJob):
                await self._drafts.handle(message, other.job)
