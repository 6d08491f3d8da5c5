"""Problem solving: occasions are the answers after the customer has put a matter on the table."""

import re

from services.scoring_worker.judging.detectors.counting import (
    FIXING,
    Detector,
    Find,
    act,
    anywhere,
    bad,
    kindly,
    once,
    over,
    unless,
)
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.process import end
from services.scoring_worker.judging.detectors.said import Acts, Said
from services.scoring_worker.judging.detectors.scene import Scene, look
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span, fold, overlap
from shared.contracts.dialogue import Act

SAME_OFFER = 0.6
"""Jaccard index of the topics of two offers from which the second only repeats the first."""

_OFFER = frozenset({Act.OFFER})
_OFFERS, _MOVES = kindly(act(Act.OFFER)), kindly(act(*FIXING))
_QUESTIONS = frozenset({Act.OPEN_QUESTION, Act.CLOSED_QUESTION})
_CONFIRMS = act(Act.RECAP, Act.CHECK_UNDERSTANDING)

_ASKED_BY_WORDING = re.compile(
    r"(?<![\w'])(?:(?:can|could|would|will|do|did|are|were) (?:you|we|i)|may i"
    r"|(?<!i )(?<!we )(?<!to )(?<!'ll )(?<!will )have you"
    r"|(?<!see )(?<!is )(?<!'s )(?<!understand )(?<!understood )"
    r"(?<!of )(?<!about )(?<!from )(?<!by )"
    r"(?:what(?:'s| is| was) (?:your|it|wrong|going on)|what (?:happened|exactly|else|brings)"
    r"|(?:where|when|how|which|who|why)(?:'s| is| was| did| does) (?:it|that|this|the|your)"
    r"|how (?:long|much|many|often) (?:is|are|was|were|has|have|did|does)))(?![\w'])"
)
"""Words that ask, with or without a mark at the end: the verb stands before `you`, or the sentence
begins with what is asked for. `What you can do` and `I see what happened` tell something.
"""


def asked(said: Said) -> Span | None:
    """Find a question; where its writer uses no question marks, by its wording."""
    span = said.best(_QUESTIONS)
    written = said.turn.turn if said.turn.given is None else said.turn.given
    if "?" in written.text:
        return span
    if span is not None and not said.text.endswith("?", span.start, span.end):
        return span
    match = _ASKED_BY_WORDING.search(fold(said.turn.seen))
    return None if match is None else said.sentence(Span(*match.span()))


_ASKS = Find(asked)


def matters(scene: Scene) -> tuple[Moment, ...]:
    """Return the moments from the first one with a customer turn of substance on."""
    for number, moment in enumerate(scene.moments):
        if moment.substantial:
            return tuple(item for item in scene.moments[number:] if item.exchange.customer)
    return ()


def matter_turns(scene: Scene) -> list[Said]:
    """Return the agent turns of these moments with something to judge."""
    return [said for moment in matters(scene) for said in moment.said if said.counts]


def _first_time(scene: Scene, acts: Acts) -> list[Moment]:
    """Leave out answers that only offer again what was offered before: it counts once.

    A summary repeats on purpose and stays. Answers that still find out before the first offer are
    left out as well: there a question is the better step.
    """
    known: list[frozenset[str]] = []
    kept: list[Moment] = []
    for moment in _after_finding_out(scene):
        said = [about for item in moment.said for about in item.topics_of(acts)]
        again = [any(overlap(about, old) >= SAME_OFFER for old in known) for about in said]
        if not said or not all(again) or Act.RECAP in moment.acts:
            kept.append(moment)
        known += said
    return kept


def _after_finding_out(scene: Scene) -> tuple[Moment, ...]:
    found = matters(scene)
    first = next((n for n, item in enumerate(found) if Act.OFFER in item.acts), 0)
    told = (item for item in found[:first] if Act.OPEN_QUESTION not in item.acts)
    return (*told, *found[first:])


def offers_option(reading: Reading) -> Finding:
    """The answer offers something the customer can take or choose."""
    return over(_first_time(look(reading), _OFFER), _OFFERS)


def moves_forward(reading: Reading) -> Finding:
    """The answer takes, announces or offers a concrete step."""
    return over(_first_time(look(reading), FIXING), _MOVES)


def asks_before_fixing(reading: Reading) -> Finding:
    """The agent asks about the matter no later than the turn of the first offer."""
    turns = matter_turns(look(reading))
    fixes = [number for number, said in enumerate(turns) if Act.OFFER in said.acts]
    until = fixes[0] + 1 if fixes else len(turns)
    return once(turns[:until], _ASKS)


def confirms_outcome(reading: Reading) -> Finding:
    """The last third, at most the last few turns, sums up what was agreed or checks it helps."""
    turns = matter_turns(look(reading))
    return once(end(turns[len(turns) * 2 // 3 :]), _CONFIRMS, late=True)


STUCK = Find(lambda said: said.stuck)
"""Finds where the agent says that nothing can be done and offers no other way in that turn."""

WALL = unless(bad(Act.CITE_POLICY), act(*FIXING, Act.EXPLAIN))
"""Finds a rule that is cited without a reason and without another way."""

SOLVING: dict[str, Detector] = {
    "offers_option": offers_option,
    "moves_forward": moves_forward,
    "asks_before_fixing": asks_before_fixing,
    "confirms_outcome": confirms_outcome,
    "dead_end": anywhere(STUCK),
    "policy_wall": anywhere(WALL),
}
"""Indicator key and its detector."""
