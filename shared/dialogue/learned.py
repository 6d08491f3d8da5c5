"""The learned reader: a linear model over named features, as integers in a data file.

The rules find what they know; people say the same in a thousand other ways. For each act the model adds up the
weights of what is true of a sentence (`features.py`), what the rules found included, and compares
the sum with the act's own bar. Weights come from `infra/fitting` and `tests/labels`: anybody can
fit them again, and look up why a sentence was read as it was.
"""

from functools import cache
from pathlib import Path

import msgspec

from shared.contracts.dialogue import Act, ActSpan
from shared.dialogue.echo import Before
from shared.dialogue.features import features
from shared.dialogue.sentence import Found, Sentence

DATA = Path(__file__).with_name("weights.json")
SCALE = 1000
"""Weights are thousandths of a natural logarithm of odds."""
CLEAR = 1200
"""Points above the bar from which an example is clear (2) and no longer weak (1)."""


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights by feature, and the bar of each act."""

    acts: tuple[Act, ...]
    bars: tuple[int, ...]
    """Points that a sentence needs, by act."""
    weights: dict[str, tuple[int, ...]]
    """Feature -> act number, points, act number, points, ..."""


@cache
def model() -> Model:
    """Return the fitted model, read once."""
    return msgspec.json.decode(DATA.read_bytes(), type=Model)


def reread(sentence: Sentence, earlier: Before, best: Found, *, is_question: bool) -> Found:
    """Return the acts of a sentence, given what the rules found in it.

    An act that the rules found keeps their words and strength; another one has the whole sentence
    as its span.
    """
    fitted = model()
    points = _points(fitted, features(sentence, earlier, best, is_question=is_question))
    found: Found = {}
    for act, total, bar in zip(fitted.acts, points, fitted.bars, strict=True):
        if total <= bar:
            continue
        found[act] = best.get(act) or ActSpan(
            act=act,
            start=sentence.start,
            end=sentence.end,
            strength=2 if total > bar + CLEAR else 1,
        )
    return found


def explain(
    sentence: Sentence, earlier: Before, best: Found, act: Act, *, is_question: bool
) -> list[tuple[str, int]]:
    """Return the features that speak for or against an act, the weightiest first."""
    fitted = model()
    number = fitted.acts.index(act)
    parts = []
    for name in features(sentence, earlier, best, is_question=is_question):
        pairs = fitted.weights.get(name, ())
        for place in range(0, len(pairs), 2):
            if pairs[place] == number:
                parts.append((name, pairs[place + 1]))
    return sorted(parts, key=lambda part: (-abs(part[1]), part[0]))


def _points(fitted: Model, names: list[str]) -> list[int]:
    points = [0] * len(fitted.acts)
    known = fitted.weights
    for name in names:
        pairs = known.get(name)
        if pairs:
            for place in range(0, len(pairs), 2):
                points[pairs[place]] += pairs[place + 1]
    return points
