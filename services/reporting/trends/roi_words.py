"""The words of a program's report; each is made from numbers of the same answer."""

from collections.abc import Sequence
from typing import Final, Literal

from services.reporting.trends.words import SkillWords
from shared.contracts.reports.roi import (
    EffectInterval,
    Metric,
    MetricEffect,
    ReactionLevel,
    Return,
    ReturnLevel,
    SkillChange,
    SkillLevel,
)

Place = Literal["practice", "real calls"]

_LEVELS: Final = {
    "practice": "Level 2, learning",
    "real calls": "Level 3, application",
}


def money(amount: float, currency: str) -> str:
    """Return an amount for people: whole units, thousands apart."""
    return f"{amount:,.0f} {currency}"


def effect_sentence(
    metric: Metric,
    effect: float | None,
    interval: EffectInterval | None,
    worth: str,
    isolation_share: float,
) -> str:
    """Say one metric's effect, what it stands on first where that is little.

    Args:
        metric: its words and its shares.
        effect: None where nothing was measured.
        interval: of the effect.
        worth: `proven`, `estimated` or `nothing`.
        isolation_share: what the benefit was multiplied by: 1 where a comparison isolates it.
    """
    if effect is None:
        return f"{metric.label}: not measured, so it counts as no improvement."
    unit = f" {metric.unit}" if metric.unit else ""
    change = f"{effect:+,.2f}{unit}"
    if interval is not None:
        change += f" (90 % interval {interval.low:+,.2f} to {interval.high:+,.2f})"
    gained = effect if metric.better == "up" else -effect
    if worth == "nothing":
        return f"{metric.label}: not proven; {change} may be chance and earns nothing."
    if worth == "estimated":
        return (
            f"{metric.label}: an estimate, not a proof; {change}, counted at"
            f" {isolation_share:.0%} for the program and {metric.confidence_share:.0%}"
            " confidence."
        )
    if gained < 0:
        return f"{metric.label}: it got worse; {change}. The loss is counted."
    return f"{metric.label}: improved; {change}."


def level_sentence(place: Place, level: SkillLevel, words: SkillWords) -> str:
    """Say what a level of skills shows, in one sentence."""
    if not level.skills:
        return f"In {place}, no skill could be measured before and after the program."
    proven = [each for each in level.skills if each.is_proven]
    total = len(level.skills)
    if not proven:
        return f"In {place}, no improvement is proven in any of {total} skills."
    best = max(proven, key=lambda each: each.effect)
    name, low, high = words.name(best.skill), best.interval.low, best.interval.high
    return (
        f"In {place}, {len(proven)} of {total} skills improved; most of all {name}, by"
        f" {best.effect:.1f} points (90 % interval {low:.1f} to {high:.1f})."
    )


def unproven(
    reaction: ReactionLevel,
    learning: SkillLevel,
    application: SkillLevel,
    metrics: Sequence[MetricEffect],
) -> tuple[str, ...]:
    """Return what was not proven, level by level; this is what a reader shall see first."""
    found: list[str] = []
    if reaction.basis == "not_measured":
        found.append("Level 1, reaction: not measured.")
    for place, level in (("practice", learning), ("real calls", application)):
        found.extend(_unproven_level(_LEVELS[place], level))
    if not metrics:
        found.append("Level 4, impact: the program names no outcome.")
    found.extend(f"Level 4, impact. {each.sentence}" for each in metrics if not each.is_proven)
    return tuple(found)


def _unproven_level(name: str, level: SkillLevel) -> list[str]:
    if not level.skills:
        return [f"{name}: not measured."]
    found = []
    if level.isolation == "estimate":
        found.append(f"{name}: changes are not told from other causes.")
    open_ = sum(not each.is_proven for each in level.skills)
    if open_ == len(level.skills):
        found.append(f"{name}: no improvement is proven.")
    elif open_:
        found.append(f"{name}: no improvement in {open_} of {len(level.skills)} skills is proven.")
    return found


def return_sentence(proven: Return, with_estimates: Return, currency: str) -> str:
    """Say level 5; a return that rests on estimates is called so."""
    costs = money(proven.costs, currency)
    if proven.benefits <= 0:
        said = f"No financial return is proven against costs of {costs}."
        if proven.benefits < 0:
            loss = money(-proven.benefits, currency)
            said = f"The proven effects cost {loss} more, on top of {costs}."
    else:
        said = (
            f"Proven benefits of the first year: {money(proven.benefits, currency)} against costs"
            f" of {costs}{_figures(proven)}."
        )
    if with_estimates.benefits != proven.benefits:
        said += (
            f" With what is only estimated it would be {money(with_estimates.benefits, currency)}"
            f"{_figures(with_estimates)}."
        )
    return said


def headline(metrics: Sequence[MetricEffect], returns: ReturnLevel) -> str:
    """Return the report in one or two sentences: how much is not proven, then the return."""
    open_ = sum(not each.is_proven for each in metrics)
    if not metrics:
        return f"The program names no outcome that could pay for it. {returns.sentence}"
    if open_ == 0:
        return returns.sentence
    hoped = "effect" if len(metrics) == 1 else "effects"
    return f"Not proven: {open_} of {len(metrics)} hoped-for {hoped}. {returns.sentence}"


def _figures(found: Return) -> str:
    if found.roi_percent is None:
        return ""
    said = f" (ROI {found.roi_percent:,.0f} %"
    if found.payback_months is not None:
        said += f", paid back in {found.payback_months:,.1f} months"
    return said + ")"


def inputs_sentence(people: int | None, practices: int | None, costs: float, currency: str) -> str:
    """Say level 0."""
    if people is None:
        return f"The program costs {money(costs, currency)}; too few people practiced to say more."
    return (
        f"{people} people practiced {practices:,} times; the program costs"
        f" {money(costs, currency)}, {money(costs / people, currency)} for each of them."
    )


def reaction_sentence(level: ReactionLevel | None) -> str:
    """Say level 1."""
    if level is None or level.interval is None:
        return "What participants think of the program was not measured."
    return (
        f"{level.positive_rate:.0f} % of {level.answered} participants who answered are positive"
        f" (90 % interval {level.interval.low:.0f} to {level.interval.high:.0f} %)."
    )


def intangible_skill(change: SkillChange, place: Place, words: SkillWords) -> str:
    """Say a proven change of a skill, which has no price."""
    return f"{words.name(change.skill)} in {place}: {change.effect:+.1f} points."
