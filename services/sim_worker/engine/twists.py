"""What changes mid-way: each twist happens once, and none after something was agreed."""

from shared.contracts.scenario import ScenarioSpec, Twist
from shared.contracts.simulation import PersonaState


def due_twist(scenario: ScenarioSpec, state: PersonaState) -> Twist | None:
    """Return the twist of this learner turn, if any; `state` is before the turn."""
    if state.resolution:
        return None
    for twist in scenario.twists:
        if twist.key not in state.twists and _is_due(twist, state):
            return twist
    return None


def _is_due(twist: Twist, state: PersonaState) -> bool:
    # a turn that was missed, because something was agreed and taken back, is made up for
    by_turn = twist.turn is not None and state.turns + 1 >= twist.turn
    by_fact = twist.after_fact is not None and twist.after_fact in state.open_facts
    return (
        by_turn
        or by_fact
        or (twist.after_proposal is not None and twist.after_proposal in state.proposed)
    )
