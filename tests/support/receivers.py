"""A receiver of webhooks on loopback with scripted manners, polite and hostile."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import msgspec

MEGABYTE = bytes(1024 * 1024)


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    """On the event loop's clock."""

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        return msgspec.json.decode(self.body)


Manner = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]
"""How a request is answered; the connection closes when it raises `HangupError`."""


class HangupError(Exception):
    """Close the connection without another word."""


def answer(
    status: int = 200, *headers: str, body: bytes = b"ok", length: int | None = None
) -> Manner:
    """Answer at once, with header lines like `Retry-After: 5`."""
    lines = [
        f"HTTP/1.1 {status} Scripted",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    head = "\r\n".join([*lines, *headers, "", ""]).encode()

    async def manner(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(head + body)
        await writer.drain()

    return manner


def slow(seconds: float, then: Manner) -> Manner:
    """Think first."""

    async def manner(request: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await then(request, writer)

    return manner


async def tar_pit(_request: Received, _writer: asyncio.StreamWriter) -> None:
    """Accept, and never answer."""
    await asyncio.Event().wait()


async def hang_up(_request: Received, _writer: asyncio.StreamWriter) -> None:
    """Close the connection instead of answering."""
    raise HangupError


def trickle(status: int = 200, *, in_head: bool = False, every_s: float = 0.05) -> Manner:
    """Send one byte at a time for ever: of the body, or of the head."""

    async def manner(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} Scripted\r\n".encode())
        writer.write(b"X-Endless: " if in_head else b"Content-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(every_s)

    return manner


def flood(gigabytes: int = 10, status: int = 200) -> Manner:
    """Send an enormous body as fast as it is taken."""

    async def manner(_request: Received, writer: asyncio.StreamWriter) -> None:
        size = gigabytes * 1024**3
        writer.write(f"HTTP/1.1 {status} Scripted\r\nContent-Length: {size}\r\n\r\n".encode())
        for _ in range(gigabytes * 1024):
            writer.write(MEGABYTE)
            await writer.drain()

    return manner


class Receiver:
    """Remembers what it got; answers by path, else by `manner`."""

    def __init__(self, manner: Manner | None = None) -> None:
        self.manner = manner or answer()
        self.manners: dict[str, Manner] = {}
        """By path."""
        self.received: list[Received] = []
        self.open_connections = 0
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in [*self._tasks]:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def ids(self, path: str | None = None) -> list[str]:
        return [one.webhook_id for one in self.received if path in {None, one.path}]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.open_connections += 1
        self.connections += 1
        try:
            with contextlib.suppress(
                HangupError, OSError, asyncio.IncompleteReadError, asyncio.CancelledError
            ):
                while True:
                    await self._answer(reader, writer)
        finally:
            self.open_connections -= 1
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.rstrip().split("\r\n")
        headers = {
            name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        request = Received(
            path=first.split()[1],
            headers=headers,
            body=body,
            at=asyncio.get_running_loop().time(),
        )
        self.received.append(request)
        await self.manners.get(request.path, self.manner)(request, writer)
