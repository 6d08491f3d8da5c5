"""Where the reader of a simulation's events stands: the sequence of the last one."""

import re
from typing import Final

from shared.errors import FieldError, ValidationFailedError

PATTERN: Final = "^(0|[1-9][0-9]{0,8})$"

MAX_LENGTH: Final = 9

_SHAPE: Final = re.compile(PATTERN)


def read_position(last_event_id: str | None, after: str | None) -> int:
    """Return where a client goes on; its header is newer than the address it first asked.

    Raises:
        ValidationFailedError: not an id of ours.
    """
    if last_event_id is not None:
        return _read(last_event_id.strip(), "header:Last-Event-ID")
    return 0 if after is None else _read(after, "query:after")


def _read(text: str, pointer: str) -> int:
    if _SHAPE.fullmatch(text) is None:
        error = FieldError(pointer=pointer, code="format", detail="Not the id of an event here")
        raise ValidationFailedError(errors=(error,))
    return int(text)
