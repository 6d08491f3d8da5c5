"""What partners attach to things: up to 50 keys of their own. It is their text, so it rests sealed.

Whoever seals with a learner's key loses it with the learner: that is the point.
"""

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec

from shared.db.sealed import SealKey
from shared.errors import FieldError, ValidationFailedError

MAX_KEYS: Final = 50
MAX_KEY: Final = 40
"""Characters."""
MAX_VALUE: Final = 500
"""Characters."""

MetadataKey = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_KEY)]
MetadataValue = Annotated[str, msgspec.Meta(max_length=MAX_VALUE)]

Metadata = Annotated[
    dict[MetadataKey, MetadataValue],
    msgspec.Meta(
        max_length=MAX_KEYS,
        description="Your own keys and values; they decide nothing here.",
    ),
]

Attached = dict[str, str]

_TEXTS: Final = msgspec.json.Decoder(Attached)


class MetadataPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change what is attached: keys that are not named stay as they are."""

    metadata: Annotated[
        dict[MetadataKey, MetadataValue | None],
        msgspec.Meta(
            max_length=2 * MAX_KEYS,
            description="New values by key; null takes a key away.",
        ),
    ]


def merged(before: Mapping[str, str], changes: Mapping[str, str | None]) -> Attached:
    """Return what is attached after a change.

    Raises:
        ValidationFailedError: that would be more keys than there may be.
    """
    after = {**before, **changes}
    kept = {key: value for key, value in after.items() if value is not None}
    if len(kept) > MAX_KEYS:
        detail = f"That would be {len(kept)} keys; {MAX_KEYS} are the most"
        wrong = FieldError(pointer="/metadata", code="too-long", detail=detail)
        raise ValidationFailedError(errors=(wrong,))
    return kept


def seal_metadata(
    key: SealKey, metadata: Mapping[str, str], column: str, row: bytes
) -> bytes | None:
    """Return the sealed form for this `table.metadata` and row; None for nothing."""
    return key.seal(msgspec.json.encode(metadata), column, row) if metadata else None


def open_metadata(key: SealKey, sealed: bytes | None, column: str, row: bytes) -> Attached:
    """Return what is attached; raises `UnsealError`."""
    return {} if sealed is None else _TEXTS.decode(key.open(sealed, column, row))
