"""Ids, numbers and keys in paths; one that cannot be read is an object that does not exist."""

import re
from typing import Any, Final
from uuid import UUID

from shared.errors import NotFoundError
from shared.ids import InvalidIdError, parse_id

NUMBER: Final = "#"
"""Stands in a path where an id has its prefix."""

TEXT: Final = "@"
"""Likewise, for a key of the caller's own choice."""

_NUMBER_SHAPE: Final = re.compile("[1-9][0-9]{0,8}")

TEXT_PATTERN: Final = "[a-z][a-z0-9_.-]{0,79}"
"""What a key in a path looks like."""

_TEXT_SHAPE: Final = re.compile(TEXT_PATTERN)

Values = dict[str, Any]
"""Parts of a request's path by their name."""


def path_id(values: Values, name: str, prefix: str) -> UUID:
    """Return an id of the path; raises `NotFoundError`."""
    try:
        return parse_id(prefix, str(values[name]))
    except InvalidIdError:
        raise NotFoundError from None


def path_number(values: Values, name: str) -> int:
    """Return a number of the path, from 1; raises `NotFoundError`."""
    text = str(values[name])
    if _NUMBER_SHAPE.fullmatch(text) is None:
        raise NotFoundError
    return int(text)


def path_text(values: Values, name: str) -> str:
    """Return a key of the path; raises `NotFoundError`."""
    text = str(values[name])
    if _TEXT_SHAPE.fullmatch(text) is None:
        raise NotFoundError
    return text


def plain_path(path: str) -> str:
    """Return an endpoint's path without the kinds of its parts."""
    return "/".join(
        part.split(":")[0] + "}" if part.startswith("{") else part for part in path.split("/")
    )


def litestar_path(path: str) -> str:
    """Return an endpoint's path as the router wants it; every part arrives as text."""
    return "/".join(
        part.split(":")[0] + ":str}" if part.startswith("{") else part for part in path.split("/")
    )
