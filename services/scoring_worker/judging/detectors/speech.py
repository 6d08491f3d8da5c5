"""Plain language, pacing, passing information on."""

import re

from services.scoring_worker.judging.detectors.clarity import UNEXPLAINED
from services.scoring_worker.judging.detectors.counting import (
    FIXING,
    Detector,
    Find,
    act,
    any_of,
    anywhere,
    bad_sign,
    both,
    owed,
    shown,
    sign,
    unless,
)
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.patience import HELPFUL
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.detectors.solving import WALL
from services.scoring_worker.judging.words import Span, count_words, sentences
from shared.contracts.dialogue import Act

EASY_SENTENCE_WORDS = 25
"""Up to this length a sentence is taken in at once, even by somebody who is upset."""

EASY_TURN_SENTENCES = 5
"""More sentences than this are too much for somebody who is nervous or lost."""

_FIGURE = re.compile(r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|half|hundred)\b")
_GIVES_TIME = sign("gives_time")
_TELLING = frozenset({Act.EXPLAIN, Act.DISCLOSE, Act.NEXT_STEP, Act.OFFER, Act.CONCEDE})


def _holds_term(moment: Moment) -> bool:
    """A term of the trade is used, or one is explained."""
    return any(Act.JARGON in said.raw_acts or "glosses" in said.signs for said in moment.said)


def _asks(moment: Moment) -> bool:
    return moment.asks


def unclear(moment: Moment) -> bool:
    """The customer does not follow, or asks for less at a time."""
    return "unclear" in moment.heard


def _simple(said: Said) -> Span | None:
    """Find an explanation in an easy sentence, in a turn without terms of the trade."""
    if UNEXPLAINED(said) is not None:
        return None
    span = said.best(frozenset({Act.EXPLAIN}))
    if span is None or count_words(said.text[span.start : span.end]) > EASY_SENTENCE_WORDS:
        return None
    return span


_GLOSSES = unless(sign("glosses"), UNEXPLAINED)
_PLAIN_WORDS = unless(
    any_of(act(Act.EXPLAIN, Act.PARAPHRASE, Act.NEXT_STEP), sign("glosses", "order")), UNEXPLAINED
)

PLAIN_LANGUAGE: dict[str, Detector] = {
    # A term is explained where it is used, or put in everyday words.
    "glosses_terms": shown(_holds_term, _GLOSSES),
    # Somebody who does not follow gets it in plain words.
    "plain_when_lost": shown(unclear, _PLAIN_WORDS),
    # What is asked is explained in easy sentences.
    "explains_simply": owed(_asks, Find(_simple, frozenset({Act.EXPLAIN}))),
    # A rule is read out instead of put in words.
    "recites_policy": anywhere(WALL),
}
"""Indicator key and its detector."""


def slow_needed(moment: Moment) -> bool:
    """The customer is nervous, sad, worn out, lost, or asks for a slower pace."""
    return moment.strained


def _instructs(moment: Moment) -> bool:
    return any(
        "order" in said.signs or said.count(frozenset({Act.NEXT_STEP})) > 1 for said in moment.said
    )


def _paced(moment: Moment) -> bool:
    return moment.strained or _instructs(moment)


def _small_portions(said: Said) -> Span | None:
    """Find something useful in a turn of few and easy sentences."""
    useful = said.best(HELPFUL)
    if useful is None:
        return None
    parts = sentences(said.text)
    easy = len(parts) <= EASY_TURN_SENTENCES and all(
        count_words(said.text[part.start : part.end]) <= EASY_SENTENCE_WORDS for part in parts
    )
    return useful if easy else None


def _hands_back(said: Said) -> Span | None:
    """Find where the turn ends by waiting for the customer."""
    parts = sentences(said.turn.seen)
    if not parts:
        return None
    last = parts[-1]
    ends = said.turn.seen.endswith("?", last.start, last.end)
    return last if ends else _GIVES_TIME(said)


PACING: dict[str, Detector] = {
    # Somebody under strain gets help in small portions.
    "small_portions": shown(slow_needed, Find(_small_portions, HELPFUL)),
    # Says what comes next before it comes, or puts it in order.
    "announces_steps": shown(
        _paced, any_of(act(Act.SIGNPOST, Act.RECAP), sign("order", "gives_time"))
    ),
    # Waits for the customer before going on.
    "waits_for_customer": shown(_paced, Find(_hands_back, HELPFUL | {Act.SIGNPOST})),
}
"""Indicator key and its detector."""


def _tells(moment: Moment) -> bool:
    return not moment.acts.isdisjoint({Act.EXPLAIN, Act.DISCLOSE, Act.NEXT_STEP, Act.OFFER})


def _concrete(said: Said) -> Span | None:
    """Find a statement of fact with a figure in it."""
    if _FIGURE.search(said.text) is None:
        return None
    for span in said.turn.analysis.acts:
        if span.act in _TELLING:
            sentence = said.sentence(Span(span.start, span.end))
            if _FIGURE.search(said.text, sentence.start, sentence.end):
                return sentence
    return None


INFORMATION: dict[str, Detector] = {
    # What is told comes with its figures: amounts, dates, numbers.
    "gives_figures": shown(_tells, Find(_concrete, _TELLING)),
    # Several things are told in an order that can be followed.
    "orders_steps": shown(_instructs, any_of(sign("order"), act(Act.RECAP))),
    # Says openly what there is a right to know.
    "discloses": owed(_asks, act(Act.DISCLOSE)),
    # Says where the information is from.
    "names_source": owed(_asks, both(sign("looks_up"), act(*FIXING, *_TELLING))),
    # Passes on a guess in place of a fact.
    "passes_on_guesses": anywhere(bad_sign("guesses")),
}
"""Indicator key and its detector."""
