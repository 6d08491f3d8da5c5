"""Finds ends that do not follow from the state, and talk after the end."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from shared.audit.turns import AuditedTurn
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import EndReason, Fault, PersonaState, Surface

WRONG_END = "wrong_end"
FURY_PATIENCE = 30
"""Patience at or below which fury makes a customer leave."""

_SURFACES: Mapping[EndReason, frozenset[Surface]] = {
    EndReason.GOAL_MET: frozenset({Surface.FAREWELL}),
    EndReason.CUSTOMER_LEFT: frozenset({Surface.HANG_UP}),
    EndReason.MAX_TURNS: frozenset({Surface.FAREWELL}),
    EndReason.ESCALATED: frozenset({Surface.FAREWELL}),
    EndReason.OUT_OF_POLICY: frozenset({Surface.FAREWELL, Surface.ACCEPT}),
}
"""What the last line must do for an end that the customer makes."""
_LAST: Mapping[Surface, frozenset[EndReason]] = {
    Surface.HANG_UP: frozenset({EndReason.CUSTOMER_LEFT}),
    Surface.FAREWELL: frozenset(
        {EndReason.GOAL_MET, EndReason.LEARNER_ENDED, EndReason.MAX_TURNS, EndReason.ESCALATED}
        | {EndReason.OUT_OF_POLICY, EndReason.BUDGET}
    ),
}
"""Lines after which nothing comes, with the ends that they make."""


def wrong_ends(
    scenario: ScenarioSpec, customer: Sequence[AuditedTurn], end_reason: str | None
) -> Iterator[Fault]:
    """Yield what is wrong with how a conversation ended; `customer` has the customer's turns.

    What only the request knows (`budget`, `idle`, `cancelled`) is taken as given.
    """
    if not customer:
        return
    yield from _talk_after_the_end(scenario, customer)
    last = customer[-1]
    reason = None if end_reason is None else EndReason(end_reason)
    fits = reason is None or last.surface in _SURFACES.get(reason, {last.surface})
    closes = _LAST.get(last.surface) if last.surface else None
    if not fits or (closes is not None and reason not in closes):
        yield Fault(code=WRONG_END, seq=last.seq)
        return
    check = _CHECKS.get(reason) if reason else None
    if check is None or last.state is None:
        return
    subject = check(scenario, last.state, customer)
    if subject is not None:
        yield Fault(code=WRONG_END, seq=last.seq, subject=subject)


def _talk_after_the_end(scenario: ScenarioSpec, customer: Sequence[AuditedTurn]) -> Iterator[Fault]:
    over = False
    for turn in customer:
        late = turn.state is not None and turn.state.turns > scenario.max_turns
        if over or late:
            yield Fault(code=WRONG_END, seq=turn.seq)
            return
        over = turn.surface in _LAST


def _goal_met(
    scenario: ScenarioSpec, state: PersonaState, customer: Sequence[AuditedTurn]
) -> str | None:
    """Return what speaks against a good end: "" for the end itself, a key for what was missing."""
    agreed = next((x for x in scenario.resolutions if x.key == state.resolution), None)
    if agreed is None or state.breaches:
        return ""
    missing = set(agreed.needs_facts) - set(state.open_facts)
    missing |= set(agreed.needs_steps) - set(state.done_steps)
    if missing:
        return min(missing)
    before = [turn.state for turn in customer if turn.state is not None]
    then = next((x for x in before if x.resolution == agreed.key), state)
    mind = then.mind
    if mind.trust < agreed.min_trust or mind.frustration > agreed.max_frustration:
        return agreed.key
    return None


def _customer_left(
    scenario: ScenarioSpec, state: PersonaState, _customer: Sequence[AuditedTurn]
) -> str | None:
    mind, leaving = state.mind, scenario.leaving
    furious = mind.frustration >= leaving.frustration and mind.patience <= FURY_PATIENCE
    warned = state.warnings >= leaving.warnings or mind.patience == 0
    return None if warned and (furious or mind.patience <= leaving.patience) else ""


def _max_turns(
    scenario: ScenarioSpec, state: PersonaState, _customer: Sequence[AuditedTurn]
) -> str | None:
    return None if state.turns >= scenario.max_turns and not state.resolution else ""


def _out_of_policy(
    _scenario: ScenarioSpec, state: PersonaState, _customer: Sequence[AuditedTurn]
) -> str | None:
    return None if state.breaches else ""


def _escalated(
    _scenario: ScenarioSpec, state: PersonaState, _customer: Sequence[AuditedTurn]
) -> str | None:
    return None if not state.resolution else ""


_CHECKS: Mapping[
    EndReason, Callable[[ScenarioSpec, PersonaState, Sequence[AuditedTurn]], str | None]
] = {
    EndReason.GOAL_MET: _goal_met,
    EndReason.CUSTOMER_LEFT: _customer_left,
    EndReason.MAX_TURNS: _max_turns,
    EndReason.OUT_OF_POLICY: _out_of_policy,
    EndReason.ESCALATED: _escalated,
}
"""None when the end is right; else the key of what was missing, or "" for the end itself."""
