"""Says a customer's draft in slightly other words."""

import re
from random import Random
from typing import Final

from infra.llm_fake.asking import Ask
from infra.llm_fake.planners.glossary import from_english
from infra.llm_fake.planners.reading import data_of

LONGER: Final = {
    "i'm": "I am",
    "i've": "I have",
    "i'll": "I will",
    "don't": "do not",
    "doesn't": "does not",
    "didn't": "did not",
    "isn't": "is not",
    "wasn't": "was not",
    "can't": "cannot",
    "couldn't": "could not",
    "won't": "will not",
    "haven't": "have not",
    "it's": "it is",
    "that's": "that is",
    "there's": "there is",
    "you're": "you are",
    "you've": "you have",
    "we're": "we are",
}
"""What people shorten; the long form means the same."""

SHORTER: Final = {long.lower(): short for short, long in LONGER.items()}

_SHORT_FORM: Final = re.compile(rf"\b({'|'.join(LONGER)})\b(?!['\u2019])", re.IGNORECASE)
_LONG_FORM: Final = re.compile(rf"\b({'|'.join(SHORTER)})\b(?=\s+\w)", re.IGNORECASE)


def word(ask: Ask, dice: Random) -> str:
    """Return the draft in other words, or as it is; in another language word by word."""
    data = data_of(ask, "draft")
    draft = str(data.get("draft", "")).strip()
    language = str(data.get("language", "en"))
    if not language.lower().startswith("en"):
        return from_english(draft, language)
    return _varied(draft, dice)


def _varied(draft: str, dice: Random) -> str:
    plain = draft.replace("\u2019", "'")
    longer = _SHORT_FORM.sub(lambda found: _like(found[0], LONGER[found[0].lower()]), plain)
    shorter = _LONG_FORM.sub(lambda found: _like(found[0], SHORTER[found[0].lower()]), plain)
    changed = [each for each in (longer, shorter) if each != plain]
    return dice.choice(changed) if changed else draft


def _like(word: str, other: str) -> str:
    """Return the other form with the first letter of the word."""
    if other.startswith("i'"):
        other = f"I{other[1:]}"
    return other[:1].upper() + other[1:] if word[:1].isupper() else other
