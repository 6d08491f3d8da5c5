"""How far a customer goes when they are treated badly: sarcasm and insults, within limits."""

from services.sim_worker.engine.decision import Decision, Turn, stated
from services.sim_worker.engine.rules import HOSTILE
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Temper
from shared.contracts.simulation import Surface

LEVELS = (70, 98, 124)
"""Heat from which an insult of level 1, 2, 3 comes out."""
_PER_HURT, _GROSS = 10, 18
_GROSS_ACTS = (Act.INSULT, Act.THREATEN)
_MEEK = frozenset({Temper.NERVOUS, Temper.CONFUSED})
"""Who rather falls silent, and needs more to strike back."""
_MEEKNESS = 30
_SILENCES = 2
"""How often a customer falls silent in a conversation."""
_SNEERS = 3
"""How often a customer answers with sarcasm."""


def hostility(turn: Turn) -> int:
    """Return the level of the customer's insult, 0 (none) to 3, within scenario and tenant limits.

    It grows with frustration, with the lack of trust and with what the learner does to them.
    """
    if not turn.reading.is_hostile:
        return 0
    mind = turn.after.mind
    heat = mind.frustration - mind.trust
    heat += _PER_HURT * len(HOSTILE & turn.reading.strengths.keys())
    heat += _GROSS if turn.reading.has(*_GROSS_ACTS) else 0
    heat -= _MEEKNESS if turn.scenario.temper in _MEEK else 0
    level = sum(heat >= bound for bound in LEVELS)
    return max(0, min(level, turn.scenario.max_hostility, turn.max_hostility))


def to_hostility(turn: Turn) -> Decision:
    """Answer a hurtful turn: strike back, fall silent, sneer, vent, or come back to the matter."""
    mind = turn.after.mind
    gross = turn.reading.has(*_GROSS_ACTS)
    if _falls_silent(turn):
        return stated(Surface.SILENCE)
    level = hostility(turn)
    # the same stroke twice running would ring false: in between they just let it out
    if level and (turn.before.last_surface is not Surface.INSULT or gross):
        return Decision(surface=Surface.INSULT, source=f"insult:{level}", hostility=level)
    if sneers(turn) and turn.reading.has(Act.SARCASM, Act.REPROACH, Act.RUSH, Act.INTERRUPT):
        return stated(Surface.SARCASM)
    if mind.frustration >= 45 or gross:
        return stated(Surface.VENT)
    return Decision(surface=Surface.OBJECT, source="press")


def sneers(turn: Turn) -> bool:
    """Say whether this customer is in the mood for sarcasm."""
    mind = turn.after.mind
    annoyed = mind.frustration >= 50 and mind.trust < 45
    fresh = turn.before.last_surface is not Surface.SARCASM
    rare = turn.before.counts.get("said:sarcasm", 0) < _SNEERS
    return annoyed and fresh and rare and turn.scenario.temper not in _MEEK


def _falls_silent(turn: Turn) -> bool:
    """Say whether a very anxious or cornered customer says nearly nothing after a hurt."""
    mind = turn.after.mind
    meek = turn.scenario.temper in _MEEK and mind.anxiety >= 80
    cornered = turn.scenario.temper is Temper.DEFENSIVE and mind.fairness <= 15
    fresh = turn.before.last_surface is not Surface.SILENCE
    rare = turn.before.counts.get("said:silence", 0) < _SILENCES
    return (meek or cornered) and fresh and rare and mind.frustration < 78
