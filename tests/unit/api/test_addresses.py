"""Whose address counts: the connection's, unless a trusted proxy says otherwise. [R-C4]"""

from ipaddress import ip_address

import pytest

from services.api.addresses import ClientAddresses, parse_address
from shared.config import ConfigError

PROXY = ("10.0.0.5", 4711)


def _of(trusted: str, client: tuple[str, int] | None, *forwarded: str) -> str | None:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    found = ClientAddresses(trusted).of(client, headers)
    return None if found is None else str(found)


def test_without_trusted_proxies_the_header_counts_for_nothing() -> None:
    assert _of("", ("198.51.100.7", 80), "203.0.113.1") == "198.51.100.7"
    assert _of("", PROXY, "203.0.113.1") == "10.0.0.5"


def test_a_proxy_says_whom_it_has_seen() -> None:
    assert _of("10.0.0.0/8", PROXY, "198.51.100.7") == "198.51.100.7"
    assert _of("10.0.0.0/8", PROXY) == "10.0.0.5"


def test_a_forged_header_before_the_proxys_own_counts_for_nothing() -> None:
    assert _of("10.0.0.0/8", PROXY, "203.0.113.1, 198.51.100.7") == "198.51.100.7"
    assert _of("10.0.0.0/8", PROXY, "203.0.113.1", "198.51.100.7") == "198.51.100.7"
    assert _of("10.0.0.0/8", ("198.51.100.7", 80), "10.0.0.1") == "198.51.100.7"
    assert _of("10.0.0.0/8", PROXY, "203.0.113.1, nonsense") is None


def test_several_proxies_are_passed() -> None:
    trusted = "10.0.0.0/8, 192.0.2.7"
    assert _of(trusted, PROXY, "203.0.113.1, 198.51.100.7, 192.0.2.7, 10.1.1.1") == "198.51.100.7"
    assert _of(trusted, PROXY, "10.9.9.9, 192.0.2.7") == "10.9.9.9"


def test_who_has_no_address() -> None:
    assert _of("10.0.0.0/8", None, "198.51.100.7") is None
    assert _of("", ("/run/api.sock", 0)) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("198.51.100.7:4711", "198.51.100.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
    ],
)
def test_how_proxies_write(text: str, address: str) -> None:
    assert parse_address(text) == ip_address(address)


@pytest.mark.parametrize("text", ["", "unknown", "_hidden", "198.51.100", "198.51.100.7/32"])
def test_what_is_no_address(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize("trusted", ["10.0.0.5/8", "proxy.example", "10.0.0.0/8,x"])
def test_a_network_that_is_none_stops_the_start(trusted: str) -> None:
    with pytest.raises(ConfigError, match="RAPPORT_TRUSTED_PROXIES"):
        ClientAddresses(trusted)
