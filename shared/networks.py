"""Networks that are not the Internet: what may call out to them says so itself."""

from ipaddress import ip_network
from typing import Final

PRIVATE_NETWORKS: Final = tuple(
    ip_network(network)
    for network in (
        "127.0.0.0/8",
        "::1/128",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",
    )
)
"""This machine and private networks; link-local addresses, where clouds keep their metadata, are
never among them."""

CARRIER_NETWORK: Final = ip_network("100.64.0.0/10")
"""Shared address space, behind which providers and some clouds put machines of their own."""
