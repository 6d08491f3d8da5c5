"""What a data directory remembers between starts, and the lock against a second supervisor."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

import msgspec

from infra.devstack.errors import DevstackError
from infra.devstack.files import write_private

_held: Final[set[int]] = set()
"""Descriptors of the locks of this process; a forked child must not keep a lock alive."""


class StackState(msgspec.Struct, frozen=True, kw_only=True):
    """Ports to use again, and processes to look for after a crash."""

    ports: dict[str, int] = {}
    """By purpose: `postgres`, `nats`, `temporal`, `temporal_http`, `nats_monitor`."""
    pids: dict[str, int] = {}
    """By server name; only those started here."""


def read_state(path: Path) -> StackState:
    """Return the remembered state; a missing or damaged file counts as empty."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=StackState)
    except (OSError, msgspec.MsgspecError):
        return StackState()


def write_state(path: Path, state: StackState) -> None:
    """Remember the state."""
    write_private(path, msgspec.json.format(msgspec.json.encode(state)))


class SupervisorLock:
    """One supervisor per data directory; the kernel frees the lock when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            DevstackError: another supervisor holds it; its pid is in the text.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise DevstackError(f"another rapport is running here (pid {holder})") from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        _held.add(descriptor)
        self._descriptor = descriptor

    def release(self) -> None:
        """Let the lock go; no error if it is not held."""
        if self._descriptor is not None:
            _held.discard(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None


def _drop_in_child() -> None:
    for descriptor in _held:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_drop_in_child)
