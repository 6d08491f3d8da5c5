"""The phrase lists of `phrases.yaml` that detectors look for, compiled to be searched fast."""

import re
from collections.abc import Iterable

import msgspec

from services.scoring_worker.judging.phrases import PHRASES, either
from shared.dialogue.spelling import word_set

_WORD_START = r"\b"


def at_words(entries: Iterable[str]) -> re.Pattern[str]:
    """Compile alternatives that all begin at a word: they are tried nowhere else.

    Raises:
        ValueError: an entry does not begin at a word.
    """
    bodies = []
    for entry in entries:
        if not entry.startswith(_WORD_START):
            raise ValueError(f"this phrase does not begin at a word: {entry}")
        bodies.append(entry.removeprefix(_WORD_START))
    return re.compile(rf"\b(?:{either(bodies).pattern})")


class Term(msgspec.Struct, frozen=True, eq=False):
    """A list of phrases and the words of which every one of them holds at least one."""

    regex: re.Pattern[str]
    words: frozenset[str]


COMMITMENT = Term(
    at_words(PHRASES.commitment),
    word_set(
        "by within before until next today tonight tomorrow morning afternoon evening week monday"
        " tuesday wednesday thursday friday saturday sunday now away immediately minute minutes"
        " hour hours day days"
    ),
)
"""Who does something, and when."""

VAGUE = Term(
    at_words(PHRASES.vague),
    word_set("know idea guess whatever point later days see depends say might like knows"),
)
"""Leaves nothing to hold on to."""

DEAD_END = Term(
    at_words(PHRASES.dead_end),
    word_set(
        "nothing much can't cannot problem department job area hands wait live deal later again"
        " how leave"
    ),
)
"""The way forward ends here."""

SECRET = Term(
    at_words(PHRASES.secret),
    word_set("pin password passwords code codes passcode passcodes cvv cvv2 card"),
)
"""Asks for what no honest caller needs."""

ACCOUNT_DETAIL = Term(
    at_words(PHRASES.account_detail),
    word_set(
        "balance account card payment payments loan address arrears owe transaction transfer"
        " purchase"
    ),
)
"""Says what a stranger must not hear."""

SECRET_WARNING, GLOSS = either(PHRASES.secret_warning), either(PHRASES.gloss)
