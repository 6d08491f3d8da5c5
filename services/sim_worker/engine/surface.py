"""Chooses what the customer visibly does and whether it ends; never left to wording."""

from services.sim_worker.engine.agreement import proposals
from services.sim_worker.engine.appraisal import Quality
from services.sim_worker.engine.decision import Decision, Turn, stated
from services.sim_worker.engine.endings import ending, wants_to_leave
from services.sim_worker.engine.hostility import sneers, to_hostility
from services.sim_worker.engine.replies import (
    ASKED,
    own_matter,
    to_greeting,
    to_offer,
    to_question,
    to_wrap_up,
    warmed,
)
from shared.contracts.dialogue import Act
from shared.contracts.simulation import Surface

__all__ = ["Decision", "Turn", "decide", "objects"]

CALM_BELOW = 78
"""Anxiety at which a customer cannot sound relieved yet."""
SOFT_FROM, SOFT_BELOW = 35, 60
"""Trust from which, and frustration below which, a customer lets their guard down audibly."""
LOST_BELOW = 55
"""Clarity below which words nobody explained confuse."""
_OFFERS = (Act.OFFER, Act.CONCEDE, Act.OFFER_CHOICE, Act.GIVE_AWAY)
_OBJECTIONS = frozenset({"object", "overtaken", "hesitate", "test", "bargain", "refuse"})


def decide(turn: Turn) -> Decision:
    """Return what the customer does next."""
    return (
        ending(turn)
        or _event(turn)
        or _trouble(turn)
        or _annoyance(turn)
        or _reply(turn)
        or own_matter(turn)
        or _stance(turn)
    )


def objects(decision: Decision) -> bool:
    """Say whether a reply holds against what was proposed."""
    return decision.source in _OBJECTIONS


def _event(turn: Turn) -> Decision | None:
    """What outweighs an ordinary reply: leaving, news, agreeing, or telling something at last."""
    if turn.twist is not None:
        return Decision(surface=Surface.TWIST, source=f"twist:{turn.twist.key}")
    if wants_to_leave(turn.scenario, turn.after):
        return stated(Surface.WARN_LEAVE)
    if turn.before.resolution and not turn.after.resolution:
        return stated(Surface.REFUSE)
    return _outcome(turn)


def _outcome(turn: Turn) -> Decision | None:
    if turn.accepted is not None:
        return stated(Surface.ACCEPT)
    if turn.opened is not None:
        return Decision(surface=Surface.REVEAL, source=f"fact:{turn.opened.key}")
    if _demands_supervisor(turn):
        return stated(Surface.SUPERVISOR)
    return stated(Surface.TEST) if turn.doubted else None


def _demands_supervisor(turn: Turn) -> bool:
    """Say whether a turn without help makes this customer ask for somebody else, once."""
    level = turn.scenario.leaving.supervisor
    if level is None or turn.after.demands or not turn.before.turns:
        return False
    return turn.after.mind.frustration >= level and not warmed(turn)


def _trouble(turn: Turn) -> Decision | None:
    """What goes wrong in the turn itself: noise, hurtful acts, words nobody understands."""
    reading, quality = turn.reading, turn.reading.quality
    if reading.is_noise or quality is Quality.CLIPPED:
        bank = "confused" if quality is Quality.GIBBERISH else str(quality)
        return Decision(surface=Surface.CONFUSED, source=bank)
    if reading.is_hostile:
        return to_hostility(turn)
    if quality is Quality.MONOLOGUE or _goes_on(turn, Act.JARGON):
        return stated(Surface.INTERRUPT)
    if reading.has(Act.JARGON) and turn.after.mind.clarity < LOST_BELOW:
        return stated(Surface.CONFUSED)
    if any(item.rule == "contradicted" for item in turn.noticed):
        return stated(Surface.CORRECT)
    return None


def _annoyance(turn: Turn) -> Decision | None:
    """Rules, formulas, sales and transfers, where nothing else in the turn asks for a reply."""
    reading = turn.reading
    if reading.sells and not turn.after.resolution:
        return stated(Surface.SARCASM if sneers(turn) else Surface.REFUSE)
    if reading.has(*_OFFERS, Act.OPEN_QUESTION, Act.NEXT_STEP):
        return None
    if _goes_on(turn, Act.CITE_POLICY):
        return stated(Surface.INTERRUPT)
    stale = turn.before.counts.get(Act.STOCK_EMPATHY, 0) and reading.has(Act.STOCK_EMPATHY)
    if (stale or reading.has(Act.CITE_POLICY, Act.HAND_OVER)) and sneers(turn):
        return stated(Surface.SARCASM)
    if reading.has(Act.REFUSE, Act.HAND_OVER):
        hot = turn.after.mind.frustration >= 60
        return stated(Surface.VENT) if hot else Decision(surface=Surface.OBJECT, source="press")
    return None


def _goes_on(turn: Turn, act: Act) -> bool:
    """Say whether the learner does again what the customer did not want to hear the first time."""
    again = turn.reading.has(act) and turn.before.counts.get(act, 0) > 0
    return again and turn.before.last_surface is not Surface.INTERRUPT


def _reply(turn: Turn) -> Decision | None:
    """Answer what was proposed or asked."""
    reading, state = turn.reading, turn.after
    if state.resolution:
        return to_wrap_up(turn)
    if reading.has(*_OFFERS) or proposals(turn.scenario, reading):
        return to_offer(turn)
    if reading.has(*ASKED):
        return to_question(turn)
    if reading.has(Act.GREET) and not turn.before.turns:
        return to_greeting(turn)
    return None


def _stance(turn: Turn) -> Decision:
    """Show where the customer stands when nothing had to be answered."""
    mind = turn.after.mind
    if turn.reading.has(Act.NEXT_STEP) and mind.trust < 60 and not turn.after.resolution:
        return stated(Surface.TEST)
    if mind.frustration >= 70:
        return stated(Surface.VENT)
    if warmed(turn) and _grateful(turn):
        return stated(Surface.THANK)
    calm_enough = mind.anxiety < CALM_BELOW and mind.frustration < SOFT_BELOW
    if warmed(turn) and calm_enough and mind.trust >= SOFT_FROM:
        return stated(Surface.SOFTEN)
    return Decision(surface=Surface.OBJECT, source="press")


def _grateful(turn: Turn) -> bool:
    """Say whether real help has come so far that a customer says thank you, once."""
    mind, state = turn.after.mind, turn.after
    near_end = state.turns >= 4 and (state.proposed or state.resolution)
    return (
        bool(near_end)
        and mind.trust >= 65
        and mind.frustration <= 30
        and not (turn.before.counts.get("said:thank", 0))
    )
