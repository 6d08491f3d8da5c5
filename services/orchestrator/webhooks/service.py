"""The delivery engine of a process, put together."""

import asyncio
from collections.abc import Sequence

from nats.aio.client import Client
from nats.aio.msg import Msg

from services.orchestrator.context import Context
from services.orchestrator.webhooks.fan_out import FanOut
from services.orchestrator.webhooks.recorder import Recorder
from services.orchestrator.webhooks.sender import Sender
from services.orchestrator.webhooks.taking import Taker
from shared.contracts.events import EventHeader
from shared.contracts.webhooks import WAKE_WEBHOOKS
from shared.db.keys import KeyRing
from shared.tasks import end
from shared.webhooks.outbound import Outbound

STOP_S = 5.0
"""Seconds that requests in hand get when the process stops; the rest is sent again."""


class Webhooks:
    """Fan-out and sender of a process. Several processes share the work by row locks."""

    def __init__(self, context: Context, keys: KeyRing, nats: Client) -> None:
        self._nats = nats
        self._outbound = Outbound(context.settings, connections=context.settings.webhook_slots)
        self._recorder = Recorder(context)
        self.sender = Sender(context, Taker(context, keys), self._outbound, self._recorder)
        self.fan_out = FanOut(context, keys, self.sender.hint)
        self._loops: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work."""
        await self._nats.subscribe(WAKE_WEBHOOKS, cb=self._on_wake)
        self._loops = [
            asyncio.create_task(self.fan_out.run()),
            asyncio.create_task(self.sender.run()),
        ]

    async def stop(self) -> None:
        """Finish or drop what is in hand; nothing is lost by either."""
        await end(self._loops)
        await self.sender.stop(STOP_S)
        await self._recorder.settle(STOP_S)
        await self._outbound.close()

    def placed(self, headers: Sequence[EventHeader]) -> None:
        """Events got their positions just now."""
        self.fan_out.hint({header.tenant_id for header in headers})

    async def _on_wake(self, _message: Msg) -> None:
        self.fan_out.hint_all()
        self.sender.hint_all()
