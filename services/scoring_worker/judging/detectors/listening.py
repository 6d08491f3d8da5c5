"""Active listening: occasions are the exchanges in which the customer says something real."""

from services.scoring_worker.judging.detectors.counting import (
    FIXING,
    Detector,
    Find,
    act_finder,
    bad_act,
    harsh,
    observe,
    per_exchange,
    per_turn,
)
from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.reading import Exchange, Reading, ReadTurn
from services.scoring_worker.judging.words import Span, overlap, sentences, topics
from shared.contracts.dialogue import Act

SAME_QUESTION = 0.75
"""Jaccard index of the topics of two questions from which they count as the same question."""

_ANSWERING = FIXING | {Act.EXPLAIN, Act.DISCLOSE, Act.REASSURE, Act.TAKE_OWNERSHIP, Act.CITE_POLICY}


def _substantial(reading: Reading) -> tuple[Exchange, ...]:
    return tuple(item for item in reading.exchanges if item.shows("substantial"))


def uses_customer_words(reading: Reading) -> Finding:
    """The answer takes up words that the customer brought into the conversation."""
    said_by_agent: frozenset[str] = frozenset()
    observations: list[Observation] = []
    for exchange in reading.exchanges:
        own = topics(exchange.customer_text) - said_by_agent
        if exchange.shows("substantial") and own:
            observations.append(observe(exchange, _uptake_of(own)))
        for turn in exchange.agent:
            said_by_agent |= topics(turn.turn.text)
    return Finding(observations=tuple(observations))


def _uptake_of(own: frozenset[str]) -> Find:
    """Two of the customer's words in one sentence, or one when they brought four or fewer."""
    needed = 1 if len(own) <= 4 else 2

    def find(turn: ReadTurn) -> Span | None:
        if harsh(turn):
            return None
        for span in sentences(turn.seen):
            if len(topics(turn.seen[span.start : span.end]) & own) >= needed:
                return span
        return None

    return find


def paraphrases(reading: Reading) -> Finding:
    """The answer says back what the customer meant."""
    acts = frozenset({Act.PARAPHRASE, Act.RECAP})
    return per_exchange(
        _substantial(reading), lambda turn: None if harsh(turn) else act_finder(acts)(turn)
    )


def asks_open_question(reading: Reading) -> Finding:
    """The agent invites the customer to tell more."""
    ask = act_finder(frozenset({Act.OPEN_QUESTION}))
    return per_exchange(reading.exchanges, lambda turn: None if harsh(turn) else ask(turn))


def answers_question(reading: Reading) -> Finding:
    """A question gets an answer: an explanation, an offer, a step, or its own words back."""
    asked = [item for item in reading.exchanges if item.shows("asks")]
    return Finding(
        observations=tuple(observe(item, _answer_to(topics(item.customer_text))) for item in asked)
    )


def _answer_to(asked: frozenset[str]) -> Find:
    acts = act_finder(_ANSWERING)

    def find(turn: ReadTurn) -> Span | None:
        if harsh(turn):
            return None
        found = acts(turn)
        if found is not None:
            return found
        statements = (
            s for s in sentences(turn.seen) if not turn.seen[s.start : s.end].endswith("?")
        )
        return next((s for s in statements if topics(turn.seen[s.start : s.end]) & asked), None)

    return find


def checks_understanding(reading: Reading) -> Finding:
    """The answer checks that both mean the same."""
    acts = frozenset({Act.CHECK_UNDERSTANDING, Act.RECAP})
    return per_exchange(_substantial(reading), act_finder(acts))


def repeats_question(reading: Reading) -> Finding:
    """The agent asks again what was asked before and answered in between."""
    asked: list[tuple[int, frozenset[str]]] = []
    repeated: dict[int, Span] = {}
    for number, exchange in enumerate(reading.exchanges):
        for turn in exchange.agent:
            for span in _questions(turn):
                about = topics(turn.turn.text[span.start : span.end])
                if len(about) < 2:
                    continue
                if any(
                    before < number and overlap(about, other) >= SAME_QUESTION
                    for before, other in asked
                ):
                    repeated.setdefault(turn.index, span)
                asked.append((number, about))
    return per_turn(reading, lambda turn: repeated.get(turn.index))


def _questions(turn: ReadTurn) -> list[Span]:
    """Questions of substance; checks such as `does that make sense?` may come again."""
    text = turn.turn.text
    checks = [span for span in turn.raw.acts if span.act is Act.CHECK_UNDERSTANDING]
    return [
        span
        for span in sentences(text)
        if text[span.start : span.end].endswith("?")
        and not any(span.start <= check.start < span.end for check in checks)
    ]


LISTENING: dict[str, Detector] = {
    "uses_customer_words": uses_customer_words,
    "paraphrases": paraphrases,
    "asks_open_question": asks_open_question,
    "answers_question": answers_question,
    "checks_understanding": checks_understanding,
    "repeats_question": repeats_question,
    "talks_past": bad_act(Act.DISMISS, Act.RUSH),
}
"""Indicator key and its detector."""
