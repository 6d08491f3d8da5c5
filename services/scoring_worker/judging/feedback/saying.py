"""Says the customer's own sentence back: `I lost my card` -> `you lost your card`."""

import re
from functools import lru_cache

from services.scoring_worker.judging.feedback.coaching import WORDS
from services.scoring_worker.judging.words import count_words, fold, sentences, topics
from shared.dialogue.lexicon import LEXICON
from shared.dialogue.quantities import quantities

MIN_WORDS, MAX_WORDS = 4, 18
"""A shorter sentence says too little, a longer one cannot be said back in one breath."""

LEAD_IN = re.compile(
    r"^[\s,.…\u2013\u2014-]*(?:(?:and|but|so|well|look|listen|no|yes|yeah|yep|hi|hello|hey|okay|ok"
    r"|also|oh|because|honestly|right|then|now|still|anyway|sorry|please|um+|uh+|erm*|hm+|mm+-?hm+|wait|see|like|actually|only"
    r"|basically|all right|alright|sure|good|fine|great|thanks|thank you|excuse me|you know|just"
    r"|good (?:morning|afternoon|evening)|all the same|first(?: thing)?|in any case|on top of that"
    r"|to be (?:clear|honest|fair)|i mean|you see|that said|i guess)\b[\s,.!…-]*)*",
    re.IGNORECASE,
)
"""Words at the start of a sentence that are not part of what it says."""

UNFIT_WORDS = re.compile(rf"\b(?:{'|'.join(WORDS.unfit)})\b")
"""Words not to repeat."""

_TURN_AROUND = {
    "i": "you",
    "i'm": "you're",
    "i've": "you've",
    "i'd": "you'd",
    "i'll": "you'll",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "we": "you",
    "we're": "you're",
    "we've": "you've",
    "we'd": "you'd",
    "we'll": "you'll",
    "our": "your",
    "ours": "yours",
    "us": "you",
    "here": "there",
}
_OWN = _TURN_AROUND.keys() - {"me", "us", "myself", "here"}
"""Words that say whose story it is; `let me guess` tells none."""

_AFTER_I = {"am": "are", "was": "were", "wasn't": "weren't", "'m": "'re"}
_WORD = re.compile(r"[A-Za-z]+(?:[^\w\s][A-Za-z]+)*")
_UNFIT = re.compile(
    r"\b(?:you|your|you're|you've|you'd|you'll|yours|let's|let me|guess|let it|ma'am|sir"
    r"|(?:am|was|do|have|will|can|should|would|could|did) (?:i|we|my))\b"
    r"|\bthis is (?:she|he|me)\b|, (?:no|yes),"
    r"|\b(?:i'll|i'd rather|i could|i can see|i swear|about to|close to)\b"
    r"|[?!\";:“”()*]|\.\.|…| '|' |--|\bthat's (?:what|why|how|when|where|all|it)\b"
)
"""Signs of a sentence that cannot be turned around word by word, or should not be."""

_PLAIN = frozenset(
    {"a", "an", "it", "nobody", "somebody", "someone", "everybody", "everyone", "both", "last"}
    | {"one", "two", "three", "four", "five", "six", "since"}
)
"""First words that are names of nobody, beside the stopwords."""

_NO_START = WORDS.commands | {
    *("if", "unless", "who", "what", "how", "why", "which", "whose", "with", "for", "to", "of"),
    *(
        "by",
        "than",
        "as",
        "not",
        "nor",
        "or",
        "yet",
        "is",
        "was",
        "are",
        "does",
        "did",
        "too",
        "that",
    ),
}
"""First words of sentences that report nothing."""

_UNFIT_CAPS = re.compile(r"\b[A-Z]{4,}\b")
_TOLD = re.compile(rf"\b(?:{'|'.join((*WORDS.told, *WORDS.things, *WORDS.personal))})\b")


@lru_cache(maxsize=512)
def say_back(customer_text: str) -> str | None:
    """Return the customer's fullest plain sentence turned around (`my` -> `your`), or None."""
    parts = [customer_text[span.start : span.end] for span in sentences(customer_text)]
    bare = [LEAD_IN.sub("", part).rstrip(".…! ,") for part in parts]
    fit = [part for part in bare if _can_be_said_back(part)]
    if not fit:
        return None
    best = max(fit, key=lambda part: len(topics(part)))
    turned = turn_around(best)
    return turned[:1].lower() + turned[1:] if _starts_plainly(best) else turned


def turn_around(part: str) -> str:
    """Return the words from the other side (`my` -> `your`, `I was` -> `you were`)."""
    after_i = False

    def swap(match: re.Match[str]) -> str:
        nonlocal after_i
        word = fold(match.group())
        turned = _AFTER_I.get(word) if after_i else None
        after_i = word == "i"
        return turned or _TURN_AROUND.get(word, match.group())

    return _WORD.sub(swap, part)


def _can_be_said_back(part: str) -> bool:
    folded = fold(part)
    return (
        MIN_WORDS <= count_words(part) <= MAX_WORDS
        and not _UNFIT.search(folded)
        and not UNFIT_WORDS.search(folded)
        and not _UNFIT_CAPS.search(part)
        and folded.split(" ", 1)[0].strip(",") not in _NO_START
        and any(fold(word) in _OWN for word in _WORD.findall(part))
        and _is_varied(part)
        and len(topics(part)) >= 2
        and (_TOLD.search(folded) is not None or bool(quantities(part)))
    )


def _is_varied(part: str) -> bool:
    """Say whether few words come again (`I paid, I paid, I paid` cannot be said back)."""
    words = fold(part).split()
    return len(set(words)) * 10 >= len(words) * 7


def _starts_plainly(part: str) -> bool:
    """Say whether the first word is capital only because it opens the sentence."""
    first = _WORD.match(part)
    if first is None:
        return False
    word = fold(first.group())
    word = word if word in _TURN_AROUND else word.partition("'")[0]
    return word in _TURN_AROUND or word in LEXICON.stopwords or word in _PLAIN
