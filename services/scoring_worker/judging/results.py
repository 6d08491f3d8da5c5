"""Turns what was measured into results: criteria of the form, skills by the standard indicators."""

from collections.abc import Sequence

from msgspec import UNSET

from services.scoring_worker.judging import aggregate
from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.evidence import quotes
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.interval import criterion_bounds
from services.scoring_worker.judging.measuring import Measurer
from services.scoring_worker.judging.standard import load_standard
from shared.contracts.base import Record
from shared.contracts.rubric import Criterion
from shared.contracts.scoring import (
    CriterionResult,
    IndicatorResult,
    Interval,
    SkillScore,
    SkillStatus,
    Transcript,
)
from shared.scorecard.bounds import confidence, interval, round_half_up
from shared.scorecard.conditions import level


class Scored(Record, frozen=True, kw_only=True):
    """What indicators come to together."""

    status: SkillStatus
    score: int | None
    interval: Interval | None
    confidence: int
    opportunities: int


class Setting(Record, frozen=True, kw_only=True):
    """What every result of one transcript needs to know."""

    transcript: Transcript
    agent_turns: int
    """Those with something to judge."""
    is_supported: bool
    """False: the language is unknown, so there is no number."""


def score(items: Sequence[Measured], setting: Setting) -> Scored:
    """Return the number that these indicators allow, or why there is none."""
    parts = aggregate.sort(items)
    seen = aggregate.occasions(parts)
    status = aggregate.status(seen, agent_turns=setting.agent_turns)
    if not setting.is_supported:
        seen, status = 0, SkillStatus.INSUFFICIENT_EVIDENCE
    if status is not SkillStatus.SCORED:
        return Scored(status=status, score=None, interval=None, confidence=0, opportunities=seen)
    base = aggregate.base_points(parts)
    exact = aggregate.after_harm(parts, base)
    around = interval(exact, criterion_bounds(parts, base))
    return Scored(
        status=status,
        score=round_half_up(exact),
        interval=around,
        confidence=confidence(around, seen),
        opportunities=seen,
    )


def criterion_result(
    criterion: Criterion, items: Sequence[Measured], setting: Setting
) -> CriterionResult:
    """Return the result of a criterion that was asked."""
    if not setting.is_supported:
        items = [aggregate.weigh(item.indicator, Finding()) for item in items]
    found = score(items, setting)
    return CriterionResult(
        key=criterion.key,
        title=criterion.title,
        skill=criterion.skill,
        status=found.status,
        score=found.score,
        interval=found.interval,
        confidence=found.confidence,
        opportunities=found.opportunities,
        level=level(criterion, found.score),
        indicators=tuple(_indicator_result(item, setting.transcript) for item in items),
    )


def not_asked(criterion: Criterion) -> CriterionResult:
    """Return the result of a criterion whose condition did not hold."""
    return CriterionResult(
        key=criterion.key,
        title=criterion.title,
        skill=criterion.skill,
        status=SkillStatus.NO_OPPORTUNITY,
        score=None,
        enabled=False,
        indicators=(),
    )


def _indicator_result(item: Measured, transcript: Transcript) -> IndicatorResult:
    second = item.second
    return IndicatorResult(
        key=item.indicator.key,
        title=item.indicator.title,
        polarity=item.indicator.polarity,
        verdict=item.verdict,
        opportunities=item.occasions,
        hits=item.hits,
        evidence=quotes(item.finding, transcript),
        withdrawn=item.withdrawn,
        judged_by=UNSET if second is None else second.judged_by,
        embedded_verdict=UNSET if second is None else second.embedded,
        spread=UNSET if second is None else second.spread,
    )


def standard_skill(key: str, measurer: Measurer, setting: Setting) -> SkillScore:
    """Score a skill by the taxonomy's own indicators; without any, nothing can be said."""
    indicators = load_standard().get(key, ())
    found = score(measurer.skill(key, indicators), setting)
    return SkillScore(
        skill=key,
        status=found.status if indicators else SkillStatus.INSUFFICIENT_EVIDENCE,
        score=found.score,
        opportunities=found.opportunities,
        interval=found.interval,
        confidence=found.confidence,
        basis="standard",
    )
