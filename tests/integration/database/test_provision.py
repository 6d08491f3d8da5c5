"""A start that died half-way is completed by the next one."""

import base64
from pathlib import Path

import pytest

from infra.provision import demo_tenant
from infra.tenants import Registry, TenantError
from shared.config import Settings
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.sealed import MasterKey
from shared.db.tx import tenant_tx
from shared.keys import parse_key


@pytest.fixture
def registry(database: Database, settings: Settings) -> Registry:
    return Registry(database, MasterKey(base64.b64decode(settings.master_key.reveal)))


async def test_a_half_made_tenant_is_completed(
    registry: Registry, database: Database, keys: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_arguments: object) -> int:
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("shared.new_tenants.seed_library", die)
        with pytest.raises(OSError, match="killed"):
            await registry.create_tenant("half-made")
    tenant_id = await registry.create_tenant("half-made")
    assert tenant_id == await registry.find_tenant("half-made")
    async with tenant_tx(database, tenant_id) as connection:
        assert await keys.tenant(connection, tenant_id)
        assert await connection.fetchval("select count(*) from scenarios") >= 4
    with pytest.raises(TenantError, match="exists already"):
        await registry.create_tenant("half-made")


async def test_demo_keys_are_made_once_and_again_when_they_open_nothing(
    settings: Settings, registry: Registry, tmp_path: Path
) -> None:
    first = await demo_tenant(settings, tmp_path)
    assert await demo_tenant(settings, tmp_path) == first
    path = tmp_path / "demo-keys.json"

    path.unlink()  # died after making the tenant, before writing the keys
    second = await demo_tenant(settings, tmp_path)
    assert second.api_key != first.api_key
    assert await registry.knows_key(second.api_key)

    await registry.revoke_key(parse_key(second.api_key).key_id)  # as keys of another database
    third = await demo_tenant(settings, tmp_path)
    assert third.api_key not in {first.api_key, second.api_key}
