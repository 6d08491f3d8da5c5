"""No process takes work before its schema is there; it waits, then ends with one clear line."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec
import pytest

from shared.config import Settings
from shared.db import gate
from shared.db.gate import SchemaBehindError, StoppedEarlyError
from shared.db.schema import MIGRATIONS
from tests.support.databases import Databases

LATE = MIGRATIONS[-1]


@pytest.fixture
def patient(databases: Databases, own_url: str) -> Settings:
    return msgspec.structs.replace(databases.settings(own_url), schema_wait_s=20.0)


async def _forget(owner: asyncpg.Connection, name: str = LATE) -> Callable[[], Awaitable[object]]:
    """Make it look as if a migration had not been applied; return what applies it."""
    digest = await owner.fetchval(
        "delete from public.schema_migrations where name = $1 returning content_hash", name
    )
    insert = "insert into public.schema_migrations (name, content_hash) values ($1, $2)"
    return lambda: owner.execute(insert, name, digest)


async def test_what_is_migrated_opens_at_once(patient: Settings) -> None:
    database = await gate.connect(patient, "test", stop=asyncio.Event())
    await database.close()


async def test_it_waits_for_a_migration_and_then_goes_on(
    patient: Settings, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "LOOK_S", 0.05)
    apply = await _forget(owner)
    opening = asyncio.create_task(gate.connect(patient, "test", stop=asyncio.Event()))
    done, _ = await asyncio.wait([opening], timeout=0.5)
    assert not done, "it opened without the migration"
    await apply()
    async with asyncio.timeout(10):
        await (await opening).close()


async def test_it_gives_up_with_one_clear_line(
    patient: Settings, owner: asyncpg.Connection
) -> None:
    await _forget(owner)
    hasty = msgspec.structs.replace(patient, schema_wait_s=0.0)
    with pytest.raises(SchemaBehindError) as raised:
        await gate.connect(hasty, "test", stop=asyncio.Event())
    assert str(raised.value) == (f"the database lacks migrations ({LATE}): run `rapport migrate`")


async def test_a_stop_meanwhile_is_no_fault(patient: Settings, owner: asyncpg.Connection) -> None:
    await _forget(owner)
    stop = asyncio.Event()
    opening = asyncio.create_task(gate.connect(patient, "test", stop=stop))
    stop.set()
    with pytest.raises(StoppedEarlyError):
        async with asyncio.timeout(10):
            await opening


async def test_a_database_of_before_the_gate_and_an_empty_one_are_behind(
    patient: Settings, owner: asyncpg.Connection
) -> None:
    hasty = msgspec.structs.replace(patient, schema_wait_s=0.0)
    await owner.execute("revoke select (name) on public.schema_migrations from rapport_app")
    with pytest.raises(SchemaBehindError, match=f"{len(MIGRATIONS)} of them"):
        await gate.connect(hasty, "test", stop=asyncio.Event())
    await owner.execute("drop table public.schema_migrations")
    with pytest.raises(SchemaBehindError):
        await gate.connect(hasty, "test", stop=asyncio.Event())


async def test_a_database_that_is_ahead_is_fine(
    patient: Settings, owner: asyncpg.Connection
) -> None:
    await owner.execute(
        "insert into public.schema_migrations (name, content_hash) values ('9999_later.sql', '')"
    )
    await (await gate.connect(patient, "test", stop=asyncio.Event())).close()


@pytest.mark.parametrize(
    "service", ["api", "orchestrator", "sim-worker", "scoring-worker", "reporting"]
)
async def test_every_process_says_so_and_ends(
    service: str, patient: Settings, owner: asyncpg.Connection
) -> None:
    await _forget(owner)
    ran = await asyncio.to_thread(_run, service, patient)
    assert ran.returncode == 1
    last = ran.stderr.strip().splitlines()[-1]
    assert last == (
        f"rapport {service.replace('-', '_')}: the database lacks migrations ({LATE}):"
        " run `rapport migrate`"
    )


def _run(service: str, settings: Settings) -> "subprocess.CompletedProcess[str]":
    own = {
        "RAPPORT_DATABASE_URL": settings.database_url.reveal,
        "RAPPORT_NATS_URL": settings.nats_url.reveal,
        "RAPPORT_TEMPORAL_ADDRESS": settings.temporal_address,
        "RAPPORT_MASTER_KEY": settings.master_key.reveal,
        "RAPPORT_API_PORT": "0",
        "RAPPORT_SCHEMA_WAIT_S": "0.1",
    }
    return subprocess.run(
        [sys.executable, "-m", "infra.cli.main", "run", service],
        env={k: v for k, v in os.environ.items() if not k.startswith("RAPPORT_")} | own,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
