"""One POST after the other over kept connections, to addresses that were checked.

A small client of our own: for a request with a short body and an answer of which little is read,
a general one takes ten times the processor time. Parsing is httptools', checking is ssrfguard's.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, cast

import httptools
import msgspec
from ssrfguard import Address, Policy, resolve
from typing_extensions import override

from shared.contracts.webhooks import RESPONSE_KEPT_BYTES

READ_MOST_BYTES: Final = 64 * 1024
"""Of a head, and of a body; an answer with more costs the connection and is not read on."""

READ_MOST_S: Final = 2.0
"""Seconds for the body of an answer: whether it is a success is in its first line already."""

CONNECT_S: Final = 5.0
"""Seconds for one address of a name, before the next one is tried."""

KEEP_ALIVE_S: Final = 3.0
"""Less than common servers keep an idle connection, so that we are the ones who close it."""

KEPT_CONNECTIONS: Final = 64
"""Idle ones over all receivers."""

Resolver = Callable[..., Iterable[tuple[int, int, int, str, tuple[Any, ...]]]]
"""Shape of `socket.getaddrinfo`, for tests."""


class DisconnectedError(Exception):
    """The receiver closed the connection before it answered."""

    def __init__(self, *, is_stale: bool = False) -> None:
        super().__init__("the receiver closed the connection")
        self.is_stale = is_stale
        """It was an idle one, and nothing came back: worth one try over a new connection."""


class ProtocolError(Exception):
    """What came back is not HTTP, or its head never ends."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A URL in parts; all as sent on the wire."""

    is_tls: bool
    host: str
    """Without brackets."""
    port: int
    authority: str
    """For the header `Host`."""
    path: str
    """With the query."""


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer."""

    status: int
    headers: dict[str, str]
    """Names in lower case; of repeated ones the last."""
    body: bytes
    """Its first bytes, as sent."""


class _Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpResponseParser(self)
        self._head: asyncio.Future[None] | None = None
        self._done: asyncio.Future[None] | None = None
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._count = 0
        self._status = 0
        self._is_reused = False
        self.is_usable = False
        """The answer ended where it should, and the receiver keeps the connection."""
        self.idle_since = 0.0

    async def post(self, request: bytes, deadline: float) -> Response:
        """Send a request; return the answer as far as it is read.

        Raises:
            TimeoutError, DisconnectedError, ProtocolError, OSError: there was none.
        """
        self._head, self._done = self._loop.create_future(), self._loop.create_future()
        self._headers, self._body, self._count, self._status = {}, bytearray(), 0, 0
        self.is_usable = False
        if self._transport is None or self._transport.is_closing():
            raise DisconnectedError(is_stale=self._is_reused)
        self._transport.write(request)
        async with asyncio.timeout_at(deadline):
            await self._head
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(min(self._loop.time() + READ_MOST_S, deadline)):
                await self._done
        self._is_reused = True
        return Response(status=self._status, headers=self._headers, body=bytes(self._body))

    def close(self) -> None:
        """Drop the connection and what is still coming."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_closed(self) -> bool:
        """Whether the other side has gone."""
        return self._transport is None or self._transport.is_closing()

    # -- called by the event loop

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is none by inheritance, so a cast and not a check.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        if self._done is None or self._done.done():  # nobody asked
            self.close()
            return
        self._count += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(ProtocolError())
            return
        if self._count >= READ_MOST_BYTES and not self._done.done():
            if self._head is not None and self._head.done():
                self._finish()
                self.close()
            else:
                self._fail(ProtocolError())

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._head is not None and not self._head.done():
            is_stale = self._is_reused and self._count == 0
            self._fail(DisconnectedError(is_stale=is_stale))
        self._finish()
        self.is_usable = False

    def _fail(self, error: Exception) -> None:
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
        self._finish()
        self.close()

    def _finish(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    # -- called by the parser

    @property
    def _is_over(self) -> bool:
        """The answer ended: what else came with it is not an answer to anything."""
        if self._done is None or self._done.done():
            self.is_usable = False
            return True
        return False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        if self._is_over:
            return
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is there; of an interim answer, wait for the next."""
        if self._is_over:
            return
        self._status = self._parser.get_status_code()
        if self._status >= 200 and self._head is not None and not self._head.done():
            self._count = 0
            self._head.set_result(None)

    def on_body(self, body: bytes) -> None:
        """Keep the beginning."""
        if self._is_over:
            return
        self._body += body[: RESPONSE_KEPT_BYTES - len(self._body)]

    def on_message_complete(self) -> None:
        """The answer ended."""
        if self._is_over:
            return
        if self._status < 200:
            self._headers = {}
            return
        self.is_usable = self._parser.should_keep_alive()
        self._finish()


class HttpClient:
    """The process's kept connections to receivers."""

    def __init__(self, policy: Policy, *, lookups: int, resolver: Resolver | None = None) -> None:
        self._policy = policy
        self._resolver = resolver
        self._tls = ssl.create_default_context()
        # Of our own: a name server that stalls holds threads, and nobody else's.
        self._threads = ThreadPoolExecutor(lookups, thread_name_prefix="webhook-names")
        self._idle: dict[tuple[str, int, bool], list[_Connection]] = {}
        self._idle_count = 0

    async def close(self) -> None:
        """Close idle connections."""
        for kept in self._idle.values():
            for connection in kept:
                connection.close()
        self._idle.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def post(
        self, target: Target, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> Response:
        """Send a body; return the answer, whose head must be there at the deadline (on the event
        loop's clock).

        Raises:
            SSRFGuardError: the name leads to an address that may not be reached.
            TimeoutError, DisconnectedError, ProtocolError, OSError: no answer.
        """
        lines = [f"POST {target.path} HTTP/1.1", f"host: {target.authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"content-length: {len(body)}", "", ""]
        request = "\r\n".join(lines).encode("latin-1") + body
        place = (target.host, target.port, target.is_tls)
        connection = self._kept(place)
        if connection is not None:
            try:
                return await self._over(connection, place, request, deadline)
            except DisconnectedError as error:
                if not error.is_stale:
                    raise
        async with asyncio.timeout_at(deadline):
            connection = await self._connect(target)
        return await self._over(connection, place, request, deadline)

    async def _over(
        self,
        connection: _Connection,
        place: tuple[str, int, bool],
        request: bytes,
        deadline: float,
    ) -> Response:
        try:
            response = await connection.post(request, deadline)
        except BaseException:
            connection.close()
            raise
        if connection.is_usable and self._idle_count < KEPT_CONNECTIONS:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.setdefault(place, []).append(connection)
            self._idle_count += 1
        else:
            connection.close()
        return response

    def _kept(self, place: tuple[str, int, bool]) -> _Connection | None:
        """Return an idle connection that is young enough."""
        oldest = asyncio.get_running_loop().time() - KEEP_ALIVE_S
        if self._idle_count >= KEPT_CONNECTIONS:
            self._drop_old(oldest)
        kept = self._idle.get(place, [])
        while kept:
            connection = kept.pop()
            self._idle_count -= 1
            if not kept:
                del self._idle[place]
            if connection.idle_since >= oldest and not connection.is_closed:
                return connection
            connection.close()
        return None

    def _drop_old(self, oldest: float) -> None:
        for place, kept in [*self._idle.items()]:
            young = [one for one in kept if one.idle_since >= oldest and not one.is_closed]
            for one in kept:
                if one not in young:
                    one.close()
            self._idle_count -= len(kept) - len(young)
            if young:
                self._idle[place] = young
            else:
                del self._idle[place]

    async def _connect(self, target: Target) -> _Connection:
        last: Exception = OSError("no address")
        for address in (await self._resolve(target))[: self._policy.max_connection_attempts]:
            try:
                async with asyncio.timeout(CONNECT_S):
                    return await self._connect_to(address, target)
            except (TimeoutError, OSError) as error:
                last = error
        raise last

    async def _resolve(self, target: Target) -> tuple[Address, ...]:
        """Return the addresses of the name, each of them checked; there is no second lookup."""
        checked = self._policy.check_url(
            f"{'https' if target.is_tls else 'http'}://{target.authority}/"
        )
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: resolve(checked, policy=self._policy, resolver=self._resolver)
        )

    async def _connect_to(self, address: Address, target: Target) -> _Connection:
        loop = asyncio.get_running_loop()
        # By number: nothing from here on knows the name, apart from the check of the certificate.
        opened = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(opened, address.sockaddr)
            _, connection = await loop.create_connection(
                _Connection,
                sock=opened,
                ssl=self._tls if target.is_tls else None,
                server_hostname=target.host if target.is_tls else None,
            )
        except BaseException:
            opened.close()
            raise
        return connection
