"""HTTP/1.1 over one connection: bytes to requests, deliveries to bytes."""

import asyncio
import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, cast

import httptools
import msgspec
from typing_extensions import override

from infra.llm_fake.delivery import Delivery

MAX_BODY_BYTES: Final = 32 * 1024 * 1024
"""More than any prompt has."""

PIECE_BYTES: Final = 256 * 1024
"""Written at a time of a large body, waiting for the client in between."""

REASONS: Final = {each.value: each.phrase for each in HTTPStatus}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    """Names in lower case; of several with the same name the last."""
    body: bytes
    keeps_alive: bool


Handler = Callable[["Connection", Request], None]
"""Must call `deliver` once, now or later."""


class Connection(asyncio.Protocol):
    """One client. Requests that come before the last one is answered wait."""

    def __init__(self, handler: Handler, open_ones: "set[Connection]") -> None:
        self._handler = handler
        self._open_ones = open_ones
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request] = deque()
        self._is_busy = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._on_end: Callable[[bool], None] | None = None
        self.closed = asyncio.Event()
        """Set when the connection is gone."""
        self._start_request()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asked for with `isinstance`: uvloop's transport is one without saying so.
        self._transport = cast("asyncio.Transport", transport)
        self._open_ones.add(self)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._open_ones.discard(self)
        self.closed.set()
        self._writable.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        self._end(is_sent=False)

    @override
    def pause_writing(self) -> None:
        self._writable.clear()

    @override
    def resume_writing(self) -> None:
        self._writable.set()

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._transport.close()
        except httptools.HttpParserError:
            self._transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            self._transport.close()

    def close(self) -> None:
        """Close at once, whatever is under way."""
        self._transport.abort()

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        """Take a part of the address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Let a client go on that waits for a word."""
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        self._size += len(part)
        if self._size <= MAX_BODY_BYTES:
            self._body.append(part)

    def on_message_complete(self) -> None:
        """Hand the request on, or keep it until its turn."""
        url = httptools.parse_url(bytes(self._url))
        request = Request(
            method=self._parser.get_method().decode(),
            path=url.path.decode("latin-1"),
            query=(url.query or b"").decode("latin-1"),
            headers=self._headers,
            body=b"".join(self._body),
            keeps_alive=self._parser.should_keep_alive(),
        )
        self._start_request()
        if self._is_busy:
            self._waiting.append(request)
        else:
            self._handle(request)

    def _start_request(self) -> None:
        self._url = bytearray()
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0

    def _handle(self, request: Request) -> None:
        self._is_busy = True
        self._keeps_alive = request.keeps_alive
        self._handler(self, request)

    # What the endpoint calls.

    def deliver(self, sent: Delivery, on_end: Callable[[bool], None] | None = None) -> None:
        """Send an answer at its pace; `on_end` is told whether the client heard all of it."""
        self._on_end = on_end
        if not sent.is_whole or sum(map(len, sent.pieces)) > PIECE_BYTES:
            self._task = asyncio.get_running_loop().create_task(self._perform(sent))
        elif sent.latency_s:
            later = asyncio.get_running_loop().call_later
            self._timer = later(sent.latency_s, self._write_whole, sent)
        else:
            self._write_whole(sent)

    def _write_whole(self, sent: Delivery) -> None:
        head = b"" if sent.is_raw else self._head(sent)
        if sent.framing == "chunked" and not sent.is_raw:
            parts = [_chunk(piece) for piece in sent.pieces]
            self._transport.write(head + b"".join(parts) + self._last(sent))
        elif head or sent.pieces:
            self._transport.write(head + b"".join(sent.pieces))
        self._finish(sent)

    async def _perform(self, sent: Delivery) -> None:
        if sent.latency_s:
            await asyncio.sleep(sent.latency_s)
        if not sent.is_raw:
            self._transport.write(self._head(sent))
        is_chunked = sent.framing == "chunked" and not sent.is_raw
        for number, piece in enumerate(sent.pieces):
            if number:
                await asyncio.sleep(sent.gap_s)
            await self._write(piece, is_chunked=is_chunked)
        if is_chunked and (last := self._last(sent)):
            self._transport.write(last)
        self._task = None
        self._finish(sent)

    async def _write(self, piece: bytes, *, is_chunked: bool) -> None:
        for at in range(0, len(piece), PIECE_BYTES):
            await self._writable.wait()
            part = piece[at : at + PIECE_BYTES]
            self._transport.write(_chunk(part) if is_chunked else part)

    def _head(self, sent: Delivery) -> bytes:
        lines = [f"HTTP/1.1 {sent.status} {REASONS.get(sent.status, 'Scripted')}", *sent.headers]
        if sent.framing == "chunked":
            lines.append("Transfer-Encoding: chunked")
        elif sent.framing == "length":
            size = sum(map(len, sent.pieces)) if sent.length is None else sent.length
            lines.append(f"Content-Length: {size}")
        if sent.framing == "until_close" or not self._keeps_alive:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    @staticmethod
    def _last(sent: Delivery) -> bytes:
        return b"0\r\n\r\n" if sent.ending == "keep" else b""

    def _finish(self, sent: Delivery) -> None:
        match sent.ending:
            case "silent":
                return  # the client hangs up, or `close` ends it
            case "reset":
                self._end(is_sent=True)
                reset(self._transport)
            case "close":
                self._end(is_sent=True)
                self._transport.close()
            case "keep":
                self._end(is_sent=True)
                self._go_on()

    def _go_on(self) -> None:
        if not self._keeps_alive:
            self._transport.close()
            return
        self._is_busy = False
        if self._waiting:
            self._handle(self._waiting.popleft())

    def _end(self, *, is_sent: bool) -> None:
        on_end, self._on_end = self._on_end, None
        if on_end is not None:
            on_end(is_sent)


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def reset(transport: asyncio.Transport) -> None:
    """Close a connection so that the other side sees a reset instead of an orderly end."""
    original = transport.get_extra_info("socket")
    # A copy of the handle: not every loop lets options be set on the socket it lends.
    with socket.socket(fileno=os.dup(original.fileno())) as copy:
        copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
