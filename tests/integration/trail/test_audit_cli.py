"""`rapport audit`: verify, export, check."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from infra.cli.main import main
from services.orchestrator.trail.sealer import Sealer
from shared.config import Settings
from shared.db.pool import Database
from shared.db.tx import system_tx, tenant_tx
from shared.trail.entries import Actor, Entry, record, record_fleet
from tests.integration.trail.conftest import SetClock
from tests.support.tenants import Tenant, TenantFactory


@pytest.fixture
async def tenant(
    tenants: TenantFactory, database: Database, sealer: Sealer, clock: SetClock
) -> Tenant:
    """With four sealed entries, one of them an operator's."""
    made = await tenants.new()
    entry = Entry(
        tenant_id=made.tenant_id,
        actor=Actor(kind="key", id=made.tenant_id),
        action="key.created",
        target="settings/llm",
        request_id="",
        at=clock.now(),
    )
    async with tenant_tx(database, made.tenant_id) as connection:
        for _ in range(3):
            await record(connection, entry)
    async with system_tx(database) as connection:
        await record_fleet(connection, entry)
    while await sealer.seal():
        pass
    return made


class Command:
    """`rapport audit`, in a thread: it has a loop of its own."""

    def __init__(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        self._captured = capfdbinary

    async def __call__(self, *arguments: str) -> tuple[int, str]:
        """Return the exit code and everything that was printed."""
        self._captured.readouterr()
        code = await asyncio.to_thread(main, ["audit", *arguments])
        out, errors = self._captured.readouterr()
        return code, (out + errors).decode()


@pytest.fixture
def audit(
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> Command:
    monkeypatch.setenv("RAPPORT_DATABASE_URL", settings.database_url.reveal)
    monkeypatch.setenv("RAPPORT_MASTER_KEY", settings.master_key.reveal)
    return Command(capfdbinary)


class TestVerify:
    async def test_whole_chains(self, tenant: Tenant, audit: Command) -> None:
        code, said = await audit("verify", tenant.slug)
        assert code == 0
        assert "4 entries up to 4" in said
        code, said = await audit("verify")
        assert code == 0
        assert "operators: " in said
        assert (await audit("verify", "--fleet"))[0] == 0

    async def test_a_changed_entry(self, tenant: Tenant, audit: Command, database_url: str) -> None:
        owner = await asyncpg.connect(database_url)
        where = "where tenant_id = $1 and position = 2"
        change = f"update app.trail set action = $2 {where}"
        await owner.execute(change, tenant.tenant_id, "key.deleted")
        code, said = await audit("verify", tenant.slug)
        await owner.execute(change, tenant.tenant_id, "key.created")
        await owner.close()
        assert code == 1
        assert " 2: changed: " in said
        assert "1 of 1 chains" in said

    async def test_no_such_tenant(self, audit: Command) -> None:
        code, said = await audit("verify", "nobody")
        assert (code, said) == (1, "rapport: there is no tenant nobody\n")


class TestFiles:
    async def test_a_file_is_checked_and_compared(
        self, tenant: Tenant, audit: Command, tmp_path: Path, database_url: str
    ) -> None:
        code, said = await audit("export", tenant.slug)
        assert code == 0
        file = tmp_path / "kept.ndjson"
        file.write_text(said)
        assert (await audit("check", str(file)))[0] == 0
        assert (await audit("verify", tenant.slug, "--export", str(file)))[0] == 0
        owner = await asyncpg.connect(database_url)
        await owner.execute(  # all of it, head and all
            "delete from app.trail where tenant_id = $1", tenant.tenant_id
        )
        await owner.execute("delete from app.trail_heads where tenant_id = $1", tenant.tenant_id)
        await owner.close()
        assert (await audit("verify", tenant.slug))[0] == 0
        code, said = await audit("verify", tenant.slug, "--export", str(file))
        assert code == 1
        assert "4: elsewhere: " in said
        file.write_text(file.read_text().replace("settings/llm", "settings/ll", 1))
        code, said = await audit("check", str(file))
        assert code == 1
        assert "not the one that was sealed" in said

    @pytest.mark.parametrize(
        "arguments",
        [["export"], ["check", "/nowhere"], ["verify", "--export", "/nowhere"]],
    )
    async def test_what_is_missing_is_said(self, audit: Command, arguments: list[str]) -> None:
        code, said = await audit(*arguments)
        assert code == 1
        assert said.startswith("rapport: ")
