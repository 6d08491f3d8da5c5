"""Chooses what the customer visibly does and whether it ends; never left to wording."""

import msgspec

from services.sim_worker.engine.appraisal import Quality, Reading
from services.sim_worker.engine.mind import is_help
from services.sim_worker.engine.vault import guarded_fact, lacks_only_facts, proposals
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Answer, Fact, Resolution, ScenarioSpec
from shared.contracts.simulation import Cause, EndReason, PersonaState, Surface
from shared.dialogue.segments import line_mentions

LINGER_TURNS = 2
"""Learner turns after an agreement before the customer says goodbye by themselves."""
CALM_BELOW = 78
"""Anxiety at which a customer cannot sound relieved yet."""
TALKS_FROM = 40
"""Trust from which an open question with no particular answer is not brushed off."""
_ASKED = (Act.OPEN_QUESTION, Act.CLOSED_QUESTION, Act.VERIFY_IDENTITY)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about a learner turn once the mind has moved."""

    scenario: ScenarioSpec
    before: PersonaState
    after: PersonaState
    reading: Reading
    causes: tuple[Cause, ...]
    opened: Fact | None
    accepted: Resolution | None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The surface, where its words come from, and the end, if it ends."""

    surface: Surface
    source: str = ""
    """`answer:<key>`, `fact:<key>`, `guard:<key>` or the name of a bank of phrases."""
    end_reason: EndReason | None = None


def decide(turn: Turn) -> Decision:
    """Return what the customer does next."""
    return _ending(turn) or _event(turn) or _trouble(turn) or _reply(turn) or _stance(turn)


def wants_to_leave(state: PersonaState) -> bool:
    """Say whether the customer has had enough: patience gone, or fury with little patience left."""
    mind = state.mind
    return mind.patience <= 8 or (mind.frustration >= 88 and mind.patience <= 30)


def is_closing(turn: Turn) -> bool:
    """Say whether the learner ends the conversation: a clear goodbye, without a question."""
    reading = turn.reading
    if reading.strengths.get(Act.CLOSE, 0) < 2 or reading.has(Act.OPEN_QUESTION):
        return False
    return not (turn.before.turns == 0 and reading.has(Act.GREET))


def _ending(turn: Turn) -> Decision | None:
    state = turn.after
    agreed = state.resolution is not None
    if is_closing(turn) and not agreed:
        return _end("cut_short", EndReason.LEARNER_ENDED)
    if wants_to_leave(state) and (state.warnings or state.mind.patience == 0):
        return _end("hang_up", EndReason.CUSTOMER_LEFT)
    out_of_turns = state.turns >= turn.scenario.max_turns
    if agreed and (is_closing(turn) or out_of_turns or _has_lingered(state)):
        return _end("farewell", EndReason.GOAL_MET)
    return _end("out_of_time", EndReason.MAX_TURNS) if out_of_turns else None


def _has_lingered(state: PersonaState) -> bool:
    return state.accepted_at is not None and state.turns - state.accepted_at >= LINGER_TURNS


def _event(turn: Turn) -> Decision | None:
    """What outweighs an ordinary reply: leaving, agreeing, or telling something at last."""
    if wants_to_leave(turn.after):
        return Decision(surface=Surface.WARN_LEAVE, source="warn_leave")
    if turn.before.resolution and not turn.after.resolution:
        return Decision(surface=Surface.REFUSE, source="refuse")
    if turn.accepted is not None:
        return Decision(surface=Surface.ACCEPT, source="accept")
    if turn.opened is not None:
        return Decision(surface=Surface.REVEAL, source=f"fact:{turn.opened.key}")
    return None


def _trouble(turn: Turn) -> Decision | None:
    """What goes wrong in the turn itself: noise, hurtful acts, words nobody understands."""
    quality = turn.reading.quality
    if turn.reading.is_noise or quality is Quality.CLIPPED:
        bank = "confused" if quality is Quality.GIBBERISH else str(quality)
        return Decision(surface=Surface.CONFUSED, source=bank)
    if turn.reading.is_hostile:
        hot = turn.after.mind.frustration >= 45 or turn.reading.has(Act.INSULT, Act.THREATEN)
        if hot:
            return _stated(Surface.VENT)
        return Decision(surface=Surface.OBJECT, source="press")
    if turn.reading.has(Act.JARGON) and turn.after.mind.clarity < 50:
        return _stated(Surface.CONFUSED)
    return None


def _reply(turn: Turn) -> Decision | None:
    """Answer what was proposed or asked."""
    reading, state = turn.reading, turn.after
    if state.resolution and reading.has(Act.RECAP, Act.CHECK_UNDERSTANDING, Act.NEXT_STEP):
        return Decision(surface=Surface.ANSWER, source="confirm")
    if not state.resolution and (reading.has(Act.OFFER) or proposals(turn.scenario, reading)):
        return _to_offer(turn)
    if reading.has(*_ASKED):
        return _to_question(turn)
    if reading.has(Act.GREET) and not turn.before.turns:
        return _to_greeting(turn)
    return None


def _to_question(turn: Turn) -> Decision | None:
    answer = _answer(turn)
    if answer is not None:
        return Decision(surface=Surface.ANSWER, source=f"answer:{answer.key}")
    guarded = guarded_fact(turn.scenario, turn.before, turn.reading)
    if guarded is not None:
        return Decision(surface=Surface.DEFLECT, source=f"guard:{guarded.key}")
    if turn.reading.has(Act.CHECK_UNDERSTANDING) and _warmed(turn):
        return None
    if turn.reading.has(Act.OPEN_QUESTION) and turn.after.mind.trust >= TALKS_FROM:
        return Decision(surface=Surface.ANSWER, source="answer")
    return _stated(Surface.DEFLECT)


def _to_greeting(turn: Turn) -> Decision:
    """Tell the public story again to somebody who only said hello."""
    for answer in turn.scenario.answers:
        if Act.OPEN_QUESTION in answer.acts:
            return Decision(surface=Surface.ANSWER, source=f"answer:{answer.key}")
    return Decision(surface=Surface.OBJECT, source="press")


def _to_offer(turn: Turn) -> Decision:
    """Say no to an offer in a way that fits what is missing."""
    mind = turn.after.mind
    if lacks_only_facts(turn.scenario, turn.after):
        return Decision(surface=Surface.OBJECT, source="hesitate")
    if mind.frustration >= 72:
        return _stated(Surface.REFUSE)
    if mind.trust >= 45 and turn.after.open_facts:
        return _stated(Surface.TEST)
    return _stated(Surface.OBJECT)


def _stance(turn: Turn) -> Decision:
    """Show where the customer stands when nothing had to be answered."""
    mind = turn.after.mind
    if turn.reading.has(Act.NEXT_STEP) and mind.trust < 60 and not turn.after.resolution:
        return _stated(Surface.TEST)
    if mind.frustration >= 70:
        return _stated(Surface.VENT)
    calm_enough = mind.anxiety < CALM_BELOW and (mind.trust >= 32 or mind.frustration < 50)
    if _warmed(turn) and calm_enough:
        return _stated(Surface.SOFTEN)
    return Decision(surface=Surface.OBJECT, source="press")


def _warmed(turn: Turn) -> bool:
    help_points = sum(abs(cause.delta) for cause in turn.causes if is_help(cause))
    harm_points = sum(abs(cause.delta) for cause in turn.causes if not is_help(cause))
    return help_points > harm_points + 3


def _answer(turn: Turn) -> Answer | None:
    """Return the first answer not yet given that this question calls for."""
    reading = turn.reading
    for answer in turn.scenario.answers:
        if f"a:{answer.key}" in turn.before.used_phrases:
            continue
        if turn.after.mind.trust < answer.min_trust or not reading.has(*(answer.acts or _ASKED)):
            continue
        if not answer.topics or line_mentions(reading.asked, answer.topics):
            return answer
    return None


def _stated(surface: Surface) -> Decision:
    return Decision(surface=surface, source=str(surface))


def _end(source: str, reason: EndReason) -> Decision:
    surface = Surface.HANG_UP if reason is EndReason.CUSTOMER_LEFT else Surface.FAREWELL
    return Decision(surface=surface, source=source, end_reason=reason)
