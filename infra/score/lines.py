"""Reads the input line by line, in a bounded amount of memory, and cuts it into chunks of work."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from shared.intake.limits import MAX_CHARACTERS

MAX_LINE_BYTES: Final = 16 * MAX_CHARACTERS
"""A character takes six bytes when it is escaped; the rest is room for fields that are ignored."""

CHUNK_LINES: Final = 8
"""About a tenth of a second of work: sending it costs nothing, and no worker waits long."""

CHUNK_BYTES: Final = 256 * 1024
"""From so many bytes on a chunk is full, however few lines it has."""

Line = tuple[int, bytes | None]
"""Number from 1, and the bytes without the line end; None for a line that is too long."""


class Lines:
    """The lines of a stream that are not blank."""

    def __init__(self, stream: BinaryIO, size: int | None) -> None:
        self._stream = stream
        self.size = size
        """Bytes of the whole input; None for a pipe."""
        self.number = 0
        """Of the line that was read last."""
        self.bytes = 0
        """Read so far."""

    def __iter__(self) -> Iterator[Line]:
        while line := self._stream.readline(MAX_LINE_BYTES + 1):
            self.number += 1
            self.bytes += len(line)
            if line.endswith(b"\n") or len(line) <= MAX_LINE_BYTES:
                line = line.rstrip(b"\r\n")
                if line and not line.isspace():
                    yield self.number, line
            else:
                self._skip_rest()
                yield self.number, None

    def _skip_rest(self) -> None:
        while part := self._stream.readline(MAX_LINE_BYTES):
            self.bytes += len(part)
            if part.endswith(b"\n"):
                return


def chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Yield the lines, a few at a time."""
    chunk: list[Line] = []
    size = 0
    for number, line in lines:
        chunk.append((number, line))
        size += len(line or b"")
        if len(chunk) == CHUNK_LINES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
