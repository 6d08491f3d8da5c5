"""The arithmetic from findings to the score of a criterion; exact, rounded once (half up).

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
        the whole conversation (a checklist: steps done / steps required), or 100 when the criterion
        has bad indicators only (a rule that must not be broken).
    score = points * product over the bad indicators of (1 - weight / 100 * strength).
    A criterion is scored on at least MIN_OCCASIONS answers that showed or could have shown it, in a
    conversation with at least MIN_AGENT_TURNS agent turns; bad behavior that was seen counts.
"""

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Literal, NamedTuple

from services.scoring_worker.judging.finding import Finding
from shared.contracts.base import Record
from shared.contracts.rubric import Indicator, Polarity
from shared.contracts.scoring import SkillStatus, Verdict

CAUTION = 1
"""Occasions that the prior weighs as much as."""

PRIOR = Fraction(35, 100)
"""Rate to assume before anything was seen: that of a middling conversation."""

FLOOR = 20
"""Points of a conversation that shows neither good nor bad behavior."""

_GOOD = Polarity.GOOD

MIN_OCCASIONS = 2
"""Fewer answers than this say too little about a skill."""

MIN_AGENT_TURNS = 3
"""Fewer agent turns than this are no conversation to score."""

MET_SHARE = Fraction(1, 2)
"""A good indicator is met from this share of `full_at` on."""


class Second(Record, frozen=True, kw_only=True):
    """That a model was asked as well."""

    judged_by: Literal["embedded", "model"]
    embedded: Verdict
    """What the embedded judge alone says."""
    spread: float
    """Share of the model's samples that say something else than most, 0..1."""


class Measured(Record, frozen=True, kw_only=True):
    """One indicator of the rubric with what was found for it."""

    indicator: Indicator
    is_good: bool
    finding: Finding
    hits: int
    occasions: int
    strength: Fraction
    """How far the indicator counts, 0 (not at all) to 1 (in full)."""
    verdict: Verdict
    coached_as: str = ""
    """Indicator key whose advice fits a scenario's step; empty for the rubric's own indicators."""
    withdrawn: int = 0
    """Hits that were taken back because their quote failed the check."""
    second: Second | None = None
    """None: no model was asked, or it did not answer."""


class Sorted(NamedTuple):
    """The indicators of a criterion by what they can add."""

    good: list[Measured]
    """Those with an occasion."""
    bad: list[Measured]
    seen_bad: list[Measured]
    only_bad: bool
    """The criterion asks for nothing good."""
    checks: int
    """How many of the good ones are checks of the whole conversation."""


def weigh(
    indicator: Indicator, finding: Finding, *, coached_as: str = "", withdrawn: int = 0
) -> Measured:
    """Answer one indicator from what was found, with its strength."""
    is_good = indicator.polarity is _GOOD
    hits, occasions = finding.hits, len(finding.observations)
    strength, verdict = _answer(
        hits, occasions, indicator.full_at, is_good=is_good, census=finding.census
    )
    return Measured(
        indicator=indicator,
        is_good=is_good,
        finding=finding,
        hits=hits,
        occasions=occasions,
        strength=strength,
        verdict=verdict,
        coached_as=coached_as,
        withdrawn=withdrawn,
    )


@lru_cache(maxsize=8192)
def _answer(
    hits: int, occasions: int, full_at: int, *, is_good: bool, census: bool
) -> tuple[Fraction, Verdict]:
    """Return strength and verdict; few combinations occur, and fractions are slow."""
    rate = _rate(hits, occasions, is_good=is_good, census=census)
    verdict = _verdict(hits, occasions, full_at, is_good=is_good, census=census)
    return min(Fraction(1), rate * 100 / full_at), verdict


def _rate(hits: int, occasions: int, *, is_good: bool, census: bool) -> Fraction:
    """Return the share of occasions on which the behavior was shown, 0..1, with caution for few."""
    if not occasions:
        return Fraction(0)
    if census:
        return Fraction(hits, occasions)
    prior = PRIOR * CAUTION if is_good else Fraction(0)
    return (hits + prior) / (occasions + CAUTION)


def _verdict(hits: int, occasions: int, full_at: int, *, is_good: bool, census: bool) -> Verdict:
    """Answer one indicator. For a bad one `met` means that it was seen."""
    if not occasions:
        return Verdict.NO_OPPORTUNITY
    if not is_good:
        return Verdict.MET if hits else Verdict.NOT_MET
    if occasions < MIN_OCCASIONS and not hits and not census:
        return Verdict.NOT_ENOUGH_EVIDENCE
    enough = 100 * hits >= MET_SHARE * full_at * occasions
    return Verdict.MET if hits and enough else Verdict.NOT_MET


def sort(items: Iterable[Measured]) -> Sorted:
    """Part the indicators by what they can add."""
    good: list[Measured] = []
    bad: list[Measured] = []
    checks = asked = 0
    for item in items:
        if not item.is_good:
            bad.append(item)
            continue
        asked += 1
        if item.occasions:
            good.append(item)
            checks += item.finding.census
    return Sorted(
        good=good,
        bad=bad,
        seen_bad=[item for item in bad if item.hits],
        only_bad=not asked,
        checks=checks,
    )


def points(items: Iterable[Measured]) -> Fraction:
    """Return the exact score of a criterion, 0..100, before any abstention."""
    parts = sort(items)
    return after_harm(parts, base_points(parts))


def base_points(parts: Sorted) -> Fraction:
    """Return what the good indicators earn, 0..100, before the bad ones take their part."""
    if not parts.good:
        return Fraction(100) if parts.only_bad else FLOOR + (100 - FLOOR) * PRIOR
    # One fraction at the end: adding them one by one would reduce each sum.
    numerator, denominator, weight = 0, 1, 0
    for item in parts.good:
        top, bottom = item.strength.as_integer_ratio()
        numerator = numerator * bottom + item.indicator.weight * top * denominator
        denominator *= bottom
        weight += item.indicator.weight
    floor = floor_of(parts)
    denominator *= weight
    return Fraction(floor * denominator + (100 - floor) * numerator, denominator)


def floor_of(parts: Sorted) -> int:
    """Return the points of who shows nothing: none on a checklist."""
    return 0 if parts.checks == len(parts.good) else FLOOR


def after_harm(parts: Sorted, base: Fraction) -> Fraction:
    """Return what the bad indicators leave of the points."""
    if not parts.seen_bad:
        return base
    numerator, denominator = base.as_integer_ratio()
    for item in parts.seen_bad:
        top, bottom = item.strength.as_integer_ratio()
        numerator *= 100 * bottom - item.indicator.weight * top
        denominator *= 100 * bottom
    return Fraction(numerator, denominator)


def occasions(parts: Sorted) -> int:
    """Count the agent answers that say something about the criterion.

    Bad behavior that was not seen says nothing, unless the criterion asks for nothing else.
    """
    answers: set[int] = set()
    for item in parts.good:
        answers.update([seen.agent for seen in item.finding.observations])
    for item in parts.bad if parts.only_bad else parts.seen_bad:
        answers.update(
            [seen.agent for seen in item.finding.observations if seen.hit or parts.only_bad]
        )
    return max(len(answers), parts.checks)


def status(seen: int, *, agent_turns: int) -> SkillStatus:
    """Say whether a number may be given on so many occasions."""
    if seen == 0:
        return SkillStatus.NO_OPPORTUNITY
    if seen < MIN_OCCASIONS or agent_turns < MIN_AGENT_TURNS:
        return SkillStatus.INSUFFICIENT_EVIDENCE
    return SkillStatus.SCORED
