"""What to practice next: a skill, a scenario that exercises it, a fitting difficulty."""

from collections.abc import Collection, Sequence
from functools import cache

import msgspec

from services.scoring_worker.judging.feedback.coaching import read_data
from services.scoring_worker.judging.feedback.filling import spread
from shared.contracts.base import Authored
from shared.contracts.scoring import Practice, SkillScore

MIN_SEEN = 3
"""Occasions from which a skill counts as well observed."""

ABOUT_EQUAL = 20
"""Scores in the same twenty points are about equal; then what the feedback spoke of decides."""

GOOD_ENOUGH = 85
"""From here on the next step is a harder conversation, not a drill."""

POINTS_PER_LEVEL = 20
"""A score of 0..19 asks for difficulty 1, 80 and more for 5."""

HARDEST = 5


class Exercise(Authored, frozen=True, kw_only=True):
    """A scenario of the library, as far as choosing one needs it."""

    title: str
    role: str
    difficulty: int
    skills: list[str]


class _Practice(Authored, frozen=True, kw_only=True):
    """The file as it is written."""

    drills: dict[str, str]
    """By skill: what to do, as the end of `next, practice ...`."""
    scenarios: dict[str, Exercise]
    """By slug; a test compares them with the library."""


@cache
def plan() -> _Practice:
    """Return the drills and the scenarios."""
    return msgspec.convert(read_data("practice.yaml"), _Practice)


def recommend(
    skills: Sequence[SkillScore],
    *,
    spoken_of: Collection[str] = (),
    role: str = "",
    salt: str = "",
) -> Practice | None:
    """Return what to practice, or None when no skill was seen often enough.

    Args:
        skills: the skills of the form, in its order, which decides between equals.
        spoken_of: skills of the improvements; of about equal ones they come first.
        role: the learner's job, as scenarios name it; a scenario of the same role is preferred.
        salt: decides among scenarios that fit equally well.
    """
    seen = [
        (skill.score // ABOUT_EQUAL, skill.skill not in spoken_of, place, skill)
        for place, skill in enumerate(skills)
        if skill.score is not None
        and skill.opportunities >= MIN_SEEN
        and skill.skill in plan().drills
    ]
    if not seen:
        return None
    weakest = min(seen)[-1]
    score = weakest.score or 0
    wanted = min(HARDEST, 1 + score // POINTS_PER_LEVEL)
    slug = _scenario(weakest.skill, wanted, role, salt)
    difficulty = wanted if slug is None else plan().scenarios[slug].difficulty
    return Practice(
        skill=weakest.skill,
        scenario=slug,
        difficulty=difficulty,
        text=_sentence(weakest.skill, score, slug),
    )


def _scenario(skill: str, wanted: int, role: str, salt: str) -> str | None:
    """Return the slug of a scenario that exercises the skill, as near to the difficulty as any."""
    fit = {slug: item for slug, item in plan().scenarios.items() if skill in item.skills}
    if not fit:
        return None
    ranks = {
        slug: (abs(item.difficulty - wanted) - (item.role == role), item.role != role)
        for slug, item in fit.items()
    }
    best = [slug for slug in fit if ranks[slug] == min(ranks.values())]
    return best[spread(salt, len(best))]


def _sentence(skill: str, score: int, slug: str | None) -> str:
    if score >= GOOD_ENOUGH:
        lead = "Every skill that could be seen was strong, so take a harder customer"
        if slug is None:
            return f"{lead} next."
        item = plan().scenarios[slug]
        return f"{lead} next: “{item.title}” (difficulty {item.difficulty} of 5)."
    drill = plan().drills[skill]
    if slug is None:
        return f"Next, practice {drill}"
    item = plan().scenarios[slug]
    name, _, rest = drill.partition(":")
    return f"Next, practice {name} with “{item.title}” (difficulty {item.difficulty} of 5):{rest}"
