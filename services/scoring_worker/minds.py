"""What a simulation knows and a transcript cannot show: the customer's mind and the outcome."""

from collections.abc import Iterable, Sequence
from typing import Literal

from shared.contracts.scenario import ScenarioSpec
from shared.contracts.scoring import MindShift
from shared.contracts.simulation import Cause, EndReason, Outcome, PersonaState, outcome_of

TIME = "time passed"
"""The cause of a change that no answer has made."""

_UNKNOWN = frozenset({EndReason.CANCELLED, EndReason.FAILED})
"""Ends that are nobody's doing: what would have come of it is not known."""


def mind_shifts(
    scenario: ScenarioSpec, answers: Iterable[tuple[str, Sequence[Cause]]]
) -> tuple[MindShift, ...]:
    """Return what each answer did to the customer's mind, without what came from elsewhere.

    Args:
        scenario: its twists change the mind too, and are left out.
        answers: id of the agent's turn, and the causes that the engine noted for it.
    """
    others = {TIME, *(twist.title for twist in scenario.twists)}
    return tuple(
        MindShift(
            turn_id=turn_id,
            changes=tuple(
                (cause.dimension, cause.delta, cause.why)
                for cause in causes
                if cause.why not in others
            ),
        )
        for turn_id, causes in answers
    )


def known_outcome(
    state: PersonaState | None, end_reason: str | None
) -> Literal["resolved", "unresolved"] | None:
    """Return whether the matter was settled, within policy; None where nobody knows."""
    if state is None or end_reason is None or end_reason in _UNKNOWN:
        return None
    return "resolved" if outcome_of(state) is Outcome.RESOLVED else "unresolved"
