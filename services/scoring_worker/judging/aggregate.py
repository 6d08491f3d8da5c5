"""The arithmetic from findings to numbers; exact fractions, rounded once at the end (half up).

Indicator
    good: rate = (hits + PRIOR * CAUTION) / (occasions + CAUTION);
        strength = min(1, rate / full_at).
        The prior keeps one lucky (or unlucky) occasion from deciding; a check of the whole
        conversation needs no caution: rate = hits / occasions.
    bad: strength = min(1, hits / (occasions + CAUTION) / full_at);
        for a check of the whole conversation hits / occasions.

Criterion
    earned = sum(weight * strength) / sum(weight) over the good indicators with occasions.
    points = FLOOR + (100 - FLOOR) * earned, or 100 * earned when every good indicator is a check of
        the whole conversation (a checklist: steps done / steps required).
    score = points * product over the bad indicators of (1 - weight / 100 * strength).
    A criterion is scored on at least MIN_OCCASIONS answers that showed or could have shown it, in a
    conversation with at least MIN_AGENT_TURNS agent turns; bad behavior that was seen counts.

Form (as scorecards are usually read)
    section = sum(weight * score) / sum(weight) over its scored criteria;
    overall = the same over the sections with a scored criterion; what is not scored leaves the
    denominator. No overall when less than half of the weight is scored.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from services.scoring_worker.judging.finding import Finding
from shared.contracts.base import Record
from shared.contracts.rubric import Indicator, Polarity, RubricSpec
from shared.contracts.scoring import CriterionResult, SkillScore, SkillStatus, Verdict

CAUTION = 1
"""Occasions that the prior weighs as much as."""

PRIOR = Fraction(35, 100)
"""Rate to assume before anything was seen: that of a middling conversation."""

FLOOR = 20
"""Points of a conversation that shows neither good nor bad behavior."""

MIN_OCCASIONS = 2
"""Fewer answers than this say too little about a skill."""

MIN_AGENT_TURNS = 3
"""Fewer agent turns than this are no conversation to score."""

MIN_WEIGHT_SHARE = Fraction(1, 2)
"""Share of the rubric's weight that must be scored before there is an overall number."""

MET_SHARE = Fraction(1, 2)
"""A good indicator is met from this share of `full_at` on."""


class Measured(Record, frozen=True, kw_only=True):
    """One indicator of the rubric with what was found for it."""

    indicator: Indicator
    finding: Finding
    strength: Fraction
    """How far the indicator counts, 0 (not at all) to 1 (in full)."""
    verdict: Verdict
    coached_as: str = ""
    """Indicator key whose advice fits a scenario's step; empty for the rubric's own indicators."""


def rate(indicator: Indicator, finding: Finding) -> Fraction:
    """Return the share of occasions on which the behavior was shown, 0..1, with caution for few."""
    if not finding.opportunities:
        return Fraction(0)
    if finding.census:
        return Fraction(finding.hits, finding.opportunities)
    prior = PRIOR * CAUTION if indicator.polarity is Polarity.GOOD else Fraction(0)
    return (finding.hits + prior) / (finding.opportunities + CAUTION)


def _verdict(indicator: Indicator, finding: Finding) -> Verdict:
    """Answer one indicator. For a bad one `met` means that it was seen."""
    if not finding.opportunities:
        return Verdict.NO_OPPORTUNITY
    if indicator.polarity is Polarity.BAD:
        return Verdict.MET if finding.hits else Verdict.NOT_MET
    if finding.opportunities < MIN_OCCASIONS and not finding.hits and not finding.census:
        return Verdict.NOT_ENOUGH_EVIDENCE
    shown = Fraction(finding.hits, finding.opportunities)
    enough = MET_SHARE * indicator.full_at / 100
    return Verdict.MET if finding.hits and shown >= enough else Verdict.NOT_MET


def weigh(indicator: Indicator, finding: Finding, *, coached_as: str = "") -> Measured:
    """Answer one indicator from what was found, with its strength."""
    return Measured(
        indicator=indicator,
        finding=finding,
        strength=min(Fraction(1), rate(indicator, finding) * 100 / indicator.full_at),
        verdict=_verdict(indicator, finding),
        coached_as=coached_as,
    )


def points(items: Sequence[Measured]) -> Fraction:
    """Return the exact score of a criterion, 0..100, before any abstention."""
    good = [item for item in items if _is_good(item) and item.finding.opportunities]
    weight = sum(item.indicator.weight for item in good)
    earned = sum((item.indicator.weight * item.strength for item in good), Fraction(0))
    share = earned / weight if weight else PRIOR
    checklist = bool(good) and all(item.finding.census for item in good)
    total = 100 * share if checklist else FLOOR + (100 - FLOOR) * share
    for item in items:
        if not _is_good(item):
            total *= 1 - Fraction(item.indicator.weight, 100) * item.strength
    return total


def _is_good(item: Measured) -> bool:
    return item.indicator.polarity is Polarity.GOOD


def occasions(items: Sequence[Measured]) -> int:
    """Count the agent answers that say something about the criterion."""
    answers = {seen.agent for item in items if _is_good(item) for seen in item.finding.observations}
    answers |= {
        seen.agent
        for item in items
        if not _is_good(item)
        for seen in item.finding.observations
        if seen.hit
    }
    checks = sum(_is_good(i) and i.finding.census and bool(i.finding.opportunities) for i in items)
    return max(len(answers), checks)


def status(items: Sequence[Measured], *, agent_turns: int) -> SkillStatus:
    """Say whether a number may be given for a criterion."""
    seen = occasions(items)
    if seen == 0:
        return SkillStatus.NO_OPPORTUNITY
    if seen < MIN_OCCASIONS or agent_turns < MIN_AGENT_TURNS:
        return SkillStatus.INSUFFICIENT_EVIDENCE
    return SkillStatus.SCORED


def round_half_up(value: Fraction) -> int:
    """Round to the nearest integer, halves up, so that no machine rounds differently."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def _mean(parts: Iterable[tuple[int, Fraction]]) -> Fraction | None:
    """Return the weighted mean, or None without weight."""
    kept = list(parts)
    weight = sum(part[0] for part in kept)
    return sum((w * value for w, value in kept), Fraction(0)) / weight if weight else None


def overall(rubric: RubricSpec, scores: dict[str, int | None]) -> int | None:
    """Return the form score; `scores` holds one entry per criterion key, None where not scored."""
    sections: list[tuple[int, Fraction]] = []
    scored_share, all_weight = Fraction(0), 0
    for section in rubric.sections:
        all_weight += section.weight
        kept = [(c.weight, s) for c in section.criteria if (s := scores[c.key]) is not None]
        section_score = _mean((weight, Fraction(score)) for weight, score in kept)
        if section_score is not None:
            sections.append((section.weight, section_score))
            total = sum(criterion.weight for criterion in section.criteria)
            scored_share += section.weight * Fraction(sum(weight for weight, _ in kept), total)
    if scored_share < MIN_WEIGHT_SHARE * all_weight:
        return None
    value = _mean(sections)
    return None if value is None else round_half_up(value)


def skills(
    rubric: RubricSpec, results: Sequence[CriterionResult], seen: dict[str, int]
) -> tuple[SkillScore, ...]:
    """Roll criteria up to skills, in the order of the rubric; `seen`: occasions by criterion."""
    weights = {c.key: c.weight for section in rubric.sections for c in section.criteria}
    rolled: list[SkillScore] = []
    for skill in dict.fromkeys(result.skill for result in results):
        own = [result for result in results if result.skill == skill]
        value = _mean((weights[r.key], Fraction(r.score)) for r in own if r.score is not None)
        rolled.append(
            SkillScore(
                skill=skill,
                status=_skill_status(own),
                score=None if value is None else round_half_up(value),
                opportunities=sum(seen[result.key] for result in own),
            )
        )
    return tuple(rolled)


def _skill_status(own: Sequence[CriterionResult]) -> SkillStatus:
    found = {result.status for result in own}
    order = (
        SkillStatus.SCORED,
        SkillStatus.INSUFFICIENT_EVIDENCE,
        SkillStatus.NO_OPPORTUNITY,
    )
    return next(item for item in order if item in found)
