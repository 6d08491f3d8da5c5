"""What redaction leaves of texts."""

from collections.abc import Mapping

import msgspec


class Redacted(msgspec.Struct, frozen=True, kw_only=True):
    """Texts without personal data."""

    texts: tuple[str, ...]
    marks: Mapping[str, str]
    """By mark (`[EMAIL_1]`), what stood there; the same mark for the same words in all texts."""
