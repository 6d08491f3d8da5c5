"""Plans, what differs from them, and states: changed with an entry in the trail. [R-C18]"""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from infra.tenant_limits import LimitRegistry
from infra.tenants import TenantError
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_reads, tenant_tx
from shared.tenancy import book as book_module
from shared.tenancy import changes
from shared.tenancy.book import LimitsBook, limits_of
from shared.tenancy.changes import Change, NoTenantError, TenantChangeError
from shared.tenancy.limits import Defaults, TenantLimits, plans
from shared.trail.entries import Actor
from tests.support.tenants import TenantFactory

DEFAULTS = Defaults(requests_per_minute=4321, backlog=77)
OPERATOR = UUID(int=5)
CHANGE = Change(
    actor=Actor(kind="operator", id=OPERATOR),
    at=datetime(2026, 3, 14, 12, tzinfo=UTC),
    request_id="req_1",
)


@pytest.fixture
async def tenant_id(tenants: TenantFactory) -> UUID:
    return (await tenants.new()).tenant_id


async def _limits(database: Database, tenant_id: UUID) -> TenantLimits:
    found = await limits_of(tenant_reads(database), tenant_id, DEFAULTS)
    assert found is not None
    return found


async def _trail(database: Database, tenant_id: UUID) -> list[str]:
    async with tenant_tx(database, tenant_id) as connection:
        rows = await connection.fetch(
            "select action, facts, actor_id from trail where tenant_id = $1 order by number",
            tenant_id,
        )
    assert all(row["actor_id"] is None for row in rows), "a tenant is not told which operator"
    return [row["action"] for row in rows]


class TestChanges:
    async def test_a_new_tenant_has_the_standard_plan(
        self, database: Database, tenant_id: UUID
    ) -> None:
        found = await _limits(database, tenant_id)
        assert (found.plan, found.status) == ("standard", "active")
        assert (found.requests_per_minute, found.backlog) == (4321, 77)
        assert found.simulations == plans()["standard"].simulations
        assert found.tokens_per_day is None

    async def test_a_plan_and_what_differs_from_it(
        self, database: Database, tenant_id: UUID
    ) -> None:
        async with system_tx(database) as connection:
            assert await changes.set_plan(connection, tenant_id, "trial", CHANGE)
            assert not await changes.set_plan(connection, tenant_id, "trial", CHANGE)
            await changes.set_override(connection, tenant_id, "weight", 9, "OPS-1", CHANGE)
            await changes.set_override(connection, tenant_id, "weight", 7, "OPS-2", CHANGE)
            await changes.set_override(connection, tenant_id, "simulations", None, "x", CHANGE)
        found = await _limits(database, tenant_id)
        assert (found.plan, found.weight, found.simulations) == ("trial", 7, None)
        assert found.microusd_per_day == 5_000_000

        async with system_tx(database) as connection:
            assert await changes.clear_override(connection, tenant_id, "weight", CHANGE)
            assert not await changes.clear_override(connection, tenant_id, "weight", CHANGE)
            seen = await changes.overrides_of(connection, tenant_id)
        assert [(one.name, one.value, one.changed_by) for one in seen] == [
            ("simulations", None, OPERATOR)
        ]
        assert (await _limits(database, tenant_id)).weight == 1
        assert await _trail(database, tenant_id) == [
            "tenant.plan_set", "tenant.limit_set", "tenant.limit_set", "tenant.limit_set",
            "tenant.limit_cleared",
        ]  # fmt: skip

    async def test_states(self, database: Database, tenant_id: UUID) -> None:
        for status in ("paused", "draining", "suspended", "active"):
            async with system_tx(database) as connection:
                assert await changes.set_status(connection, tenant_id, status, CHANGE)
            assert (await _limits(database, tenant_id)).status == status
        assert await _trail(database, tenant_id) == [
            "tenant.paused", "tenant.draining_begun", "tenant.suspended", "tenant.resumed",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "value", "reason"),
        [
            ("colour", 1, "OPS-1"),
            ("weight", 0, "OPS-1"),
            ("weight", None, "OPS-1"),
            ("requests_per_minute", 0, "OPS-1"),
            ("simulations", -1, "OPS-1"),
            ("simulations", 10_000_001, "OPS-1"),
            ("simulations", 1, ""),
            ("simulations", 1, "ask bob@example.com"),
        ],
    )
    async def test_what_cannot_be_used_is_refused(
        self, database: Database, tenant_id: UUID, name: str, value: int | None, reason: str
    ) -> None:
        with pytest.raises(TenantChangeError):
            async with system_tx(database) as connection:
                await changes.set_override(
                    connection, tenant_id, name, value, reason, CHANGE  # type: ignore[arg-type]  # on purpose
                )  # fmt: skip
        assert await _trail(database, tenant_id) == []

    async def test_nobody_is_no_tenant(self, database: Database) -> None:
        for work in (
            lambda one: changes.set_plan(one, UUID(int=9), "trial", CHANGE),
            lambda one: changes.set_status(one, UUID(int=9), "paused", CHANGE),
            lambda one: changes.set_override(one, UUID(int=9), "weight", 1, "x", CHANGE),
        ):
            async with system_tx(database) as connection:
                with pytest.raises(NoTenantError):
                    await work(connection)

    async def test_the_system_role_reads_no_reason(self, database: Database) -> None:
        async with system_tx(database) as connection:
            await connection.fetch("select tenant_id, name, value from tenant_limits")
            with pytest.raises(Exception, match="permission denied"):
                await connection.fetch("select reason from tenant_limits")


class TestTheCommandLine:
    async def test_it_changes_and_shows(self, database: Database, tenant_id: UUID) -> None:
        registry = LimitRegistry(database, DEFAULTS)
        await registry.set_plan(tenant_id, "enterprise")
        await registry.set_limit(tenant_id, "scorings", 12, "OPS-7")
        await registry.set_status(tenant_id, "paused")
        shown = dict(await registry.show(tenant_id))
        assert (shown["plan"], shown["status"], shown["scorings"]) == ("enterprise", "paused", "12")
        assert shown["own scorings"] == "12 (OPS-7)"
        await registry.clear_limit(tenant_id, "scorings")
        assert "own scorings" not in dict(await registry.show(tenant_id))

    async def test_errors_are_one_line(self, database: Database, tenant_id: UUID) -> None:
        registry = LimitRegistry(database, DEFAULTS)
        with pytest.raises(TenantError, match="there is no plan gold"):
            await registry.set_plan(tenant_id, "gold")
        with pytest.raises(TenantError, match="there is no state asleep"):
            await registry.set_status(tenant_id, "asleep")
        with pytest.raises(TenantError, match="there is no such tenant"):
            await registry.show(UUID(int=9))


class TestTheBook:
    async def test_a_change_is_seen_after_some_seconds_and_one_look_serves_all(
        self, database: Database, tenant_id: UUID
    ) -> None:
        now = 100.0
        book = LimitsBook(database, DEFAULTS, now_s=lambda: now)
        found = await asyncio.gather(*(book.of(tenant_id) for _ in range(20)))
        assert len({id(one) for one in found}) == 1
        await LimitRegistry(database, DEFAULTS).set_status(tenant_id, "paused")
        assert (await book.of(tenant_id)).status == "active", "remembered, as documented"
        now += book_module.FRESH_S
        assert book.known(tenant_id) is None
        assert (await book.at_hand(tenant_id)).status == "active", "never asks where it knows"
        assert (await book.of(tenant_id)).status == "paused"

    async def test_without_the_database_what_was_known_holds(
        self, database: Database, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await LimitRegistry(database, DEFAULTS).set_plan(tenant_id, "trial")
        now = 0.0
        book = LimitsBook(database, DEFAULTS, now_s=lambda: now)
        assert (await book.of(tenant_id)).plan == "trial"

        async def gone(*_arguments: object) -> None:
            raise OSError("gone")

        monkeypatch.setattr(book_module, "limits_of", gone)
        now += 60
        assert (await book.of(tenant_id)).plan == "trial"
        assert (await book.of(UUID(int=77))).plan == "standard"
