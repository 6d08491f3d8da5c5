"""Abstention per skill: does a second conversation get a number, too, and a like one?"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations

from infra.coverage.conversations import Sample, SkillAnswer
from infra.coverage.decisions import share
from infra.coverage.truth import by_kind
from shared.contracts.base import Record
from shared.contracts.scoring import SkillStatus

_NOTHING = frozenset({SkillStatus.NO_OPPORTUNITY, SkillStatus.INSUFFICIENT_EVIDENCE})
"""Statuses that depend on the conversation; `not_observable` does not."""


class SkillRepeats(Record, frozen=True, kw_only=True):
    """One skill over all conversations and over every two of each kind."""

    skill: str
    conversations: int
    scored: int
    no_opportunity: int
    insufficient_evidence: int
    couples: int
    same: int
    """Couples in which both have a number or both have none."""
    gap_surer: float | None
    """Mean difference of two numbers, points, over the half of the couples with more confidence."""
    gap_less_sure: float | None
    """The same for the other half."""

    @property
    def agreement(self) -> float:
        """Share of couples with the same answer to "is there a number?", 0..1."""
        return share(self.same, self.couples)


def repeats_by_skill(samples: Iterable[Sample]) -> list[SkillRepeats]:
    """Return every skill that one conversation can show, in the taxonomy's order."""
    kinds = by_kind(samples).values()
    answers: dict[str, list[list[SkillAnswer]]] = defaultdict(list)
    for kind in kinds:
        for per_skill in zip(*(each.skills for each in kind), strict=True):
            answers[per_skill[0].skill].append(list(per_skill))
    return [
        _repeats(skill, groups)
        for skill, groups in answers.items()
        if any(each.status is not SkillStatus.NOT_OBSERVABLE for each in _flat(groups))
    ]


def _flat(groups: list[list[SkillAnswer]]) -> list[SkillAnswer]:
    return [each for group in groups for each in group]


def _repeats(skill: str, groups: list[list[SkillAnswer]]) -> SkillRepeats:
    couples = [couple for group in groups for couple in combinations(group, 2)]
    counts = dict.fromkeys(SkillStatus, 0)
    for each in _flat(groups):
        counts[each.status] += 1
    surer, less_sure = _gaps(couples)
    return SkillRepeats(
        skill=skill,
        conversations=sum(counts.values()),
        scored=counts[SkillStatus.SCORED],
        no_opportunity=counts[SkillStatus.NO_OPPORTUNITY],
        insufficient_evidence=counts[SkillStatus.INSUFFICIENT_EVIDENCE],
        couples=len(couples),
        same=sum((a.status in _NOTHING) is (b.status in _NOTHING) for a, b in couples),
        gap_surer=surer,
        gap_less_sure=less_sure,
    )


def _gaps(
    couples: list[tuple[SkillAnswer, SkillAnswer]],
) -> tuple[float | None, float | None]:
    """Return the mean difference of the surer and of the less sure half of the scored couples."""
    scored = [
        (min(a.confidence, b.confidence), abs(a.score - b.score))
        for a, b in couples
        if a.score is not None and b.score is not None
    ]
    scored.sort(key=lambda each: each[0], reverse=True)
    half = len(scored) // 2
    if not half:
        return None, None
    gaps = [gap for _, gap in scored]
    return sum(gaps[:half]) / half, sum(gaps[-half:]) / half
