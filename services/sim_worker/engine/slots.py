"""Fills `{slot}` marks in lines."""

import re
from collections.abc import Mapping

_SLOT = re.compile(r"(^|[.!?]\s+)?\{(\w+)\}")


def fill(text: str, slots: Mapping[str, str]) -> str:
    """Return the text with its slots filled, capitalized at the start of a sentence.

    Raises:
        KeyError: a slot has no value.
    """
    if "{" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        lead, filled = match.group(1), slots[match.group(2)]
        if lead is None:
            return filled
        return f"{lead}{filled[:1].upper()}{filled[1:]}"

    filled = _SLOT.sub(value, text)
    # a slot may bring its own full stop ("at 8 p.m."), and "..." is meant
    return re.sub(r"(?<!\.)\.\.(?!\.)", ".", filled)


def with_article(noun: str) -> str:
    """Return the noun with `a` or `an`."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"
