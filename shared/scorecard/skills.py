"""Rolls criteria up to skills, and skills up to the nine roots.

Skill, basis `rubric`: the mean of its scored criteria, each weighted by its weight in the form
times its weight for the skill. Basis `standard`, where the form asks for nothing that shows the
skill: the taxonomy's own indicators, measured as one criterion. What one transcript cannot show
gets no number.

Root: the mean of its scored skills, each weighted by its occasions, at most MOST_OCCASIONS of
them, so that one that was seen everywhere does not drown the others.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from shared.contracts.rubric import RubricSpec
from shared.contracts.scoring import CriterionResult, RootScore, SkillScore, SkillStatus
from shared.library.skills import Seen, load_skill_roots, load_skills
from shared.scorecard.bounds import (
    bounds_of,
    combine,
    confidence,
    interval,
    round_half_up,
)

MOST_OCCASIONS = 8
"""More occasions than these give a skill no more weight in its root."""

_ORDER = (
    SkillStatus.SCORED,
    SkillStatus.INSUFFICIENT_EVIDENCE,
    SkillStatus.NO_OPPORTUNITY,
)
"""Of several criteria the one that says most decides."""

_Weighed = list[tuple[int, CriterionResult]]
"""The criteria of one skill, each with its weight for it."""

_OUT_OF_SIGHT = frozenset(
    key for key, skill in load_skills().items() if Seen.TRANSCRIPT not in skill.seen
)

Standard = Callable[[str], SkillScore]
"""Scores a skill by the taxonomy's own indicators."""


def skills(
    rubric: RubricSpec, results: Mapping[str, CriterionResult], standard: Standard
) -> tuple[SkillScore, ...]:
    """Return every skill of the taxonomy in its order, then the others that the form names."""
    asked = _asked(rubric, results)
    return tuple(
        _skill(key, asked.get(key), standard) for key in dict.fromkeys((*load_skills(), *asked))
    )


def _asked(rubric: RubricSpec, results: Mapping[str, CriterionResult]) -> dict[str, _Weighed]:
    asked: dict[str, _Weighed] = {}
    for section in rubric.sections:
        for criterion in section.criteria:
            result = results[criterion.key]
            for key, weight in criterion.skill_weights().items() if result.enabled else ():
                asked.setdefault(key, []).append((criterion.weight * weight, result))
    return asked


def _skill(key: str, own: _Weighed | None, standard: Standard) -> SkillScore:
    if key in _OUT_OF_SIGHT:
        return SkillScore(
            skill=key,
            status=SkillStatus.NOT_OBSERVABLE,
            score=None,
            opportunities=0,
            basis="standard" if own is None else "rubric",
        )
    return standard(key) if own is None else _rolled(key, own)


def _rolled(key: str, own: _Weighed) -> SkillScore:
    seen = sum(result.opportunities for _, result in own)
    scored = [(weight, result) for weight, result in own if result.score is not None]
    if not scored:
        found = {result.status for _, result in own}
        status = next(each for each in _ORDER if each in found)
        return SkillScore(skill=key, status=status, score=None, opportunities=seen)
    weight = sum(each for each, _ in scored)
    exact = Fraction(sum(w * (r.score or 0) for w, r in scored), weight)
    around = interval(
        exact,
        combine(
            (each / weight, bounds_of(result.score or 0, result.interval))
            for each, result in scored
            if result.interval is not None
        ),
    )
    return SkillScore(
        skill=key,
        status=SkillStatus.SCORED,
        score=round_half_up(exact),
        opportunities=seen,
        interval=around,
        confidence=confidence(around, seen),
    )


def roots(found: Sequence[SkillScore]) -> tuple[RootScore, ...]:
    """Return the nine roots in order; a key of the tenant's counts for the root it begins with."""
    return tuple(_root(root, found) for root in load_skill_roots())


def _root(root: str, found: Sequence[SkillScore]) -> RootScore:
    scored = [
        (min(MOST_OCCASIONS, skill.opportunities), skill.score)
        for skill in found
        if skill.score is not None and skill.skill.partition(".")[0] == root
    ]
    weight = sum(each for each, _ in scored)
    score = Fraction(sum(w * s for w, s in scored), weight) if weight else None
    return RootScore(
        root=root, score=None if score is None else round_half_up(score), skills=len(scored)
    )
