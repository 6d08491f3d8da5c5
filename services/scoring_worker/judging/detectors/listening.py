"""Active listening: occasions are the moments in which the customer says something real."""

from services.scoring_worker.judging.detectors.counting import (
    FIXING,
    Detector,
    Find,
    Look,
    act,
    always,
    at_turns,
    bad_act,
    kindly,
    observe,
    plain,
    shown,
)
from services.scoring_worker.judging.detectors.moments import Moment
from services.scoring_worker.judging.detectors.said import Said
from services.scoring_worker.judging.detectors.scene import look
from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.reading import Reading
from services.scoring_worker.judging.words import Span, overlap, sentences, topics
from shared.contracts.dialogue import Act

SAME_QUESTION = 0.75
"""Jaccard index of the topics of two questions from which they count as the same question."""

FEW_WORDS = 4
"""A customer turn with this many new topics or fewer is taken up with one of them."""

_ANSWERING = act(
    *FIXING, Act.EXPLAIN, Act.DISCLOSE, Act.REASSURE, Act.TAKE_OWNERSHIP, Act.CITE_POLICY
)


def substantial(moment: Moment) -> bool:
    """The customer says something real: at least three words that carry a topic."""
    return moment.substantial


def uses_customer_words(reading: Reading) -> Finding:
    """The answer takes up words that the customer brought into the conversation."""
    said_by_agent: set[str] = set()
    observations: list[Observation] = []
    for moment in look(reading).moments:
        own = moment.customer_topics - said_by_agent if moment.substantial else None
        if own:
            observations.append(observe(moment, kindly(Find(_uptake_of(own)))))
        for said in moment.said:
            said_by_agent |= topics(said.text)
    return Finding(observations=tuple(observations))


def _uptake_of(own: frozenset[str]) -> Look:
    """Two of the customer's words in one sentence, or one when they brought few."""
    needed = 1 if len(own) <= FEW_WORDS else 2

    def find(said: Said) -> Span | None:
        if len(said.topics & own) < needed:
            return None
        seen = said.turn.seen
        spans = sentences(seen)
        return next((s for s in spans if len(topics(seen[s.start : s.end]) & own) >= needed), None)

    return find


def answers_question(reading: Reading) -> Finding:
    """A question gets an answer: an explanation, an offer, a step, or its own words back."""
    return Finding(
        observations=tuple(
            observe(moment, kindly(Find(_answer_to(moment))))
            for moment in look(reading).moments
            if moment.asks
        )
    )


def _answer_to(moment: Moment) -> Look:
    def find(said: Said) -> Span | None:
        found = _ANSWERING(said)
        if found is not None or said.topics.isdisjoint(moment.customer_topics):
            return found
        seen = said.turn.seen
        statements = (s for s in sentences(seen) if not seen[s.start : s.end].endswith("?"))
        return next(
            (s for s in statements if topics(seen[s.start : s.end]) & moment.customer_topics), None
        )

    return find


def repeats_question(reading: Reading) -> Finding:
    """The agent asks again what was asked before and answered in between."""
    scene = look(reading)
    asked: list[tuple[int, frozenset[str]]] = []
    repeated: dict[int, Span] = {}
    for moment in scene.moments:
        for said in moment.said:
            for span in _questions(said):
                about = topics(said.text[span.start : span.end])
                if len(about) < 2:
                    continue
                if any(
                    before < moment.number and overlap(about, other) >= SAME_QUESTION
                    for before, other in asked
                ):
                    repeated.setdefault(said.index, span)
                asked.append((moment.number, about))
    return at_turns(scene, repeated)


def _questions(said: Said) -> list[Span]:
    """Questions of substance; checks such as `does that make sense?` may come again."""
    if "?" not in said.text:
        return []
    checks = [span for span in said.turn.raw.acts if span.act is Act.CHECK_UNDERSTANDING]
    return [
        span
        for span in sentences(said.text)
        if said.text.endswith("?", span.start, span.end)
        and not any(span.start <= check.start < span.end for check in checks)
    ]


LISTENING: dict[str, Detector] = {
    "uses_customer_words": uses_customer_words,
    # The answer says back what the customer meant.
    "paraphrases": shown(substantial, act(Act.PARAPHRASE, Act.RECAP)),
    # The agent invites the customer to tell more.
    "asks_open_question": shown(always, act(Act.OPEN_QUESTION)),
    "answers_question": answers_question,
    # The answer checks that both mean the same.
    "checks_understanding": plain(substantial, act(Act.CHECK_UNDERSTANDING, Act.RECAP)),
    "repeats_question": repeats_question,
    "talks_past": bad_act(Act.DISMISS, Act.RUSH),
}
"""Indicator key and its detector."""
