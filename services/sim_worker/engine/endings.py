"""Decides whether and how a conversation ends; every end has its reason and its own last line."""

from services.sim_worker.engine.decision import Decision, Turn
from shared.contracts.dialogue import Act
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.simulation import EndReason, PersonaState, Surface

LINGER_TURNS = 2
"""Learner turns after an agreement before the customer says goodbye by themselves."""
FURY_PATIENCE = 30
"""Patience at or below which fury makes a customer leave."""


def wants_to_leave(scenario: ScenarioSpec, state: PersonaState) -> bool:
    """Say whether the customer has had enough: patience gone, or fury with little patience left."""
    mind, leaving = state.mind, scenario.leaving
    furious = mind.frustration >= leaving.frustration and mind.patience <= FURY_PATIENCE
    return mind.patience <= leaving.patience or furious


def is_closing(turn: Turn) -> bool:
    """Say whether the learner ends the conversation: a clear goodbye, without a question."""
    reading = turn.reading
    if reading.strengths.get(Act.CLOSE, 0) < 2 or reading.has(Act.OPEN_QUESTION):
        return False
    return not (turn.before.turns == 0 and reading.has(Act.GREET))


def ending(turn: Turn) -> Decision | None:
    """Return the last reply, or None when the conversation goes on."""
    agreed = turn.after.resolution is not None
    if turn.deal.breaches and not agreed:
        return Decision(
            surface=Surface.ACCEPT, source="out_of_policy", end_reason=EndReason.OUT_OF_POLICY
        )
    if agreed:
        return _walks_out(turn) or (_good_end(turn) if _is_finished(turn) else None)
    if _is_passed_on(turn):
        return _last("escalated", EndReason.ESCALATED)
    if is_closing(turn):
        return _last("cut_short", EndReason.LEARNER_ENDED)
    return _walks_out(turn) or _runs_out(turn)


def _good_end(turn: Turn) -> Decision:
    """Return the goodbye after an agreement: no good end when policy was broken on the way."""
    if turn.after.breaches:
        return _last("out_of_policy", EndReason.OUT_OF_POLICY)
    return _last("farewell", EndReason.GOAL_MET)


def _is_finished(turn: Turn) -> bool:
    state = turn.after
    since = state.turns - (state.turns if state.accepted_at is None else state.accepted_at)
    return is_closing(turn) or since >= LINGER_TURNS or _runs_out(turn) is not None


def _walks_out(turn: Turn) -> Decision | None:
    state = turn.after
    if not wants_to_leave(turn.scenario, state):
        return None
    if state.warnings < turn.scenario.leaving.warnings and state.mind.patience > 0:
        return None
    return Decision(surface=Surface.HANG_UP, source="hang_up", end_reason=EndReason.CUSTOMER_LEFT)


def _is_passed_on(turn: Turn) -> bool:
    """Say whether the learner hands the customer over, clearly or because it was demanded."""
    needed = 1 if turn.before.demands else 2
    return turn.reading.strengths.get(Act.HAND_OVER, 0) >= needed and not turn.reading.is_noise


def _runs_out(turn: Turn) -> Decision | None:
    if turn.after.turns >= turn.scenario.max_turns:
        return _last("out_of_time", EndReason.MAX_TURNS)
    if turn.word_budget is not None and turn.after.words >= turn.word_budget:
        return _last("budget", EndReason.BUDGET)
    return None


def _last(source: str, reason: EndReason) -> Decision:
    return Decision(surface=Surface.FAREWELL, source=source, end_reason=reason)
