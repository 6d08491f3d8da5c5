"""Harm by chance, but seeded: a receiver of webhooks that fails in every way, and a hand that kills
processes of a running product.
"""

import asyncio
import contextlib
import socket
import struct
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Final, Self

from standardwebhooks import Webhook, WebhookVerificationError
from typing_extensions import override

from infra.devstack.ports import choose_port
from tests.support.product import Product
from tests.support.receivers import HangupError, Manner, Received, Receiver, answer, hang_up, slow

LATE_S: Final = 3.0
"""Seconds until a late answer; the sender's patience must be shorter."""

ARRIVAL_S: Final = 2.0
"""Longest seconds that a killer waits for a request to arrive."""

AIMED: Final = 0.67
"""Share of kills of a victim with a moment of its own that wait for it."""

RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of a socket whose end is a reset."""

PORT_TRIES_S: Final = 0.05
"""Seconds between two tries to open a port again."""


async def reset(_request: Received, writer: asyncio.StreamWriter) -> None:
    """Reset the connection instead of answering."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
    raise HangupError


async def babble(_request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer what is not HTTP."""
    writer.write(b"220 mail.example ESMTP ready\r\n")
    await writer.drain()
    raise HangupError


MISHAPS: Final[Mapping[str, tuple[float, Manner]]] = {
    "500": (0.12, answer(500)),
    "503 with a pause": (0.02, answer(503, "Retry-After: 1")),
    "reset": (0.08, reset),
    "hang-up": (0.04, hang_up),
    "not HTTP": (0.02, babble),
    "too late": (0.02, slow(LATE_S, answer())),
    "slow": (0.08, slow(0.3, answer())),
}
"""How often each happens, and what it is; else the answer is 200 at once."""

TAKEN: Final = frozenset({"slow", "fine"})
"""Outcomes after which the sender knows that the event has arrived."""


class FlakyReceiver(Receiver):
    """Fails by chance until it is told to be calm; verifies everything that arrives, by path."""

    def __init__(self, chance: Random) -> None:
        super().__init__(self._take)
        self._chance = chance
        self._secrets: dict[str, Webhook] = {}
        self._port = choose_port()
        self._arrived = asyncio.Event()
        self.is_calm = False
        self.outcomes: Counter[str] = Counter()
        self.bodies: dict[str, dict[str, bytes]] = defaultdict(dict)
        """By path and webhook-id: the first bytes that came."""
        self.acknowledged: dict[str, set[str]] = defaultdict(set)
        """By path: webhook-ids that were answered 200 in time."""
        self.faults: list[str] = []
        """What no sender may do: a signature that does not verify, other bytes under an id."""

    def expect(self, path: str, secret: str) -> None:
        """Verify what comes to a path by this secret."""
        self._secrets[path] = Webhook(secret)

    @override
    async def __aenter__(self) -> Self:
        await self._open_port()
        return self

    async def suffer(self, seconds: float) -> None:
        """Close the port for a while, again and again."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            await asyncio.sleep(self._chance.uniform(3, 8))
            assert self._server is not None
            self._server.close()
            for task in [*self._tasks]:  # connections that are kept would go on
                task.cancel()
            self.outcomes["closed port"] += 1
            await asyncio.sleep(self._chance.uniform(1, 3))
            await self._open_port()

    async def arrival(self) -> None:
        """Return when the next request is there and its sender waits, or after some time."""
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ARRIVAL_S):
                await self._arrived.wait()

    async def _open_port(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
                return
            await asyncio.sleep(PORT_TRIES_S)

    async def _take(self, request: Received, writer: asyncio.StreamWriter) -> None:
        self._arrived.set()
        self._check(request)
        name, manner = self._pick()
        self.outcomes[name] += 1
        await manner(request, writer)
        if name in TAKEN:
            self.acknowledged[request.path].add(request.webhook_id)

    def _check(self, request: Received) -> None:
        webhook_id = request.webhook_id
        try:
            self._secrets[request.path].verify(request.body, request.headers)
        except (WebhookVerificationError, KeyError) as error:
            self.faults.append(f"{request.path} {webhook_id}: {error!r}")
        first = self.bodies[request.path].setdefault(webhook_id, request.body)
        if first != request.body:
            self.faults.append(f"{request.path} {webhook_id}: {request.body!r} after {first!r}")

    def _pick(self) -> tuple[str, Manner]:
        left = 1.0 if self.is_calm else self._chance.random()
        for name, (share, manner) in MISHAPS.items():
            left -= share
            if left < 0:
                return name, manner
        return "fine", answer()


class Killer:
    """Kills by chance, each victim as often as the others, one or two at a time."""

    def __init__(
        self,
        product: Product,
        victims: Sequence[str],
        chance: Random,
        moments: Mapping[str, Callable[[], Awaitable[None]]],
    ) -> None:
        """Take the victims' names; `moments` return when it would hurt one of them most."""
        self._product = product
        self._victims = victims
        self._moments = moments
        self._chance = chance
        self._next: list[str] = []
        self.kills: Counter[str] = Counter()

    async def rage(self, seconds: float) -> None:
        """Kill -9, wait until all is back and a moment longer, and again; ends with all back."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end:
            await asyncio.sleep(self._chance.uniform(0.2, 2.5))
            names = {self._draw() for _ in range(self._chance.choice((1, 1, 2)))}
            for name in sorted(names & self._moments.keys()):
                if self._chance.random() < AIMED:
                    await self._moments[name]()
            killed = self._product.kill(*sorted(names))
            self.kills.update(names)
            await self._product.back(killed)

    def _draw(self) -> str:
        if not self._next:
            self._next = self._chance.sample(self._victims, len(self._victims))
        return self._next.pop()
