"""The pool: who waits, who is thrown out, and that nobody speaks in another's transaction. [R-C1]"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from shared.config import Settings
from shared.db.connections import Connection, ConnectionPool
from shared.db.pool import Database
from shared.db.tx import tenant_once, tenant_tx
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

SIZE = 2


class Door:
    """Opens connections, and can be shut."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.is_shut = False
        self.opened = 0

    async def open(self) -> "asyncpg.Connection[asyncpg.Record]":
        if self.is_shut:
            raise ConnectionRefusedError
        self.opened += 1
        return await asyncpg.connect(self._url)


@pytest.fixture
def door(settings: Settings) -> Door:
    return Door(settings.database_url.reveal)


MakePool = Callable[..., Awaitable[ConnectionPool]]


@pytest.fixture
async def make_pool(door: Door) -> AsyncIterator[MakePool]:
    made: list[ConnectionPool] = []

    async def make(*, max_uses: int = 1000, idle_s: float = 60.0) -> ConnectionPool:
        pool = ConnectionPool(door.open, size=SIZE, max_uses=max_uses, idle_s=idle_s)
        await pool.open()
        made.append(pool)
        return pool

    yield make
    for pool in made:
        pool.terminate()
        async with asyncio.timeout(30):
            await pool.close()


async def _pid(connection: Connection) -> int:
    pid: int = await connection.fetchval("select pg_backend_pid()")
    return pid


async def test_one_after_the_other_needs_one_connection(make_pool: MakePool, door: Door) -> None:
    pool = await make_pool()
    pids = set()
    for _ in range(5):
        async with pool.acquire() as connection:
            pids.add(await _pid(connection))

    assert (len(pids), door.opened) == (1, 1)


async def test_a_crowd_shares_what_there_is(make_pool: MakePool, door: Door) -> None:
    pool = await make_pool()
    at_once = most = 0

    async def use(number: int) -> int:
        nonlocal at_once, most
        async with pool.acquire() as connection:
            at_once += 1
            most = max(most, at_once)
            answer: int = await connection.fetchval("select $1::int", number)
            at_once -= 1
            return answer

    assert await asyncio.gather(*(use(number) for number in range(100))) == list(range(100))
    assert (most, door.opened) == (SIZE, SIZE)


async def test_who_waits_longest_is_next(make_pool: MakePool) -> None:
    pool = await make_pool()
    held = [await pool.acquire() for _ in range(SIZE)]
    order: list[int] = []

    async def use(number: int) -> None:
        async with pool.acquire():
            order.append(number)

    waiting = [asyncio.create_task(use(number)) for number in range(4)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    for connection in held:
        await pool.release(connection)
    await asyncio.gather(*waiting, return_exceptions=True)

    assert order == [0, 2, 3]


async def test_a_connection_that_was_given_back_answers_nobody(make_pool: MakePool) -> None:
    pool = await make_pool()
    async with pool.acquire() as kept:
        first = await _pid(kept)
    async with pool.acquire() as connection:
        assert await _pid(connection) == first  # the same one, in other hands
        with pytest.raises(asyncpg.InterfaceError, match="given back"):
            await kept.execute("select 1")
    await pool.release(kept)
    await pool.release(kept)


async def test_an_open_transaction_is_thrown_away(make_pool: MakePool, door: Door) -> None:
    pool = await make_pool()
    async with pool.acquire() as connection:
        await connection.execute("create temporary table kept (a int)")
        await connection.execute("begin; insert into kept values (1)")
    async with pool.acquire() as connection:
        assert not connection.is_in_transaction()
        with pytest.raises(asyncpg.UndefinedTableError):
            await connection.execute("select * from kept")

    assert door.opened == 2


async def test_a_cancelled_statement_disturbs_nobody(make_pool: MakePool) -> None:
    pool = await make_pool()

    async def sleep() -> None:
        async with pool.acquire() as connection:
            await connection.fetchval("select pg_sleep(30)")

    for _ in range(5):
        task = asyncio.create_task(sleep())
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(30):
            for number in range(3):
                async with pool.acquire() as connection:
                    assert await connection.fetchval("select $1::int", number) == number


async def test_what_the_server_ended_is_replaced(
    make_pool: MakePool, door: Door, database_url: str
) -> None:
    pool = await make_pool()
    async with pool.acquire() as connection:
        pid = await _pid(connection)
    owner = await asyncpg.connect(database_url)
    await owner.execute("select pg_terminate_backend($1)", pid)
    await owner.close()

    async def replaced() -> bool:
        try:
            async with pool.acquire() as connection:
                return await _pid(connection) != pid
        except (
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,  # its last words are being read at this moment
            OSError,
        ):
            return False  # the news of its end had not come yet

    assert any([await replaced() for _ in range(3)])
    assert door.opened == 2


async def test_a_server_that_is_away_takes_no_place(make_pool: MakePool, door: Door) -> None:
    pool = await make_pool()
    held = await pool.acquire()
    door.is_shut = True
    for _ in range(3 * SIZE):
        with pytest.raises(ConnectionRefusedError):
            await pool.acquire()
    door.is_shut = False
    other = await pool.acquire()
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    held.terminate()
    await pool.release(held)

    taken = await waiting
    assert await taken.fetchval("select 1") == 1
    pool.give_back(taken)
    await pool.release(other)


async def test_an_old_one_is_replaced(make_pool: MakePool, door: Door) -> None:
    pool = await make_pool(max_uses=3)
    for _ in range(9):
        async with pool.acquire() as connection:
            await connection.fetchval("select 1")

    assert door.opened == 4  # the first lease was its opening


async def test_an_unused_one_is_closed(make_pool: MakePool, door: Door) -> None:
    pool = await make_pool(idle_s=0.05)
    async with pool.acquire() as first, pool.acquire() as second:
        pids = [await _pid(first), await _pid(second)]
    await eventually(lambda: not pool._open)
    async with pool.acquire() as connection:
        assert await _pid(connection) not in pids
    assert door.opened == 3


async def test_closing_waits_for_who_is_at_work(make_pool: MakePool) -> None:
    pool = await make_pool()
    held = [await pool.acquire() for _ in range(SIZE)]
    waiting = asyncio.create_task(pool.take())
    await asyncio.sleep(0)
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0.01)

    with pytest.raises(asyncpg.InterfaceError, match="closing"):
        await waiting
    with pytest.raises(asyncpg.InterfaceError, match="closing"):
        await pool.acquire()
    assert not closing.done()
    assert await held[0].fetchval("select 1") == 1
    for connection in held:
        await pool.release(connection)
    async with asyncio.timeout(30):
        await closing


async def test_a_task_that_outlives_its_transaction_reads_nothing(
    database: Database, tenants: TenantFactory
) -> None:
    mine, other = await tenants.new(), await tenants.new()
    async with tenant_tx(database, mine.tenant_id) as kept:
        assert await kept.fetchval("select count(*) from scenarios") > 0
    async with tenant_tx(database, other.tenant_id):
        with pytest.raises(asyncpg.InterfaceError):
            await kept.fetchval("select count(*) from scenarios")


async def test_cancelled_transactions_leave_no_tenant_behind(
    database: Database, tenants: TenantFactory
) -> None:
    tenant = await tenants.new()

    async def work() -> None:
        async with tenant_tx(database, tenant.tenant_id) as connection:
            await connection.execute("select pg_sleep(30)")

    async def read() -> None:
        await tenant_once(
            database,
            tenant.tenant_id,
            "with tenant as materialized (select set_config('app.tenant_id', $1::uuid::text, true))"
            " select pg_sleep(30) from tenant",
        )

    for job in (work, read) * 3:
        task = asyncio.create_task(job())
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with database.app.acquire() as connection:
            assert await connection.fetchval("select current_setting('app.tenant_id', true)") in {
                None, "",
            }  # fmt: skip
            assert await connection.fetchval("select count(*) from scenarios") == 0
