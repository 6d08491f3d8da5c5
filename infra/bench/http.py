"""A keep-alive HTTP/1.1 client that costs the measuring side next to nothing.

The usual clients take about a millisecond of processor time per request; on two cores that would be
measured as the product's.
"""

import asyncio
import itertools
import uuid
from typing import Any, cast

import httptools
import msgspec
from typing_extensions import override


class HttpError(Exception):
    """The server answered something other than what the bench needs."""


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, host: str, key: str) -> None:
        self._host = host
        self._head = (
            f"Host: {host}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        )
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._body = b""
        self._names: list[bytes] = []
        self._key = uuid.uuid4()
        self._numbers = itertools.count()
        self._parser: httptools.HttpResponseParser | None = None

    @classmethod
    async def open(cls, url: str, key: str) -> "Connection":
        """Connect to `http://host:port`."""
        connection = cls(url.removeprefix("http://"), key)
        await connection._connect()
        return connection

    async def _connect(self) -> None:
        name, port = self._host.rsplit(":", 1)
        await asyncio.get_running_loop().create_connection(lambda: self, name, int(port))

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is none by inheritance, so a cast and not a check.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        if self._parser is not None:
            self._parser.feed_data(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(HttpError("the connection was closed"))

    @property
    def headers(self) -> set[str]:
        """Names of the last answer's headers, in lower case."""
        return {name.lower().decode("latin-1") for name in self._names}

    def on_header(self, name: bytes, _value: bytes) -> None:
        """Note that a header is there (called by the parser)."""
        self._names.append(name)

    def on_body(self, body: bytes) -> None:
        """Collect a part (called by the parser)."""
        self._body += body

    def on_message_complete(self) -> None:
        """Deliver the answer (called by the parser)."""
        if self._answer is not None and self._parser is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), self._body))

    async def request(
        self, method: str, path: str, body: object = None, *, once: str = ""
    ) -> tuple[int, Any]:
        """Return (status, decoded JSON); `once` is the Idempotency-Key, else each has its own."""
        if self._transport is None or self._transport.is_closing():
            await self._connect()  # it rested for longer than the server keeps connections
        content = b"" if body is None else msgspec.json.encode(body)
        once = once or f"{self._key}-{next(self._numbers)}"
        key = f"Idempotency-Key: {once}\r\n" if method == "POST" else ""
        head = (
            f"{method} {path} HTTP/1.1\r\n{self._head}{key}Content-Length: {len(content)}\r\n\r\n"
        )
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._names.clear()
        self._answer = asyncio.get_running_loop().create_future()
        cast("asyncio.Transport", self._transport).write(head.encode() + content)
        status, answer = await self._answer
        return status, msgspec.json.decode(answer)

    async def post(self, path: str, body: object, expected: int) -> Any:
        """Post and return the decoded answer.

        Raises:
            HttpError: another status than `expected`.
        """
        status, answer = await self.request("POST", path, body)
        if status != expected:
            raise HttpError(f"POST {path}: {status} {answer}")
        return answer
