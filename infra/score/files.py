"""The two ends: a file or `-` to read, a file or `-` to write."""

import fcntl
import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from infra.cli.errors import CommandError

STANDARD: Final = Path("-")


@contextmanager
def reading(path: Path) -> Iterator[tuple[BinaryIO, int | None]]:
    """Open the input; yield it with its size in bytes, None for a pipe.

    Raises:
        CommandError: it cannot be read.
    """
    if path == STANDARD:
        yield sys.stdin.buffer, _size(sys.stdin.fileno())
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error.strerror}") from None
    with file:
        yield file, _size(file.fileno())


def _size(descriptor: int) -> int | None:
    found = os.fstat(descriptor)
    return found.st_size if stat.S_ISREG(found.st_mode) else None


class Output(Protocol):
    """Where the lines go."""

    def write(self, text: bytes) -> None:
        """Write whole lines; raises `CommandError`."""


class StandardOutput:
    """A pipe or a terminal."""

    def write(self, text: bytes) -> None:
        try:
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
        except OSError as error:
            raise CommandError(f"the output cannot be written: {error.strerror}") from None


class FileOutput:
    """A file of which this run is the only writer; each write ends with a whole line."""

    def __init__(self, path: Path, raw: io.FileIO) -> None:
        self.path = path
        self.raw = raw

    def write(self, text: bytes) -> None:
        left = memoryview(text)
        try:
            while left:
                left = left[self.raw.write(left) :]
        except OSError as error:
            raise CommandError(f"{self.path}: cannot be written: {error.strerror}") from None

    def cut(self, size: int) -> None:
        """Keep the first `size` bytes and go on after them."""
        self.raw.truncate(size)
        self.raw.seek(size)


@contextmanager
def writing(path: Path, source: Path) -> Iterator[FileOutput]:
    """Open the output without changing it.

    Raises:
        CommandError: it cannot be written, is the input, or another run is writing it.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise CommandError(f"{path}: cannot be written: {error.strerror}") from None
    with io.FileIO(descriptor, "r+b") as raw:
        if _size(descriptor) is None:
            raise CommandError(f"{path} is no file; `--out -` writes to standard output")
        if source != STANDARD and source.exists() and source.samefile(path):
            raise CommandError(f"{path} is the input")
        try:
            # Not `flock`: worker processes would share it, and outlive their parent for a moment.
            fcntl.lockf(raw, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(f"another run is writing {path}") from None
        yield FileOutput(path, raw)
