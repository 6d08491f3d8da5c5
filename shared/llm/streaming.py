"""Reads a stream of server-sent events as chat completions use them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Final

from shared import failpoints
from shared.contracts.llm import Usage, WhyEmbedded
from shared.llm.failures import CallFailedError
from shared.llm.ports import Listener, StopListening
from shared.llm.wire import CHUNK, UNREADABLE, Chunk, Heard, Piece, Said, finish_of

SILENCE_S: Final = 15.0
"""Longest pause inside a stream; the call's deadline holds besides."""

LINE_MOST_BYTES: Final = 256 * 1024
"""Of one event; a piece of an answer has some hundred."""

TOKEN_MOST_CHARS: Final = 40
"""Of an answer, per token that was allowed; ordinary text has four. Whoever says more has not heard
the bound, and is not paid for."""

DONE: Final = b"[DONE]"


class EventLines:
    """Cuts bytes, however they arrive, into the data of events."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take bytes; yield the data of every line that is whole.

        Comments and fields other than `data` are skipped. Endpoints send an event's JSON in one
        line, so a line is taken for an event.

        Raises:
            CallFailedError: a line does not end.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > LINE_MOST_BYTES:
            raise CallFailedError(WhyEmbedded.MALFORMED, is_spent=True)
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()

    def end(self) -> Iterator[bytes]:
        """Yield the last line when the stream ended without a line break."""
        yield from self.feed(b"\n")


class StreamReader:
    """One answer that arrives in pieces."""

    def __init__(self, listener: Listener, started_at: float, *, most_tokens: int) -> None:
        """Begin.

        Args:
            listener: gets the pieces.
            started_at: the event loop's time at the request.
            most_tokens: what the answer was allowed.
        """
        self._left = most_tokens * TOKEN_MOST_CHARS
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._started_at = started_at
        self._texts: list[str] = []
        self._usage: Usage | None = None
        self._finish = ""
        self._is_refused = False
        self._is_done = False
        self._has_choice = False
        self.first_delta_s: float | None = None

    @property
    def text(self) -> str:
        """What was heard so far."""
        return "".join(self._texts)

    async def read(self, pieces: AsyncIterator[bytes]) -> Heard:
        """Read until the end, or until the listener has heard enough.

        Raises:
            CallFailedError: the stream broke, or is not what it should be.
        """
        lines = EventLines()
        try:
            while (piece := await self._next(pieces)) is not None:
                for data in lines.feed(piece):
                    await self._take(data)
                if self._is_done:
                    break
            for data in () if self._is_done else lines.end():
                await self._take(data)
        except StopListening:
            return self._heard(is_cut=True)
        return self._whole()

    async def read_whole(self, heard: Heard) -> Heard:
        """Hand on an answer that came in one piece although a stream was asked for."""
        self._usage, self._is_refused = heard.usage, heard.is_refused
        try:
            await self._take_piece(
                Piece(delta=Said(content=heard.text), finish_reason=heard.finish_reason)
            )
        except StopListening:
            return self._heard(is_cut=True)
        return self._heard(is_cut=False)

    async def _next(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        try:
            async with asyncio.timeout(SILENCE_S):
                return await anext(pieces, None)
        except TimeoutError:
            raise CallFailedError(WhyEmbedded.TIMEOUT, is_spent=True) from None

    async def _take(self, data: bytes) -> None:
        if self._is_done or not data:
            return
        if data == DONE:
            self._is_done = True
            return
        try:
            chunk = CHUNK.decode(data)
        except UNREADABLE:
            raise CallFailedError(WhyEmbedded.MALFORMED, is_spent=True) from None
        if chunk.error is not None:
            raise CallFailedError(WhyEmbedded.SERVER_ERROR, is_spent=True)
        await self._take_chunk(chunk)

    async def _take_chunk(self, chunk: Chunk) -> None:
        if chunk.usage is not None:
            self._usage = chunk.usage.usage()
        for choice in chunk.choices[:1]:
            await self._take_piece(choice)

    async def _take_piece(self, choice: Piece) -> None:
        self._has_choice = True
        self._finish = finish_of(choice.finish_reason) or self._finish
        self._is_refused = self._is_refused or bool(choice.delta.refusal)
        if choice.delta.content:
            if self.first_delta_s is None:
                self.first_delta_s = self._loop.time() - self._started_at
            self._texts.append(choice.delta.content)
            self._left -= len(choice.delta.content)
            if self._left < 0:
                raise CallFailedError(WhyEmbedded.MALFORMED, is_spent=True)
            await self._listener(choice.delta.content)
            failpoints.hit("activity.llm.mid_stream")

    def _heard(self, *, is_cut: bool) -> Heard:
        return Heard(
            text=self.text,
            usage=self._usage,
            finish_reason=self._finish,
            first_delta_s=self.first_delta_s,
            is_cut=is_cut,
            is_refused=self._is_refused,
        )

    def _whole(self) -> Heard:
        if not self._is_done and not self._finish:
            raise CallFailedError(WhyEmbedded.UNREACHABLE, is_spent=True)
        if not self._has_choice:
            raise CallFailedError(WhyEmbedded.MALFORMED, is_spent=True)
        return self._heard(is_cut=False)
