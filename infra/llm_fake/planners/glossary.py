"""Says sentences word by word in another language, with a small glossary."""

import re
from functools import cache
from importlib.resources import files
from typing import Final

from shared.yaml_files import read_yaml

LANGUAGES: Final = ("de", "fr", "es")
"""In the order of the glossary."""

_WORD: Final = re.compile(r"(?<![\w-])[^\W\d_]+(?:['\u2019][^\W\d_]+)*(?![\w-])")
"""Not a part of `14A` or `twenty-six`: codes and numbers stay."""
_GERMAN_STYLE: Final = re.compile(r"(?<![\w.,])(\d{1,3}(?:\.\d{3})*),(\d{2})(?![\d.,])")


def to_english(text: str, language: str) -> str:
    """Return the text with every word that is known in English; the others stay."""
    known = _glossary(language)[0]
    figures = _GERMAN_STYLE.sub(lambda found: f"{found[1].replace('.', ',')}.{found[2]}", text)
    said = _said(figures, known)
    if said == figures and len(text.split()) >= 5:
        # No word was known. What comes back unchanged looks as if nobody had tried.
        return f"So they say this: {said}"
    return said


def from_english(text: str, language: str) -> str:
    """Return the text with every word that is known in the language; the others stay."""
    return _said(text, _glossary(language)[1])


def _said(text: str, known: dict[str, str]) -> str:
    said = _WORD.sub(lambda found: known.get(found[0].lower(), found[0]), text)
    return said[:1].upper() + said[1:] if text[:1].isupper() else said


@cache
def _glossary(language: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return foreign to English, and English to foreign, both from lower case."""
    short = language.lower().split("-")[0]
    if short not in LANGUAGES:
        return {}, {}
    place = LANGUAGES.index(short)
    rows: dict[str, list[str]] = read_yaml(files("infra.llm_fake.planners") / "glossary.yaml")
    inward: dict[str, str] = {}
    outward: dict[str, str] = {}
    for english, words in rows.items():
        # `my own` tells two forms of a word apart that English does not have.
        plain = english.split()[0]
        inward.setdefault(words[place].lower(), "I" if plain == "i" else plain)
        outward.setdefault(plain, words[place])
    return inward, outward
