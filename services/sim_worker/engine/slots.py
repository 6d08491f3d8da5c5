"""Fills `{slot}` marks in lines."""

import re
from collections.abc import Mapping

_SLOT = re.compile(r"(^|[.!?]\s+)?\{(\w+)\}")


def fill(text: str, slots: Mapping[str, str]) -> str:
    """Return the text with its slots filled, capitalized at the start of a sentence.

    Raises:
        KeyError: a slot has no value.
    """

    def value(match: re.Match[str]) -> str:
        lead, filled = match.group(1), slots[match.group(2)]
        if lead is None:
            return filled
        return f"{lead}{filled[:1].upper()}{filled[1:]}"

    return _SLOT.sub(value, text).replace("..", ".")
