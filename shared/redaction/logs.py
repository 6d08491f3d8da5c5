"""What libraries log: their words stay, what looks like a person's does not.

Our own log lines hold ids and numbers only. A library's message may quote what it stumbled over, an
exception's text above all.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.redaction.redactor import PatternRedactor

_RAISED: Final = re.compile(
    r"\b(?P<name>[A-Z]\w*(?:Error|Exception|Warning|Group))\(.*\)", re.DOTALL
)
"""The way an exception shows itself: its type, and in brackets what may be anybody's words."""

MOST: Final = 2000
"""Characters of a message that are kept."""


def masked(message: str) -> str:
    """Return a library's message with marks for personal data and without exceptions' words."""
    plain = _RAISED.sub(r"\g<name>(...)", message[:MOST])
    return str(_redactor().redact([plain]).texts[0])


@cache
def _redactor() -> "PatternRedactor":
    from shared.redaction.redactor import PatternRedactor  # noqa: PLC0415 - big, and rarely needed

    return PatternRedactor()
