"""Keeps text that speaks to the grader, or praises its own performance, from earning anything.

Such sentences are blanked with as many spaces before good behavior is looked for, so that spans
stay valid. Bad behavior is looked for in the original text: no plea hides an insult.
"""

import re
from functools import lru_cache

from services.scoring_worker.judging.phrases import PHRASES, either
from services.scoring_worker.judging.words import Span, fold, sentences

GRADER = "text_addressed_to_grader"
"""Flag: a sentence asks whoever scores for marks, or tells a model what to answer."""

SELF_PRAISE = "self_praise"
"""Flag: a sentence claims a skill in place of showing it."""

_NAMES = {name: "|".join(getattr(PHRASES, name)) for name in ("judges", "skills", "praise")}


def _rules(entries: list[str]) -> re.Pattern[str]:
    """Fill in the names; only they are replaced, since other braces count repetitions."""
    for name, words in _NAMES.items():
        entries = [entry.replace(f"{{{name}}}", words) for entry in entries]
    return either(entries)


_TO_GRADER = _rules(PHRASES.to_grader)
_CLAIMS = _rules(PHRASES.claims)


@lru_cache(maxsize=4096)
def suspicious(text: str) -> tuple[tuple[Span, str], ...]:
    """Return the sentences that must not earn anything, each with its flag."""
    found: list[tuple[Span, str]] = []
    for span in sentences(text):
        part = fold(text[span.start : span.end])
        if _TO_GRADER.search(part):
            found.append((span, GRADER))
        elif _CLAIMS.search(part):
            found.append((span, SELF_PRAISE))
    return tuple(found)


def blank(text: str, spans: tuple[Span, ...]) -> str:
    """Replace the spans by spaces; the length and every other position stay."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
