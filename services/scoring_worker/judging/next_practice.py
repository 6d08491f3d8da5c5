"""What to practice next: the weakest skill that was seen often enough to say so."""

from collections.abc import Sequence

from services.scoring_worker.judging.phrases import COACHING
from shared.contracts.scoring import SkillScore

MIN_SEEN = 3
"""Occasions from which a skill counts as well observed."""

GOOD_ENOUGH = 85
"""From here on the next step is a harder conversation, not a drill."""


def recommend(skills: Sequence[SkillScore]) -> str | None:
    """Return one sentence, or None when no skill was seen often enough. Ties go to the rubric's order."""
    seen = [
        (skill.score, place, skill.skill)
        for place, skill in enumerate(skills)
        if skill.score is not None
        and skill.opportunities >= MIN_SEEN
        and skill.skill in COACHING.practice
    ]
    if not seen:
        return None
    score, _, skill = min(seen)
    return COACHING.practice["harder" if score >= GOOD_ENOUGH else skill]
