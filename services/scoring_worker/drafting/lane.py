"""The lane `score`: conversations to be judged, and now and then a rubric that an author wants."""

from services.scoring_worker.drafting.handler import RubricDrafts
from services.scoring_worker.handler import NoScoringError, ScoreHandler
from shared.contracts.jobs import JobMessage


class ScoreLane:
    """Hands each job of the lane to whom it is for."""

    def __init__(self, scores: ScoreHandler, drafts: RubricDrafts) -> None:
        self._scores = scores
        self._drafts = drafts

    async def handle(self, message: JobMessage) -> None:
        """Do one job of the lane `score`."""
        try:
            await self._scores.handle(message)
        except NoScoringError:  # its claim was taken back
            await self._drafts.handle(message)
