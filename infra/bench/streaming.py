"""Group `stream`: from a worker's first piece of a reply to the reader who sees it, over HTTP."""

import asyncio
import time
import uuid
from pathlib import Path
from typing import Final

import msgspec
import nats
import uvloop
from nats.aio.client import Client
from nats.aio.msg import Msg

from infra.bench.http import Connection, HttpError
from infra.bench.product import descendants, running
from infra.bench.resting import new_learner, quiet, settled
from infra.bench.rows import Report, percentile
from infra.bench.turns import LINES, SCENARIO
from infra.supervisor import UpFile
from shared.contracts.live import LiveDelta, LiveNews

READERS: Final = 10
"""Conversations that are read along at the same time."""

TURNS: Final = 6

DELAY_MS: Final = 200
"""Wording delay: stands in for a model, and spreads the readers."""

PINGS: Final = 50

_TOLD: Final[msgspec.json.Decoder[LiveNews]] = msgspec.json.Decoder(LiveNews)
_FIRST: Final = b"event: turn.delta"
_END: Final = b"event: done"


class Ear:
    """Hears every first piece as soon as the product's own processes can."""

    def __init__(self) -> None:
        self.heard: dict[tuple[str, int], float] = {}
        """Seconds of the monotonic clock, by subject and turn."""

    async def hear(self, message: Msg) -> None:
        """Note the time of a first piece."""
        news = _TOLD.decode(message.data)
        if isinstance(news, LiveDelta) and news.index == 0:
            self.heard[message.subject.rsplit(".", 1)[-1], news.seq] = time.perf_counter()


def run(report: Report, data_dir: Path) -> None:
    """Measure the group."""
    environment = {"RAPPORT_WORDING_DELAY_MS": str(DELAY_MS), "RAPPORT_LOG_LEVEL": "warning"}
    with running(data_dir, environment) as (up, _):
        uvloop.run(_measure(report, up))


async def _measure(report: Report, up: UpFile) -> None:
    client = await nats.connect(up.nats_url, inbox_prefix="_INBOX_admin")
    ear = Ear()
    await client.subscribe("live.*.*", cb=ear.hear)
    hop_ms = await _hop_ms(client)
    learner = await new_learner(up)
    pids = descendants(up.pids["supervisor"])
    added: list[float] = []
    for _ in range(2):  # the first round only warms up
        simulations = [await _simulation(up, learner, seed) for seed in range(READERS)]
        await settled(up)
        await quiet(pids)
        rounds = await asyncio.gather(
            *(_read_along(up, ear, one, number) for number, one in enumerate(simulations))
        )
        added = [one + hop_ms for each in rounds for one in each]
    report.add("api.sse_first_delta_added_p50_ms", percentile(added, 0.5), "ms")
    report.add("api.sse_first_delta_added_ms", percentile(added, 0.95), "ms", 15)
    await client.close()


async def _hop_ms(client: Client) -> float:
    """Return milliseconds from a publication to whoever listens: half of there and back."""
    took = []
    for _ in range(PINGS):
        started = time.perf_counter()
        await client.flush()
        took.append(1000 * (time.perf_counter() - started) / 2)
    return percentile(took, 0.5)


async def _simulation(up: UpFile, learner: str, seed: int) -> str:
    connection = await Connection.open(up.api_url, up.api_key)
    body = {"scenario": SCENARIO, "learner_id": learner, "mode": "interactive", "seed": seed}
    simulation: str = (await connection.post("/v1/simulations", body, 201))["id"]
    return simulation


async def _read_along(up: UpFile, ear: Ear, simulation: str, number: int) -> list[float]:
    """Talk, and return the milliseconds from each first piece to its reader."""
    await asyncio.sleep(number * DELAY_MS / 1000 / READERS)
    added = []
    for turn in range(TURNS):
        seen, rest = await _speak(up, simulation, 2 * turn)
        added.append(1000 * (seen - ear.heard[simulation.removeprefix("sim_"), 2 * turn + 2]))
        if b"event: simulation.ended" in rest:
            break
    return added


async def _speak(up: UpFile, simulation: str, seq: int) -> tuple[float, bytes]:
    """Say a line; return when its first piece was seen, and all that was sent."""
    host = up.api_url.removeprefix("http://")
    name, port = host.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(name, int(port))
    body = msgspec.json.encode({"text": LINES[seq // 2 % len(LINES)], "expected_seq": seq})
    head = (
        f"POST /v1/simulations/{simulation}/turns HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {up.api_key}\r\nContent-Type: application/json\r\n"
        f"Accept: text/event-stream\r\nIdempotency-Key: {uuid.uuid4()}\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    sent, seen = b"", 0.0
    while _END not in sent:
        chunk = await reader.read(65536)
        if not chunk:
            raise HttpError(f"the stream ended early: {sent[-300:]!r}")
        sent += chunk
        if not seen and _FIRST in sent:
            seen = time.perf_counter()
    writer.close()
    return seen, sent
