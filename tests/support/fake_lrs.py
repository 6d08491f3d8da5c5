"""A learning record store on loopback: keeps statements by id, and can be told to misbehave."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import msgspec

Behavior = Callable[[list[dict[str, Any]]], int | None]
"""The status to answer a request with instead of doing the right thing; None: do it."""


class FakeLrs:
    """Speaks as much of the statement resource as a sender needs, by the rules of the specification.

    A request with a statement whose id is known with other content is refused whole (409); the same
    content again changes nothing.
    """

    def __init__(self) -> None:
        self.statements: dict[str, dict[str, Any]] = {}
        self.requests: list[dict[str, str]] = []
        """Headers of each request, names in lower case; `:path` is the path."""
        self.stored = 0
        """Statements that were new when they came."""
        self.behavior: Behavior = lambda _statements: None
        self.forgets_answers = False
        """True: does what it is asked and closes the connection without a word."""
        self.answer_headers = ""
        self._server: asyncio.Server | None = None

    async def start(self) -> "FakeLrs":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/xapi"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                headers = {":path": line.decode().split(" ")[1]}
                while (line := await reader.readline()).strip():
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests.append(headers)
                status, answer = self._take(json.loads(body))
                if self.forgets_answers:
                    return
                text = msgspec.json.encode(answer)
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\n"
                    f"Content-Type: application/json\r\n{self.answer_headers}\r\n".encode()
                    + text
                )
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def _take(self, statements: list[dict[str, Any]]) -> tuple[int, list[str]]:
        status = self.behavior(statements)
        if status is not None:
            return status, []
        for statement in statements:
            known = self.statements.get(statement["id"])
            if known is not None and known != statement:
                return 409, []
        for statement in statements:
            if statement["id"] not in self.statements:
                self.stored += 1
                self.statements[statement["id"]] = statement
        return 200, [statement["id"] for statement in statements]
