"""The outer shape of a turn: questions, marks, and how its sentences begin.

Full stops, commas and the length of sentences are left out: people who write without stops are no
less kind, and how much somebody says is not how well. So is the length of words: a long name is
not a manner.
"""

from collections.abc import Iterator, Sequence
from math import log1p

from services.scoring_worker.judging.behaviors.style_lexicon import SENTENCE_ENDS

SHAPE_FEATURES: dict[str, str] = {
    "distinct_words": "share of words that are not a repetition",
    "questions": "how many sentences are questions (log)",
    "question_share": "share of sentences that are questions",
    "opens_asking": "the first sentence is a question",
    "ends_asking": "the last sentence is a question",
    "opens_with_you": "the first word is you or your",
    "opens_with_wh": "the first word asks who, what, when, why or how",
    "opens_with_verb": "the first word begins a yes-or-no question",
    "begins_you": "sentences that begin with you or your (log)",
    "begins_i": "sentences that begin with I or my (log)",
    "begins_we": "sentences that begin with we or our (log)",
    "begins_wh": "sentences that begin with who, what, when, why or how (log)",
    "begins_verb": "sentences that begin like a yes-or-no question (log)",
    "begins_this": "sentences that begin with this, that, it or there (log)",
    "exclaims": "exclamation marks (log)",
    "double_marks": "has !!, ?? or ?!",
    "shouts": "words over three letters all in capitals (log)",
}
"""Each feature with its meaning. `(log)`: natural logarithm of one plus the count."""

_BEGINNINGS: dict[str, str] = {
    word: kind
    for kind, words in {
        "you": "you your",
        "i": "i my",
        "we": "we our",
        "wh": "what why how who where when which whose whom",
        "verb": "is are was were do does did has have had can could will would should may might am"
        " shall must",
        "this": "this that it there these",
    }.items()
    for word in words.split()
}
_OPENINGS = frozenset({"you", "wh", "verb"})
_SHOUTED_WORD = 3


def shape_features(text: str, tokens: Sequence[str]) -> dict[str, float]:
    """Return the features that are not zero, by name without a prefix."""
    words = [token for token in tokens if token[0].isalpha()]
    spoken = list(_sentences(tokens))
    if not words or not spoken:
        return {}
    found = _questions(spoken) | _beginnings(spoken) | _marks(text)
    found["distinct_words"] = len(set(words)) / len(words)
    return {name: value for name, value in found.items() if value}


def _sentences(tokens: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield the first token of each sentence, and whether it is a question."""
    start = 0
    for position, token in enumerate(tokens):
        if token in SENTENCE_ENDS:
            if position > start:
                yield tokens[start], token == "?"
            start = position + 1
    if start < len(tokens):
        yield tokens[start], False


def _questions(spoken: list[tuple[str, bool]]) -> dict[str, float]:
    asked = sum(question for _, question in spoken)
    return {
        "questions": log1p(asked),
        "question_share": asked / len(spoken),
        "opens_asking": float(spoken[0][1]),
        "ends_asking": float(spoken[-1][1]),
    }


def _beginnings(spoken: list[tuple[str, bool]]) -> dict[str, float]:
    counts: dict[str, int] = {}
    for first, _ in spoken:
        kind = _BEGINNINGS.get(first)
        if kind is not None:
            counts[kind] = counts.get(kind, 0) + 1
    found = {f"begins_{kind}": log1p(count) for kind, count in counts.items()}
    opening = _BEGINNINGS.get(spoken[0][0])
    if opening in _OPENINGS:
        found[f"opens_with_{opening}"] = 1.0
    return found


def _marks(text: str) -> dict[str, float]:
    return {
        "exclaims": log1p(text.count("!")),
        "double_marks": float("!!" in text or "??" in text or "?!" in text),
        "shouts": log1p(len([w for w in text.split() if w.isupper() and len(w) > _SHOUTED_WORD])),
    }
