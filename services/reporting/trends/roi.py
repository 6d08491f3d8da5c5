"""Phillips's chain from an effect to a return. No data is no improvement, and what an interval
across zero leaves open earns nothing.
"""

from collections.abc import Iterable
from typing import Final, Literal

from services.reporting.trends.roi_words import effect_sentence
from shared.contracts.base import Record
from shared.contracts.reports.roi import (
    EffectInterval,
    HandedIn,
    Isolation,
    Metric,
    MetricEffect,
    Return,
)

MONTHS: Final = 12

Worth = Literal["proven", "estimated", "nothing"]


class Effect(Record, frozen=True, kw_only=True):
    """A change of the treated people in a metric's own unit, not rounded."""

    before: float
    after: float
    effect: float
    """What the isolation leaves of it."""
    interval: EffectInterval | None
    """90 %; None for somebody's figure without one."""
    isolation: Isolation


def returns(benefits: float, costs: float) -> Return:
    """Return level 5 of benefits and costs of one currency; money with two decimals."""
    return Return(
        benefits=round(benefits, 2),
        costs=round(costs, 2),
        bcr=round(benefits / costs, 3) if costs > 0 else None,
        roi_percent=round((benefits - costs) / costs * 100, 1) if costs > 0 else None,
        payback_months=round(MONTHS * costs / benefits, 1) if benefits > 0 else None,
    )


def handed_in_effect(handed: HandedIn, isolation: Isolation) -> Effect:
    """Return what a partner's figures say.

    Figures of comparable people make a difference in differences; without them the bare change is
    an estimate, whatever the program is isolated by. An interval is of the isolated change.
    """
    change = handed.after - handed.before
    effect = change
    used: Isolation = "estimate"
    if handed.comparison_before is not None and handed.comparison_after is not None:
        effect = change - (handed.comparison_after - handed.comparison_before)
        used = "comparison"
    elif isolation == "trend_line" and handed.low is not None:
        used = "trend_line"
    interval = None
    if handed.low is not None and handed.high is not None:
        interval = EffectInterval(low=handed.low, high=handed.high)
    return Effect(
        before=handed.before, after=handed.after, effect=effect, interval=interval, isolation=used
    )


def weigh(metric: Metric, found: Effect | None) -> MetricEffect:
    """Return level 4 of one metric; `found` is None where nothing could be measured."""
    worth = "nothing" if found is None else worth_of(metric, found)
    is_isolated = found is not None and found.isolation != "estimate"
    share = 1.0 if is_isolated else metric.isolation_share
    benefit = None
    if metric.unit_value is not None:
        gained = 0.0 if found is None or worth == "nothing" else gain(metric, found.effect)
        benefit = round(_money(metric, gained, share), 2)
    return MetricEffect(
        key=metric.key,
        label=metric.label,
        basis=_basis(metric, found),
        isolation=None if found is None else found.isolation,
        before=None if found is None else round(found.before, 2),
        after=None if found is None else round(found.after, 2),
        effect=None if found is None else round(found.effect, 2),
        interval=None if found is None else _rounded(found.interval),
        is_proven=found is not None and worth == "proven" and gain(metric, found.effect) > 0,
        isolation_share=share,
        confidence_share=metric.confidence_share,
        benefit=benefit,
        sentence=effect_sentence(
            metric,
            None if found is None else found.effect,
            None if found is None else found.interval,
            worth,
            share,
        ),
    )


def worth_of(metric: Metric, found: Effect) -> Worth:
    """Return how far an effect may be counted; a proven loss counts like a proven gain.

    Proven: its interval excludes zero, and other causes are taken out by a comparison or a trend
    line. Estimated: somebody's figure, or a change that is sure but whose cause is an opinion; a
    loss is never an estimate that may be left out of the sum.
    """
    interval = found.interval
    if interval is not None and interval.low <= 0 <= interval.high:
        return "nothing"
    if interval is None or found.isolation == "estimate":
        return "estimated" if found.effect != 0 else "nothing"
    people = metric.handed_in.people if metric.handed_in is not None else None
    if metric.handed_in is not None and people is None:
        return "estimated"  # an interval without its number of people is a claim
    return "proven"


def gain(metric: Metric, effect: float) -> float:
    """Return the effect with the sign of an improvement, in the metric's unit."""
    return effect if metric.better == "up" else -effect


def benefits_of(metrics: Iterable[tuple[Metric, Effect | None]]) -> tuple[float, float, float]:
    """Return first-year benefits in money: proven, with estimates on top, and cautious.

    Cautious takes the weaker end of each proven interval.
    """
    proven = estimated = cautious = 0.0
    for metric, found in metrics:
        if found is None or metric.unit_value is None:
            continue
        worth = worth_of(metric, found)
        share = 1.0 if found.isolation != "estimate" else metric.isolation_share
        if worth == "proven" and found.interval is not None:
            proven += _money(metric, gain(metric, found.effect), share)
            ends = (found.interval.low, found.interval.high)
            cautious += _money(metric, min(gain(metric, end) for end in ends), share)
        elif worth == "estimated":
            estimated += _money(metric, gain(metric, found.effect), share)
    return proven, proven + estimated, cautious


def _money(metric: Metric, gained: float, isolation_share: float) -> float:
    units = 1.0 if metric.units_per_year is None else metric.units_per_year
    value = 0.0 if metric.unit_value is None else metric.unit_value
    return gained * value * units * isolation_share * metric.confidence_share


def _basis(
    metric: Metric, found: Effect | None
) -> Literal["measured", "estimated", "not_measured"]:
    if found is None:
        return "not_measured"
    is_claim = metric.handed_in is not None and worth_of(metric, found) == "estimated"
    return "estimated" if is_claim else "measured"


def _rounded(interval: EffectInterval | None) -> EffectInterval | None:
    if interval is None:
        return None
    return EffectInterval(low=round(interval.low, 2), high=round(interval.high, 2))
