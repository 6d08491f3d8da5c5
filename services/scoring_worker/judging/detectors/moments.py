"""What the customer said and how it was answered, as the detectors look at it."""

from functools import cached_property

from services.scoring_worker.judging.customer import Feeling
from services.scoring_worker.judging.detectors.said import Acts, Said
from services.scoring_worker.judging.detectors.signs import CUSTOMER_SIGNS
from services.scoring_worker.judging.finding import Observation
from services.scoring_worker.judging.reading import CLEAR, Exchange
from services.scoring_worker.judging.words import topics
from shared.contracts.dialogue import Act

_STRAINED = frozenset(
    {Feeling.WORRY, Feeling.SADNESS, Feeling.SHAME, Feeling.STRAIN, Feeling.CONFUSION}
)
"""Feelings of somebody who needs it slow."""

_HURTS = frozenset({Act.INSULT, Act.THREATEN})


def _union(sets: list[frozenset[str]]) -> frozenset[str]:
    return sets[0] if len(sets) == 1 else frozenset[str]().union(*sets)


class Moment:
    """What the customer said and how it was answered."""

    def __init__(self, exchange: Exchange, said: tuple[Said, ...], before: "Moment | None") -> None:
        """Take an exchange, its agent turns and the moment before."""
        self.exchange = exchange
        self.said = said
        self.before = before
        self.number: int = 0 if before is None else before.number + 1
        self.cause = exchange.cause
        self.settled = exchange.settled
        self.felt = exchange.felt is not None
        self.substantial = exchange.shows("substantial")
        self.asks = exchange.shows("asks")
        self.tests_patience = exchange.shows("tests_patience")
        self.feelings = frozenset(
            turn.cues.feeling
            for turn in exchange.customer
            if turn.cues is not None and turn.cues.feeling is not None
        )
        self.acts: Acts = frozenset[Act]().union(*(item.acts for item in said))
        """Everything the answer does that may earn something."""
        self.harsh = any(item.harsh for item in said)
        self.acts_before: Acts = frozenset() if before is None else before.acts_before | before.acts
        """Everything that earlier answers did."""
        self.marks: frozenset[str] = _union([item.marks for item in said])
        """All acts and signs of the answer."""
        self.heard: frozenset[str] = _union(
            [frozenset(CUSTOMER_SIGNS.scan(turn.turn.text).signs) for turn in exchange.customer]
        )
        """The signs in what the customer said."""
        self.heated = self._is_heated()
        """Whether the customer is angry, insults, threatens or speaks with open contempt."""
        self.strained = not _STRAINED.isdisjoint(self.feelings) or "unclear" in self.heard
        """Whether the customer is nervous, sad, worn out, lost, or asks for a slower pace."""

    def _is_heated(self) -> bool:
        return (
            Feeling.ANGER in self.feelings
            or "hostile" in self.heard
            or any(
                span.act in _HURTS and span.strength >= CLEAR
                for turn in self.exchange.customer
                for span in turn.raw.acts
            )
        )

    @cached_property
    def customer_topics(self) -> frozenset[str]:
        """Stems of the customer's words that carry a topic."""
        return topics(self.exchange.customer_text)

    @cached_property
    def miss(self) -> Observation:
        """The observation of an answer that lacks a behavior: it quotes the opening."""
        said = next((item for item in self.said if item.counts), self.said[0])
        start, end = said.opening
        return Observation(agent=said.index, start=start, end=end, hit=False, customer=self.cause)
