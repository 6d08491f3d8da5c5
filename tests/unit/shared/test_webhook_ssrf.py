"""No webhook reaches an address that is not public, however it is written or resolved. [R-B11]"""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest

from shared.config import Secret, Settings
from shared.webhooks.http import HttpClient
from shared.webhooks.outbound import Outbound, UrlRefusedError, check_url, policy_of
from tests.support.receivers import Receiver, answer

PRODUCTION = Settings(
    database_url=Secret(""), nats_url=Secret(""), master_key=Secret(""), webhook_timeout_s=2.0
)
DEVELOPMENT = msgspec.structs.replace(PRODUCTION, webhook_allow_private=True)

PUBLIC, OTHER_PUBLIC = "93.184.215.14", "1.1.1.1"

REFUSED = {
    "plain HTTP": "http://example.com/",
    "other scheme": "ftp://example.com/",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_x",
    "user name": "https://user@example.com/",
    "user name that looks like a host": "https://example.com@127.0.0.1/",
    "odd port": "https://example.com:6379/",
    "loopback": "https://127.0.0.1/",
    "other loopback": "https://127.255.255.254/",
    "loopback, short": "https://127.1/",
    "loopback, decimal": "https://2130706433/",
    "loopback, hex": "https://0x7f000001/",
    "loopback, octal": "https://0177.0.0.1/",
    "loopback, circled digits": "https://①②⑦.⓪.⓪.①/",
    "unspecified": "https://0.0.0.0/",
    "private 10": "https://10.0.0.1/",
    "private 172": "https://172.16.0.1/",
    "private 192": "https://192.168.1.1/",
    "carrier-grade NAT": "https://100.64.0.1/",
    "metadata": "https://169.254.169.254/latest/meta-data/",
    "metadata, decimal": "https://2852039166/",
    "multicast": "https://224.0.0.1/",
    "broadcast": "https://255.255.255.255/",
    "protocol assignments": "https://192.0.0.9/",
    "benchmarking": "https://198.18.0.1/",
    "IPv6 loopback": "https://[::1]/",
    "IPv6 unspecified": "https://[::]/",
    "IPv4-mapped": "https://[::ffff:127.0.0.1]/",
    "IPv4-mapped metadata": "https://[::ffff:a9fe:a9fe]/",
    "NAT64": "https://[64:ff9b::7f00:1]/",
    "6to4": "https://[2002:7f00:1::]/",
    "link-local": "https://[fe80::1]/",
    "link-local with a zone": "https://[fe80::1%25eth0]/",
    "loopback with a zone": "https://[::1%25lo]/",
    "public with a zone": "https://[2606:4700:4700::1111%25eth0]/",
    "unique local": "https://[fd00:ec2::254]/",
    "site-local": "https://[fec0::1]/",
    "fragment": "https://example.com/#here",
    "no host": "https:///path",
    "not a URL": "https://[",
    "too long": "https://example.com/" + "x" * 2048,
    "new line": "https://example.com/\r\nx: y",
}
"""URLs as a stranger might write them; none may lead anywhere."""

RESOLVED = {
    "loopback": ["127.0.0.1"],
    "metadata": ["169.254.169.254"],
    "private": ["10.1.2.3"],
    "public first, private second": [PUBLIC, "10.0.0.1"],
    "private first, public second": ["192.168.0.1", PUBLIC],
    "public IPv4, loopback IPv6": [PUBLIC, "::1"],
    "mapped": ["::ffff:127.0.0.1"],
    "NAT64 of the metadata address": ["64:ff9b::a9fe:a9fe"],
    "link-local with a zone": ["fe80::1%1"],
    "unspecified": ["0.0.0.0"],  # noqa: S104  (an answer, nobody listens)
}
"""What a name server may answer for a name that looks harmless."""


class Names:
    """A name server with scripted answers: the next one for every lookup, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.lookups = 0

    def __call__(
        self, host: str, port: int, *_: Any
    ) -> list[tuple[int, int, int, str, tuple[Any, ...]]]:
        addresses = self.answers[min(self.lookups, len(self.answers) - 1)]
        self.lookups += 1
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (one, port, 0, 0))
            if ":" in one
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in addresses
        ]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Addresses that somebody tried to connect to; nobody gets through."""
    seen: list[str] = []

    async def note(_client: HttpClient, address: Any, _target: Any) -> Any:
        seen.append(str(address.ip))
        raise ConnectionRefusedError

    monkeypatch.setattr(HttpClient, "_connect_to", note)
    return seen


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


async def _post(settings: Settings, url: str, names: Names | None = None) -> Any:
    outbound = Outbound(settings, connections=4, resolver=names)
    try:
        return await outbound.post(url, {}, b"{}")
    finally:
        await outbound.close()


class TestProduction:
    @pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED.keys())
    async def test_refused_as_written(self, url: str, connected: list[str]) -> None:
        got = await _post(PRODUCTION, url, Names(["127.0.0.1"]))
        assert got.error in {"blocked-url", "blocked-address"}, got
        assert got.status is None
        assert connected == []

    @pytest.mark.parametrize("addresses", RESOLVED.values(), ids=RESOLVED.keys())
    async def test_refused_as_resolved(self, addresses: list[str], connected: list[str]) -> None:
        got = await _post(PRODUCTION, "https://hooks.example.com/x", Names(addresses))
        assert got.error == "blocked-address"
        assert connected == []

    async def test_an_answer_that_changes_after_the_check_changes_nothing(
        self, connected: list[str]
    ) -> None:
        """One lookup; the connection goes to the address that was checked."""
        names = Names([PUBLIC, OTHER_PUBLIC], ["127.0.0.1"])
        got = await _post(PRODUCTION, "https://hooks.example.com/x", names)
        assert got.error == "refused"
        assert names.lookups == 1
        assert connected == [PUBLIC, OTHER_PUBLIC]

    async def test_a_thousand_addresses_are_not_all_tried(self, connected: list[str]) -> None:
        names = Names([f"93.184.{high}.{low}" for high in range(4) for low in range(1, 251)])
        await _post(PRODUCTION, "https://hooks.example.com/x", names)
        assert len(connected) == 4

    @pytest.mark.parametrize(
        "url",
        [
            "https://hooks.example.com/x?y=1",
            "https://hooks.example.com:8443/",
            f"https://{PUBLIC}/",
        ],
    )
    def test_public_ones_are_fine(self, url: str) -> None:
        check_url(policy_of(PRODUCTION), url)

    async def test_a_name_server_that_stalls_holds_nothing_past_the_limit(self) -> None:
        stalled = threading.Event()

        def stall(*_: Any) -> list[Any]:
            stalled.wait(10)
            return []

        settings = msgspec.structs.replace(PRODUCTION, webhook_timeout_s=0.2)
        outbound = Outbound(settings, connections=4, resolver=stall)
        loop = asyncio.get_running_loop()
        began = loop.time()
        got = await outbound.post("https://hooks.example.com/", {}, b"{}")
        assert got.error == "timeout"
        assert loop.time() - began < 8
        stalled.set()
        await outbound.close()


class TestDevelopment:
    async def test_loopback_is_allowed(self, receiver: Receiver) -> None:
        got = await _post(DEVELOPMENT, receiver.url("/x"))
        assert (got.status, got.error) == (200, None)

    @pytest.mark.parametrize(
        "url", ["http://169.254.169.254/", "http://[fe80::1]/", "http://0.0.0.0/", "file:///x"]
    )
    async def test_metadata_never_is(self, url: str, connected: list[str]) -> None:
        got = await _post(DEVELOPMENT, url)
        assert got.error in {"blocked-url", "blocked-address"}
        assert connected == []

    async def test_a_redirect_to_the_metadata_address_is_not_followed(
        self, receiver: Receiver
    ) -> None:
        receiver.manner = answer(302, "Location: http://169.254.169.254/latest/meta-data/")
        got = await _post(DEVELOPMENT, receiver.url())
        assert got.status == 302
        assert len(receiver.received) == 1

    async def test_the_environment_has_no_say(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        assert (await _post(DEVELOPMENT, receiver.url())).status == 200

    async def test_over_an_egress_proxy(self, receiver: Receiver) -> None:
        """A proxy gets the whole URL; what the policy refuses as written never gets there."""
        settings = msgspec.structs.replace(DEVELOPMENT, webhook_proxy=Secret(receiver.url()))
        got = await _post(settings, "http://hooks.example.com/x")
        assert got.status == 200
        assert receiver.received[0].path == "http://hooks.example.com/x"
        refused = await _post(settings, "http://169.254.169.254/")
        assert refused.error == "blocked-url"
        assert len(receiver.received) == 1


def test_reasons_name_the_rule() -> None:
    with pytest.raises(UrlRefusedError, match="scheme"):
        check_url(policy_of(PRODUCTION), "http://example.com/")
