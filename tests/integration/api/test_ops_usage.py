"""Usage for billing: equal to the ledger, and the same for ever once a period is closed."""

import base64
import csv
import hashlib
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest

from shared.db.pool import Database
from shared.ids import format_id
from tests.integration.api.conftest import FakeWorker, Partner
from tests.integration.api.ops_world import Operator, Work
from tests.support.llm_calls import FIRST, Caller
from tests.support.tenants import TenantFactory

MARCH = {"month": "2026-03"}
DAYS = {"from": "2026-03-01", "to": "2026-04-01"}


@pytest.fixture(scope="module")
async def operator(http: httpx.AsyncClient, tenants: TenantFactory) -> Operator:
    return await Operator.new(http, tenants, ["usage:read"])


@pytest.fixture
async def fresh(http: httpx.AsyncClient, tenants: TenantFactory, worker: FakeWorker) -> Partner:
    return Partner(http, await tenants.new())


@pytest.fixture
def work(database: Database, fresh: Partner) -> Work:
    return Work(database, fresh.tenant.tenant_id)


async def _moved(work: Work, at: datetime) -> None:
    """Have everything of the tenant happen then."""
    for statement in (
        "update simulations set created_at = $2, last_activity_at = $2 where tenant_id = $1",
        "update scorings set created_at = $2 where tenant_id = $1",
    ):
        await work.sql(statement, at)


async def _of(operator: Operator, work: Work, **params: str) -> Any:
    seen = await operator.seen("/usage", tenant_id=format_id("ten", work.tenant_id), **params)
    return seen["data"][0] if seen["data"] else None


async def _old(database_url: str, work: Work, at: datetime) -> None:
    owner = await asyncpg.connect(database_url)
    try:
        for table in ("app.tenants", "app.turns"):
            await owner.execute(f"alter table {table} no force row level security")
            await owner.execute(
                f"update {table} set created_at = $2 where tenant_id = $1", work.tenant_id, at
            )
            await owner.execute(f"alter table {table} force row level security")
    finally:
        await owner.close()


class TestSums:
    async def test_they_equal_the_ledger(
        self, operator: Operator, fresh: Partner, work: Work, database: Database, database_url: str
    ) -> None:
        caller = Caller(database, work.tenant_id)
        for _ in range(3):
            await caller.call()
        await caller.call(FIRST + timedelta(days=31), cost=7)
        await caller.call(is_settled=False)  # and no call of March comes after it
        simulation = str((await fresh.simulation())["id"])
        for seq in (0, 2):
            assert (await fresh.say(simulation, seq)).status_code == 200
        await _moved(work, FIRST)
        await _old(database_url, work, FIRST)
        ledger = await fresh.get(
            "/v1/usage", params={"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
        )
        total = ledger.json()["total"]
        for params in (MARCH, DAYS):
            seen = await _of(operator, work, **params)
            assert seen["model_calls"] == total["calls"] == 4
            assert seen["input_tokens"] == total["input_tokens"]
            assert seen["cached_tokens"] == total["cached_tokens"]
            assert seen["output_tokens"] == total["output_tokens"]
            assert Decimal(seen["cost_usd"]) == Decimal(total["cost_usd"]) == Decimal("0.008")
            assert (seen["simulations"], seen["turns"], seen["scorings"]) == (1, 2, 0)

    async def test_test_keys_and_other_months_do_not_count(
        self, operator: Operator, fresh: Partner, work: Work
    ) -> None:
        await fresh.simulation()
        await work.sql("update simulations set environment = 'test' where tenant_id = $1")
        today = datetime.now(UTC).date()
        day = {"from": today.isoformat(), "to": (today + timedelta(days=1)).isoformat()}
        assert await _of(operator, work, **day) is None
        await work.sql("update simulations set environment = 'live' where tenant_id = $1")
        assert (await _of(operator, work, **day))["simulations"] == 1
        assert await _of(operator, work, month="2026-02") is None


class TestClosedPeriods:
    async def test_what_was_told_stays_so(
        self,
        operator: Operator,
        fresh: Partner,
        work: Work,
        database: Database,
        database_url: str,
    ) -> None:
        await Caller(database, work.tenant_id).call()
        await _old(database_url, work, FIRST)
        params = {**MARCH, "tenant_id": format_id("ten", work.tenant_id)}
        first = await operator.get("/usage", **params)
        assert first.json()["is_closed"]
        await Caller(database, work.tenant_id).call()  # what cannot come any more
        await work.sql("update llm_calls set cost_microusd = 0 where tenant_id = $1")
        again = await operator.get("/usage", **params)
        assert again.content == first.content
        assert len(first.json()["content_hash"]) == 64
        assert (await operator.seen("/usage", **DAYS))["is_closed"]

    async def test_an_open_period_goes_on(
        self, operator: Operator, fresh: Partner, work: Work
    ) -> None:
        today = datetime.now(UTC).date()
        params = {"from": today.isoformat(), "to": (today + timedelta(days=1)).isoformat()}
        await fresh.simulation()
        assert not (await operator.seen("/usage", **params))["is_closed"]
        assert (await _of(operator, work, **params))["simulations"] == 1
        await fresh.simulation()
        assert (await _of(operator, work, **params))["simulations"] == 2


class TestForms:
    async def test_the_file_has_every_row_and_its_digest(
        self,
        operator: Operator,
        work: Work,
        database: Database,
        tenants: TenantFactory,
        database_url: str,
    ) -> None:
        other = Work(database, (await tenants.new()).tenant_id)
        for each in (work, other):
            await Caller(database, each.tenant_id).call()
            await _old(database_url, each, FIRST)
        response = await operator.get("/usage.csv", **MARCH)
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/csv; charset=utf-8"
        digest = base64.b64encode(hashlib.sha256(response.content).digest()).decode()
        assert response.headers["content-digest"] == f"sha-256=:{digest}:"
        assert response.headers["rapport-closed"] == "true"
        rows = list(csv.DictReader(io.StringIO(response.text)))
        paged: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            seen = await operator.seen("/usage", **MARCH, limit=1, **cursor)
            paged += seen["data"]
            if seen["next_cursor"] is None:
                break
            cursor = {"cursor": seen["next_cursor"]}
        assert rows == [{name: str(value) for name, value in each.items()} for each in paged]
        assert {format_id("ten", work.tenant_id), format_id("ten", other.tenant_id)} <= {
            row["tenant_id"] for row in rows
        }

    async def test_wrong_days_are_named(self, operator: Operator) -> None:
        for params, pointer in (
            ({"from": "2026-03-01"}, "query:to"),
            ({"from": "2026-02-30", "to": "2026-03-01"}, "query:from"),
            ({"from": "2026-03-01", "to": "2026-03-01"}, "query:to"),
            ({"from": "2024-01-01", "to": "2026-03-01"}, "query:to"),
            ({**MARCH, **DAYS}, "query:month"),
            ({"month": "2026-13"}, "query:month"),
        ):
            for path in ("/usage", "/usage.csv"):
                response = await operator.get(path, **params)
                assert response.status_code == 400, response.text
                assert pointer in {each["pointer"] for each in response.json()["errors"]}

    async def test_without_days_it_is_the_last_month(self, operator: Operator) -> None:
        seen = await operator.seen("/usage")
        assert seen["from"].endswith("-01")
        assert seen["is_closed"] or datetime.now(UTC).day == 1
