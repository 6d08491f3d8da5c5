"""Words that nobody else has go through the whole product, and rest nowhere in the clear. [R-C11]

Every table, the files of PostgreSQL (its log of changes included), of NATS and of Temporal, every
log, every trace and every number is looked through for them, in whatever encoding.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import asyncpg
import httpx
import nats
import pytest
from temporalio.client import Client

from shared.contracts.jobs import JobKind
from shared.messaging.topology import job_stream_config
from shared.temporal.converter import DATA_CONVERTER
from tests.e2e import llm_world as world
from tests.e2e.canary_world import WORDS, Story, broken_script, suffer
from tests.support.canaries import Canaries, Sighting
from tests.support.collector import Collector, collecting
from tests.support.llm import (
    FakeLlm,
    environment,
    threaded,
)
from tests.support.product import Product
from tests.support.receivers import Receiver

pytestmark = pytest.mark.timeout(300)

PLANTED: Final = "zqvwplantedheron"
"""Of a row that a test writes in the clear; it stays in the log of changes."""

LEFT: Final = "zqvwleftheron"
"""Of a message and a workflow that a test leaves behind, kept as the product's own are."""

READABLE: Final = Canaries({"span": "publish turn", "number": "event_loop_lag_seconds"})
"""What is there for certain: who does not see it looks at something unreadable."""

ALLOWED: Final = {"up.json", "secrets.json"}
"""Files that hold secrets because that is what they are for: readable by their owner only."""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeLlm]:
    with threaded(broken_script()) as running:
        yield running


class Seen:
    """What was kept of the story, everywhere."""

    def __init__(self, canaries: Canaries, data_dir: Path) -> None:
        self.canaries = canaries
        self.data_dir = data_dir
        self.sightings: set[Sighting] = set()
        self.readable: set[tuple[str, str]] = set()
        """Places with what is there for certain."""
        self.looked_at: dict[str, int] = {}
        """Bytes by place; of files: how many."""

    def look(self, where: str, data: bytes) -> None:
        """Look at one place."""
        self.sightings |= self.canaries.seen(where, data)
        self.readable |= {(one.where, one.word) for one in READABLE.seen(where, data)}
        self.looked_at[where] = len(data)

    def look_at_files(self) -> set[Sighting]:
        """Look at everything that the product keeps below its directory."""
        found, self.looked_at["files"] = self.canaries.seen_in_files(self.data_dir, ALLOWED)
        return found


async def _tables(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname in ('app', 'report', 'public') order by 1"
    )
    return [row["name"] for row in rows]


async def _dump(connection: asyncpg.Connection, seen: Seen) -> None:
    """Look at every row of every table: what is compressed in the files is plain here."""
    for table in await _tables(connection):
        rows = await connection.fetch(f"select t::text as row from {table} t")
        seen.look(f"table {table}", "\n".join(row["row"] for row in rows).encode())


async def _numbers(product: Product, seen: Seen) -> None:
    async with httpx.AsyncClient() as http:
        for service, port in product.up.health_ports.items():
            response = await http.get(f"http://127.0.0.1:{port}/metrics")
            seen.look(f"metrics of {service}", response.content)


async def _leave(product: Product) -> None:
    """Leave a word where a message and a workflow keep theirs."""
    client = await nats.connect(product.up.nats_url)
    stream = replace(job_stream_config(JobKind.TURN), name="LEFT", subjects=["left.*"])
    await client.jetstream().add_stream(stream)
    await client.jetstream().publish("left.behind", LEFT.encode())
    await client.close()
    temporal = await Client.connect(product.up.temporal_address, data_converter=DATA_CONVERTER)
    await temporal.start_workflow("Left", LEFT, id="left", task_queue="nobody")


async def _live(product: Product, fake: FakeLlm, collector: Collector) -> Seen:
    partner = await world.guest(product, fake.url, "canary")
    try:
        async with Receiver() as receiver:
            await Story(partner, receiver).tell()
        await suffer(product, fake)
        key = partner.http.headers["Authorization"].rpartition("_")[2]
        words = {**WORDS, **{name: world.SECRETS[name] for name in ("key", "header")}}
        canaries = Canaries({**words, "api key": key[26:]}, stem="kestrel")
        seen = Seen(canaries, product.data_dir)
    finally:
        await partner.close()
    connection = await asyncpg.connect(product.up.database_url)
    try:
        await _dump(connection, seen)
        await connection.execute(f"create table public.planted as select '{PLANTED}' as t")
        planted = Seen(Canaries({"planted": PLANTED}), product.data_dir)
        await _dump(connection, planted)
        assert {one.where for one in planted.sightings} == {"table public.planted"}
        await connection.execute("drop table public.planted")
    finally:
        await connection.close()
    await _numbers(product, seen)
    await _leave(product)
    return seen


@pytest.fixture(scope="module")
def seen(
    fake: FakeLlm, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Seen]:
    settings = environment(fake.url) | {
        "RAPPORT_OTLP_ENDPOINT": collector.url,
        "RAPPORT_TRACE_SAMPLE": "1",
        "RAPPORT_LOG_LEVEL": "debug",
    }
    running = Product(tmp_path_factory.mktemp("canary") / "data", settings)
    try:
        found = asyncio.run(_live(running.start(), fake, collector))
        assert running.stop() == 0
        found.look("output", running.output.encode())
        found.look("traces", b"".join(collector.bodies))
        yield found
    finally:
        running.clean_up()


class TestCanary:
    def test_nothing_that_was_said_rests_in_the_clear(self, seen: Seen) -> None:
        found = seen.sightings | seen.look_at_files()
        assert not found, sorted(found)

    def test_everything_was_looked_at(self, seen: Seen) -> None:
        seen.look_at_files()
        assert seen.looked_at["files"] > 100
        for table in (
            "turns",
            "learners",
            "webhook_attempts",
            "surveys",
            "users",
            "scim_users",
            "trail",
        ):
            assert seen.looked_at[f"table app.{table}"] > 0, table
        assert seen.looked_at["traces"] > 10_000
        assert sum(name.startswith("metrics") for name in seen.looked_at) == 5

    def test_traces_and_numbers_are_readable(self, seen: Seen) -> None:
        assert ("traces", "span") in seen.readable
        numbers = {where for where, word in seen.readable if word == "number"}
        assert len([where for where in numbers if where.startswith("metrics")]) == 5

    @pytest.mark.parametrize("store", ["nats", "temporal"])
    def test_what_a_message_or_a_workflow_said_would_be_found(self, seen: Seen, store: str) -> None:
        found, files = Canaries({"left": LEFT}).seen_in_files(seen.data_dir / store, set())
        assert files > 0
        assert {one.word for one in found} == {"left"}

    @pytest.mark.parametrize(
        "line",
        [
            f'{{"event": "turn.failed", "detail": "{WORDS["said"]}"}}'.encode(),
            WORDS["name"].encode().hex().encode(),
            WORDS["mail"].encode("utf-16-le"),
        ],
    )
    def test_a_line_that_somebody_logs_is_found(self, seen: Seen, line: bytes) -> None:
        planted = seen.data_dir / "log" / "planted.log"
        planted.write_bytes(b'{"event": "x"}\n' + line)
        try:
            assert {one.where for one in seen.look_at_files()} >= {"log/planted.log"}
        finally:
            planted.unlink()
