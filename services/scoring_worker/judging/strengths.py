"""The fitted behaviors of one conversation: how strong, against what is usual, and by which words.

A strength is in standard deviations of what people said about the conversations that the behavior
was learned from, 0 being their mean; the percentile is its place in a normal distribution. What
speaks to the grader was blanked before, so it counts for nothing here either.

A rubric may ask for a behavior as an indicator, by the key `behavior:<key>`: every agent turn is an
occasion, and a turn shows it from SHOWN_FROM on.
"""

from functools import cache, cached_property
from math import erf, sqrt

from services.scoring_worker.judging.behaviors.features import features
from services.scoring_worker.judging.behaviors.model import (
    Behavior,
    Model,
    load_behaviors,
    load_model,
)
from services.scoring_worker.judging.behaviors.utterance import utterances
from services.scoring_worker.judging.evidence import cite
from services.scoring_worker.judging.finding import Finding, Observation
from services.scoring_worker.judging.reading import Reading, ReadTurn, opening_sentence
from services.scoring_worker.judging.words import Span, sentence_at
from shared.contracts.scoring import BehaviorScore, Evidence

INDICATOR = "behavior:"
"""Beginning of an indicator's key that asks for a fitted behavior."""

SHOWN_FROM = 0.5
"""Strength of a turn, in standard deviations above the mean, from which it shows a behavior."""

QUOTED_FROM = 70
"""Percentile from which a behavior is worth a quote."""

MOST_QUOTES = 4
"""Behaviors with a quote: the strongest ones; finding the words of all would cost too much."""


@cache
def load_listener() -> Model:
    """Return the shipped model; read once."""
    return load_model()


@cache
def _known() -> dict[str, Behavior]:
    return {each.key: each for each in load_behaviors()}


def is_known(indicator: str) -> bool:
    """Say whether an indicator's key names a fitted behavior."""
    return indicator.startswith(INDICATOR) and indicator.removeprefix(INDICATOR) in _known()


def percentile(strength: float) -> int:
    """Return the place of a strength among those it was learned from, 0..100."""
    return int(50 * (1 + erf(strength / sqrt(2))) + 0.5)


class Strengths:
    """The fitted behaviors of one reading; nothing is worked out before it is asked for."""

    def __init__(self, reading: Reading) -> None:
        """Take a reading with at least one agent turn that counts."""
        self._turns = reading.agent
        wanted = {turn.index for turn in reading.agent}
        heard = [
            turn for turn in reading.turns if turn.turn.role == "customer" or turn.index in wanted
        ]
        self._said = utterances(
            [(turn.turn.role, turn.seen) for turn in heard],
            "agent",
            analyses=[turn.analysis for turn in heard],
        )
        self._heard = reading.heard

    @cached_property
    def _features(self) -> list[dict[str, float]]:
        return [features(each) for each in self._said]

    def in_turn(self, key: str, place: int) -> float:
        """Return a behavior's strength in one agent turn that counts."""
        return load_listener().strength(key, self._features[place])

    def scores(self) -> tuple[BehaviorScore, ...]:
        """Return every behavior in the order of its file, the strongest ones with a quote."""
        together = load_listener().together(self._said, self._features)
        places = {key: percentile(together[key]) for key in _known()}
        high = [key for key in places if places[key] >= QUOTED_FROM and self._tells(key)]
        quoted = set(sorted(high, key=lambda key: -together[key])[:MOST_QUOTES])
        return tuple(
            BehaviorScore(
                key=key, percentile=place, evidence=self._quote(key) if key in quoted else None
            )
            for key, place in places.items()
        )

    @staticmethod
    def _tells(key: str) -> bool:
        return _known()[key].polarity != "neutral"

    def _quote(self, key: str) -> Evidence | None:
        places = range(len(self._turns))
        place = max(places, key=lambda number: (self.in_turn(key, number), -number))
        span = self._words(key, place)
        return None if span is None else cite(*self._turns[place].as_written(span))

    def _words(self, key: str, place: int) -> Span | None:
        """Return the sentence of the word that speaks most for a behavior in a turn."""
        found = load_listener().reasons(key, self._said[place], self._features[place])
        best = max(found, key=lambda each: each.share, default=None)
        if best is None or best.share <= 0:
            return None
        return sentence_at(self._turns[place].seen, best.start)

    def finding(self, indicator: str) -> Finding:
        """Answer an indicator that asks for a behavior: each agent turn is an occasion."""
        key = indicator.removeprefix(INDICATOR)
        return Finding(
            observations=tuple(
                self._observe(key, place, turn, self.in_turn(key, place))
                for place, turn in enumerate(self._turns)
            )
        )

    def _observe(self, key: str, place: int, turn: ReadTurn, strength: float) -> Observation:
        span = self._words(key, place) if strength >= SHOWN_FROM else None
        start, end = span or opening_sentence(turn)
        return Observation(
            agent=turn.index,
            start=start,
            end=end,
            hit=span is not None,
            customer=self._heard.get(turn.index),
        )
