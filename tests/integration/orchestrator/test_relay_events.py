"""Positions of events: without gaps per tenant, given after the commit, in the order of each
resource, whatever writers and relays do at the same time."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import msgspec
import pytest
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg

from services.orchestrator import relay as relay_module
from services.orchestrator import repository
from services.orchestrator.context import Context
from services.orchestrator.relay import LOCK, Relay
from shared.config import Settings
from shared.contracts.events import EventHeader
from shared.contracts.subjects import event_subject
from shared.db import pool
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from tests.integration.orchestrator.orchestrator_world import IDS, World
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually


@pytest.fixture
def relay(context: Context, nats: NatsClient) -> Relay:
    return Relay(context, nats)


async def _place(relay: Relay) -> int:
    async with system_tx(relay._context.database) as connection:
        return await relay.place(connection)


async def _write(world: World, resource_id: UUID, amount: int = 1) -> None:
    """One event per transaction, as services write them, with ids taken before the commit."""
    for _ in range(amount):
        event_id = IDS.new()
        await asyncio.sleep(0)
        async with tenant_tx(world.database, world.tenant_id) as connection:
            await world.event(connection, resource_id, event_id)


async def _head(world: World) -> int | None:
    rows = await world.fetch("select position from event_heads where tenant_id = $1")
    return rows[0]["position"] if rows else None


def _positions(rows: list) -> list[int]:
    return [row["position"] for row in rows]


class TestPositions:
    async def test_they_start_at_one_and_end_at_the_head(self, world: World, relay: Relay) -> None:
        assert await _head(world) is None
        await _write(world, IDS.new(), 3)
        assert await _place(relay) == 3
        await _write(world, IDS.new(), 2)
        assert await _place(relay) == 2
        assert await _place(relay) == 0
        assert _positions(await world.events()) == [1, 2, 3, 4, 5]
        assert await _head(world) == 5

    async def test_each_tenant_counts_for_itself(
        self, database: Database, tenants: TenantFactory, relay: Relay
    ) -> None:
        worlds = [await World.create(database, tenants) for _ in range(3)]
        for amount, world in enumerate(worlds, start=1):
            await _write(world, IDS.new(), amount)
        await _place(relay)
        for amount, world in enumerate(worlds, start=1):
            assert _positions(await world.events()) == list(range(1, amount + 1))

    async def test_a_late_commit_comes_later_and_is_not_missed(
        self, world: World, relay: Relay
    ) -> None:
        """Its id is older than one that a consumer has read already: a cursor on ids skips it."""
        early, late = IDS.new(), IDS.new()
        async with tenant_tx(world.database, world.tenant_id) as slow:
            await world.event(slow, IDS.new(), early)
            async with tenant_tx(world.database, world.tenant_id) as fast:
                await world.event(fast, IDS.new(), late)
            await _place(relay)
            read = await world.events()
            assert [row["event_id"] for row in read] == [late]
        await _place(relay)
        rest = await world.events(after=read[-1]["position"])
        assert [(row["event_id"], row["position"]) for row in rest] == [(early, 2)]
        assert early < late

    async def test_what_is_rolled_back_leaves_no_gap(self, world: World, relay: Relay) -> None:
        await _write(world, IDS.new())
        with pytest.raises(RuntimeError):
            await _write_and_fail(world)
        await _write(world, IDS.new())
        await _place(relay)
        assert _positions(await world.events()) == [1, 2]

    async def test_a_resource_keeps_its_order_though_its_ids_do_not(
        self, world: World, relay: Relay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ids taken in one order, committed in the other, and a pass that would cut between."""
        monkeypatch.setattr(repository, "EVENTS_PER_PASS", 2)
        resource = IDS.new()
        ids = [IDS.new() for _ in range(5)]
        for event_id in reversed(ids):
            async with tenant_tx(world.database, world.tenant_id) as connection:
                await world.event(connection, resource, event_id)
        await _write(world, IDS.new(), 3)
        while await _place(relay):
            pass
        rows = await world.events()
        assert _positions(rows) == list(range(1, 9))
        mine = [row for row in rows if row["resource_id"] == resource]
        assert [row["sequence"] for row in mine] == [1, 2, 3, 4, 5]
        assert [row["event_id"] for row in mine] == ids[::-1]

    async def test_concurrent_writers_and_a_consumer_that_misses_nothing(
        self, database: Database, tenants: TenantFactory, relay: Relay
    ) -> None:
        """A consumer by position, while 6 writers, slow commits and the relay are at work."""
        worlds = [await World.create(database, tenants) for _ in range(2)]
        writing = asyncio.gather(
            *(_write(world, IDS.new(), 15) for world in worlds for _ in range(3)),
            *(_write_slowly(world, 10) for world in worlds),
        )
        placing = asyncio.create_task(_place_forever(relay))
        read = await asyncio.gather(*(_consume(world, 55) for world in worlds))
        await writing
        placing.cancel()
        await asyncio.gather(placing, return_exceptions=True)
        for world, rows in zip(worlds, read, strict=True):
            assert _positions(rows) == list(range(1, 56))
            all_rows = await world.fetch("select event_id from events where tenant_id = $1")
            assert {row["event_id"] for row in rows} == {row["event_id"] for row in all_rows}
            assert await _head(world) == 55
            sequences: dict[UUID, int] = {}
            for row in rows:
                assert row["sequence"] == sequences.get(row["resource_id"], 0) + 1
                sequences[row["resource_id"]] = row["sequence"]


async def _write_and_fail(world: World) -> None:
    async with tenant_tx(world.database, world.tenant_id) as connection:
        await world.event(connection, IDS.new(), IDS.new())
        raise RuntimeError("the request failed")


async def _write_slowly(world: World, amount: int) -> None:
    """Events whose ids are long taken when they commit."""
    for _ in range(amount):
        async with tenant_tx(world.database, world.tenant_id) as connection:
            await world.event(connection, IDS.new(), IDS.new())
            await asyncio.sleep(0.01)


async def _place_forever(relay: Relay) -> None:
    while True:
        await _place(relay)
        await asyncio.sleep(0.001)


async def _consume(world: World, amount: int) -> list:
    """Read by position until everything was seen; each page goes on where the last one ended."""
    seen: list = []

    async def is_complete() -> bool:
        page = await world.events(after=seen[-1]["position"] if seen else 0)
        if page:
            assert page[0]["position"] == len(seen) + 1, "a gap that was filled later"
        seen.extend(page)
        return len(seen) >= amount

    await eventually(is_complete, timeout_s=30)
    return seen


class TestDelivery:
    async def test_placed_events_are_published_with_their_headers(
        self, world: World, relay: Relay, nats: NatsClient
    ) -> None:
        seen: list[EventHeader] = []

        async def note(message: Msg) -> None:
            seen.append(msgspec.json.decode(message.data, type=EventHeader))

        subject = event_subject(world.tenant_id, "turn.completed")
        subscription = await nats.subscribe(subject, cb=note)
        resource = IDS.new()
        await _write(world, resource, 3)
        await _place(relay)
        await eventually(lambda: len(seen) == 3)
        await subscription.unsubscribe()
        rows = await world.events()
        assert [(one.event_id, one.position, one.sequence) for one in seen] == [
            (row["event_id"], row["position"], row["sequence"]) for row in rows
        ]
        assert {one.resource_id for one in seen} == {resource}


class TestTwoRelays:
    """Each in a process of its own, as far as the database can tell."""

    @pytest.fixture
    async def pair(
        self,
        context: Context,
        settings: Settings,
        nats: NatsClient,
        monkeypatch: pytest.MonkeyPatch,
    ) -> AsyncIterator[dict[str, asyncio.Task[None]]]:
        monkeypatch.setattr(relay_module, "STANDBY_S", 0.05)
        monkeypatch.setattr(relay_module, "POLL_S", 0.05)
        databases = {name: await pool.connect(settings, name) for name in ("first", "second")}
        tasks: dict[str, asyncio.Task[None]] = {}
        for name, database in databases.items():
            mine = msgspec.structs.replace(context, database=database)
            tasks[name] = asyncio.create_task(Relay(mine, nats).run())
        yield tasks
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        for database in databases.values():
            await database.close()

    async def test_one_leads_and_the_other_takes_over(
        self, world: World, pair: dict[str, asyncio.Task[None]], owner: asyncpg.Connection
    ) -> None:
        await _write(world, IDS.new(), 3)
        await eventually(lambda: _is_placed(world, 3))
        (leader,) = await _leaders(owner)
        pair[leader].cancel()
        await asyncio.gather(pair[leader], return_exceptions=True)
        await _write(world, IDS.new(), 3)
        await eventually(lambda: _is_placed(world, 6))
        (successor,) = await _leaders(owner)
        assert {leader, successor} == {"first", "second"}
        assert _positions(await world.events()) == [1, 2, 3, 4, 5, 6]

    async def test_a_leader_that_loses_its_connection_loses_the_lead(
        self, world: World, pair: dict[str, asyncio.Task[None]], owner: asyncpg.Connection
    ) -> None:
        """A crash, or a server that restarted; over and over, under load, without a gap."""
        writing = asyncio.gather(*(_write(world, IDS.new(), 30) for _ in range(3)))
        for _ in range(3):
            await eventually(lambda: _is_led(owner))
            await owner.execute(
                "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'"
                " and objid = $1 and database = (select oid from pg_database"
                "  where datname = current_database())",
                LOCK,
            )
        await writing
        await eventually(lambda: _is_placed(world, 90))
        await eventually(
            lambda: _is_led(owner)
        )  # all may be placed before the last kill is noticed
        assert len(await _leaders(owner)) == 1
        assert _positions(await world.events()) == list(range(1, 91))
        assert not any(task.done() for task in pair.values())


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def _is_placed(world: World, amount: int) -> bool:
    return len(await world.events()) == amount


async def _is_led(owner: asyncpg.Connection) -> bool:
    return len(await _leaders(owner)) == 1


async def _leaders(owner: asyncpg.Connection) -> list[str]:
    """Who holds the relay's lock in this database."""
    rows = await owner.fetch(
        "select a.application_name from pg_locks l join pg_stat_activity a using (pid)"
        " where l.locktype = 'advisory' and l.objid = $1 and l.granted"
        "   and a.datname = current_database()",
        LOCK,
    )
    return [row["application_name"].removeprefix("rapport-") for row in rows]
