"""The words that the rules for titles look for."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec

from shared.contracts.base import Authored
from shared.yaml_files import read_yaml

_FILE = Path(__file__).with_name("terms.yaml")
_ENDS_LIKE_S = ("s", "x", "z", "ch", "sh", "o")
_DOUBLES = re.compile(r"^[^aeiou]*[aeiou][bdgmnpt]$")
_VOWELS = "aeiou"


class Terms(Authored, frozen=True, kw_only=True):
    """Lists of words, as the file explains them."""

    vague: tuple[str, ...]
    harmless: tuple[str, ...]
    fillers: frozenset[str]
    minds: tuple[str, ...]
    unheard: tuple[str, ...]
    absolute: tuple[str, ...]
    acronyms: frozenset[str]
    idioms: tuple[str, ...]
    asides: tuple[str, ...]
    clauses: frozenset[str]
    lead_ins: frozenset[str]
    openers: frozenset[str]
    verbs: tuple[str, ...]
    past: dict[str, str]
    nouns_too: frozenset[str]


@cache
def load_terms() -> Terms:
    """Return the lists.

    Raises:
        msgspec.ValidationError: the file is malformed.
    """
    return msgspec.convert(read_yaml(_FILE), Terms)


@cache
def pattern(name: str) -> "re.Pattern[str]":
    """Return a pattern of the whole words of one list; longer ones first."""
    return any_of(getattr(load_terms(), name))


def any_of(words: Iterable[str]) -> "re.Pattern[str]":
    """Return a pattern of these words or phrases, standing alone, in any case."""
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)


@cache
def verb_forms() -> dict[str, frozenset[str]]:
    """Return the forms that a word can be of a verb: base, third (`asks`), ing, past."""
    found: dict[str, set[str]] = {}
    for verb in load_terms().verbs:
        for form, word in _forms(verb).items():
            found.setdefault(word, set()).add(form)
    return {word: frozenset(forms) for word, forms in found.items()}


@cache
def noun_words() -> frozenset[str]:
    """Return the words that look like a verb with `s` and are common nouns as well."""
    return frozenset(_forms(verb)["third"] for verb in load_terms().nouns_too)


def _forms(verb: str) -> dict[str, str]:
    third = f"{verb}es" if verb.endswith(_ENDS_LIKE_S) else f"{verb}s"
    stem = verb if verb.endswith("ee") else verb.removesuffix("e")
    if _DOUBLES.match(verb):
        stem = verb + verb[-1]
    past = f"{verb}d" if verb.endswith("e") else f"{stem}ed"
    if verb.endswith("y") and verb[-2] not in _VOWELS:
        third, past = f"{verb[:-1]}ies", f"{verb[:-1]}ied"
    past = load_terms().past.get(verb, past)
    return {"base": verb, "third": third, "ing": f"{stem}ing", "past": past}
