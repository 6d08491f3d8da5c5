"""The customer's own questions: which one waits, what answers it, when they come back to it."""

from msgspec.structs import replace

from services.sim_worker.engine.appraisal import Reading
from services.sim_worker.engine.commitments import stem_pattern
from shared.contracts.dialogue import Act
from shared.contracts.simulation import Asked, PersonaState
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.segments import fold

REMIND_AFTER = 2
"""Learner turns without an answer after which the customer comes back to a question."""
FORGET_AFTER = 5
"""Learner turns after which they let a question go."""
_WAYS = (Act.EXPLAIN, Act.NEXT_STEP, Act.OFFER, Act.OFFER_CHOICE, Act.CONCEDE, Act.SIGNPOST)
_SURE = (Act.EXPLAIN, Act.DISCLOSE, Act.TAKE_OWNERSHIP)
_ANSWERED_BY: dict[str, tuple[Act, ...]] = {
    "when": (Act.NEXT_STEP,),
    "who": (Act.TAKE_OWNERSHIP, Act.HAND_OVER),
    "how": (*_WAYS, Act.DISCLOSE),
    "why": (*_WAYS, Act.DISCLOSE),
    "sure": _SURE,
    "what": (*_WAYS, *_SURE, Act.REFUSE, Act.RECAP, Act.CITE_POLICY),
}
_FIGURE = stem_pattern(("hour", "minute", "day", "week", "month"))
_MYSELF = stem_pattern(("i'll", "i will", "myself", "personally", "my name"))


def waiting(state: PersonaState, reading: Reading) -> Asked | None:
    """Return the customer's question that still waits after the learner's turn."""
    asked = state.waiting_for
    if asked is None or waited(state, reading) >= FORGET_AFTER or not waited(state, reading):
        return None
    return asked


def is_due(state: PersonaState, reading: Reading) -> bool:
    """Say whether the customer comes back to their question now."""
    asked = state.waiting_for
    return asked is not None and not asked.reminded and waited(state, reading) >= REMIND_AFTER


def next_question(state: PersonaState, kind: str | None, *, reminded: bool) -> Asked | None:
    """Return the question that waits after the customer's reply; `state` is after this turn.

    An older question stays until it was answered or came back once.
    """
    asked = state.waiting_for
    if asked is not None and reminded:
        return replace(asked, reminded=asked.reminded + 1)
    if kind is None or (asked is not None and not asked.reminded):
        return asked
    return Asked(turn=state.turns, kind=kind)


def answers(kind: str, reading: Reading) -> bool:
    """Say whether a turn has what a question of this kind calls for."""
    if reading.has(*_ANSWERED_BY.get(kind, _SURE)):
        return True
    clear = max(reading.strengths.get(act, 0) for act in (Act.NEXT_STEP, Act.REASSURE)) >= 2
    if kind in {"sure", "what"}:
        return clear
    if kind == "when":
        return bool(LEXICON.times.search(fold(reading.text)) or _FIGURE.search(reading.line))
    return kind == "who" and bool(_MYSELF.search(reading.line))


def waited(state: PersonaState, reading: Reading) -> int:
    """Return for how many turns a question has waited with this one; 0 when this one answers it."""
    asked = state.waiting_for
    if asked is None or (not reading.is_noise and answers(asked.kind, reading)):
        return 0
    return state.turns + 1 - asked.turn
