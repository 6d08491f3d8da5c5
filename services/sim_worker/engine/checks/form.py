"""How a line is written: nothing that cannot be said aloud, nothing that cannot be seen."""

import re
import unicodedata
from functools import cache
from typing import Final

from services.sim_worker.engine.checks.table import WORDS
from shared.audit.language import plain, words
from shared.intake.cleaning import clean
from shared.intake.language import small_words

_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
_ALLOWED: Final = "\n\r\t\u200c\u200d"
"""Spaces, and joiners: spelling in Persian, Hindi and others, and taken out anywhere else."""
_SIGNS: Final = frozenset({"So", "Sk"})
"""Categories of emoji and the like."""
_PLAIN: Final = re.compile(r"[ -~\n\r\t]*")
_LISTED: Final = re.compile(r"^\s*(?:[-*\u2022\u2013]|\d{1,2}[.)]|#{1,6})\s+\S|^\s*>", re.MULTILINE)
_OPENING: Final = '"\u201c\u00ab\u201e'
_CLOSING: Final = '"\u201d\u00bb\u201c'
_QUOTED: Final = re.compile(rf"\s*[{_OPENING}]")
_LABEL: Final = re.compile(
    r"\W*(?:agent|customer|client|caller|assistant|user|system|you|me|line|reply|answer|response"
    r"|kunde|kundin|cliente?)\W{0,3}:",
    re.IGNORECASE,
)
_LETTER: Final = re.compile(r"[^\W\d_]")
_FEW_WORDS: Final = 4
"""Words from which a sentence shows its language."""
_MANY_WORDS: Final = 12
"""Words among which English has a frequent one."""


def seen(raw: str) -> str | None:
    """Return what is wrong with characters and layout of a stretch as it came; None for nothing."""
    if not _PLAIN.fullmatch(raw):
        for char in raw:
            if char in _ALLOWED:
                continue
            category = unicodedata.category(char)
            if category in _UNSEEN:
                return "invisible"
            if category in _SIGNS:
                return "markup"
        if clean(raw).removed:
            return "invisible"
    return "markup" if _LISTED.search(raw) else None


def framed(line: str, name: str) -> str | None:
    """Say whether a line stands in quotation marks or behind the name of a speaker."""
    if _LABEL.match(line) or re.match(rf"\W*{re.escape(name)}\W{{0,3}}:", line, re.IGNORECASE):
        return "speaker_label"
    if _QUOTED.match(line) and not _closes_early(line):
        return "quoted"
    return None


def is_foreign(sentence: str, language: str) -> bool:
    """Say whether a sentence is not in the language of the line, as far as that can be told."""
    said = [word.partition("'")[0] for word in words(sentence)]
    if language != "en" and not language.startswith("en-"):
        only_english = WORDS.english - _own_words(language)  # `a` and `do` are Portuguese as well
        english = sum(word in only_english for word in said)
        return len(said) > _FEW_WORDS and 5 * english > 2 * len(said)
    english = sum(word in WORDS.english for word in said)
    if not sentence.isascii() and _is_other_script(sentence):
        return True
    foreign = sum(word in WORDS.foreign for word in said)
    if len(said) >= _FEW_WORDS and foreign > max(english, 1):
        return True
    return len(said) >= _MANY_WORDS and not english


@cache
def _own_words(language: str) -> frozenset[str]:
    """Return the small words of a language in plain letters; none where we know none."""
    return frozenset(plain(word) for word in small_words(language))


def _is_other_script(sentence: str) -> bool:
    letters = _LETTER.findall(sentence)
    other = [char for char in letters if not unicodedata.name(char, "").startswith("LATIN")]
    return 2 * len(other) > len(letters)


def _closes_early(line: str) -> bool:
    """Say whether what is quoted at the start ends before the line does, or its first sentence."""
    rest = line.strip()[1:]
    end = next((at for at, char in enumerate(rest) if char in _CLOSING), None)
    return end is not None and len(rest[end + 1 :].strip(" .!?,")) > 0
