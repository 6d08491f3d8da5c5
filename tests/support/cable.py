"""A TCP connection to a server that can be cut or stopped: its death as a process feels it."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit, urlunsplit


class Cable:
    """Forwards a loopback port to a server, while it is whole."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._is_cut = False
        self.port = 0

    async def open(self) -> "Cable":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection and accept none, as when the server was killed."""
        self._is_cut = True
        for task in (*self._tasks,):
            task.cancel()

    def hang(self) -> None:
        """Let nothing through, and say nothing, as when the server was stopped."""
        self._flows.clear()

    def mend(self) -> None:
        """Be whole again."""
        self._is_cut = False
        self._flows.set()

    def url(self, url: str) -> str:
        """Return a URL that leads through the cable."""
        parts = urlsplit(url)
        user = parts.netloc.rpartition("@")[0]
        at = f"{user}@" if user else ""
        return urlunsplit(parts._replace(netloc=f"{at}127.0.0.1:{self.port}"))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.close()
            return
        try:
            back, forth = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        self._begin(self._pipe(reader, forth))
        self._begin(self._pipe(back, writer))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            with contextlib.suppress(OSError):
                writer.transport.abort()
