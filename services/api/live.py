"""Hearing of replies: one NATS subscription per process, many waiting requests and streams."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol
from uuid import UUID

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.contracts.live import LiveDelta, LiveNews, LiveTurn
from shared.contracts.subjects import live_subject

LIVE_ALL: Final = "live.*.*"
"""Every simulation's progress. One standing subscription costs less than one per turn."""

MAX_HELD: Final = 256
"""Pieces kept for a reader that is slower than the customer; more are dropped, as NATS might."""

_TOLD: Final[msgspec.json.Decoder[LiveNews]] = msgspec.json.Decoder(LiveNews)


class Listener(Protocol):
    """Somebody who wants the news of one simulation."""

    def tell(self, news: LiveNews) -> None:
        """Take a piece of news; never waits."""
        ...


class Waiter:
    """One request that waits for turn `seq`."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.turn: LiveTurn | None = None
        """The turn itself, once it was heard of."""
        self._event = asyncio.Event()

    def tell(self, news: LiveNews) -> None:
        """Wake the request if this is its turn or a later one."""
        if isinstance(news, LiveDelta):
            return
        if news.seq == self.seq:
            self.turn = news
        if news.seq >= self.seq:
            self._event.set()

    async def heard(self, timeout_s: float) -> None:
        """Return when the turn was told of, or after the timeout: news may be lost, so look."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()


class Channel:
    """The news of one simulation in the order of hearing, for one stream."""

    def __init__(self) -> None:
        self._held: deque[LiveNews] = deque()
        self._event = asyncio.Event()

    def tell(self, news: LiveNews) -> None:
        """Keep a piece of news until the stream takes it."""
        if len(self._held) < MAX_HELD or isinstance(news, LiveTurn):
            self._held.append(news)
            self._event.set()

    async def next(self, timeout_s: float) -> LiveNews | None:
        """Return what was heard next, or None after the timeout: then look into Postgres."""
        if not self._held:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._event.wait()
            except TimeoutError:
                return None
        news = self._held.popleft()
        if not self._held:
            self._event.clear()
        return news


class LiveReplies:
    """Hands news on `live.<tenant>.<simulation>` to the requests that wait for them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._listening: dict[str, set[Listener]] = {}
        self._subscribing: asyncio.Task[object] | None = None

    async def open(self) -> None:
        """Subscribe once; whatever this connection publishes later comes after it."""
        if self._subscribing is None or _failed(self._subscribing):
            self._subscribing = asyncio.create_task(self._client.subscribe(LIVE_ALL, cb=self._hear))
        if not self._subscribing.done():
            await asyncio.shield(self._subscribing)

    @contextmanager
    def expect(self, tenant_id: UUID, simulation_id: UUID, seq: int) -> Iterator[Waiter]:
        """Wait for one turn of a simulation while the block runs."""
        waiter = Waiter(seq)
        with self._listen(tenant_id, simulation_id, waiter):
            yield waiter

    @contextmanager
    def watch(self, tenant_id: UUID, simulation_id: UUID) -> Iterator[Channel]:
        """Collect all news of a simulation while the block runs."""
        channel = Channel()
        with self._listen(tenant_id, simulation_id, channel):
            yield channel

    @contextmanager
    def _listen(self, tenant_id: UUID, simulation_id: UUID, listener: Listener) -> Iterator[None]:
        subject = live_subject(tenant_id, simulation_id)
        self._listening.setdefault(subject, set()).add(listener)
        try:
            yield
        finally:
            listeners = self._listening[subject]
            listeners.discard(listener)
            if not listeners:
                del self._listening[subject]

    async def _hear(self, message: Msg) -> None:
        listeners = self._listening.get(message.subject)
        if not listeners:
            return
        try:
            news = _TOLD.decode(message.data)
        except msgspec.MsgspecError:
            return
        for listener in listeners:
            listener.tell(news)


def _failed(task: asyncio.Task[object]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
