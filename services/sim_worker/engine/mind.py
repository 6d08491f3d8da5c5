"""Moves the customer's mind by the published table and says why."""

from collections.abc import Iterator

import msgspec

from services.sim_worker.engine.appraisal import Quality, Reading
from services.sim_worker.engine.rules import RULES, Effect
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Mind, ScenarioSpec
from shared.contracts.simulation import Cause, PersonaState

_RISE_HELPS = {
    "trust": True,
    "patience": True,
    "clarity": True,
    "fairness": True,
    "frustration": False,
    "anxiety": False,
}
"""Dimensions in the order in which changes are reported, and whether more of it is good."""
_SPEND_ONCE = frozenset({Quality.REPEATED, Quality.GIBBERISH, Quality.OFF_ROLE, Quality.SILENCE})
"""Qualities of a turn that make its helpful acts worthless."""


def move_mind(
    scenario: ScenarioSpec, state: PersonaState, reading: Reading
) -> tuple[Mind, tuple[Cause, ...]]:
    """Return the mind after a turn and every change with its cause, the largest first."""
    causes = [cause for cause in _causes(scenario, state, reading) if cause.delta]
    causes = _limited(causes)
    levels = {name: int(getattr(state.mind, name)) for name in _RISE_HELPS}
    applied: list[Cause] = []
    for cause in causes:
        before = levels[cause.dimension]
        levels[cause.dimension] = max(0, min(100, before + cause.delta))
        moved = levels[cause.dimension] - before
        if moved:
            applied.append(msgspec.structs.replace(cause, delta=moved))
    applied.sort(key=lambda cause: -abs(cause.delta))
    return Mind(**levels), tuple(applied)


def is_help(cause: Cause) -> bool:
    """Say whether a change is good for the customer."""
    return (cause.delta > 0) is _RISE_HELPS[cause.dimension]


def _causes(scenario: ScenarioSpec, state: PersonaState, reading: Reading) -> Iterator[Cause]:
    for name in _turn_rules(state, reading):
        effect = RULES.turns[name]
        yield from _scaled(scenario, effect, RULES.worn(effect.wear, state.counts.get(name, 0)))
    wasted = reading.quality in _SPEND_ONCE
    ordered = sorted(reading.strengths, key=lambda act: (not _hurts(RULES.acts[act]), act))
    spoiled = reading.is_hostile or Act.CITE_POLICY in reading.strengths
    for act in ordered:
        effect = RULES.acts[act]
        if wasted and not _hurts(effect):
            continue
        percent = RULES.worn(effect.wear, state.counts.get(act, 0))
        percent = percent * effect.by_strength[reading.strengths[act] - 1] // 100
        percent = percent * _personal(scenario, act, effect, percent) // 100
        if percent > 0 and not _hurts(effect):
            percent = percent * _circumstance(state, act, spoiled=spoiled) // 100
        yield from _scaled(scenario, effect, percent)


def _turn_rules(state: PersonaState, reading: Reading) -> Iterator[str]:
    if (state.turns + 1) % RULES.time_every == 0:
        yield "time"
    if reading.quality is not None:
        yield reading.quality.value
    if Act.VERIFY_IDENTITY in reading.strengths and state.counts.get(Act.VERIFY_IDENTITY, 0):
        yield "asked_again"
    if reading.strengths.get(Act.CLOSE, 0) >= 2 and not state.resolution and state.turns:
        yield "early_close"


def _personal(scenario: ScenarioSpec, act: Act, effect: Effect, percent: int) -> int:
    hurts = _hurts(effect) or percent < 0
    if hurts and act in scenario.persona.triggers:
        return RULES.trigger
    if not hurts and act in scenario.persona.soft_spots:
        return RULES.soft_spot
    return 100


def _circumstance(state: PersonaState, act: Act, *, spoiled: bool) -> int:
    """Percent left of a helpful act in a turn that hurts, or of an offer made too early."""
    percent = RULES.spoiled if spoiled else 100
    if act is Act.OFFER and not state.open_facts:
        percent = percent * RULES.early_offer // 100
    return percent


def _scaled(scenario: ScenarioSpec, effect: Effect, percent: int) -> Iterator[Cause]:
    temper = RULES.tempers[scenario.temper]
    level = scenario.difficulty - 1
    for dimension, points in effect.change.items():
        helps = (points * percent > 0) is _RISE_HELPS[dimension]
        factor = (RULES.gain_by_difficulty if helps else RULES.harm_by_difficulty)[level]
        factor = factor * (temper.gain if helps else temper.harm).get(dimension, 100)
        delta = _rounded(points * percent * factor, 1_000_000)
        yield Cause(dimension=dimension, delta=delta, why=effect.why)


def _limited(causes: list[Cause]) -> list[Cause]:
    """Cut the help of one turn to its limit, so that one long speech does not win a person over."""
    left = dict(RULES.turn_limit)
    kept: list[Cause] = []
    for cause in causes:
        if not is_help(cause):
            kept.append(cause)
            continue
        size = min(abs(cause.delta), left[cause.dimension])
        left[cause.dimension] -= size
        if size:
            sign = 1 if cause.delta > 0 else -1
            kept.append(msgspec.structs.replace(cause, delta=sign * size))
    return kept


def _hurts(effect: Effect) -> bool:
    first = next(iter(effect.change.items()), None)
    return first is not None and (first[1] > 0) is not _RISE_HELPS[first[0]]


def _rounded(value: int, unit: int) -> int:
    """Divide and round half away from zero."""
    half = unit // 2
    return (value + half) // unit if value >= 0 else -((-value + half) // unit)
