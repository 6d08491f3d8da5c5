"""The small HTTP client: answers of all shapes, kept connections, and limits. [R-B12]"""

import asyncio
import resource
import time
from collections.abc import AsyncIterator

import msgspec
import pytest

from shared.config import Secret, Settings
from shared.webhooks.http import KEEP_ALIVE_S, KEPT_CONNECTIONS, HttpClient
from shared.webhooks.outbound import Outbound
from tests.support.receivers import (
    HangupError,
    Manner,
    Received,
    Receiver,
    answer,
    flood,
    hang_up,
    slow,
    tar_pit,
    trickle,
)
from tests.support.waiting import eventually

SETTINGS = Settings(
    database_url=Secret(""),
    nats_url=Secret(""),
    master_key=Secret(""),
    webhook_allow_private=True,
    webhook_timeout_s=1.5,
)


def raw(*parts: bytes, then_close: bool = False) -> Manner:
    """Send these bytes."""

    async def manner(_request: Received, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if then_close:
            raise HangupError

    return manner


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    made = Outbound(SETTINGS, connections=8)
    yield made
    await made.close()


def _client(outbound: Outbound) -> HttpClient:
    assert isinstance(outbound._client, HttpClient)
    return outbound._client


class TestAnswers:
    @pytest.mark.parametrize(
        ("manner", "status", "body"),
        [
            (answer(200, body=b"fine"), 200, b"fine"),
            (answer(204, body=b""), 204, b""),
            (
                raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n"),
                200,
                b"fine",
            ),
            (raw(b"HTTP/1.0 200 OK\r\n\r\nuntil the end", then_close=True), 200, b"until the end"),
            (
                raw(
                    b"HTTP/1.1 103 Early\r\nx: y\r\n\r\nHTTP/1.1 201 Made\r\n"
                    b"Content-Length: 0\r\n\r\n"
                ),
                201,
                b"",
            ),
            (
                raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", then_close=True),
                200,
                b"half",
            ),
            (
                raw(b"H", b"TTP/1.1 2", b"02 Later\r\nContent-", b"Length: 1\r\n\r\n", b"x"),
                202,
                b"x",
            ),
        ],
        ids=["length", "empty", "chunked", "until-close", "interim", "cut", "in-pieces"],
    )
    async def test_shapes(
        self, outbound: Outbound, receiver: Receiver, manner: Manner, status: int, body: bytes
    ) -> None:
        receiver.manner = manner
        got = await outbound.post(receiver.url(), {"x-y": "z"}, b"{}")
        assert (got.status, got.body, got.error) == (status, body, None)
        assert receiver.received[0].headers["x-y"] == "z"
        assert receiver.received[0].body == b"{}"

    async def test_the_path_and_the_query_arrive_as_written(
        self, outbound: Outbound, receiver: Receiver
    ) -> None:
        await outbound.post(receiver.url("/a%2Fb?c=d%20e&f"), {}, b"")
        assert receiver.received[0].path == "/a%2Fb?c=d%20e&f"

    @pytest.mark.parametrize(
        ("manner", "error"),
        [
            (tar_pit, "timeout"),
            (trickle(in_head=True), "timeout"),
            (slow(9, answer()), "timeout"),
            (hang_up, "disconnected"),
            (raw(b"no HTTP at all\r\n\r\n"), "protocol"),
            (raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000), "protocol"),
            (
                raw(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
                "protocol",
            ),
            (raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 5000), "protocol"),
        ],
        ids=[
            "tar",
            "endless-head",
            "late",
            "hang-up",
            "garbage",
            "huge-head",
            "upgrade",
            "interim",
        ],
    )
    async def test_failures_are_classes_and_end_in_time(
        self, outbound: Outbound, receiver: Receiver, manner: Manner, error: str
    ) -> None:
        receiver.manner = manner
        began = time.perf_counter()
        got = await outbound.post(receiver.url(), {}, b"{}")
        assert (got.status, got.error) == (None, error)
        assert time.perf_counter() - began < 2

    async def test_nobody_listens(self, outbound: Outbound) -> None:
        async with Receiver() as gone:
            url = gone.url()
        assert (await outbound.post(url, {}, b"{}")).error == "refused"

    async def test_plain_text_where_tls_is_expected(
        self, outbound: Outbound, receiver: Receiver
    ) -> None:
        receiver.manner = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        url = receiver.url().replace("http://", "https://")
        assert (await outbound.post(url, {}, b"{}")).error in {"tls", "timeout", "refused"}


class TestLimits:
    @pytest.mark.parametrize("manner", [flood(), trickle(), flood(status=500)])
    async def test_a_success_is_one_whatever_follows(
        self, outbound: Outbound, receiver: Receiver, manner: Manner
    ) -> None:
        """The first line decides; the rest is cut off and costs the connection."""
        receiver.manner = manner
        began = time.perf_counter()
        got = await outbound.post(receiver.url(), {}, b"{}")
        assert got.status in {200, 500}
        assert got.error is None
        assert len(got.body) <= 2048
        assert time.perf_counter() - began < 2
        assert _client(outbound)._idle_count == 0

    async def test_ten_gigabytes_fifty_times_grow_nothing(
        self, outbound: Outbound, receiver: Receiver
    ) -> None:
        receiver.manner = flood()
        for _ in range(5):
            await outbound.post(receiver.url(), {}, b"{}")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(50):
            await outbound.post(receiver.url(), {}, b"{}")
        grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown_kb < 5 * 1024


class TestKeptConnections:
    async def test_one_connection_serves_many(self, outbound: Outbound, receiver: Receiver) -> None:
        for _ in range(20):
            assert (await outbound.post(receiver.url(), {}, b"{}")).status == 200
        assert receiver.connections == 1

    async def test_a_stale_one_is_replaced_without_a_failure(
        self, outbound: Outbound, receiver: Receiver
    ) -> None:
        """The receiver closes an idle connection just as we use it."""
        await outbound.post(receiver.url(), {}, b"{}")
        calls = []

        async def once(request: Received, writer: asyncio.StreamWriter) -> None:
            calls.append(request)
            await (hang_up if len(calls) == 1 else answer())(request, writer)

        receiver.manner = once
        assert (await outbound.post(receiver.url(), {}, b"{}")).status == 200
        assert len(calls) == 2

    async def test_a_fresh_one_that_hangs_up_is_a_failure(
        self, outbound: Outbound, receiver: Receiver
    ) -> None:
        receiver.manner = hang_up
        assert (await outbound.post(receiver.url(), {}, b"{}")).error == "disconnected"
        assert len(receiver.received) == 1

    async def test_closed_ones_are_not_kept(self, outbound: Outbound, receiver: Receiver) -> None:
        receiver.manner = answer(200, "Connection: close")
        await outbound.post(receiver.url(), {}, b"{}")
        assert _client(outbound)._idle_count == 0

    async def test_words_after_the_answer_close_it(
        self, outbound: Outbound, receiver: Receiver
    ) -> None:
        """Or somebody could prepare the answer to the next request."""
        forged = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        receiver.manner = raw(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" + forged)
        assert (await outbound.post(receiver.url(), {}, b"{}")).status == 500
        assert (await outbound.post(receiver.url(), {}, b"{}")).status == 500

    async def test_there_are_never_too_many(self, receiver: Receiver) -> None:
        outbound = Outbound(msgspec.structs.replace(SETTINGS, webhook_timeout_s=30), connections=8)
        receiver.manner = slow(0.05, answer())
        posts = [outbound.post(receiver.url(), {}, b"{}") for _ in range(KEPT_CONNECTIONS + 20)]
        await asyncio.gather(*posts)
        client = _client(outbound)
        assert client._idle_count == KEPT_CONNECTIONS
        assert sum(map(len, client._idle.values())) == KEPT_CONNECTIONS
        late = asyncio.get_running_loop().time() + KEEP_ALIVE_S + 1
        client._drop_old(late)
        assert (client._idle_count, client._idle) == (0, {})
        await eventually(lambda: receiver.open_connections == 0)
        await outbound.close()
