"""All three servers together, as one thing that starts, stops, and lets single servers crash."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from infra.devstack.credentials import Credentials, load_credentials
from infra.devstack.errors import DevstackError
from infra.devstack.nats import NatsServer
from infra.devstack.nats_users import USER_NAMES
from infra.devstack.ports import PortBook
from infra.devstack.postgres import PostgresServer
from infra.devstack.server import AdoptedServer, EmbeddedServer, Server
from infra.devstack.state import StackState, SupervisorLock, read_state, write_state
from infra.devstack.temporal import TemporalServer

DATABASE_URL: Final = "RAPPORT_DATABASE_URL"
"""Adopts a PostgreSQL."""
NATS_URL: Final = "RAPPORT_NATS_URL"
"""Adopts a NATS; given as it is to every service."""
TEMPORAL_ADDRESS: Final = "RAPPORT_TEMPORAL_ADDRESS"
"""Adopts a Temporal."""
START_TIMEOUT_S: Final = 30.0
"""Far above a cold start on a slow disk; a warm one takes a quarter of a second."""


class Stack:
    """The servers of one data directory. Not for use by several threads.

    A process that forks may leave the object alone in its children: there, `stop` does nothing.
    """

    def __init__(
        self,
        data_dir: Path,
        env: Mapping[str, str],
        *,
        durable: bool = True,
        nats_monitor: bool = False,
    ) -> None:
        """Describe the stack; nothing is touched before `start`.

        Args:
            data_dir: Holds data, logs and secrets; made if missing. One supervisor at a time.
            env: Read for the three variables that adopt a server instead of starting one.
            durable: False is for tests: PostgreSQL does not fsync, Temporal is stopped by kill.
            nats_monitor: Whether NATS serves its monitoring pages on a loopback port.
        """
        self._root = data_dir.absolute()
        self._env = env
        self._durable = durable
        self._nats_monitor = nats_monitor
        self._owner = os.getpid()
        self._servers: dict[str, Server] = {}
        self._ports = PortBook({})
        self._credentials: Credentials | None = None
        self._lock: SupervisorLock | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def credentials(self) -> Credentials:
        """The generated secrets; there once `start` has begun."""
        if self._credentials is None:
            raise DevstackError("the stack was not started")
        return self._credentials

    @property
    def database_url(self) -> str:
        """PostgreSQL as its superuser, or the adopted URL as it was given."""
        return self._server("postgres").url

    @property
    def nats_url(self) -> str:
        """NATS as `admin`, or the adopted URL as it was given."""
        return self._server("nats").url

    @property
    def temporal_address(self) -> str:
        """`host:port` of Temporal."""
        return self._server("temporal").url

    @property
    def pids(self) -> dict[str, int]:
        """The running processes by server name; adopted servers are not in it."""
        return {name: server.pid for name, server in self._servers.items() if server.pid}

    def database_url_for(self, user: str, password: str) -> str:
        """Return the PostgreSQL URL for another role; an adopted URL comes back as it was given."""
        server = self._server("postgres")
        return server.url_for(user, password) if isinstance(server, PostgresServer) else server.url

    def nats_url_for(self, user: str) -> str:
        """Return the NATS URL of one user of `nats_users`; an adopted URL as it was given."""
        server = self._server("nats")
        return server.url_for(user) if isinstance(server, NatsServer) else server.url

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Start all servers side by side and wait until clients can work.

        Raises:
            DevstackError: one of them could not start; then all are stopped again.
        """
        self.launch()
        self.wait_ready(timeout_s)

    def launch(self) -> None:
        """Start all servers and return at once; their addresses are known from here on.

        Raises:
            DevstackError: one of them could not start; then all are stopped again.
        """
        self._claim()
        try:
            self._build()
            for name in ("temporal", "nats", "postgres"):  # the slowest first
                self._bring_up(self._servers[name])
        except BaseException:
            self.stop()
            raise

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Return when clients of all launched servers can work.

        Raises:
            DevstackError: one of them ended or took too long; then all are stopped again.
        """
        try:
            for server in self._servers.values():
                server.wait_ready(timeout_s)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what was started here, all at once, and let the data directory go."""
        if os.getpid() != self._owner:
            return
        running = [one for one in self._servers.values() if isinstance(one, EmbeddedServer)]
        for server in running:
            server.begin_stop()
        for server in running:
            server.finish_stop()
        if self._lock is not None:
            if self._servers:
                self._remember()
            self._lock.release()
            self._lock = None

    def dead(self) -> list[str]:
        """Return the names of servers that were started here and do not run any more."""
        return [
            name
            for name, server in self._servers.items()
            if isinstance(server, EmbeddedServer) and server.pid is None
        ]

    def kill(self, name: str) -> None:
        """End one server like a crash does (kill -9); its data and port stay."""
        self._embedded(name).kill()
        self._remember()

    def restart(self, name: str, *, wipe: bool = False, timeout_s: float = START_TIMEOUT_S) -> None:
        """Kill one server (-9) unless it is dead already, and start it on the same port.

        Args:
            name: `postgres`, `nats` or `temporal`.
            wipe: Whether its data is deleted in between.
            timeout_s: How long it may take to be ready.
        """
        server = self._embedded(name)
        server.kill()
        if wipe:
            server.wipe()
        self._bring_up(server)
        server.wait_ready(timeout_s)

    def _bring_up(self, server: Server) -> None:
        try:
            server.prepare()
            server.start()
            self._remember()
        except OSError as error:
            raise DevstackError(f"{server.name}: {error}") from error

    def _claim(self) -> None:
        if self._lock is not None:
            raise DevstackError("the stack is running already")
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            owner = self._root.stat().st_uid
            self._root = self._root.resolve()
        except OSError as error:
            raise DevstackError(f"{self._root}: {error.strerror}") from error
        if owner != os.geteuid():
            raise DevstackError(
                f"{self._root} belongs to user id {owner}, not to you ({os.geteuid()}): "
                "run as that user, or remove it"
            )
        lock = SupervisorLock(self._root / "lock")
        lock.acquire()
        self._lock = lock

    def _build(self) -> None:
        self._credentials = load_credentials(self._root / "secrets.json", USER_NAMES)
        state = read_state(self._root / "stack.json")
        self._ports = PortBook(state.ports)
        embedded: tuple[tuple[EmbeddedServer, str, int], ...] = (
            (self._postgres(self._credentials, state), DATABASE_URL, 5432),
            (self._nats(self._credentials, state), NATS_URL, 4222),
            (self._temporal(state), TEMPORAL_ADDRESS, 7233),
        )
        self._servers = {}
        for server, variable, default_port in embedded:
            url = self._env.get(variable)
            self._servers[server.name] = (
                AdoptedServer(server.name, variable, url, default_port) if url else server
            )

    def _postgres(self, credentials: Credentials, state: StackState) -> PostgresServer:
        return PostgresServer(
            self._root,
            self._ports,
            password=credentials.postgres_superuser,
            durable=self._durable,
            leftover_pid=state.pids.get("postgres"),
        )

    def _nats(self, credentials: Credentials, state: StackState) -> NatsServer:
        return NatsServer(
            self._root,
            self._ports,
            passwords=credentials.nats,
            has_monitor=self._nats_monitor,
            leftover_pid=state.pids.get("nats"),
        )

    def _temporal(self, state: StackState) -> TemporalServer:
        return TemporalServer(
            self._root,
            self._ports,
            durable=self._durable,
            leftover_pid=state.pids.get("temporal"),
        )

    def _server(self, name: str) -> Server:
        if name not in self._servers:
            raise DevstackError(f"no server {name} was started")
        return self._servers[name]

    def _embedded(self, name: str) -> EmbeddedServer:
        server = self._server(name)
        if not isinstance(server, EmbeddedServer):
            raise DevstackError(f"{name} was adopted, so it is not ours to stop")
        return server

    def _remember(self) -> None:
        state = StackState(ports=self._ports.chosen, pids=self.pids)
        write_state(self._root / "stack.json", state)
