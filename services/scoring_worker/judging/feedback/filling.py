"""Picks the wording that says most about a turn and fills its slots."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import blake2b

Get = Callable[[str], str | None]
"""Returns the value of a slot, or None when there is none."""

_SLOT = re.compile(r"\{([A-Za-z]+)\}")

_WORTH = {"own": 4, "echo": 5, "deed": 5, "plan": 5, "earlier": 5, "portion": 5, "request": 5}
"""How much a filled slot says about the turn; the others count `_PLAIN_WORTH`."""

_PLAIN_WORTH = {"feeling": 1, "cost": 1, "said": 2, "thing": 2, "question": 3, "asked": 4}
_OTHER_WORTH = 3


@cache
def slots(template: str) -> frozenset[str]:
    """Return the names of the slots of a template, in lower case."""
    return frozenset(name.lower() for name in _SLOT.findall(template))


def choose(templates: Sequence[str], get: Get, salt: str) -> str | None:
    """Return the fullest template whose slots are all known, filled; None when there is none.

    `salt` decides among equals: the same conversation gets the same words.
    """
    fit = [item for item in templates if all(get(name) for name in slots(item))]
    if not fit:
        return None
    best = max(_worth(item) for item in fit)
    equal = [item for item in fit if _worth(item) == best]
    return fill(equal[spread(salt, len(equal))], get)


def fill(template: str, get: Get) -> str:
    """Fill the slots; `{Thing}` begins with a capital."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        said = get(name.lower()) or ""
        return said[:1].upper() + said[1:] if name[0].isupper() else said

    return _SLOT.sub(value, template)


def spread(salt: str, count: int) -> int:
    """Return a number below `count` that looks random and depends on the salt only."""
    return int.from_bytes(blake2b(salt.encode(), digest_size=4).digest()) % count


@cache
def _worth(template: str) -> int:
    return sum(_WORTH.get(name) or _PLAIN_WORTH.get(name, _OTHER_WORTH) for name in slots(template))
