"""Moves the customer's mind by the published table and says why."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from services.sim_worker.engine.appraisal import Quality, Reading
from services.sim_worker.engine.memory import Notice, Recall
from services.sim_worker.engine.rules import RULES, Effect
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Mind, ScenarioSpec, Temper, Twist
from shared.contracts.simulation import Cause, PersonaState

Change = tuple[str, int, str]
"""A dimension, its points, and the cause."""
_RISE_HELPS = {
    "trust": True,
    "patience": True,
    "clarity": True,
    "fairness": True,
    "frustration": False,
    "anxiety": False,
}
"""Dimensions in the order in which changes are reported, and whether more of it is good."""
_NEAR = max((near.within for near in RULES.near_best), default=0)
"""Points from a level's best end at which a change counts in full."""
_SPEND_ONCE = frozenset({Quality.REPEATED, Quality.GIBBERISH, Quality.OFF_ROLE, Quality.SILENCE})
"""Qualities of a turn that make its helpful acts worthless."""
_SPOILS = (Act.CITE_POLICY, Act.UPSELL, Act.HAND_OVER)
"""Acts beside which a helpful one counts less, as beside a hostile one."""
_EASES_NO = (Act.OFFER, Act.OFFER_CHOICE, Act.CONCEDE)
"""Acts beside which a no hurts less."""


def _hurts(effect: Effect) -> bool:
    first = next(iter(effect.change.items()), None)
    return first is not None and (first[1] > 0) is not _RISE_HELPS[first[0]]


_HURTFUL = frozenset(act for act, effect in RULES.acts.items() if _hurts(effect))
_ORDER = {
    act: place
    for place, act in enumerate(sorted(RULES.acts, key=lambda act: (act not in _HURTFUL, act)))
}
"""Acts in the order in which they count, the hurtful ones first."""


def move_mind(
    scenario: ScenarioSpec,
    state: PersonaState,
    reading: Reading,
    rules: tuple[Notice, ...],
    known: Recall,
    twist: Twist | None = None,
) -> tuple[Mind, tuple[Cause, ...]]:
    """Return the mind after a turn and every change with its cause, the largest first.

    `rules` are those of the table's second part that hold (`turn_rules`).
    """
    changes = _limited(_changes(scenario, state, reading, rules, known))
    if twist is not None:
        changes += [(name, points, twist.title) for name, points in twist.change.items()]
    levels = {name: int(getattr(state.mind, name)) for name in _RISE_HELPS}
    applied: list[Cause] = []
    for dimension, points, why in changes:
        before = levels[dimension]
        after = max(0, min(100, before + _damped(dimension, points, before)))
        if after != before:
            levels[dimension] = after
            applied.append(Cause(dimension=dimension, delta=after - before, why=why))
    applied.sort(key=lambda cause: -abs(cause.delta))
    return Mind(**levels), tuple(applied)


def is_help(cause: Cause) -> bool:
    """Say whether a change is good for the customer."""
    return (cause.delta > 0) is _RISE_HELPS[cause.dimension]


def _damped(dimension: str, points: int, level: int) -> int:
    """Return a change as it counts at this level: nobody is won over completely."""
    if (points > 0) is not _RISE_HELPS[dimension]:
        return points
    left = 100 - level if points > 0 else level
    if left >= _NEAR:
        return points
    for near in RULES.near_best:
        if left < near.within:
            size = max(1, _rounded(abs(points) * near.percent, 100))
            return size if points > 0 else -size
    return points


def turn_rules(
    state: PersonaState, reading: Reading, noticed: tuple[Notice, ...]
) -> tuple[Notice, ...]:
    """Return the rules of the turn as a whole that hold, those of memory last."""
    found: list[str] = []
    if (state.turns + 1) % RULES.time_every == 0:
        found.append("time")
    if reading.quality is not None:
        found.append(reading.quality.value)
    if Act.VERIFY_IDENTITY in reading.strengths and state.counts.get(Act.VERIFY_IDENTITY, 0):
        found.append("asked_again")
    if reading.strengths.get(Act.CLOSE, 0) >= 2 and not state.resolution and state.turns:
        found.append("early_close")
    return (*(Notice(rule=name) for name in found), *noticed)


def _changes(
    scenario: ScenarioSpec,
    state: PersonaState,
    reading: Reading,
    rules: tuple[Notice, ...],
    known: Recall,
) -> list[Change]:
    found: list[Change] = []
    for notice in rules:
        effect = RULES.turns[notice.rule]
        percent = RULES.worn(effect.wear, state.counts.get(notice.rule, 0))
        found += _scaled(scenario, notice.rule, percent, notice.why or effect.why)
    found += _touched(scenario, known)
    wasted = reading.quality in _SPEND_ONCE
    spoiled = reading.is_hostile or reading.has(*_SPOILS)
    for act in sorted(reading.strengths, key=_ORDER.__getitem__):
        effect = RULES.acts[act]
        hurts = act in _HURTFUL
        if wasted and not hurts:
            continue
        percent = RULES.worn(effect.wear, state.counts.get(act, 0))
        percent = percent * effect.by_strength[reading.strengths[act] - 1] // 100
        percent = percent * _personal(scenario, act, hurts=hurts or percent < 0) // 100
        if hurts:
            percent = percent * _aggravation(state, reading, act) // 100
        elif percent > 0:
            percent = percent * _circumstance(state, act, spoiled=spoiled) // 100
        found += _scaled(scenario, act, percent, _why(effect, reading, act))
    return found


def _touched(scenario: ScenarioSpec, known: Recall) -> Iterator[Change]:
    persona = scenario.persona
    for number in known.touched:
        touch = (*persona.sore_points, *persona.warm_points)[number]
        for dimension, points in touch.change.items():
            yield dimension, points, touch.why


def _why(effect: Effect, reading: Reading, act: Act) -> str:
    topic = reading.topics.get(act) if effect.about else None
    return f"{effect.why}, about {RULES.topics[topic]}" if topic else effect.why


def _personal(scenario: ScenarioSpec, act: Act, *, hurts: bool) -> int:
    if hurts and act in scenario.persona.triggers:
        return RULES.trigger
    if not hurts and act in scenario.persona.soft_spots:
        return RULES.soft_spot
    return 100


def _aggravation(state: PersonaState, reading: Reading, act: Act) -> int:
    """Percent of a hurtful act: a sale too early counts more, a no beside an offer less."""
    if act is Act.UPSELL and not state.resolution:
        return RULES.early_upsell
    if act is Act.REFUSE and reading.has(*_EASES_NO):
        return RULES.eased_no
    return 100


def _circumstance(state: PersonaState, act: Act, *, spoiled: bool) -> int:
    """Percent left of a helpful act in a turn that hurts, or of one that comes too early."""
    percent = RULES.spoiled if spoiled else 100
    if act in {Act.OFFER, Act.CONCEDE} and not state.open_facts:
        percent = percent * RULES.early_offer // 100
    if act is Act.SET_BOUNDARY and state.mind.frustration < RULES.limit_from:
        return 0
    return percent


def _scaled(scenario: ScenarioSpec, rule: str, percent: int, why: str) -> list[Change]:
    """Return what an act, or a rule of the turn as a whole, does to this customer."""
    moves = _moves(rule, scenario.temper, scenario.difficulty, percent)
    return [(dimension, moved, why) for dimension, moved in moves]


@lru_cache(maxsize=8192)
def _moves(rule: str, temper: Temper, difficulty: int, percent: int) -> tuple[tuple[str, int], ...]:
    """Return what a percentage of a rule does, by dimension; no dimension that does not move."""
    effect = RULES.acts[Act(rule)] if rule in _ORDER else RULES.turns[rule]
    level, tempers = difficulty - 1, RULES.tempers[temper]
    gain, harm = RULES.gain_by_difficulty[level], RULES.harm_by_difficulty[level]
    found: list[tuple[str, int]] = []
    for dimension, points in effect.change.items():
        if (points * percent > 0) is _RISE_HELPS[dimension]:
            factor = gain * tempers.gain.get(dimension, 100)
        else:
            factor = harm * tempers.harm.get(dimension, 100)
        found.append((dimension, _rounded(points * percent * factor, 1_000_000)))
    return tuple(item for item in found if item[1])


def _limited(changes: Iterable[Change]) -> list[Change]:
    """Cut the help of one turn to its limit, so that one long speech does not win a person over."""
    left = dict(RULES.turn_limit)
    kept: list[Change] = []
    for change in changes:
        dimension, points, why = change
        if (points > 0) is not _RISE_HELPS[dimension]:
            kept.append(change)
            continue
        size = min(abs(points), left[dimension])
        left[dimension] -= size
        if size:
            kept.append((dimension, size if points > 0 else -size, why))
    return kept


def _rounded(value: int, unit: int) -> int:
    """Divide and round half away from zero."""
    half = unit // 2
    return (value + half) // unit if value >= 0 else -((-value + half) // unit)
