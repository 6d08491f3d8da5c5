"""The customer's replies to what was asked or proposed."""

from services.sim_worker.engine.agreement import is_possible, lacks_only_facts, proposals
from services.sim_worker.engine.decision import Decision, Turn, stated
from services.sim_worker.engine.mind import is_help
from services.sim_worker.engine.vault import guarded_fact, partial_fact
from shared.contracts.dialogue import Act
from shared.contracts.scenario import Answer
from shared.contracts.simulation import Surface
from shared.dialogue.segments import line_mentions

TALKS_FROM = 40
"""Trust from which an open question with no particular answer is not brushed off."""
ASKED = (Act.OPEN_QUESTION, Act.CLOSED_QUESTION, Act.VERIFY_IDENTITY)
"""Acts that call for an answer."""
_OUTRIGHT = 3
"""Strength from which details are asked for outright."""
_KIND = (Act.THANK, Act.PRAISE, Act.REASSURE, Act.ACKNOWLEDGE_FEELING, Act.TAKE_OWNERSHIP)


def to_wrap_up(turn: Turn) -> Decision | None:
    """Confirm, thank or answer once something is agreed."""
    reading, mind = turn.reading, turn.after.mind
    if reading.has(Act.RECAP, Act.CHECK_UNDERSTANDING, Act.NEXT_STEP):
        return Decision(surface=Surface.ANSWER, source="confirm")
    if reading.has(*_KIND) and mind.trust >= 55 and mind.frustration <= 40:
        return stated(Surface.THANK)
    return to_question(turn) if reading.has(*ASKED) else None


def to_question(turn: Turn) -> Decision | None:
    """Answer, half answer, guard or brush off; None when it was no question to answer."""
    if _was_given(turn):
        return Decision(surface=Surface.DEFLECT, source="given")
    answer = _answer(turn)
    part = partial_fact(turn.scenario, turn.before, turn.after.mind, turn.reading)
    if part is not None and (turn.before.turns or answer is None):
        return Decision(surface=Surface.PARTIAL, source=f"partial:{part.key}")
    if answer is not None:
        return Decision(surface=Surface.ANSWER, source=f"answer:{answer.key}")
    guarded = guarded_fact(turn.scenario, turn.before, turn.reading)
    if guarded is not None:
        return Decision(surface=Surface.DEFLECT, source=f"guard:{guarded.key}")
    return own_matter(turn) or _without_answer(turn)


def _was_given(turn: Turn) -> bool:
    """Say whether the turn asks for details again that the customer has given in full."""
    reading = turn.reading
    is_clear = reading.strengths.get(Act.VERIFY_IDENTITY, 0) >= _OUTRIGHT
    again = any(item.rule == "asked_again" for item in turn.noticed)
    if not (again and is_clear) or reading.has(Act.OPEN_QUESTION, Act.DISCLOSE):
        return False
    given = {f"a:{x.key}" for x in turn.scenario.answers if Act.VERIFY_IDENTITY in x.acts}
    return bool(given) and given <= set(turn.before.used_phrases)


def _without_answer(turn: Turn) -> Decision | None:
    """Reply to a question that nothing is known about."""
    if turn.reading.has(Act.CHECK_UNDERSTANDING) and warmed(turn):
        return None
    if turn.reading.has(Act.OPEN_QUESTION) and turn.after.mind.trust >= TALKS_FROM:
        return stated(Surface.ANSWER)
    return stated(Surface.DEFLECT)


def to_greeting(turn: Turn) -> Decision:
    """Tell the public story again to somebody who only said hello."""
    for answer in turn.scenario.answers:
        if Act.OPEN_QUESTION in answer.acts:
            return Decision(surface=Surface.ANSWER, source=f"answer:{answer.key}")
    return Decision(surface=Surface.OBJECT, source="press")


def to_offer(turn: Turn) -> Decision:
    """Say no to an offer in a way that fits what is missing."""
    mind = turn.after.mind
    now = proposals(turn.scenario, turn.reading)
    if now and not any(is_possible(item, turn.after) for item in now):
        return Decision(surface=Surface.OBJECT, source="overtaken")
    if turn.deal.is_short and mind.frustration < 80:
        return stated(Surface.BARGAIN)
    if lacks_only_facts(turn.scenario, turn.after):
        return Decision(surface=Surface.OBJECT, source="hesitate")
    if mind.frustration >= 72:
        return stated(Surface.REFUSE)
    if mind.trust >= 45 and turn.after.open_facts:
        return stated(Surface.TEST)
    return stated(Surface.OBJECT)


def own_matter(turn: Turn) -> Decision | None:
    """Come back to an unanswered question, or tell something unasked, when nothing else is due."""
    asked = turn.after.waiting_for
    if turn.reminds and asked is not None and not turn.after.resolution:
        return Decision(surface=Surface.REMIND, source=f"remind:{asked.kind}")
    if turn.volunteer is not None:
        return Decision(surface=Surface.REVEAL, source=f"fact:{turn.volunteer.key}")
    return None


def warmed(turn: Turn) -> bool:
    """Say whether the turn has clearly done more good than harm."""
    help_points = sum(abs(cause.delta) for cause in turn.causes if is_help(cause))
    harm_points = sum(abs(cause.delta) for cause in turn.causes if not is_help(cause))
    return help_points > harm_points + 3


def _answer(turn: Turn) -> Answer | None:
    """Return the first answer not yet given that this question calls for."""
    reading = turn.reading
    for answer in turn.scenario.answers:
        if f"a:{answer.key}" in turn.before.used_phrases:
            continue
        if turn.after.mind.trust < answer.min_trust or not reading.has(*(answer.acts or ASKED)):
            continue
        if not answer.topics or line_mentions(reading.asked, answer.topics):
            return answer
    return None
