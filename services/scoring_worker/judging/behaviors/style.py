"""How a turn is worded, whatever it is about: manners, light and shade, outer shape.

Manners are phrases of the lexicons beside this file, as the logarithm of one plus how often they
come up: saying thanks twice is more than once, but not twice as much. Light and shade follow the
phrases that a lexicon calls bright or dark; a negation just before turns them round. Spelling,
contractions and case have been evened out in the tokens before they arrive here.
"""

from collections.abc import Sequence
from math import log1p

from services.scoring_worker.judging.behaviors.style_lexicon import Match, lexicon, matches
from services.scoring_worker.judging.behaviors.style_shape import SHAPE_FEATURES, shape_features
from services.scoring_worker.judging.behaviors.utterance import Utterance

PREFIX = "s:"
"""Begins the name of every feature of this module."""

_LIGHT = {
    "bright": "weight of bright words (log)",
    "dark": "weight of dark words (log)",
    "net_light": "bright less dark, by their sum and one: -1..1",
    "first_light": "the first such word: 1 strongly bright, -1 strongly dark",
    "last_light": "the last such word, likewise",
    "brightens": "net of the second half less net of the first, by the sum and one",
    "light_after_but": "net after the last but, however, though or yet, by the sum and one",
    "light_before_but": "net before it, likewise",
}

_NEGATIONS = frozenset({"not", "no", "never", "without", "hardly", "nothing"})
_REACH = 3
"""Tokens that a negation looks ahead."""
_TURNED = -0.8
"""What a negation makes of a word: `not good` is a little less dark than `bad`."""
_CONTRASTS = frozenset({"but", "however", "yet", "though", "although"})
_STRONG = 2
"""Largest polarity in the lexicons."""


def style_features(utterance: Utterance) -> dict[str, float]:
    """Return the features that are not zero, by name; nothing for a turn without words."""
    tokens = utterance.tokens
    found = matches(tokens)
    merged = _manners(found) | _light(tokens, found) | shape_features(utterance.text, tokens)
    return {PREFIX + name: value for name, value in merged.items() if value}


def style_matches(tokens: tuple[str, ...]) -> tuple[tuple[str, int, int], ...]:
    """Return (feature, first token, one past the last token) of every phrase that counted."""
    return tuple((PREFIX + manner, start, end) for manner, start, end in matches(tokens))


def style_meanings() -> dict[str, str]:
    """Return every feature by name with one line of meaning, in a fixed order."""
    manners = {key: manner.means for key, manner in lexicon().manners.items()}
    return {PREFIX + name: text for name, text in (manners | _LIGHT | SHAPE_FEATURES).items()}


def _manners(found: Sequence[Match]) -> dict[str, float]:
    counts: dict[str, int] = {}
    for manner, _, _ in found:
        counts[manner] = counts.get(manner, 0) + 1
    return {manner: log1p(count) for manner, count in counts.items()}


def _light(tokens: Sequence[str], found: Sequence[Match]) -> dict[str, float]:
    weights = _weights(tokens, found)
    if not weights:
        return {}
    bright = sum(weight for weight in weights.values() if weight > 0)
    dark = bright - sum(weights.values())
    room = bright + dark + 1
    values = list(weights.values())
    features = {
        "bright": log1p(bright),
        "dark": log1p(dark),
        "net_light": (bright - dark) / room,
        "first_light": values[0] / _STRONG,
        "last_light": values[-1] / _STRONG,
        "brightens": (bright - dark - 2 * _net(weights, 0, len(tokens) // 2)) / room,
    }
    if not _CONTRASTS.isdisjoint(tokens):
        at = max(place for place, token in enumerate(tokens) if token in _CONTRASTS)
        features["light_before_but"] = _net(weights, 0, at) / room
        features["light_after_but"] = _net(weights, at, len(tokens)) / room
    return features


def _weights(tokens: Sequence[str], found: Sequence[Match]) -> dict[int, float]:
    """Return the light of each place that has any, in order; the strongest match counts."""
    manners = lexicon().manners
    weights: dict[int, float] = {}
    for manner, start, _ in found:
        polarity: float = manners[manner].polarity
        if not polarity:
            continue
        if not _NEGATIONS.isdisjoint(tokens[max(0, start - _REACH) : start]):
            polarity *= _TURNED
        if abs(polarity) > abs(weights.get(start, 0.0)):
            weights[start] = polarity
    return weights


def _net(weights: dict[int, float], start: int, end: int) -> float:
    return sum(weight for place, weight in weights.items() if start <= place < end)
