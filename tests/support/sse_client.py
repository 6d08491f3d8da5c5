"""A reader of server-sent events, and a way to read a stream of the application in process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from litestar import Litestar


class SseEvent(msgspec.Struct, frozen=True):
    """An event as a browser dispatches it."""

    name: str
    data: Any
    """Decoded JSON."""
    event_id: str | None
    """Only if this event brought one."""


class SseReader:
    """Parses bytes that come in any pieces; after a cut, what was incomplete is gone."""

    def __init__(self) -> None:
        self.last_event_id: str | None = None
        self.retry_ms: int | None = None
        self.comments = 0
        self._buffer = b""

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Return the events that the bytes complete."""
        self._buffer += chunk
        *blocks, self._buffer = self._buffer.split(b"\n\n")
        return [event for block in blocks if (event := self._block(block)) is not None]

    def cut(self) -> None:
        """Forget the incomplete rest, as a browser does when the connection breaks."""
        self._buffer = b""

    def _block(self, block: bytes) -> SseEvent | None:
        fields: dict[str, str] = {}
        for line in block.decode().split("\n"):
            name, _, value = line.partition(":")
            if not name:
                self.comments += 1
                continue
            fields[name] = value.removeprefix(" ")
        if "retry" in fields:
            self.retry_ms = int(fields["retry"])
        self.last_event_id = fields.get("id", self.last_event_id)
        if "data" not in fields:
            return None
        return SseEvent(fields["event"], msgspec.json.decode(fields["data"]), fields.get("id"))


class AsgiAnswer:
    """A response of the application while it is still being sent."""

    def __init__(self, app: Litestar, scope: dict[str, Any], body: bytes) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._started = asyncio.Event()
        self._gone = asyncio.Event()
        self._body: bytes | None = body
        self._task = asyncio.create_task(self._run(app, scope))

    async def started(self) -> "AsgiAnswer":
        """Wait for status and headers."""
        await self._started.wait()
        if self._task.done():
            await self._task
        return self

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""
        while (chunk := await self._chunks.get()) is not None:
            yield chunk

    async def text(self) -> bytes:
        """Return the whole body."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def leave(self) -> None:
        """Close the connection from the client's side."""
        self._gone.set()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self, app: Litestar, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._send)  # type: ignore[arg-type]  # plain dicts
        finally:
            self._started.set()
            self._chunks.put_nowait(None)

    async def _receive(self) -> dict[str, Any]:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {
                name.decode().lower(): value.decode() for name, value in message["headers"]
            }
            self._started.set()
            return
        if message.get("body"):
            self._chunks.put_nowait(message["body"])
        if not message.get("more_body"):
            self._gone.set()  # a server tells the application that the exchange is over


async def open_answer(
    app: Litestar,
    method: str,
    target: str,
    headers: dict[str, str],
    body: object = None,
) -> AsgiAnswer:
    """Send a request to the application; return once it begins to answer."""
    path, _, query = target.partition("?")
    content = b"" if body is None else msgspec.json.encode(body)
    sent = {"host": "api.test", "content-length": str(len(content)), **headers}
    if body is not None:
        sent["content-type"] = "application/json"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 1),
        "server": ("api.test", 80),
        "state": {},
    }
    return await AsgiAnswer(app, scope, content).started()
