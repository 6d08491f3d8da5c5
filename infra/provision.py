"""Brings a database to the state the services need: schema, login, library, demo tenant."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec

from infra.devstack.files import write_private
from infra.migrations.migrate import migrate
from infra.supervisor import LOGIN
from infra.tenants import Registry, TenantError
from shared.config import Secret, Settings
from shared.db import pool
from shared.db.keys import read_master

DEMO_SLUG = "demo"


class DemoKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Keys of the ready demo tenant, kept in the data directory for the next start."""

    api_key: str
    ops_key: str


async def provision(
    owner_url: str,
    *,
    login_password: str | None,
    progress: Callable[[str], None] = lambda _text: None,
) -> None:
    """Migrate, and on the embedded server create the services' login.

    Args:
        owner_url: Connects as the schema's owner.
        login_password: Password of `LOGIN`; None on an adopted server, whose logins are its own.
        progress: Told the name of each migration.
    """
    connection = await asyncpg.connect(owner_url)
    try:
        await migrate(connection, progress=progress)
        if login_password is not None and login_password.isalnum():
            await _create_login(connection, login_password)
    finally:
        await connection.close()


async def _create_login(connection: "asyncpg.Connection[asyncpg.Record]", password: str) -> None:
    if await connection.fetchval("select 1 from pg_roles where rolname = $1", LOGIN):
        return
    await connection.execute(
        f"create role {LOGIN} login noinherit password '{password}';"
        f"grant rapport_app, rapport_system to {LOGIN} with inherit false, set true"
    )


async def demo_tenant(settings: Settings, data_dir: Path) -> DemoKeys:
    """Return keys of the demo tenant, creating tenant and keys where they are missing.

    Kept keys may be those of another database, which the data directory was used with before.
    """
    path = data_dir / "demo-keys.json"
    database = await pool.connect(settings, "provision")
    try:
        registry = Registry(database, read_master(settings))
        if path.exists():
            kept = msgspec.json.decode(path.read_bytes(), type=DemoKeys)
            if await registry.knows_key(kept.api_key):
                return kept
        keys = DemoKeys(
            api_key=await registry.create_key(await _demo_tenant_id(registry), "live"),
            ops_key=await registry.create_ops_key(),
        )
    finally:
        await database.close()
    write_private(path, msgspec.json.encode(keys))
    return keys


async def _demo_tenant_id(registry: Registry) -> UUID:
    try:
        return await registry.create_tenant(DEMO_SLUG)
    except TenantError:  # an earlier start died before it wrote the keys down
        return await registry.find_tenant(DEMO_SLUG)


async def refresh_libraries(settings: Settings) -> int:
    """Give every tenant the newest built-in scenarios and rubrics; return the new versions made."""
    database = await pool.connect(settings, "provision")
    try:
        registry = Registry(database, read_master(settings))
        return sum([await registry.seed_library(one) for one in await registry.list_tenants()])
    finally:
        await database.close()


def settings_for(url: str, master_key: str) -> Settings:
    """Return the settings a command needs that only touches the database."""
    return Settings(
        database_url=Secret(url),
        nats_url=Secret(""),
        master_key=Secret(master_key),
        database_pool=2,
    )
