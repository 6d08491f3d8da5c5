"""What only a whole conversation shows."""

from collections.abc import Sequence
from itertools import islice
from math import log1p

from services.scoring_worker.judging.behaviors.utterance import Utterance
from shared.contracts.dialogue import Act

_BACK = 8
"""Own turns before, with which a turn is compared for repetition."""
_LOOKED_AT = 200
"""First words looked at for variety: a share of all words would fall with the length."""
_LOG = 5
"""Divides logarithms of word counts: 150 words make 1."""
_GROWTH = 3
_REFLECTS = (Act.PARAPHRASE, Act.ACKNOWLEDGE_FEELING)


def conversation_features(utterances: Sequence[Utterance]) -> dict[str, float]:
    """Return the features of a person's turns taken together, by name (prefix `c:`)."""
    if not utterances:
        return {}
    return _shares(utterances) | _repetition(utterances) | _asking(utterances)


def _words(tokens: Sequence[str]) -> int:
    return len([token for token in tokens if token[0].isalnum()])


def _shares(utterances: Sequence[Utterance]) -> dict[str, float]:
    count = len(utterances)
    own = sum(_words(u.tokens) for u in utterances)
    heard = [_words(u.heard_tokens) for u in utterances]
    everything = own + sum(heard)
    found = {
        "c:talk_share": own / everything if everything else 0.5,
        "c:turn_length": log1p(own / count) / _LOG,
        "c:heard_length": log1p(sum(heard) / count) / _LOG,
    }
    if count > 1:
        half = count // 2
        early, late = sum(heard[:half]) / half, sum(heard[half:]) / (count - half)
        found["c:heard_growth"] = (log1p(late) - log1p(early)) / _GROWTH
    return found


def _repetition(utterances: Sequence[Utterance]) -> dict[str, float]:
    found: dict[str, float] = {}
    sets = [frozenset(u.tokens) for u in utterances]
    most = [
        max(_alike(own, earlier) for earlier in sets[max(0, position - _BACK) : position])
        for position, own in enumerate(sets)
        if position
    ]
    if most:
        found["c:repeats_most"] = max(most)
        found["c:repeats_mean"] = sum(most) / len(most)
    words = (token for u in utterances for token in u.tokens if token[0].isalnum())
    looked_at = list(islice(words, _LOOKED_AT))
    if looked_at:
        found["c:variety"] = len(set(looked_at)) / len(looked_at)
    return found


def _alike(left: frozenset[str], right: frozenset[str]) -> float:
    union = len(left | right)
    return len(left & right) / union if union else 0.0


def _asking(utterances: Sequence[Utterance]) -> dict[str, float]:
    count = len(utterances)
    asking = sum("?" in u.tokens for u in utterances)
    questions = sum(u.tokens.count("?") for u in utterances)
    openly = sum(u.analysis.has(Act.OPEN_QUESTION) for u in utterances)
    reflecting = sum(any(u.analysis.has(act) for act in _REFLECTS) for u in utterances)
    return {
        "c:asks_turns": asking / count,
        "c:asks_all": float(asking == count),
        "c:ends_asking": float(utterances[-1].tokens[-1:] == ("?",)),
        "c:open_share": openly / (questions + 1),
        "c:reflects_to_asks": reflecting / (reflecting + questions + 1),
    }
