"""Naming a problem, splitting it, working through it, reasoning about it."""

import re

from services.scoring_worker.judging.detectors.counting import (
    FIXING,
    Detector,
    Find,
    act,
    any_of,
    bad,
    bad_sign,
    both,
    kindly,
    once,
    over,
    per_turn,
    plain,
    shown,
    sign,
    unless,
)
from services.scoring_worker.judging.detectors.listening import substantial
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.process import AT_END
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.detectors.scene import look
from services.scoring_worker.judging.detectors.solving import asked, matters
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span, fold, overlap, sentences, topics
from shared.contracts.dialogue import Act

SAME_TURN = 0.8
"""Jaccard index of the topics of two agent turns from which the second says nothing new."""

LOOP_TOPICS = 4
"""Fewer topics than this may come again: thanks, greetings, checks."""

PARTS = 2
"""Questions in one customer turn from which it has parts."""

_BACK = act(Act.PARAPHRASE, Act.RECAP, Act.ACKNOWLEDGE_IMPACT)
_AGREES = any_of(
    act(Act.CHECK_UNDERSTANDING, Act.OPEN_QUESTION, Act.PROBE, Act.CLOSED_QUESTION),
    sign("asks_decision"),
    Find(asked),
)


def finding_out(reading: Reading) -> list[Moment]:
    """Return the moments of the matter up to the one with the first offer."""
    kept: list[Moment] = []
    for moment in matters(look(reading)):
        kept.append(moment)
        if Act.OFFER in moment.acts:
            break
    return kept


def states_problem(reading: Reading) -> Finding:
    """Before the first offer the agent puts the problem, or what it does, into words."""
    return over(finding_out(reading), kindly(_BACK))


def _states(moment: Moment) -> bool:
    return not moment.acts.isdisjoint({Act.PARAPHRASE, Act.RECAP})


IDENTIFY: dict[str, Detector] = {
    "states_problem": states_problem,
    # What was put into words is put to the customer for agreement.
    "seeks_agreement": shown(_states, both(_BACK, _AGREES)),
}
"""Indicator key and its detector."""

_ENDS_OPEN = frozenset({"unanswered"})


def _questions(text: str) -> list[frozenset[str]]:
    return [
        topics(text[span.start : span.end])
        for span in sentences(text)
        if text.endswith("?", span.start, span.end)
    ]


def has_parts(moment: Moment) -> bool:
    """The customer brings more than one thing at once."""
    return "many" in moment.heard or moment.exchange.customer_text.count("?") >= PARTS


_ANSWERING = frozenset(
    {Act.EXPLAIN, Act.DISCLOSE, Act.OFFER, Act.NEXT_STEP, Act.REASSURE, Act.TAKE_OWNERSHIP}
) | {Act.CONCEDE, Act.PARAPHRASE, Act.ACKNOWLEDGE_IMPACT}


def handles_each_part(reading: Reading) -> Finding:
    """Where the customer brings several things, the answer takes up more than one."""
    return Finding(
        observations=tuple(
            item
            for moment in look(reading).moments
            if has_parts(moment)
            for item in over([moment], kindly(_each_part(moment))).observations
        )
    )


def _each_part(moment: Moment) -> Find:
    asked = [about for about in _questions(moment.exchange.customer_text) if about]

    def find(said: Said) -> Span | None:
        spans = {span.start: span for span in said.turn.analysis.acts if span.act in _ANSWERING}
        touched = sum(not about.isdisjoint(said.topics) for about in asked)
        if len(spans) < PARTS and not (touched >= PARTS and spans):
            return None
        return said.best(_ANSWERING)

    return Find(find)


_FIRST_OF_ALL = re.compile(r"(?<!the )(?<!your )(?<!my )\bfirst,? (?:i|we|you)(?:'ve| have) to\b")
"""What has to come first; the analyzer knows it only when it is not drawn together."""


def _first(said: Said) -> Span | None:
    match = _FIRST_OF_ALL.search(fold(said.turn.seen))
    return None if match is None else said.sentence(Span(*match.span()))


_FIRST = Find(_first)


def _long_matter(moment: Moment) -> bool:
    ordered = ("order" in said.signs or _first(said) is not None for said in moment.said)
    return has_parts(moment) or any(ordered)


def left_open(moment: Moment) -> bool:
    """The customer says that something was not answered."""
    return moment.number > 0 and not _ENDS_OPEN.isdisjoint(moment.heard)


def leaves_part_open(reading: Reading) -> Finding:
    """The customer has to say that something was not answered; quotes the answer that missed."""
    scene = look(reading)
    missed = {
        said.index
        for moment in scene.moments
        if left_open(moment) and moment.before is not None
        for said in moment.before.said[-1:]
        if said.counts
    }
    return per_turn(scene, Find(lambda said: said.opening if said.index in missed else None))


DECOMPOSE: dict[str, Detector] = {
    "handles_each_part": handles_each_part,
    # The parts are listed or put in order.
    "lists_parts": shown(
        _long_matter, any_of(sign("order", "choice"), act(Act.RECAP, Act.SIGNPOST), _FIRST)
    ),
    # Says back more than one part.
    "says_back_parts": shown(
        has_parts, act(Act.PARAPHRASE, Act.RECAP, Act.ACKNOWLEDGE_IMPACT, Act.CHECK_UNDERSTANDING)
    ),
    "leaves_part_open": leaves_part_open,
}
"""Indicator key and its detector."""


def _under_way(moment: Moment) -> bool:
    return not moment.acts_before.isdisjoint(FIXING)


_WORKS_ON = act(
    Act.NEXT_STEP, Act.RECAP, Act.CHECK_UNDERSTANDING, Act.OFFER, Act.TAKE_OWNERSHIP, Act.EXPLAIN
)


_FINISHES = act(Act.RECAP, Act.NEXT_STEP, Act.CHECK_UNDERSTANDING)


def finishes(reading: Reading) -> Finding:
    """The end holds what happens next or a summary, once something was under way."""
    turns = [said for moment in matters(look(reading)) for said in moment.said if said.counts]
    if not any(not said.acts.isdisjoint(FIXING) for said in turns):
        return Finding(census=True)
    return once(turns[-AT_END:], _FINISHES, late=True)


def loops(reading: Reading) -> Finding:
    """A turn says nothing that an earlier turn of the agent did not say."""
    scene = look(reading)
    before: list[frozenset[str]] = []
    looping: set[int] = set()
    for said in scene.judged:
        about = said.topics
        if len(about) >= LOOP_TOPICS and Act.RECAP not in said.acts:
            if any(overlap(about, old) >= SAME_TURN for old in before):
                looping.add(said.index)
            before.append(about)
    return per_turn(scene, Find(lambda said: said.opening if said.index in looping else None))


def _still_open(moment: Moment) -> bool:
    """The customer's last word is a question, or they are hot, lost or left open."""
    ends_asking = moment.exchange.customer_text.rstrip().endswith("?")
    return ends_asking or moment.heated or left_open(moment) or "unclear" in moment.heard


CALM_EXECUTION: dict[str, Detector] = {
    # Once something is under way, the answer works on it.
    "follows_through": shown(_under_way, _WORKS_ON),
    # Each part is confirmed.
    "confirms_parts": shown(_under_way, act(Act.RECAP, Act.CHECK_UNDERSTANDING, Act.PARAPHRASE)),
    "finishes": finishes,
    "loops": loops,
    # Says goodbye while something is open.
    "abandons": plain(
        _still_open,
        unless(bad(Act.CLOSE), act(*FIXING, Act.RECAP, Act.EXPLAIN, Act.TAKE_OWNERSHIP)),
    ),
}
"""Indicator key and its detector."""

_THINKS = any_of(sign("reasoning", "mismatch"), act(Act.EXPLAIN))


def _claims(moment: Moment) -> bool:
    """The customer asks or doubts, or something new or contrary comes up."""
    return moment.asks or not moment.heard.isdisjoint({"news", "doubts", "corrects", "complains"})


CRITICAL_THINKING: dict[str, Detector] = {
    # A question, a doubt or news gets a reason.
    "gives_reasons": shown(_claims, _THINKS),
    # Tries out a cause, or asks for the fact that decides.
    "tests_idea": shown(substantial, sign("hypothesis", "narrows")),
    # Looks at the facts, or sees that two of them do not fit.
    "checks_facts": shown(_claims, sign("looks_up", "mismatch")),
    # Guesses or waves it away.
    "waves_away": plain(_claims, any_of(bad(Act.DISMISS), bad_sign("guesses"))),
}
"""Indicator key and its detector."""
