"""An operator takes an issuer with its audience from the tenant that must not have it."""

import asyncio
from uuid import uuid4

import asyncpg
import httpx
import pytest

from infra.cli.main import main
from shared.config import Settings
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import format_id
from tests.integration.api.conftest import Partner
from tests.support.tenants import TenantFactory

PATH = "/v1/settings/identity"
ISSUER = "https://login.acme.example/t"


@pytest.fixture
async def mistaken(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


@pytest.fixture
async def rightful(http: httpx.AsyncClient, tenants: TenantFactory) -> Partner:
    return Partner(http, await tenants.new())


@pytest.fixture
def _as_operator(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_DATABASE_URL", settings.database_url.reveal)
    monkeypatch.setenv("RAPPORT_MASTER_KEY", settings.master_key.reveal)


@pytest.mark.usefixtures("_as_operator")
async def test_what_is_freed_can_be_taken(
    mistaken: Partner,
    rightful: Partner,
    database: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = {"issuer": ISSUER, "audience": f"client-{uuid4().hex}"}
    pair = (ISSUER, body["audience"])
    assert (await mistaken.put(PATH, body)).status_code == 200
    async with tenant_tx(database, mistaken.tenant.tenant_id) as connection:
        await connection.execute(
            "insert into users (tenant_id, user_id, user_name, user_name_hash, subject_hash, role,"
            " created_at, updated_at) values ($1, gen_random_uuid(), 'x', sha256('a'), sha256('b'),"
            " 'viewer', now(), now())",
            mistaken.tenant.tenant_id,
        )
    assert (await rightful.put(PATH, body)).json()["code"] == "conflict"

    holder = format_id("ten", mistaken.tenant.tenant_id)
    for action in ("holder", "free"):
        capsys.readouterr()
        assert await asyncio.to_thread(main, ["identity", action, *pair]) == 0
        assert capsys.readouterr().out == f"{holder}\n"
    assert await asyncio.to_thread(main, ["identity", "free", *pair]) == 1
    assert "nobody holds" in capsys.readouterr().err

    assert (await rightful.put(PATH, body)).status_code == 200
    assert (await mistaken.get(PATH)).json()["issuer"] is None
    async with tenant_tx(database, mistaken.tenant.tenant_id) as connection:
        (told,) = await connection.fetch("select * from trail where action = 'identity.freed'")
        bound = await connection.fetchval(
            "select count(*) from users where subject_hash is not null"
        )
    assert (told["actor_kind"], told["target"]) == ("operator", "settings/identity")
    assert told["before_digest"] is not None
    assert bound == 0


@pytest.mark.usefixtures("_as_operator")
async def test_it_is_freed_also_when_the_keys_of_its_tenant_are_gone(
    mistaken: Partner, database: Database, database_url: str
) -> None:
    body = {"issuer": ISSUER, "audience": f"client-{uuid4().hex}"}
    assert (await mistaken.put(PATH, body)).status_code == 200
    owner = await asyncpg.connect(database_url, server_settings={"search_path": "app"})
    tenant_id = mistaken.tenant.tenant_id
    await owner.execute("delete from tenant_keys where tenant_id = $1", tenant_id)
    await owner.close()
    pair = (ISSUER, body["audience"])
    assert await asyncio.to_thread(main, ["identity", "free", *pair]) == 0
    assert await asyncio.to_thread(main, ["identity", "holder", *pair]) == 1
