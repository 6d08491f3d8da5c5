"""What to practice next: the weakest skill that was seen often enough to say so."""

from collections.abc import Sequence

from services.scoring_worker.judging.phrases import COACHING
from shared.contracts.scoring import SkillScore

MIN_SEEN = 3
"""Occasions from which a skill counts as well observed."""

ABOUT_EQUAL = 10
"""Scores in the same ten points are about equal; then the rubric's order decides."""

GOOD_ENOUGH = 85
"""From here on the next step is a harder conversation, not a drill."""


def recommend(skills: Sequence[SkillScore]) -> str | None:
    """Return one sentence, or None when no skill was seen often enough."""
    seen = [
        (skill.score // ABOUT_EQUAL, place, skill)
        for place, skill in enumerate(skills)
        if skill.score is not None
        and skill.opportunities >= MIN_SEEN
        and skill.skill in COACHING.practice
    ]
    if not seen:
        return None
    weakest = min(seen)[2]
    is_strong = (weakest.score or 0) >= GOOD_ENOUGH
    return COACHING.practice["harder" if is_strong else weakest.skill]
