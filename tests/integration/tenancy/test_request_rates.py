"""Requests counted in Postgres: as the model says, and never too many in parallel. [R-A12]"""

import asyncio
import random
from typing import Any
from uuid import UUID

import msgspec

from services.api.rates import PostgresRates, Rates
from shared.db.pool import Database
from shared.db.tx import tenant_once, tenant_tx
from shared.tenancy.book import SQL
from tests.support.rate_model import RateModel
from tests.support.tenants import TenantFactory


async def _take(database: Database, tenant_id: UUID, *arguments: Any) -> dict[str, int]:
    rows = await tenant_once(database, tenant_id, SQL["take_requests"], *arguments)
    return dict(rows[0])


async def test_the_function_does_what_the_model_does(
    database: Database, tenants: TenantFactory
) -> None:
    numbers = random.Random(7)
    for quota in (1, 7, 60, 600, 6000, 10_000_000):
        tenant_id = (await tenants.new()).tenant_id
        model, now = RateModel(), 1_700_000_000_000_000
        for _ in range(60):
            now += numbers.choice((0, 1, 500, 20_000, 3_000_000, 11_000_000, 70_000_000))
            wanted, ahead = numbers.randint(0, quota // 3 + 2), numbers.randint(0, quota // 10 + 1)
            seen = await _take(database, tenant_id, quota, wanted, ahead, now)
            assert seen == msgspec.structs.asdict(model.take(now, quota, wanted, ahead))


async def test_two_hundred_in_parallel_over_four_processes_stay_below_the_quota(
    database: Database, tenants: TenantFactory
) -> None:
    tenant_id = (await tenants.new()).tenant_id
    processes = [Rates(PostgresRates(database)) for _ in range(4)]
    answers = await asyncio.gather(
        *(processes[number % 4].take(tenant_id, 100) for number in range(200))
    )
    # Nothing comes back in the moments that this takes but what 100 per minute bring.
    allowed = sum(one.is_allowed for one in answers)
    assert 90 <= allowed <= 102
    assert all(one.is_known for one in answers)
    assert all(one.wait_s >= 1 for one in answers if not one.is_allowed)


async def test_a_row_that_somebody_holds_does_not_hold_requests_up(
    database: Database, tenants: TenantFactory
) -> None:
    tenant_id = (await tenants.new()).tenant_id
    rates = Rates(PostgresRates(database))
    assert (await rates.take(tenant_id, 10)).is_allowed
    async with tenant_tx(database, tenant_id) as connection:
        await connection.execute(
            "select from request_rates where tenant_id = $1 for update", tenant_id
        )
        assert not (await rates.take(tenant_id, 10)).is_known
