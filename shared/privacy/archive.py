"""A ZIP that is written into the database part by part, sealed; it never rests whole anywhere."""

import csv
import io
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final
from uuid import UUID

import msgspec
from typing_extensions import override

FILE_PART: Final = "privacy_files.content"
"""Column of a part of a file."""

PART_BYTES: Final = 512 * 1024

_COMPUTED: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would compute, as the first character of a text."""

Keep = Callable[[int, bytes], Awaitable[None]]
"""Keeps the part of a number, from 0 on."""


def file_row(operation_id: UUID, part: int) -> bytes:
    """Return the row bytes of a part, which is known by operation and number."""
    return operation_id.bytes + part.to_bytes(4, "big")


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    """Return lines of CSV; a text that a spreadsheet would compute begins with an apostrophe."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(cells(row) for row in rows)
    return text.getvalue()


def cells(values: Iterable[Any]) -> list[str]:
    """Return the cells of a row: texts as they are, nothing for null, JSON for all else."""
    found = []
    for value in values:
        if isinstance(value, str):
            found.append(f"'{value}" if value.startswith(_COMPUTED) else value)
        elif value is None:
            found.append("")
        else:
            found.append(msgspec.json.encode(value).decode())
    return found


class Pipe(io.RawIOBase):
    """What the archive writes into; it never looks back."""

    def __init__(self) -> None:
        self.ready = bytearray()
        self._written = 0

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: Any, /) -> int:
        self.ready += data
        self._written += len(data)
        return len(data)

    @override
    def tell(self) -> int:
        return self._written


class Parts:
    """Hands over what the pipe holds whenever a part is full."""

    def __init__(self, keep: Keep) -> None:
        self.pipe = Pipe()
        self.size = 0
        self.count = 0
        self._keep = keep

    async def store(self, *, is_last: bool = False) -> None:
        """Keep full parts; the last call keeps all that is left."""
        ready = self.pipe.ready
        while len(ready) >= PART_BYTES or (is_last and ready):
            content = bytes(ready[:PART_BYTES])
            del ready[:PART_BYTES]
            await self._keep(self.count, content)
            self.count += 1
            self.size += len(content)
