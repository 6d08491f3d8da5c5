"""Server processes that never outlive their supervisor, and those an earlier one left behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from infra.devstack.errors import DevstackError, last_lines, log_tail

PR_SET_PDEATHSIG: Final = 1
"""`prctl` option of Linux: the signal a process gets when the one that started it dies."""
POLL_S: Final = 0.005
"""How often a condition is looked at while waiting, in seconds."""
LOG_LIMIT_BYTES: Final = 8 * 1024 * 1024
"""A log larger than this is set aside as `*.log.1` at the next start."""

_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """How one server process starts."""

    argv: tuple[str, ...]
    log: Path
    """Receives standard output and error."""
    home: Path
    """Working directory and `HOME` of the process; the rest of its environment is fixed."""
    death_signal: signal.Signals
    """What it gets when the supervisor dies by whatever cause."""
    account: tuple[int, int] | None = None
    """User and group id to run as; None = those of the supervisor."""


class ServerProcess:
    """One running server, started in its own session so that Ctrl-C reaches the supervisor only."""

    def __init__(self, name: str, launch: Launch) -> None:
        self._name = name
        self._launch = launch
        _set_aside(launch.log)
        with launch.log.open("ab") as log:
            self._log_start = log.seek(0, os.SEEK_END)
            self._popen = _spawn(launch, log.fileno())

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def wait_until(self, is_ready: Callable[[], bool], timeout_s: float) -> None:
        """Return when `is_ready` says so.

        Raises:
            DevstackError: the process ended, or the time is over.
        """
        deadline = time.monotonic() + timeout_s
        while not is_ready():
            if not self.is_alive:
                raise self._failed(f"ended with status {self._popen.returncode}")
            if time.monotonic() > deadline:
                raise self._failed(f"was not ready after {timeout_s:g} s")
            time.sleep(POLL_S)
        if not self.is_alive:
            raise self._failed(f"ended with status {self._popen.returncode}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; a process that is gone already is no error."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(number)

    def wait_gone(self, timeout_s: float) -> None:
        """Wait for the end of the process; after `timeout_s` it is killed."""
        try:
            self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._popen.wait()

    def _failed(self, what: str) -> DevstackError:
        tail = log_tail(self._launch.log, self._log_start) or "its log is empty"
        return DevstackError(f"{self._name} {what} (log {self._launch.log}): {tail}")


def run_tool(name: str, argv: Sequence[str], *, account: tuple[int, int] | None, text: str) -> None:
    """Run a short tool to its end with `text` as its input.

    Raises:
        DevstackError: it failed; the message ends with what it said last.
    """
    user, group = account or (None, None)
    try:
        result = subprocess.run(
            argv,
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(Path("/")),
            user=user,
            group=group,
            extra_groups=() if account else None,
            cwd="/",
            timeout=120,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DevstackError(f"{name} could not run: {error}") from error
    if result.returncode:
        said = last_lines(result.stdout)
        raise DevstackError(f"{name} failed with status {result.returncode}: {said}")


def command_of(pid: int) -> list[str]:
    """Return the arguments a process was started with; empty if it is gone or about to go."""
    try:
        line = os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).rstrip("\0")
    except OSError:
        return []
    return line.split("\0") if line else []


def is_running(pid: int) -> bool:
    """Return whether a process still holds anything: files, ports, memory.

    A dying process loses its command line first and its ports last; a zombie holds nothing, unless
    it is the first thread of a process whose other threads still live.
    """
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in {"Z", "X"} or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:
        return False


def is_settled(pid: int) -> bool:
    """Return whether a process either runs for good or is gone, but is not on its way out."""
    return bool(command_of(pid)) or not is_running(pid)


def works_in(pid: int, directory: Path) -> bool:
    """Return whether `directory` is the working directory of a process that we may look at."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == directory
    except OSError:
        return False


def processes_in(directory: Path) -> Iterator[int]:
    """Yield the processes whose working directory is `directory`, as far as we may look."""
    for entry in Path("/proc").glob("[0-9]*"):
        if works_in(int(entry.name), directory):
            yield int(entry.name)


def end_leftover(pid: int, gently: signal.Signals, timeout_s: float = 5.0) -> None:
    """End a process that is not our child; kill it when it does not go by itself.

    Raises:
        DevstackError: it belongs to someone else, or even a kill does not end it.
    """
    for number in (gently, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        except PermissionError as error:
            raise DevstackError(f"process {pid} uses this data and may not be ended") from error
        if wait_for(lambda: not is_running(pid), timeout_s):
            return
    raise DevstackError(f"process {pid} uses this data and does not end")


def wait_for(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Return whether the condition came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _spawn(launch: Launch, log_descriptor: int) -> "subprocess.Popen[bytes]":
    user, group = launch.account or (None, None)
    try:
        with warnings.catch_warnings():
            # The supervisor has no threads; a test runner may, and this child only calls prctl.
            warnings.filterwarnings("ignore", ".*multi-threaded", DeprecationWarning)
            return subprocess.Popen(
                launch.argv,
                stdin=subprocess.DEVNULL,
                stdout=log_descriptor,
                stderr=subprocess.STDOUT,
                env=_environment(launch.home),
                cwd=launch.home,
                user=user,
                group=group,
                extra_groups=() if launch.account else None,
                start_new_session=True,
                preexec_fn=partial(_die_with, os.getpid(), launch.death_signal),  # noqa: PLW1509 - see above
            )
    except OSError as error:
        raise DevstackError(f"{launch.argv[0]} could not be started: {error}") from error


def _die_with(supervisor: int, number: signal.Signals) -> None:
    """Runs in the child: the kernel sends `number` when the supervisor dies by whatever cause."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != supervisor:  # it died before the line above took effect
            os._exit(1)


def _environment(home: Path) -> dict[str, str]:
    """Nothing of the user's settings (proxies, PG*, TEMPORAL_*) may change how a server behaves."""
    path = os.environ.get("PATH", os.defpath)
    # Temporal insists on some user name, which a user id without an entry does not have.
    return {"PATH": path, "HOME": str(home), "USER": "rapport", "LC_ALL": "C", "TZ": "UTC"}


def _set_aside(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))
