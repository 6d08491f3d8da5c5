"""How reports rest in the database: sealed columns and their rows, for who writes and who reads."""

from typing import Final
from uuid import UUID

PAGE: Final = "documents.content"
"""Column of a weekly page; its row is the document's id."""

EXPORT_PART: Final = "export_parts.content"
"""Column of a part of a file."""


def part_row(operation_id: UUID, part: int) -> bytes:
    """Return the row bytes of a part, which is known by operation and number."""
    return operation_id.bytes + part.to_bytes(4, "big")
