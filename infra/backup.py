"""The database into a file and back, with PostgreSQL's own tools.

Whoever dumps must see past row-level security (a superuser, or a role with BYPASSRLS); whoever
restores must be able to create the two roles of the product and the schemas.
"""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

import asyncpg

from infra.devstack.errors import DevstackError
from infra.devstack.postgres import find_install

TIMEOUT_S: Final = 24 * 3600.0

_BLOCK: Final = re.compile(r"^do \$\$.*?^end \$\$;", re.DOTALL | re.MULTILINE)
_ROLES: Final = re.compile(r"\b(create role|grant rapport_\w+ to) rapport_")


class BackupError(Exception):
    """It could not be dumped or restored; the message is one clear line."""


def dump(url: str, file: Path) -> None:
    """Write the whole database to a file, as of one moment; work goes on meanwhile.

    The file appears whole or not at all, readable by its owner only.

    Raises:
        BackupError: PostgreSQL refused, or the file cannot be written.
    """
    draft = file.with_name(f"{file.name}.part")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        _tool("pg_dump", url, "--format=custom", "--no-owner", f"--file={draft}")
        draft.replace(file)
    except OSError as error:
        raise BackupError(f"{file}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


async def restore(url: str, file: Path) -> None:
    """Read a dump into an empty database, all of it or nothing.

    Raises:
        BackupError: the database is not empty, or the file is not a dump of Rapport.
    """
    await _prepare(url)
    await asyncio.to_thread(
        _tool, "pg_restore", url, "--no-owner", "--exit-on-error", "--single-transaction",
        f"--dbname={urlsplit(url).path.lstrip('/')}", str(file),
    )  # fmt: skip


async def _prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("select to_regnamespace('app') is not null"):
            raise BackupError("the database holds something already: restore into an empty one")
        for block in _role_blocks():
            await connection.execute(block)
    except asyncpg.PostgresError as error:
        raise BackupError(f"the database says: {error}") from error
    finally:
        await connection.close()


def _role_blocks() -> list[str]:
    """Return what the migrations say about roles: a dump names them and does not hold them, because
    they belong to the server. Each block finds what is there already.
    """
    files = sorted(Path(__file__).with_name("migrations").glob("*.sql"))
    return [
        block
        for file in files
        for block in _BLOCK.findall(file.read_text(encoding="utf-8"))
        if _ROLES.search(block)
    ]


def _tool(name: str, url: str, *arguments: str) -> None:
    """Run a tool of PostgreSQL; the password goes by the environment, where nobody lists it."""
    program = _program(name)
    try:
        done = subprocess.run(
            [program, *arguments],
            env=_environment(url),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackupError(f"{name} could not run: {type(error).__name__}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise BackupError(f"{name}: {lines[-1] if name == 'pg_dump' else lines[0]}")


def _program(name: str) -> str:
    """Return the tool that comes with the embedded server, else one on the path."""
    try:
        return str(find_install() / "bin" / name)
    except DevstackError:
        found = shutil.which(name)
        if found is None:
            raise BackupError(f"{name} is missing: install the clients of PostgreSQL 18") from None
        return found


def _environment(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    known = {
        "PGHOST": parts.hostname,
        "PGPORT": None if parts.port is None else str(parts.port),
        "PGUSER": unquote(parts.username or "") or None,
        "PGPASSWORD": unquote(parts.password or "") or None,
        "PGDATABASE": unquote(parts.path.lstrip("/")) or None,
        "PGSSLMODE": dict(parse_qsl(parts.query)).get("sslmode"),
    }
    given = {name: value for name, value in known.items() if value is not None}
    return {"PATH": os.environ.get("PATH", "")} | given
