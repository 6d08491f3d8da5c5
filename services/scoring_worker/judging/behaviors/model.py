"""Strengths of behaviors: a bias and a weighted sum of features, for all behaviors in one pass."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from services.scoring_worker.judging.behaviors.features import features, whole, word_features
from services.scoring_worker.judging.behaviors.style import style_matches
from services.scoring_worker.judging.behaviors.utterance import Utterance, tokens_of
from shared.contracts.base import Authored, Record
from shared.yaml_files import read_yaml

PACKAGE = "services.scoring_worker.judging.behaviors"
DIGITS = 6
"""Strengths are rounded, so that the last bit of a machine's arithmetic never shows."""
MOST_REASONS = 3


class Behavior(Authored, frozen=True, kw_only=True):
    """What a strength is about."""

    key: str
    title: str
    definition: str
    """What more of it means."""
    skill: str
    """The skill of the taxonomy that it speaks for."""
    unit: Literal["turn", "conversation"]
    """A conversation's strength of a turn's behavior is the mean over its turns."""
    polarity: Literal["good", "bad", "neutral"] = "good"
    """Whether more of it is better; neutral: it depends."""
    learned_from: tuple[str, ...]
    """Sources of the labels; docs/validity.md names them in full, with their licenses."""


class Weights(Record, frozen=True, kw_only=True):
    """The content of `weights.json`."""

    version: str
    """Hash of everything else in the file."""
    behaviors: tuple[str, ...]
    biases: tuple[float, ...]
    features: dict[str, tuple[float, ...]]
    """Feature -> behavior's position, weight, behavior's position, weight, ..."""
    mixed: dict[str, dict[str, float]]
    """Behavior -> other behaviors, named before it, whose strengths are features of it."""


class Reason(Record, frozen=True, kw_only=True):
    """Words that moved a strength."""

    start: int
    end: int
    """`text[start:end]` are the words, counted in Unicode code points."""
    share: float
    """What they added to (or, below 0, took from) the strength of the turn."""


class Model:
    """All behaviors, ready to be asked."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.version = weights.version
        self.keys = weights.behaviors
        self._place = {key: n for n, key in enumerate(weights.behaviors)}
        self._biases = weights.biases
        self._table = {name: _paired(flat) for name, flat in weights.features.items()}
        self._columns: dict[int, dict[str, float]] = {}
        self._mixed = [
            (self._place[key], [(self._place[other], weight) for other, weight in parts.items()])
            for key, parts in weights.mixed.items()
        ]

    def of_turn(self, utterance: Utterance) -> dict[str, float]:
        """Return every behavior's strength in one turn, by key.

        A strength is in standard deviations of the conversations it was learned from; 0 is their
        mean. Behaviors of a whole conversation are answered as if the turn were all of it.
        """
        return self._strengths(self._totals(features(utterance)))

    def of_conversation(self, said: Sequence[Utterance]) -> dict[str, float]:
        """Return every behavior's strength over a person's turns, by key.

        Args:
            said: the person's turns, in order; at least one.
        """
        return self.together(said, [features(utterance) for utterance in said])

    def together(
        self, said: Sequence[Utterance], values: Sequence[Mapping[str, float]]
    ) -> dict[str, float]:
        """Do the same with the features of the turns, worked out before."""
        added: dict[str, float] = {}
        table = self._table
        for each in values:
            for name, value in each.items():
                if name in added:
                    added[name] += value
                elif name in table:
                    added[name] = value
        over = self._totals(whole(said))
        total = self._totals(added)  # once: words come again from turn to turn
        return self._strengths(
            [one / len(said) + other for one, other in zip(total, over, strict=True)]
        )

    def strength(self, key: str, values: Mapping[str, float]) -> float:
        """Return one behavior's strength in a turn with these features, as `of_turn` does."""
        return round(self._exact(self._place[key], values), DIGITS)

    def _exact(self, place: int, values: Mapping[str, float]) -> float:
        column = self._column(place)
        found = sum([column[name] * value for name, value in values.items() if name in column])
        parts = next((parts for mixed, parts in self._mixed if mixed == place), ())
        return (
            found
            + self._biases[place]
            + sum(weight * self._exact(other, values) for other, weight in parts)
        )

    def reasons(
        self, key: str, utterance: Utterance, values: Mapping[str, float] | None = None
    ) -> tuple[Reason, ...]:
        """Return the words that moved a behavior's strength most in this turn, in their order.

        Acts, lengths and other features without words of their own are not among them. `values`
        are the features of the turn, where they were worked out before.
        """
        column = self._column(self._place[key])
        known = word_features(utterance.tokens) if values is None else values
        moved: dict[tuple[int, int], float] = {}
        for name, value, start, end in _worded(utterance, known):
            if name in column:
                moved[start, end] = moved.get((start, end), 0.0) + column[name] * value
        most = sorted(moved.items(), key=lambda item: (-abs(item[1]), item[0]))[:MOST_REASONS]
        return tuple(
            Reason(start=start, end=end, share=round(share, DIGITS))
            for (start, end), share in sorted(most)
        )

    def _totals(self, values: Mapping[str, float]) -> list[float]:
        total = [0.0] * len(self.keys)
        table = self._table
        for name, value in values.items():
            if name in table:
                for place, weight in table[name]:
                    total[place] += weight * value
        return total

    def _column(self, place: int) -> dict[str, float]:
        """Return the weights of one behavior, by feature."""
        known = self._columns.get(place)
        if known is None:
            pairs = ((name, dict(weights)) for name, weights in self._table.items())
            known = {name: weights[place] for name, weights in pairs if place in weights}
            self._columns[place] = known
        return known

    def _strengths(self, totals: Sequence[float]) -> dict[str, float]:
        found = [total + bias for total, bias in zip(totals, self._biases, strict=True)]
        for place, parts in self._mixed:
            found[place] += sum(weight * found[other] for other, weight in parts)
        return {key: round(value, DIGITS) for key, value in zip(self.keys, found, strict=True)}


def _paired(flat: Sequence[float]) -> tuple[tuple[int, float], ...]:
    return tuple((int(flat[n]), flat[n + 1]) for n in range(0, len(flat), 2))


def _worded(
    utterance: Utterance, values: Mapping[str, float]
) -> Iterator[tuple[str, float, int, int]]:
    """Yield (feature, value, start, end) of every feature that has words of its own."""
    tokens = list(tokens_of(utterance.text))
    last, begun = "", 0
    for word, start, end in tokens:
        name = f"w:{word}"
        if name in values:
            yield name, values[name], start, end
        name = f"b:{last} {word}" if last else ""
        if name in values:
            yield name, values[name], begun, end
        last, begun = word, start
    for name, first, past in style_matches(utterance.tokens):
        yield name, 1.0, tokens[first].start, tokens[past - 1].end


@cache
def load_model() -> Model:
    """Return the shipped model; read once."""
    data = resources.files(PACKAGE).joinpath("weights.json").read_bytes()
    return Model(msgspec.json.decode(data, type=Weights))


@cache
def load_behaviors() -> tuple[Behavior, ...]:
    """Return what the shipped behaviors are about, in the order of their file."""
    source = resources.files(PACKAGE).joinpath("behaviors.yaml")
    return msgspec.convert(read_yaml(source), tuple[Behavior, ...])
