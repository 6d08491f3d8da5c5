"""Nothing of a tenant's webhooks is seen from outside the tenant, nor its secrets by the system
role."""

import asyncpg
import pytest

from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from tests.integration.orchestrator.orchestrator_world import World
from tests.integration.orchestrator.webhooks.webhook_world import Engine, Hooks
from tests.support.receivers import Receiver, answer
from tests.support.tenants import TenantFactory

TABLES = (
    "webhook_endpoints",
    "webhook_secrets",
    "webhook_keys",
    "webhook_deliveries",
    "webhook_attempts",
)


class TestBorders:
    async def test_another_tenant_sees_and_takes_nothing(
        self,
        hooks: Hooks,
        engine: Engine,
        receiver: Receiver,
        database: Database,
        tenants: TenantFactory,
    ) -> None:
        receiver.manner = answer(500)
        endpoint = await hooks.endpoint(receiver.url())
        await hooks.happen(3)
        await engine.deliver(hooks.tenant_id)
        other = await World.create(database, tenants)
        async with tenant_tx(database, other.tenant_id) as connection:
            for table in TABLES:
                assert await connection.fetchval(f"select count(*) from {table}") == 0, table
        for table in TABLES:
            rows = await hooks.world.fetch(f"select 1 from {table} where tenant_id = $1")
            assert rows, f"{table}: the test shows nothing without rows"
        taken = await engine.sender._taker.take(other.tenant_id, endpoint.endpoint_id, 5)
        assert taken.deliveries == ()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(database, other.tenant_id) as connection:
                await connection.execute(
                    "insert into webhook_keys values ($1, gen_random_uuid(), $2, $2, now())",
                    hooks.tenant_id,
                    bytes(32),
                )

    @pytest.mark.parametrize(
        "column",
        [
            "webhook_endpoints.url",
            "webhook_endpoints.description",
            "webhook_endpoints.metadata",
            "webhook_secrets.secret",
            "webhook_keys.private_key",
            "webhook_deliveries.body",
            "webhook_deliveries.learner_id",
            "webhook_attempts.response",
        ],
    )
    async def test_the_system_role_reads_ids_and_times_only(
        self, database: Database, column: str
    ) -> None:
        table, name = column.split(".")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with system_tx(database) as connection:
                await connection.fetch(f"select {name} from {table}")

    async def test_the_system_role_changes_nothing(self, database: Database) -> None:
        for table in TABLES:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with system_tx(database) as connection:
                    await connection.execute(f"delete from {table}")

    async def test_what_is_stored_is_sealed(
        self, hooks: Hooks, engine: Engine, receiver: Receiver
    ) -> None:
        receiver.manner = answer(500, body=b"plain-answer")
        endpoint = await hooks.endpoint(receiver.url("/plain-path"))
        await hooks.happen()
        await engine.deliver(hooks.tenant_id)
        stored = b""
        for table in TABLES:
            for row in await hooks.world.fetch(f"select * from {table} where tenant_id = $1"):
                stored += b"".join(value for value in row.values() if isinstance(value, bytes))
        assert len(stored) > 500
        for plain in (b"plain-path", b"plain-answer", b"turn.completed", endpoint.secret.encode()):
            assert plain not in stored
