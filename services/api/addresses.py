"""Where a request comes from: the connection, or what a trusted proxy says of it."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from shared.config import ConfigError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_FORWARDED = b"x-forwarded-for"


class ClientAddresses:
    """Finds the address of a client.

    `X-Forwarded-For` counts only as far as trusted proxies wrote it: anybody may send one, and a
    proxy appends whom it has seen, so it is read from the right, up to the first address that is
    no proxy of ours.
    """

    def __init__(self, trusted: str = "") -> None:
        """Trust the proxies in a list of networks, `10.0.0.0/8, 192.0.2.7`.

        Raises:
            ConfigError: one of them is no network.
        """
        self._trusted = tuple(_network(each.strip()) for each in trusted.split(",") if each.strip())

    def of(
        self, client: tuple[str, int] | None, headers: Iterable[tuple[bytes, bytes]]
    ) -> Address | None:
        """Return the client's address; None: it cannot be known."""
        peer = None if client is None else parse_address(client[0])
        if peer is None or not is_in(peer, self._trusted):
            return peer
        values = [value for name, value in headers if name.lower() == _FORWARDED]
        hops = b",".join(values).decode("latin-1").split(",") if values else []
        seen: Address | None = peer
        for hop in reversed(hops):
            seen = parse_address(hop.strip())
            if seen is None or not is_in(seen, self._trusted):
                return seen
        return seen


def is_in(address: Address, networks: Sequence[Network]) -> bool:
    """Say whether an address is in one of the networks."""
    return any(address in each for each in networks)


def parse_address(text: str) -> Address | None:
    """Return an address, IPv4 in IPv6 as IPv4 and a port cut off; None: it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ConfigError(f"RAPPORT_TRUSTED_PROXIES: {text} is no network") from None
