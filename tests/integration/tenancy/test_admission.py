"""New work at the limit: two who come at once cannot both have the last place. [R-A12, R-C7]"""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from infra.tenant_limits import LimitRegistry
from shared.clock import FixedClock
from shared.contracts.jobs import JobKind
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from shared.errors import (
    BacklogFullError,
    ConcurrencyExceededError,
    TenantPausedError,
    TenantSuspendedError,
)
from shared.tenancy.admission import Asked, admit, come_back_s
from shared.tenancy.drains import Drains
from shared.tenancy.limits import Defaults, TenantLimits, effective
from tests.support.tenants import TenantFactory

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
DEFAULTS = Defaults(requests_per_minute=10, backlog=50)
SIMULATION = Asked(lanes=(JobKind.FLOW,), kind="simulation")


def zeros(count: int) -> bytes:
    return bytes(count)


def limits(simulations: int | None = None) -> TenantLimits:
    return effective("standard", "active", {"simulations": simulations}, DEFAULTS)


class World:
    """A tenant that can start simulations."""

    def __init__(self, database: Database, tenant_id: UUID, scenario: UUID, learner: UUID) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self._scenario = scenario
        self._learner = learner

    async def start(self, allowed: TenantLimits) -> bool:
        """Start one as the API does: check, insert, commit."""
        try:
            async with tenant_tx(self.database, self.tenant_id) as connection:
                await admit(connection, self.tenant_id, allowed, SIMULATION, zeros)
                await connection.execute(
                    "insert into simulations (tenant_id, simulation_id, learner_id, scenario_id,"
                    " scenario_version, mode, seed, status, last_seq, created_at, last_activity_at)"
                    " values ($1, $2, $3, $4, 1, 'interactive', 1, 'open', 0, now(), now())",
                    self.tenant_id, uuid4(), self._learner, self._scenario,
                )  # fmt: skip
        except ConcurrencyExceededError:
            return False
        return True

    async def count(self) -> int:
        async with tenant_tx(self.database, self.tenant_id) as connection:
            found: int = await connection.fetchval(
                "select count(*) from simulations where tenant_id = $1", self.tenant_id
            )
        return found


@pytest.fixture
async def world(database: Database, tenants: TenantFactory) -> World:
    tenant_id = (await tenants.new()).tenant_id
    learner = uuid4()
    async with tenant_tx(database, tenant_id) as connection:
        await connection.execute(
            "insert into learners (tenant_id, learner_id, person_id, external_id,"
            " external_id_hash, created_at) values ($1, $2, $2, $3, $4, now())",
            tenant_id, learner, b"x", bytes(32),
        )  # fmt: skip
        scenario = await connection.fetchval(
            "select scenario_id from scenarios where tenant_id = $1 limit 1", tenant_id
        )
    return World(database, tenant_id, scenario, learner)


class TestConcurrency:
    async def test_forty_at_once_for_ten_places(self, world: World) -> None:
        taken = await asyncio.gather(*(world.start(limits(10)) for _ in range(40)))
        assert sum(taken) == 10
        assert await world.count() == 10

    async def test_the_last_places_of_a_large_limit_are_exact_too(self, world: World) -> None:
        # 205: the first five share the lock, the others take it alone.
        for _ in range(5):
            taken = await asyncio.gather(*(world.start(limits(205)) for _ in range(50)))
        assert await world.count() == 205
        assert not await world.start(limits(205))
        assert sum(taken) == 5

    async def test_many_share_the_lock_far_from_the_limit(self, world: World) -> None:
        async with tenant_tx(world.database, world.tenant_id) as connection:
            await admit(connection, world.tenant_id, limits(1000), SIMULATION, zeros)
            async with asyncio.timeout(5):  # would wait for ever behind an exclusive lock
                assert await world.start(limits(1000))

    async def test_nobody_waits_where_there_is_no_limit(self, world: World) -> None:
        taken = await asyncio.gather(*(world.start(limits(None)) for _ in range(20)))
        assert all(taken)

    async def test_the_refusal_says_what_and_when(self, world: World) -> None:
        await world.start(limits(1))
        with pytest.raises(ConcurrencyExceededError) as refused:
            async with tenant_tx(world.database, world.tenant_id) as connection:
                await admit(connection, world.tenant_id, limits(1), SIMULATION, zeros)
        assert refused.value.violated_policies == ("simulations",)
        assert refused.value.retry_after_s == 30


class TestQueues:
    async def _queue(self, world: World, count: int) -> None:
        async with tenant_tx(world.database, world.tenant_id) as connection:
            await connection.execute(
                "insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)"
                " select $1, gen_random_uuid(), 'score', '{}', now() + interval '1 hour', now()"
                "   from generate_series(1, $2)",
                world.tenant_id,
                count,
            )

    async def _refusal(self, world: World, room: int = 1) -> BacklogFullError:
        asked = Asked(lanes=(JobKind.FLOW, JobKind.SCORE), lane_room=room)
        with pytest.raises(BacklogFullError) as refused:
            async with tenant_tx(world.database, world.tenant_id) as connection:
                await admit(connection, world.tenant_id, limits(), asked, zeros)
        return refused.value

    async def test_when_to_come_back_follows_how_fast_the_queue_is_worked_off(
        self, world: World
    ) -> None:
        await self._queue(world, 50)
        assert (await self._refusal(world)).retry_after_s == 30, "nothing was measured"

        async with tenant_tx(world.database, world.tenant_id) as connection:
            now = await connection.fetchval("select clock_timestamp()")
        drains = Drains(world.database, FixedClock(now))
        for _ in range(2):
            drains.note(world.tenant_id, JobKind.SCORE)
        await drains.flush()
        # Two jobs in the last second or less count as two in one second: five must end.
        assert (await self._refusal(world)).retry_after_s in {3, 4}

    async def test_a_large_request_needs_as_much_room(self, world: World) -> None:
        await self._queue(world, 30)
        assert (await self._refusal(world, room=21)).violated_policies == ("waiting-work",)
        async with tenant_tx(world.database, world.tenant_id) as connection:
            asked = Asked(lanes=(JobKind.SCORE,), lane_room=20)
            await admit(connection, world.tenant_id, limits(), asked, zeros)

    async def test_counts_of_the_minute_before_go_on_counting(
        self, world: World, database: Database
    ) -> None:
        clock = FixedClock(NOW)
        drains = Drains(database, clock)
        for number, seconds in enumerate((0, 30, 70, 100, 300), start=1):
            clock.at = NOW + timedelta(seconds=seconds)
            for _ in range(number):
                drains.note(world.tenant_id, JobKind.TURN)
            await drains.flush()
            async with system_tx(database) as connection:
                row = await connection.fetchrow(
                    "select done, before_done from lane_drains where tenant_id = $1",
                    world.tenant_id,
                )
            expected = {1: (1, 0), 2: (3, 0), 3: (3, 3), 4: (7, 3), 5: (5, 0)}
            assert tuple(row) == expected[number]


class TestStates:
    @pytest.mark.parametrize(
        ("status", "error"),
        [
            ("paused", TenantPausedError),
            ("draining", TenantPausedError),
            ("suspended", TenantSuspendedError),
        ],
    )
    async def test_the_database_decides_not_what_a_process_remembers(
        self, world: World, status: str, error: type[Exception]
    ) -> None:
        registry = LimitRegistry(world.database, DEFAULTS)
        await registry.set_status(world.tenant_id, status)
        async with tenant_tx(world.database, world.tenant_id) as connection:
            with pytest.raises(error):
                await admit(connection, world.tenant_id, limits(), SIMULATION, zeros)
        await registry.set_status(world.tenant_id, "active")
        assert await world.start(limits())


@pytest.mark.parametrize(
    ("held", "cap", "rate", "expected"),
    [
        (100, 100, None, 30),
        (100, 100, 0.0, 30),
        (100, 100, 5.0, 2),
        (5000, 5000, 50.0, 10),
        (5000, 5000, 0.1, 600),
        (1, 1, 1000.0, 1),
    ],
)
def test_when_to_come_back(held: int, cap: int, rate: float | None, expected: int) -> None:
    assert come_back_s(held, cap, rate, zeros) == expected
    assert come_back_s(held, cap, rate, lambda count: b"\xff" * count) >= expected
