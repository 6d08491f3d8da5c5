"""Group `webhook`: from the commit of an event to its receiver, how many per second, and what a
receiver that never answers costs another one.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, cast
from uuid import UUID

import asyncpg
import httptools
import nats
import uvloop
from nats.aio.client import Client
from typing_extensions import override

from infra.bench.http import Connection
from infra.bench.product import descendants, running
from infra.bench.resting import quiet, settled
from infra.bench.rows import Report, percentile
from infra.supervisor import UpFile
from shared.contracts.subjects import WAKE_EVENTS
from shared.ids import Uuid7Maker, format_id

SINGLE: Final = 100
"""Events, one after the other, whose first attempts are timed."""

ROUNDS: Final = 4
"""How often they are timed for a comparison; the best counts: other work on the machine only ever
adds.
"""

PAUSE_S: Final = 0.03
"""Seconds between them: no attempt waits for another."""

ENDPOINTS: Final = 4
BURST: Final = 750
"""Events committed at once for the throughput; each goes to every endpoint."""

STUCK: Final = 1000
"""Events queued to the receiver that never answers."""

WAIT_S: Final = 120.0
"""Seconds after which the measurement has failed."""

TIMED: Final = "turn.completed"
"""What the timed endpoint wants."""
BULK: Final = "scoring.completed"
"""What the endpoints of the throughput want."""
TARRED: Final = "simulation.ended"
"""What the tar pit wants."""

_INSERT: Final = """
insert into app.events (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)
select $1, event_id, $3, event_id, 1, $4, now() from unnest($2::uuid[]) as e (event_id)
"""
_DATA: Final = {
    TIMED: '{"seq": 2}',
    BULK: '{"assessment_id": "01936b2e-7a1c-7cc0-8f2a-3d5e6f708192", "revision": 1}',
    TARRED: '{"reason": "goal_met"}',
}
_ANSWER: Final = b"HTTP/1.1 204 No Content\r\n\r\n"

_IDS: Final = Uuid7Maker()


class _Receiver(asyncio.Protocol):
    """Answers 204 at once, or never under `/tar`; costs next to nothing."""

    def __init__(self, note: Callable[[str, float], None]) -> None:
        self._note = note
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._id = ""
        self._is_tar = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        """Remember the path (called by the parser)."""
        self._is_tar = url == b"/tar"

    def on_header(self, name: bytes, value: bytes) -> None:
        """Remember the id (called by the parser)."""
        if name.lower() == b"webhook-id":
            self._id = value.decode()

    def on_message_complete(self) -> None:
        """Answer (called by the parser)."""
        if self._is_tar or self._transport is None:
            return
        self._note(self._id, time.perf_counter())
        self._transport.write(_ANSWER)


class _Arrivals:
    """When which event came, and how many deliveries in all."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self.count = 0

    def note(self, webhook_id: str, at: float) -> None:
        """Count a delivery; the first time of an id stays."""
        self.at.setdefault(webhook_id, at)
        self.count += 1

    async def until(self, count: int) -> None:
        """Wait until so many deliveries came."""
        async with asyncio.timeout(WAIT_S):
            while self.count < count:  # noqa: ASYNC110  (a future per arrival would be measured)
                await asyncio.sleep(0.005)


class _Rig:
    """The running product, a receiver, and a hand that commits events."""

    def __init__(self, up: UpFile, database: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.up = up
        self.database = database
        self.arrivals = _Arrivals()
        self.url = ""
        self._nats: Client | None = None
        self._tenant_id: UUID | None = None

    async def open(self) -> None:
        """Listen on loopback."""
        server = await asyncio.get_running_loop().create_server(
            lambda: _Receiver(self.arrivals.note), "127.0.0.1", 0
        )
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._nats = await nats.connect(self.up.nats_url)

    async def endpoint(self, path: str, event_type: str) -> None:
        """Make an endpoint over the API."""
        api = await Connection.open(self.up.api_url, self.up.api_key)
        body = {"url": self.url + path, "event_types": [event_type]}
        await api.post("/v1/webhook_endpoints", body, 201)
        self._tenant_id = await self.database.fetchval(
            "select tenant_id from app.webhook_endpoints limit 1"
        )

    async def commit(self, amount: int, event_type: str) -> tuple[Sequence[str], float]:
        """Commit events in one transaction, as a service does; return public ids and the time."""
        ids = [_IDS.new() for _ in range(amount)]
        await self.database.execute(_INSERT, self._tenant_id, ids, event_type, _DATA[event_type])
        at = time.perf_counter()
        if self._nats is not None:
            await self._nats.publish(WAKE_EVENTS, b"")
        return [format_id("evt", one) for one in ids], at

    async def timed(self) -> list[float]:
        """Return milliseconds from commit to receipt of single events."""
        committed: dict[str, float] = {}
        wanted = self.arrivals.count + SINGLE
        for _ in range(SINGLE):
            (webhook_id,), at = await self.commit(1, TIMED)
            committed[webhook_id] = at
            await asyncio.sleep(PAUSE_S)
        await self.arrivals.until(wanted)
        return [1000 * (self.arrivals.at[one] - at) for one, at in committed.items()]


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    environment = {"RAPPORT_WEBHOOK_ALLOW_PRIVATE": "true", "RAPPORT_LOG_LEVEL": "warning"}
    with running(data_dir, environment) as (up, _):
        uvloop.run(_measure(report, up))


async def _measure(report: Report, up: UpFile) -> None:
    rig = _Rig(up, await asyncpg.connect(up.database_url))
    await rig.open()
    await rig.endpoint("/timed", TIMED)
    await rig.timed()  # warm-up: connections, caches, first plans
    await _rested(up)
    alone = await rig.timed()
    report.add("webhook.first_attempt_p50_ms", percentile(alone, 0.5), "ms")
    report.add("webhook.first_attempt_p95_ms", percentile(alone, 0.95), "ms", 300)
    report.add("webhook.deliveries_per_s", await _throughput(rig), "1/s", 300, "least")
    await _rested(up)
    alone_ms = await _best_p95(rig)
    await rig.endpoint("/tar", TARRED)
    await rig.commit(STUCK, TARRED)
    await _rested(up)
    report.add("webhook.isolation_ratio", await _best_p95(rig) / alone_ms, "", 1.2)


async def _best_p95(rig: _Rig) -> float:
    return min([percentile(await rig.timed(), 0.95) for _ in range(ROUNDS)])


async def _throughput(rig: _Rig) -> float:
    for number in range(ENDPOINTS):
        await rig.endpoint(f"/bulk/{number}", BULK)
    await rig.commit(20, BULK)
    await rig.arrivals.until(rig.arrivals.count + 20 * ENDPOINTS)
    wanted = rig.arrivals.count + BURST * ENDPOINTS
    _, started = await rig.commit(BURST, BULK)
    await rig.arrivals.until(wanted)
    return BURST * ENDPOINTS / (time.perf_counter() - started)


async def _rested(up: UpFile) -> None:
    await settled(up)
    await quiet(descendants(up.pids["supervisor"]))
