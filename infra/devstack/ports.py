"""Free loopback ports that stay free while a server restarts."""

import random
import socket
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from infra.devstack.errors import DevstackError

LOOPBACK: Final = "127.0.0.1"
"""The only address anything here listens on."""
LOWEST_PORT: Final = 15000
"""Below it live well-known development ports."""
EPHEMERAL_START: Final = 32768
"""First port the kernel lends to outgoing connections, where it does not say otherwise."""
ATTEMPTS: Final = 200
"""Random picks before giving up."""


def is_free(port: int) -> bool:
    """Return whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_port(preferred: int | None = None, taken: Collection[int] = ()) -> int:
    """Return `preferred` if it is free, else another free loopback port outside `taken`.

    Never from the ephemeral range: while a server there is down, an outgoing connection (even one
    to that very port) may be given its number, and the server could not come back.

    Raises:
        DevstackError: no free port was found.
    """
    if preferred is not None and preferred not in taken and is_free(preferred):
        return preferred
    highest = _ephemeral_start() - 1
    source = random.SystemRandom()
    for _ in range(ATTEMPTS):
        port = source.randint(LOWEST_PORT, highest) if highest > LOWEST_PORT else _kernel_choice()
        if port not in taken and is_free(port):
            return port
    raise DevstackError("found no free loopback port")


class PortBook:
    """The ports of one stack: those of the last start while they are free, chosen once."""

    def __init__(self, remembered: Mapping[str, int]) -> None:
        self._remembered = remembered
        self._chosen: dict[str, int] = {}

    @property
    def chosen(self) -> dict[str, int]:
        """Ports by purpose; a purpose that was not asked for keeps what was remembered."""
        return {**self._remembered, **self._chosen}

    def reserve(self, purpose: str) -> int:
        """Return the port for a purpose, the same one each time."""
        if purpose not in self._chosen:
            others = {port for name, port in self.chosen.items() if name != purpose}
            self._chosen[purpose] = choose_port(self._remembered.get(purpose), others)
        return self._chosen[purpose]


def accepts(port: int, host: str = LOOPBACK, timeout_s: float = 1.0) -> bool:
    """Return whether something accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=timeout_s).close()
    except OSError:
        return False
    return True


def _ephemeral_start() -> int:
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return EPHEMERAL_START


def _kernel_choice() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
