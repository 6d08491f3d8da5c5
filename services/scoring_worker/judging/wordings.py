"""Says the customer's own sentence back, for better wordings in exactly the quoted turn."""

import re

from services.scoring_worker.judging.words import count_words, fold, sentences, topics
from shared.dialogue.lexicon import LEXICON

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
    "our": "your",
    "us": "you",
    "here": "there",
}
_OWN = _TURN_AROUND.keys() - {"me", "us", "myself", "here"}
"""Words that say whose story it is; `let me guess` tells none."""
_AFTER_I = {"am": "are", "was": "were", "wasn't": "weren't", "'m": "'re"}
_WORD = re.compile(r"[A-Za-z]+(?:[^\w\s][A-Za-z]+)*")
_LEAD_IN = re.compile(
    r"^(?:(?:and|but|so|well|look|listen|no|yes|yeah|hi|hello|okay|ok|also|oh|because|hey|honestly|right)\b[\s,]*)+",
    re.IGNORECASE,
)
_UNFIT = re.compile(
    r"\b(?:you|your|you're|you've|stupid|idiot\w*|useless|crap|damn|hell|scam\w*|liar|joke|fuck\w*|"
    r"shit\w*|ridiculous|i mean|um|uh|hang(?:ing)? up|phone down|going to call|threat)\b|[?!\";:“”]"
)
"""Words that lose or change their meaning when said back, and words not to repeat."""

_UNFIT_CAPS = re.compile(r"\b[A-Z]{4,}\b")
MIN_ECHO_WORDS, MAX_ECHO_WORDS = 4, 18
"""A shorter sentence says too little, a longer one cannot be said back in one breath."""


def say_back(customer_text: str) -> str | None:
    """Return the customer's fullest plain sentence turned around (`my` -> `your`), or None."""
    parts = [customer_text[span.start : span.end] for span in sentences(customer_text)]
    bare = [_LEAD_IN.sub("", part).rstrip(".…! ") for part in parts]
    fit = [part for part in bare if _can_be_said_back(part)]
    if not fit:
        return None
    best = max(fit, key=lambda part: len(topics(part)))
    turned = _turn_around(best)
    return turned[:1].lower() + turned[1:] if _starts_plainly(best) else turned


def _can_be_said_back(part: str) -> bool:
    first_person = any(fold(word) in _OWN for word in _WORD.findall(part))
    return (
        MIN_ECHO_WORDS <= count_words(part) <= MAX_ECHO_WORDS
        and first_person
        and _is_varied(part)
        and len(topics(part)) >= 2
        and not _UNFIT.search(fold(part))
        and not _UNFIT_CAPS.search(part)
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
    return word in _TURN_AROUND or word in LEXICON.stopwords or word in {"a", "an", "it", "nobody"}


def _turn_around(part: str) -> str:
    after_i = False

    def swap(match: re.Match[str]) -> str:
        nonlocal after_i
        word = fold(match.group())
        turned = _AFTER_I.get(word) if after_i else None
        after_i = word == "i"
        return turned or _TURN_AROUND.get(word, match.group())

    return _WORD.sub(swap, part)
