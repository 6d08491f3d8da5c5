"""The ledger: a hard budget stays hard, whatever runs in parallel and whatever dies in between."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from shared.clock import FixedClock
from shared.config import Settings
from shared.contracts.llm import Task, Usage, WhyEmbedded
from shared.db import pool
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker
from shared.llm.ledger import PostgresLedger
from shared.llm.ports import ModelFailedError, Purpose
from shared.llm.records import Bounds, CallDraft, CallOutcome, Reserved
from tests.support.tenants import TenantFactory
from tests.support.waiting import eventually

IDS = Uuid7Maker()
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
FREE = Bounds(
    monthly_microusd=None,
    installation_microusd=None,
    simulation_microusd=None,
    scoring_microusd=None,
    max_in_flight=10_000,
)


def bounds(**changes: int | None) -> Bounds:
    return msgspec.structs.replace(FREE, **changes)


def draft(tenant_id: UUID, most: int, limits: Bounds = FREE, **purpose: Any) -> CallDraft:
    at = purpose.pop("at", NOON)
    return CallDraft(
        call_id=IDS.new(),
        purpose=Purpose(tenant_id=tenant_id, task=Task.WORDING, environment="live", **purpose),
        model="gpt-4o-mini",
        host="api.openai.com",
        prompt_version="0123456789ab",
        temperature=None,
        max_output_tokens=200,
        seed=7,
        number=0,
        most_microusd=most,
        bounds=limits,
        started_at=at,
        expires_at=at + timedelta(seconds=30),
    )


def outcome(cost: int, failure: WhyEmbedded | None = None) -> CallOutcome:
    return CallOutcome(
        usage=Usage(input_tokens=90, output_tokens=10, cached_tokens=20),
        cost_microusd=cost,
        latency_ms=120,
        first_delta_ms=None,
        finish_reason="stop",
        failure=failure,
    )


@pytest.fixture
async def tenant_id(tenants: TenantFactory) -> UUID:
    return (await tenants.new()).tenant_id


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
async def ledger(database: Database, clock: FixedClock) -> AsyncIterator[PostgresLedger]:
    made = PostgresLedger(database, clock)
    yield made
    await made.close()


async def month(database: Database, tenant_id: UUID, at: datetime = NOON) -> dict[str, int]:
    async with tenant_tx(database, tenant_id) as connection:
        row = await connection.fetchrow(
            "select spent_microusd as spent, reserved_microusd as reserved, in_flight,"
            " installation_spent_microusd as house_spent,"
            " installation_reserved_microusd as house_reserved"
            " from llm_months where tenant_id = $1 and month = $2",
            tenant_id,
            at.date().replace(day=1),
        )
    assert row is not None
    return dict(row)


async def call(database: Database, tenant_id: UUID, call_id: UUID) -> asyncpg.Record:
    async with tenant_tx(database, tenant_id) as connection:
        row = await connection.fetchrow(
            "select * from llm_calls where tenant_id = $1 and call_id = $2", tenant_id, call_id
        )
    assert row is not None
    return row


async def check_books(database: Database, tenant_id: UUID) -> None:
    """The sums of the months are the sums of the calls."""
    async with tenant_tx(database, tenant_id) as connection:
        rows = await connection.fetch(
            "select m.spent_microusd, m.reserved_microusd, m.in_flight,"
            " coalesce(sum(case c.status when 'settled' then c.cost_microusd"
            "   when 'expired' then c.reserved_microusd end), 0) as spent,"
            " coalesce(sum(c.reserved_microusd) filter (where c.status = 'reserved'), 0) as reserved,"
            " count(*) filter (where c.status = 'reserved') as flying"
            " from llm_months m left join llm_calls c"
            "   on c.tenant_id = m.tenant_id and c.month = m.month"
            " where m.tenant_id = $1 group by 1, 2, 3",
            tenant_id,
        )
    assert rows
    for row in rows:
        assert row["spent_microusd"] == row["spent"]
        assert row["reserved_microusd"] == row["reserved"]
        assert row["in_flight"] == row["flying"]


async def why(awaitable: Any) -> WhyEmbedded:
    with pytest.raises(ModelFailedError) as raised:
        await awaitable
    return raised.value.why


class TestOneCall:
    async def test_the_most_is_set_aside_and_the_cost_takes_its_place(
        self, ledger: PostgresLedger, database: Database, tenant_id: UUID
    ) -> None:
        asked = draft(tenant_id, 900, simulation_id=IDS.new(), seq=2)
        reserved = await ledger.reserve(asked)
        assert await month(database, tenant_id) == {
            "spent": 0, "reserved": 900, "in_flight": 1, "house_spent": 0, "house_reserved": 0,
        }  # fmt: skip
        await ledger.settle(reserved, outcome(123), b"sealed")
        assert await month(database, tenant_id) == {
            "spent": 123, "reserved": 0, "in_flight": 0, "house_spent": 0, "house_reserved": 0,
        }  # fmt: skip
        row = await call(database, tenant_id, asked.call_id)
        assert (row["status"], row["cost_microusd"], row["answer"]) == ("settled", 123, b"sealed")
        assert (row["input_tokens"], row["output_tokens"], row["cached_tokens"]) == (90, 10, 20)
        assert (row["simulation_id"], row["seq"]) == (asked.purpose.simulation_id, 2)

    async def test_settling_twice_counts_once(
        self, ledger: PostgresLedger, database: Database, tenant_id: UUID
    ) -> None:
        reserved = await ledger.reserve(draft(tenant_id, 900))
        await ledger.settle(reserved, outcome(100), b"one")
        await ledger.settle(reserved, outcome(700), b"two")
        assert (await month(database, tenant_id))["spent"] == 100
        assert (await call(database, tenant_id, reserved.draft.call_id))["answer"] == b"one"

    async def test_what_the_installation_pays_is_counted_apart(
        self, ledger: PostgresLedger, database: Database, tenant_id: UUID
    ) -> None:
        own = await ledger.reserve(draft(tenant_id, 500))
        house = await ledger.reserve(draft(tenant_id, 300, bounds(installation_microusd=1000)))
        await ledger.settle(own, outcome(400), None)
        assert await month(database, tenant_id) == {
            "spent": 400, "reserved": 300, "in_flight": 1, "house_spent": 0, "house_reserved": 300,
        }  # fmt: skip
        await ledger.settle(house, outcome(200), None)
        assert (await month(database, tenant_id))["house_spent"] == 200


class TestBounds:
    async def test_the_last_cent_of_a_month_can_be_spent_and_not_more(
        self, ledger: PostgresLedger, tenant_id: UUID
    ) -> None:
        limits = bounds(monthly_microusd=1000)
        first = await ledger.reserve(draft(tenant_id, 600, limits))
        assert await why(ledger.reserve(draft(tenant_id, 401, limits))) == WhyEmbedded.BUDGET
        await ledger.reserve(draft(tenant_id, 400, limits))
        await ledger.settle(first, outcome(50), None)
        await ledger.reserve(draft(tenant_id, 550, limits))
        assert await why(ledger.reserve(draft(tenant_id, 1, limits))) == WhyEmbedded.BUDGET

    async def test_a_free_model_needs_no_budget(
        self, ledger: PostgresLedger, tenant_id: UUID
    ) -> None:
        await ledger.reserve(draft(tenant_id, 0, bounds(monthly_microusd=0)))

    @pytest.mark.parametrize("kind", ["simulation", "scoring"])
    async def test_a_simulation_and_a_scoring_have_bounds_of_their_own(
        self, kind: str, ledger: PostgresLedger, tenant_id: UUID
    ) -> None:
        limits = bounds(**{f"{kind}_microusd": 1000})
        one, other = ({f"{kind}_id": IDS.new()} for _ in range(2))
        first = await ledger.reserve(draft(tenant_id, 700, limits, **one))
        refused = ledger.reserve(draft(tenant_id, 400, limits, **one))
        assert await why(refused) == WhyEmbedded.BUDGET
        await ledger.reserve(draft(tenant_id, 400, limits, **other))
        await ledger.reserve(draft(tenant_id, 9_999, limits))
        await ledger.settle(first, outcome(600), None)
        await ledger.reserve(draft(tenant_id, 400, limits, **one))

    async def test_the_installations_bound_leaves_the_own_endpoint_alone(
        self, ledger: PostgresLedger, tenant_id: UUID
    ) -> None:
        house = bounds(installation_microusd=1000)
        await ledger.reserve(draft(tenant_id, 5000))
        await ledger.reserve(draft(tenant_id, 1000, house))
        assert await why(ledger.reserve(draft(tenant_id, 1, house))) == WhyEmbedded.BUDGET
        await ledger.reserve(draft(tenant_id, 5000))

    async def test_only_so_many_calls_fly_at_once(
        self, ledger: PostgresLedger, tenant_id: UUID
    ) -> None:
        limits = bounds(max_in_flight=3)
        made = await asyncio.gather(
            *(ledger.reserve(draft(tenant_id, 1, limits)) for _ in range(8)),
            return_exceptions=True,
        )
        flying = [each for each in made if isinstance(each, Reserved)]
        assert len(flying) == 3
        assert {each.why for each in made if isinstance(each, ModelFailedError)} == {
            WhyEmbedded.BUSY
        }
        await ledger.settle(flying[0], outcome(1), None)
        await ledger.reserve(draft(tenant_id, 1, limits))

    async def test_another_tenant_has_its_own_money(
        self, ledger: PostgresLedger, tenants: TenantFactory, tenant_id: UUID
    ) -> None:
        limits = bounds(monthly_microusd=100, max_in_flight=1)
        other = (await tenants.new()).tenant_id
        await ledger.reserve(draft(tenant_id, 100, limits))
        await ledger.reserve(draft(other, 100, limits))


class TestTime:
    async def test_what_is_not_settled_in_time_counts_as_spent_at_its_most(
        self,
        ledger: PostgresLedger,
        database: Database,
        clock: FixedClock,
        tenant_id: UUID,
    ) -> None:
        limits = bounds(monthly_microusd=1000, max_in_flight=1)
        lost = await ledger.reserve(draft(tenant_id, 600, limits))
        clock.at = NOON + timedelta(seconds=31)
        refused = ledger.reserve(draft(tenant_id, 401, limits, at=clock.at))
        assert await why(refused) == WhyEmbedded.BUDGET
        await ledger.reserve(draft(tenant_id, 400, limits, at=clock.at))
        assert (await month(database, tenant_id))["spent"] == 600
        await ledger.settle(lost, outcome(10), b"late")
        assert (await month(database, tenant_id))["spent"] == 10
        assert (await call(database, tenant_id, lost.draft.call_id))["status"] == "settled"
        await check_books(database, tenant_id)

    async def test_a_call_belongs_to_the_month_in_which_it_began(
        self,
        ledger: PostgresLedger,
        database: Database,
        clock: FixedClock,
        tenant_id: UUID,
    ) -> None:
        limits = bounds(monthly_microusd=1000, max_in_flight=2)
        clock.at = datetime(2026, 3, 31, 23, 59, 55, tzinfo=UTC)
        old = await ledger.reserve(draft(tenant_id, 900, limits, at=clock.at))
        clock.at = april = datetime(2026, 4, 1, 0, 0, 5, tzinfo=UTC)
        await ledger.reserve(draft(tenant_id, 1000, limits, at=april))
        busy = ledger.reserve(draft(tenant_id, 0, limits, at=april))
        assert await why(busy) == WhyEmbedded.BUSY
        await ledger.settle(old, outcome(800), None)
        assert (await month(database, tenant_id))["spent"] == 800
        assert (await month(database, tenant_id, april))["reserved"] == 1000
        await check_books(database, tenant_id)

    async def test_what_nobody_waits_for_any_more_is_given_back(
        self, ledger: PostgresLedger, database: Database, tenant_id: UUID
    ) -> None:
        async with tenant_tx(database, tenant_id) as connection:
            await connection.execute(
                "insert into llm_months (tenant_id, month) values ($1, $2)",
                tenant_id,
                NOON.date().replace(day=1),
            )
        async with tenant_tx(database, tenant_id) as connection:
            await connection.execute(
                "select from llm_months where tenant_id = $1 for update", tenant_id
            )
            waiting = asyncio.create_task(ledger.reserve(draft(tenant_id, 500)))
            await _until_somebody_waits(connection)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await ledger.close()
        assert (await month(database, tenant_id))["reserved"] == 0
        await check_books(database, tenant_id)


async def _until_somebody_waits(connection: Any) -> None:
    async def waits() -> bool:
        count = await connection.fetchval("select count(*) from pg_locks where not granted")
        return bool(count)

    await eventually(waits)


class TestTrouble:
    async def test_a_database_that_is_away_fails_closed(
        self, settings: Settings, tenant_id: UUID
    ) -> None:
        gone = await pool.connect(settings, "gone")
        await gone.close()
        refused = PostgresLedger(gone, FixedClock(NOON)).reserve(draft(tenant_id, 1))
        assert await why(refused) == WhyEmbedded.UNACCOUNTED

    async def test_a_database_that_is_slow_fails_closed_and_nothing_stays_reserved(
        self, database: Database, clock: FixedClock, tenant_id: UUID, ledger: PostgresLedger
    ) -> None:
        await ledger.reserve(draft(tenant_id, 1))
        hurried = PostgresLedger(database, clock, wait_s=0.05)
        async with tenant_tx(database, tenant_id) as connection:
            await connection.execute(
                "select from llm_months where tenant_id = $1 for update", tenant_id
            )
            refused = hurried.reserve(draft(tenant_id, 500))
            assert await why(refused) == WhyEmbedded.UNACCOUNTED
        await hurried.close()
        assert (await month(database, tenant_id))["reserved"] == 1


class TestHardBudget:
    @pytest.mark.parametrize("seed", range(4))
    async def test_two_hundred_in_parallel_with_kills_exceed_it_by_nothing(
        self, seed: int, settings: Settings, database: Database, database_url: str, tenant_id: UUID
    ) -> None:
        """Four processes' ledgers; connections are killed and callers give up at random."""
        rng = random.Random(seed)
        budget = 40_000
        limits = bounds(monthly_microusd=budget, installation_microusd=budget)
        clock = FixedClock(NOON)
        pools = [await pool.connect(settings, f"part-{number}") for number in range(4)]
        ledgers = [PostgresLedger(each, clock, wait_s=10) for each in pools]
        owner = await asyncpg.connect(database_url)
        seen = {"reserved": 0, "refused": 0, "lost": 0, "really_spent": 0}

        async def one(number: int) -> None:
            most = rng.randint(1, 600)
            ledger = ledgers[number % 4]
            try:
                async with asyncio.timeout(rng.choice((0.001, 5, 5, 5))):
                    reserved = await ledger.reserve(draft(tenant_id, most, limits))
            except TimeoutError:
                seen["lost"] += 1
                return
            except ModelFailedError as error:
                seen["lost" if error.why == WhyEmbedded.UNACCOUNTED else "refused"] += 1
                return
            seen["reserved"] += 1
            cost = rng.randint(0, most)
            seen["really_spent"] += cost
            if rng.random() < 0.8:
                await ledger.settle(reserved, outcome(cost), None)

        async def several(number: int) -> None:
            for _ in range(3):
                await one(number)

        async def kill() -> None:
            while True:
                await asyncio.sleep(rng.random() * 0.06)
                await owner.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where pid in ("
                    " select pid from pg_stat_activity where application_name like 'rapport-part-%'"
                    " order by random() limit 1)"
                )

        killing = asyncio.create_task(kill())
        try:
            await asyncio.gather(*(several(number) for number in range(200)))
        finally:
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
            await asyncio.gather(*(each.close() for each in ledgers))
            await owner.close()
            await asyncio.gather(*(each.close() for each in pools))
        books = await month(database, tenant_id)
        assert books["spent"] + books["reserved"] <= budget
        assert books["house_spent"] + books["house_reserved"] <= budget
        assert seen["really_spent"] <= books["spent"] + books["reserved"]
        assert seen["reserved"] > 20
        assert seen["refused"] > 20
        await check_books(database, tenant_id)
