"""`rapport backup`, `restore` and `recover`: the database in a file, and back to work."""

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli.errors import CommandError

if TYPE_CHECKING:  # a command that is not asked for imports nothing heavy
    from services.orchestrator.recovery import Recovered
    from shared.config import Settings

ERASED_AGAIN = """\
whoever was erased since this backup is back, with tenants that had left. Erase them again from the
ledger that you keep elsewhere, before anybody gets in:
    rapport privacy reapply ledger.ndjson"""
"""What a restore leaves to be done: the database that knew of the erasures is lost."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the three commands."""
    backup = commands.add_parser("backup", help="write the database to a file, while work goes on")
    backup.add_argument("file", type=Path)
    restore = commands.add_parser(
        "restore", help="read such a file into an empty database, then recover"
    )
    restore.add_argument("file", type=Path)
    commands.add_parser(
        "recover", help="start again whatever has not ended; for a Temporal that has forgotten it"
    )


def backup(options: argparse.Namespace) -> int:
    """Dump the configured database, or that of the running product."""
    from infra.backup import BackupError, dump
    from infra.cli.commands import database_settings

    start = time.monotonic()
    try:
        dump(database_settings(options).database_url.reveal, options.file)
    except BackupError as error:
        raise CommandError(str(error)) from error
    size = options.file.stat().st_size / 1e6
    print(f"{options.file}: {size:.1f} MB in {time.monotonic() - start:.1f} s")
    print("the master key is not in it: keep that apart, nothing opens without it")
    return 0


def restore(options: argparse.Namespace) -> int:
    """Restore into the configured database, or into the embedded one of an idle data directory."""
    from infra.devstack.errors import DevstackError
    from infra.devstack.stack import DATABASE_URL, Stack

    if os.environ.get(DATABASE_URL):
        from infra.cli.commands import database_settings

        return _restore(options.file, database_settings(options), login_password=None)
    if not (options.data_dir / "secrets.json").exists():
        raise CommandError(
            f"put the secrets.json of the lost product into {options.data_dir} first:"
            " the master key is in it"
        )
    from infra.provision import settings_for

    try:
        with Stack(options.data_dir, os.environ) as stack:
            settings = settings_for(stack.database_url, stack.credentials.master_key)
            return _restore(options.file, settings, login_password=stack.credentials.postgres_login)
    except DevstackError as error:
        raise CommandError(str(error)) from error


def recover(options: argparse.Namespace) -> int:
    """Ask for everything that has not ended, once; harmless where nothing was lost."""
    import asyncio

    from infra.cli.commands import database_settings

    _say(asyncio.run(_recover(database_settings(options))))
    return 0


def _restore(file: Path, settings: "Settings", *, login_password: str | None) -> int:
    import asyncio

    from infra.backup import BackupError
    from infra.backup import restore as read_back
    from infra.migrations.migrate import MigrationError
    from infra.provision import provision

    async def work() -> "Recovered":
        url = settings.database_url.reveal
        await read_back(url, file)
        await provision(url, login_password=login_password)
        return await _recover(settings)

    start = time.monotonic()
    try:
        recovered = asyncio.run(work())
    except (BackupError, MigrationError) as error:
        raise CommandError(str(error)) from error
    print(f"restored in {time.monotonic() - start:.1f} s")
    _say(recovered)
    print(ERASED_AGAIN)
    return 0


async def _recover(settings: "Settings") -> "Recovered":
    from services.orchestrator.recovery import Recovery
    from shared.clock import SystemClock
    from shared.db import pool
    from shared.ids import Uuid7Maker

    database = await pool.connect(settings, "recover")
    try:
        return await Recovery(database, SystemClock(), Uuid7Maker()).run()
    finally:
        await database.close()


def _say(recovered: "Recovered") -> None:
    print(
        f"to be started again: {recovered.simulations} simulations,"
        f" {recovered.scorings} workflows of scorings, {recovered.parts} parts of batches"
    )
