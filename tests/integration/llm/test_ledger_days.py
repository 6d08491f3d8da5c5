"""What a plan allows of a language model per day and at once, exceeded by nothing. [R-C18]"""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

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
from shared.llm.records import Bounds, CallDraft, CallOutcome, DayBounds, Reserved
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)
FREE = Bounds(
    monthly_microusd=None,
    installation_microusd=None,
    simulation_microusd=None,
    scoring_microusd=None,
    max_in_flight=10_000,
)


def draft(tenant_id: UUID, most: int, tokens: int, at: datetime = NOON) -> CallDraft:
    return CallDraft(
        call_id=IDS.new(),
        purpose=Purpose(tenant_id=tenant_id, task=Task.WORDING, environment="live"),
        model="gpt-4o-mini",
        host="api.openai.com",
        prompt_version="0123456789ab",
        temperature=None,
        max_output_tokens=200,
        seed=7,
        number=0,
        most_microusd=most,
        most_tokens=tokens,
        bounds=FREE,
        started_at=at,
        expires_at=at + timedelta(seconds=30),
    )


def outcome(cost: int, tokens: int) -> CallOutcome:
    return CallOutcome(
        usage=Usage(input_tokens=tokens - 10, output_tokens=10, cached_tokens=0),
        cost_microusd=cost,
        latency_ms=120,
        first_delta_ms=None,
        finish_reason="stop",
        failure=None,
    )


@pytest.fixture
async def tenant_id(tenants: TenantFactory) -> UUID:
    return (await tenants.new()).tenant_id


def ledger(database: Database, clock: FixedClock, **bounds: int) -> PostgresLedger:
    async def find(_tenant_id: UUID) -> DayBounds:
        return DayBounds(**bounds)

    return PostgresLedger(database, clock, bounds=find, wait_s=20)


async def day(database: Database, tenant_id: UUID, at: datetime = NOON) -> dict[str, Any]:
    async with tenant_tx(database, tenant_id) as connection:
        row = await connection.fetchrow(
            "select spent_microusd, reserved_microusd, spent_tokens, reserved_tokens"
            " from llm_days where tenant_id = $1 and day = $2",
            tenant_id,
            at.date(),
        )
    assert row is not None
    return dict(row)


async def tried(ledger: PostgresLedger, one: CallDraft) -> Reserved | WhyEmbedded:
    try:
        return await ledger.reserve(one)
    except ModelFailedError as error:
        return error.why


@pytest.mark.parametrize(
    ("bounds", "most", "tokens", "fit", "why"),
    [
        ({"tokens": 1000}, 5, 90, 11, WhyEmbedded.BUDGET),
        ({"microusd": 1000}, 90, 5, 11, WhyEmbedded.BUDGET),
        ({"max_in_flight": 17}, 1, 1, 17, WhyEmbedded.BUSY),
        ({"tokens": 1000}, 0, 90, 11, WhyEmbedded.BUDGET),
    ],
)
async def test_two_hundred_in_parallel_exceed_nothing(
    settings: Settings,
    tenant_id: UUID,
    bounds: dict[str, int],
    most: int,
    tokens: int,
    fit: int,
    why: WhyEmbedded,
) -> None:
    clock = FixedClock(NOON)
    databases = [await pool.connect(settings, f"ledger-{number}") for number in range(4)]
    try:
        ledgers = [ledger(each, clock, **bounds) for each in databases]
        results = await asyncio.gather(
            *(tried(ledgers[n % 4], draft(tenant_id, most, tokens)) for n in range(200))
        )
        for each in ledgers:
            await each.close()
        counts = Counter(type(one) if isinstance(one, Reserved) else one for one in results)
        assert counts == {Reserved: fit, why: 200 - fit}
        held = await day(databases[0], tenant_id)
        assert held["reserved_tokens"] == fit * tokens
        assert held["reserved_microusd"] == fit * most
    finally:
        for one in databases:
            await one.close()


async def test_what_a_call_really_took_takes_the_place_of_the_most(
    database: Database, tenant_id: UUID
) -> None:
    clock = FixedClock(NOON)
    books = ledger(database, clock, tokens=200, microusd=1000)
    reserved = await books.reserve(draft(tenant_id, 900, 150))
    assert await tried(books, draft(tenant_id, 10, 60)) is WhyEmbedded.BUDGET
    await books.settle(reserved, outcome(100, 40), None)
    assert isinstance(await tried(books, draft(tenant_id, 900, 160)), Reserved)
    await books.settle(reserved, outcome(100, 40), None)  # a second time changes nothing
    await books.close()
    assert await day(database, tenant_id) == {
        "spent_microusd": 100, "reserved_microusd": 900,
        "spent_tokens": 40, "reserved_tokens": 160,
    }  # fmt: skip


async def test_a_new_day_begins_anew_and_old_calls_settle_in_theirs(
    database: Database, tenant_id: UUID
) -> None:
    clock = FixedClock(NOON)
    books = ledger(database, clock, tokens=100)
    reserved = await books.reserve(draft(tenant_id, 5, 100))
    clock.at = NOON + timedelta(hours=12, seconds=1)
    tomorrow = await tried(books, draft(tenant_id, 5, 100, clock.at))
    assert isinstance(tomorrow, Reserved)
    # The first was not settled in time: it counts as spent at its most, on its own day.
    assert (await day(database, tenant_id))["spent_tokens"] == 100
    await books.settle(reserved, outcome(3, 30), None)
    await books.close()
    assert (await day(database, tenant_id))["spent_tokens"] == 30
    assert (await day(database, tenant_id, clock.at))["reserved_tokens"] == 100


async def test_a_call_of_an_older_process_is_settled(database: Database, tenant_id: UUID) -> None:
    """While a new version is rolled out, calls are reserved by the function of the old one."""
    books = ledger(database, FixedClock(NOON))
    one = draft(tenant_id, 5, 50)
    await books.reserve(one)
    async with tenant_tx(database, tenant_id) as connection:
        await connection.execute(
            "update llm_calls set reserved_tokens = null, day = null where tenant_id = $1",
            tenant_id,
        )
    await books.settle(Reserved(draft=one), outcome(3, 30), None)
    await books.close()
    assert (await day(database, tenant_id))["spent_tokens"] == 0
    assert msgspec.structs.asdict(DayBounds()) == {
        "max_in_flight": None, "tokens": None, "microusd": None,
    }  # fmt: skip
