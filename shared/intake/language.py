"""Says whether a conversation is in English, the language the analyzer knows.

Two looks, both crude and both careful: the script of the letters, and the share of small words.
They overrule what the sender declared only where a text is plainly something else; a short text
decides nothing.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Final

import msgspec

from shared.yaml_files import read_yaml

DEFAULT: Final = "en"
"""Where the sender says nothing."""

TAG: Final = "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$"
"""The shape of a language tag (BCP 47)."""

UNKNOWN: Final = "und"
"""The tag for a language that cannot be named."""

SUPPORTED: Final = frozenset({"en"})

MIN_LETTERS: Final = 20
"""Letters from which the script of a text says something."""

MIN_WORDS: Final = 20
"""Words from which the share of small words says something."""

_LOOKED_AT: Final = 2500
"""Characters that are looked at: a language shows early."""

_OTHER_SHARE: Final = 0.15
"""Share of its small words from which a text may be in another language."""

_LEAD: Final = 1.5
"""By how much that share must exceed the English one."""

_ENGLISH_SHARE: Final = 0.12
"""Below this a text is no English, whatever else it is; English has 0.3 and more."""

_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_SCRIPTS: Final = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\u1100-\u11ff\uac00-\ud7af]")),
    ("zh", re.compile("[\u3400-\u9fff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
"""The commonest language of a script; the first that has a tenth of the letters names the text."""

_SCRIPT_SHARE: Final = 0.1


def is_supported(tag: str) -> bool:
    """Say whether the analyzer knows the language of a tag."""
    return _primary(tag) in SUPPORTED


def read_language(declared: str, texts: Iterable[str]) -> str:
    """Return the language to go by: the declared one, unless a supported one is plainly wrong."""
    if not is_supported(declared):
        return declared
    return detect(texts) or declared


def small_words(tag: str) -> frozenset[str]:
    """Return the commonest small words of a language; none for one that we know no words of."""
    return _small_words().get(_primary(tag), frozenset())


def detect(texts: Iterable[str]) -> str | None:
    """Return the language of texts that are plainly not English; None for English or unclear."""
    text = "\n".join(texts)[:_LOOKED_AT].lower().replace("\u2019", "'")
    if not text.isascii():
        letters = _LETTER.findall(text)
        latin = sum(1 for letter in letters if _LATIN.match(letter))
        if len(letters) >= MIN_LETTERS and latin * 2 < len(letters):
            return _by_script(text, len(letters))
    return _by_words(_WORD.findall(text))


def _by_script(text: str, letters: int) -> str:
    for tag, pattern in _SCRIPTS:
        if len(pattern.findall(text)) >= letters * _SCRIPT_SHARE:
            return tag
    return UNKNOWN


def _by_words(words: list[str]) -> str | None:
    if len(words) < MIN_WORDS:
        return None
    known = _small_words()
    english = _share(words, known[DEFAULT])
    if english >= 2 * _OTHER_SHARE:  # so for nearly every conversation: look no further
        return None
    best, share = max(
        ((tag, _share(words, small)) for tag, small in known.items() if tag != DEFAULT),
        key=lambda pair: pair[1],
    )
    if share >= _OTHER_SHARE and share >= _LEAD * english:
        return best
    return UNKNOWN if english < _ENGLISH_SHARE else None


def _share(words: list[str], small: frozenset[str]) -> float:
    return len([1 for word in words if word in small]) / len(words)


def _primary(tag: str) -> str:
    return tag.casefold().replace("_", "-").split("-")[0]


@cache
def _small_words() -> dict[str, frozenset[str]]:
    source = resources.files("shared.intake").joinpath("languages.yaml")
    lines = msgspec.convert(read_yaml(source), dict[str, str])
    return {tag: frozenset(words.split()) for tag, words in lines.items()}
