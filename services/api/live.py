"""Hearing that a reply was committed: one NATS subscription per process, many waiting requests."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.contracts.live import LiveTurn
from shared.contracts.subjects import live_subject

LIVE_ALL: Final = "live.*.*"
"""Every simulation's progress. One standing subscription costs less than one per turn."""


_TOLD = msgspec.json.Decoder(LiveTurn)


class Waiter:
    """One request that waits for turn `seq`."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.turn: LiveTurn | None = None
        """The turn itself, once it was heard of."""
        self._event = asyncio.Event()

    def tell(self, turn: LiveTurn) -> None:
        """Wake the request if this is its turn or a later one."""
        if turn.seq == self.seq:
            self.turn = turn
        if turn.seq >= self.seq:
            self._event.set()

    async def heard(self, timeout_s: float) -> None:
        """Return when the turn was told of, or after the timeout: news may be lost, so look."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()


class LiveReplies:
    """Hands news on `live.<tenant>.<simulation>` to the requests that wait for them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: dict[str, set[Waiter]] = {}
        self._subscribing: asyncio.Task[object] | None = None

    async def open(self) -> None:
        """Subscribe once; whatever this connection publishes later comes after it."""
        if self._subscribing is None or _failed(self._subscribing):
            self._subscribing = asyncio.create_task(self._client.subscribe(LIVE_ALL, cb=self._hear))
        if not self._subscribing.done():
            await asyncio.shield(self._subscribing)

    @contextmanager
    def expect(self, tenant_id: UUID, simulation_id: UUID, seq: int) -> Iterator[Waiter]:
        """Collect news of a simulation while the block runs."""
        subject = live_subject(tenant_id, simulation_id)
        waiter = Waiter(seq)
        self._waiting.setdefault(subject, set()).add(waiter)
        try:
            yield waiter
        finally:
            waiters = self._waiting[subject]
            waiters.discard(waiter)
            if not waiters:
                del self._waiting[subject]

    async def _hear(self, message: Msg) -> None:
        waiters = self._waiting.get(message.subject)
        if not waiters:
            return
        try:
            turn = _TOLD.decode(message.data)
        except msgspec.MsgspecError:
            return
        for waiter in waiters:
            waiter.tell(turn)


def _failed(task: asyncio.Task[object]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
