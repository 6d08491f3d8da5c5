"""What the three embedded servers have in common, and how a server that already runs stands in."""

import contextlib
import re
import shutil
import signal
from abc import ABC, abstractmethod
from functools import partial
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from infra.devstack.errors import DevstackError
from infra.devstack.ports import LOOPBACK, PortBook, accepts
from infra.devstack.process import (
    Launch,
    ServerProcess,
    end_leftover,
    is_settled,
    wait_for,
)

STOP_TIMEOUT_S: Final = 10.0
"""A server that has not ended by itself after this long is killed."""


DYING_TIMEOUT_S: Final = 2.0
"""How long a process may take from the loss of its command line to its end."""


class Server(Protocol):
    """One server of the stack, started here or adopted: prepare, start, wait_ready, stop."""

    name: str

    @property
    def url(self) -> str:
        """Where its owner or administrator connects."""
        ...

    @property
    def pid(self) -> int | None:
        """Process id; None while it does not run, and for an adopted server."""
        ...

    def prepare(self) -> None: ...
    def start(self) -> None: ...
    def wait_ready(self, timeout_s: float) -> None: ...
    def stop(self) -> None: ...


class EmbeddedServer(ABC):
    """A server that runs from its wheel, with its data in one directory."""

    name: str
    stop_signal: signal.Signals = signal.SIGTERM
    """Ends it cleanly without waiting for its clients."""
    death_signal: signal.Signals = signal.SIGKILL
    """What it gets when the supervisor dies."""

    def __init__(self, root: Path, ports: PortBook, *, leftover_pid: int | None = None) -> None:
        """Describe the server.

        Args:
            root: Absolute, resolved; holds the data directory `<name>` and `log/<name>.log`.
            ports: Gives the server its port in `prepare`, when no leftover holds it any more.
            leftover_pid: Process of an earlier supervisor, to be ended if it is indeed ours.
        """
        self.port = 0
        self._ports = ports
        self.data = root / self.name
        self.log = root / "log" / f"{self.name}.log"
        self._leftover_pid = leftover_pid
        self._process: ServerProcess | None = None

    @property
    @abstractmethod
    def url(self) -> str: ...

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.is_alive else None

    def prepare(self) -> None:
        """Make it startable: no leftover process, directories, first initialization, a port."""
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._end_leftovers()
        self._initialize()
        self.port = self._ports.reserve(self.name)

    def start(self) -> None:
        """Start the process; returns at once."""
        if self.pid is not None:
            raise DevstackError(f"{self.name} is running already")
        self._process = ServerProcess(self.name, self._launch())

    def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Return when clients can work.

        Raises:
            DevstackError: it ended or did not become ready; the text holds the end of its log.
        """
        if self._process is None:
            raise DevstackError(f"{self.name} was not started")
        self._process.wait_until(self._is_ready, timeout_s)

    def stop(self) -> None:
        """End it cleanly; stopping a stopped server is no error."""
        self.begin_stop()
        self.finish_stop()

    def begin_stop(self) -> None:
        """Ask it to end, without waiting."""
        if self._process is not None:
            self._process.signal(self.stop_signal)

    def finish_stop(self) -> None:
        """Wait for the end that `begin_stop` asked for."""
        if self._process is not None:
            self._process.wait_gone(STOP_TIMEOUT_S)
            self._process = None

    def kill(self) -> None:
        """End it like a crash does (kill -9), and its own children with it."""
        if self._process is not None:
            self._process.signal(signal.SIGKILL)
            self._process.wait_gone(STOP_TIMEOUT_S)
            self._process = None

    def wipe(self) -> None:
        """Delete its data. Only while it is stopped."""
        if self.pid is not None:
            raise DevstackError(f"{self.name} is running; stop it before its data is deleted")
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.data)

    @abstractmethod
    def _is_ours(self, pid: int) -> bool:
        """Whether a process is such a server on this very data."""

    @abstractmethod
    def _launch(self) -> Launch: ...

    @abstractmethod
    def _is_ready(self) -> bool: ...

    def _initialize(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)

    def _candidates(self) -> set[int]:
        return {self._leftover_pid} if self._leftover_pid else set()

    def _end_leftovers(self) -> None:
        """A recorded pid may belong to anyone by now, so /proc has the last word."""
        for pid in self._candidates():
            wait_for(partial(is_settled, pid), DYING_TIMEOUT_S)
            if self._is_ours(pid):
                end_leftover(pid, self.stop_signal)


class AdoptedServer:
    """A server that someone else runs: it is looked for, never started, never stopped."""

    def __init__(self, name: str, variable: str, url: str, default_port: int) -> None:
        self.name = name
        self._variable = variable
        self._url = url
        self._default_port = default_port

    @property
    def url(self) -> str:
        return self._url

    @property
    def pid(self) -> int | None:
        return None

    def prepare(self) -> None:
        """Nothing to prepare: the data is not ours."""

    def start(self) -> None:
        """Nothing to start."""

    def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Return when one of its addresses accepts connections.

        Raises:
            DevstackError: none did in time, or the address makes no sense.
        """
        addresses = self._addresses()
        if addresses and not wait_for(
            lambda: any(accepts(port, host) for host, port in addresses), timeout_s
        ):
            where = ", ".join(f"{host}:{port}" for host, port in addresses)
            raise DevstackError(f"{self._variable}: nothing answers at {where}")

    def stop(self) -> None:
        """Nothing to stop."""

    def _addresses(self) -> list[tuple[str, int]]:
        """Hosts and ports without user and password; none for a URL that names a socket file.

        Both forms of a list occur: `nats://a,nats://b` and `postgresql://a,b/name`.
        """
        try:
            urls = [
                urlsplit(part if "://" in part else f"//{part}")
                for part in re.split(r",(?=\w+://)", self._url)
            ]
            hosts = [host for url in urls for host in url.netloc.rpartition("@")[2].split(",")]
            found = [urlsplit(f"//{host}") for host in hosts if host]
            return [(one.hostname or LOOPBACK, one.port or self._default_port) for one in found]
        except ValueError as error:
            raise DevstackError(f"{self._variable}: not an address") from error
