"""Reading the tone, curiosity, checking understanding."""

from services.scoring_worker.judging.detectors.counting import (
    ACKNOWLEDGING,
    FIXING,
    NOTHING,
    Detector,
    act,
    always,
    answered,
    any_of,
    at_turns,
    bad,
    both,
    once,
    plain,
    shown,
    sign,
    unless,
)
from services.scoring_worker.judging.detectors.listening import substantial
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.process import AT_END
from services.scoring_worker.judging.detectors.scene import look
from services.scoring_worker.judging.detectors.solving import asked, matter_turns
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span
from shared.contracts.dialogue import Act

CHAIN = 3
"""Closed questions in a row, without an open one, that make an interrogation."""

NARROWED_WITHIN = 6
"""Agent turns from the open question on in which the narrower one has its place."""

_HINTS = frozenset({"doubts", "hesitates", "leaving", "low"})
_QUESTION = act(Act.OPEN_QUESTION, Act.PROBE, Act.CLOSED_QUESTION)
_CLOSED = act(Act.CLOSED_QUESTION)
_FIX = act(*FIXING)
_NARROWER = sign("narrows", "asks_interest")
_OPEN = act(Act.OPEN_QUESTION, Act.PROBE)


def mood(moment: Moment) -> bool:
    """The customer shows a feeling, or hints at one."""
    return moment.felt or hint(moment)


def hint(moment: Moment) -> bool:
    """The customer hints at a doubt, at not being sure, or at leaving."""
    return not _HINTS.isdisjoint(moment.heard)


def _corrected(moment: Moment) -> bool:
    return moment.number > 0 and "corrects" in moment.heard


_NAMES_MOOD = any_of(act(*ACKNOWLEDGING), sign("takes_side"))
_ASKS_MOOD = any_of(sign("asks_mood"), both(_OPEN, act(*ACKNOWLEDGING)))
_ANSWERS_HINT = any_of(
    act(
        *ACKNOWLEDGING,
        Act.REASSURE,
        Act.DISCLOSE,
        Act.EXPLAIN,
        Act.TAKE_OWNERSHIP,
        Act.PARAPHRASE,
    ),
    sign("asks_mood", "takes_side"),
)
_MISSES_HINT = unless(
    bad(Act.CITE_POLICY, Act.UPSELL, Act.PRESSURE, Act.RUSH, Act.DISMISS, Act.SARCASM),
    _ANSWERS_HINT,
)

TONE: dict[str, Detector] = {
    # The answer names the mood, or takes the customer's side in it.
    "names_the_mood": shown(mood, _NAMES_MOOD),
    # It asks after what is behind the mood.
    "asks_after_the_mood": shown(mood, _ASKS_MOOD),
    # A hint at doubt or leaving is taken up, not passed over.
    "answers_the_hint": shown(hint, _ANSWERS_HINT),
    # A hint is met with a rule, a sale or pressure.
    "misses_the_hint": plain(hint, _MISSES_HINT),
}
"""Indicator key and its detector."""


def funnels(reading: Reading) -> Finding:
    """An open question, and later a narrower one about the same matter."""
    scene = look(reading)
    turns = [said for moment in scene.moments if moment.exchange.customer for said in moment.said]
    opened = next((n for n, said in enumerate(turns) if Act.OPEN_QUESTION in said.acts), None)
    if opened is None:
        return once(turns, NOTHING)
    return once(turns[opened : opened + NARROWED_WITHIN], both(_NARROWER, _QUESTION))


def jumps_to_fix(reading: Reading) -> Finding:
    """The first fix comes before any question about the matter."""
    turns = matter_turns(look(reading))
    for number, said in enumerate(turns):
        if asked(said) is not None or Act.PROBE in said.acts:
            return once(turns[: number + 1], NOTHING)
        if _FIX(said) is not None:
            return once([said], _FIX)
    return once(turns, NOTHING)


def closed_chain(reading: Reading) -> Finding:
    """Closed questions follow each other turn after turn, without an open one between."""
    scene = look(reading)
    length = 0
    chained: dict[int, Span] = {}
    for said in scene.said:
        closed = _CLOSED(said)
        if closed is None or Act.VERIFY_IDENTITY in said.acts:
            length = 0 if Act.OPEN_QUESTION in said.acts else length
            continue
        length = 0 if Act.OPEN_QUESTION in said.acts else length + 1
        if length >= CHAIN:
            chained[said.index] = closed
    return at_turns(scene, chained)


CURIOSITY: dict[str, Detector] = {
    # A question into what the customer just said.
    "follows_up": shown(substantial, act(Act.PROBE)),
    # A question for what lies behind: what matters, what it is for.
    "asks_what_matters": shown(always, sign("asks_interest", "asks_preference", "asks_mood")),
    "funnels": funnels,
    "jumps_to_fix": jumps_to_fix,
    "closed_chain": closed_chain,
}
"""Indicator key and its detector."""

_SAID_BACK = frozenset({Act.PARAPHRASE, Act.RECAP})
_BACK = act(*_SAID_BACK)
_ASKED = any_of(act(Act.CHECK_UNDERSTANDING), _QUESTION, sign("asks_decision"))
_TAKES_CORRECTION = act(
    Act.PARAPHRASE, Act.APOLOGIZE, Act.RECAP, Act.OPEN_QUESTION, Act.TAKE_OWNERSHIP, Act.PROBE
)


def understood(reading: Reading) -> Finding:
    """What was said back is confirmed by the customer, not corrected."""
    scene = look(reading)
    replies = [
        (moment, following.heard)
        for moment in scene.moments
        if not moment.acts.isdisjoint(_SAID_BACK) and (following := scene.reply(moment)) is not None
    ]
    right = {m.number for m, heard in replies if "affirms" in heard and "corrects" not in heard}
    hits = [moment for moment, _ in replies if moment.number in right]
    misses = [moment for moment, _ in replies if moment.number not in right]
    return answered(hits, misses, _BACK)


def checks_at_end(reading: Reading) -> Finding:
    """The last few answers sum up what was agreed, or check that it helps."""
    return once(matter_turns(look(reading))[-AT_END:], _CHECKS, late=True)


_CHECKS = act(Act.RECAP, Act.CHECK_UNDERSTANDING)


def closes_unchecked(reading: Reading) -> Finding:
    """The agent says goodbye and has not checked or summed up shortly before."""
    last = matter_turns(look(reading))[-AT_END:]
    if not any(Act.CLOSE in said.acts for said in last):
        return Finding(census=True)
    checked = any(not said.acts.isdisjoint({Act.CHECK_UNDERSTANDING, Act.RECAP}) for said in last)
    return once(last, NOTHING if checked else act(Act.CLOSE), late=True)


VERIFY: dict[str, Detector] = {
    # Says back what was meant, and asks in the same turn.
    "says_back_and_asks": shown(substantial, both(_BACK, _ASKED)),
    "understood": understood,
    # A correction by the customer is taken up.
    "takes_correction": shown(_corrected, _TAKES_CORRECTION),
    "checks_at_end": checks_at_end,
    "closes_unchecked": closes_unchecked,
}
"""Indicator key and its detector."""
