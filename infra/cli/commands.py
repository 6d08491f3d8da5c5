"""The commands. Heavy imports happen inside, so that each command pays only for what it uses."""

import argparse
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from infra.cli.errors import CommandError
from infra.cli.play import play

if TYPE_CHECKING:
    from infra.supervisor import Supervisor, UpFile
    from infra.tenants import Registry
    from shared.config import Settings

Result = TypeVar("Result")


def up(options: argparse.Namespace) -> int:
    """Start everything, print how to reach it, stay until Ctrl-C or SIGTERM."""
    over = _until_signal()
    supervisor = _supervisor(options, durable=not options.no_durable)
    up_file = _start(supervisor)
    print(_welcome(up_file, options.data_dir), flush=True)
    try:
        _supervise(supervisor, over)
    finally:
        print("stopping ...", flush=True)
        supervisor.stop()
    print("stopped", flush=True)
    return 0


def demo(options: argparse.Namespace) -> int:
    """Start everything, drive the public API like a partner, print what happens, stop."""
    over = _until_signal()
    supervisor = _supervisor(options, durable=True)
    print("starting PostgreSQL, NATS, Temporal and the five services ...", flush=True)
    up_file = _start(supervisor)
    try:
        code = _in_child(lambda: _run_demo(up_file, options.data_dir), supervisor, over)
        if options.keep and code == 0:
            print(_welcome(up_file, options.data_dir), flush=True)
            _supervise(supervisor, over)
    finally:
        supervisor.stop()
    return code


def _run_demo(up_file: "UpFile", data_dir: Path) -> int:
    from infra.demo.story import run

    return run(up_file, data_dir)


def _in_child(
    work: Callable[[], int], supervisor: "Supervisor", interrupted: Callable[[], bool]
) -> int:
    """Run `work` in a forked process while this one supervises; return its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            code = work()
        except Exception as error:
            sys.stderr.write(f"rapport demo: {type(error).__name__}: {error}\n")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    status: list[int] = []

    def is_over() -> bool:
        done, code = os.waitpid(pid, os.WNOHANG)
        if done:
            status.append(os.waitstatus_to_exitcode(code))
        return bool(done) or interrupted()

    _supervise(supervisor, is_over)
    if not status:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
        return 130
    return status[0]


def migrate(options: argparse.Namespace) -> int:
    """Apply missing migrations and refresh every tenant's built-in library."""
    import asyncpg

    from infra.migrations.migrate import MigrationError
    from infra.provision import provision, refresh_libraries

    settings = _settings(options)

    async def work() -> None:
        await provision(
            settings.database_url.reveal,
            login_password=None,
            progress=lambda name: print(f"applied {name}", flush=True),
        )
        made = await refresh_libraries(settings)
        print(f"the database is up to date; {made} new library versions")

    try:
        return _run(work)
    except (MigrationError, asyncpg.PostgresError) as error:
        raise CommandError(str(error)) from error


def config(_options: argparse.Namespace) -> int:
    """Print every environment variable."""
    from shared.config import describe

    for row in describe():
        print(f"{row.variable}\n    {row.meaning}\n    default: {row.default}")
    return 0


def run(options: argparse.Namespace) -> int:
    """Run one service in the foreground."""
    from infra.supervisor import run_service

    return run_service(options.service, os.environ)


def tenants(options: argparse.Namespace) -> int:
    """Create a tenant and print its id, or change what one may use."""
    from infra.cli import tenant_limits
    from shared.ids import format_id

    if options.action != "create":
        return tenant_limits.change(options)

    async def work(registry: "Registry") -> None:
        tenant_id = await registry.create_tenant(options.slug, _time_zone(options.time_zone))
        print(format_id("ten", tenant_id))

    return with_registry(options, work)


def keys(options: argparse.Namespace) -> int:
    """Create or revoke an API key, or change the keys that seal."""
    if options.action in {"rotate", "rotate-master"}:
        from infra.cli.privacy import rotate

        return rotate(options)
    return with_registry(
        options, _create_key(options) if options.action == "create" else _revoke(options)
    )


def _create_key(options: argparse.Namespace) -> "Callable[[Registry], Awaitable[None]]":
    async def work(registry: "Registry") -> None:
        from shared.keys import SCOPES
        from shared.ops_keys import OPS_SCOPES

        expires = timedelta(days=options.expires_days) if options.expires_days else None
        if options.ops:
            scopes = options.scopes or OPS_SCOPES
            print(
                await registry.create_ops_key(name=options.name, scopes=scopes, expires_in=expires)
            )
            return
        print(
            await registry.create_key(
                await registry.find_tenant(options.tenant),
                "test" if options.test else "live",
                options.scopes or SCOPES,
                expires,
                options.networks,
            )
        )

    return work


def _revoke(options: argparse.Namespace) -> "Callable[[Registry], Awaitable[None]]":
    from shared.ids import InvalidIdError, parse_id
    from shared.keys import InvalidKeyError, parse_key

    async def work(registry: "Registry") -> None:
        try:
            text = options.key
            key_id = parse_key(text).key_id if text.startswith("rk_") else parse_id("key", text)
        except (InvalidIdError, InvalidKeyError):
            raise CommandError("give a key_... id or a whole key") from None
        await registry.revoke_key(key_id)
        print("revoked; it stops working within 5 seconds")

    return work


def reports(options: argparse.Namespace) -> int:
    """Recompute what is counted of a tenant, or say where it differs from the assessments."""
    from services.reporting.rebuild import rebuild, verify
    from shared.db import pool

    settings = _settings(options)

    async def work(registry: "Registry") -> None:
        tenant_id = await registry.find_tenant(options.tenant)
        database = await pool.connect(settings, "reports")
        try:
            if options.action == "rebuild":
                print(f"{await rebuild(database, tenant_id)} rows put right")
            differences = await verify(database, tenant_id)
        finally:
            await database.close()
        for difference in differences:
            print(difference)
        if differences:
            raise CommandError(f"{len(differences)} differences")
        print("no difference")

    return with_registry(options, work)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "up": up,
    "demo": demo,
    "migrate": migrate,
    "config": config,
    "run": run,
    "tenants": tenants,
    "keys": keys,
    "reports": reports,
    "play": play,
}


def _until_signal() -> Callable[[], bool]:
    told: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        told.append(number)

    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)
    return lambda: bool(told)


def _supervisor(options: argparse.Namespace, *, durable: bool) -> "Supervisor":
    from infra.supervisor import Supervisor

    return Supervisor(
        options.data_dir, os.environ, durable=durable, say=lambda text: print(text, flush=True)
    )


def _start(supervisor: "Supervisor") -> "UpFile":
    from infra.devstack.errors import DevstackError
    from infra.migrations.migrate import MigrationError
    from infra.supervisor import SupervisorError

    try:
        return supervisor.start()
    except (DevstackError, SupervisorError, MigrationError, OSError) as error:
        raise CommandError(str(error)) from error


def _supervise(supervisor: "Supervisor", is_over: Callable[[], bool]) -> None:
    from infra.devstack.errors import DevstackError

    try:
        supervisor.supervise(is_over)
    except DevstackError as error:
        raise CommandError(str(error)) from error


def _welcome(up_file: "UpFile", data_dir: Path) -> str:
    curl = (
        f"curl -s {up_file.api_url}/v1/scenarios \\\n  -H 'Authorization: Bearer {up_file.api_key}'"
    )
    return (
        f"\nRapport is up.\n  API       {up_file.api_url}"
        f"\n  OpenAPI   {up_file.api_url}/openapi.json"
        f"\n  Postgres  {up_file.database_url}\n  NATS      {up_file.nats_url}"
        f"\n  Temporal  {up_file.temporal_address}\n  details   {data_dir / 'up.json'}"
        f"\n\nTry it:\n{curl}\n\nCtrl-C stops everything."
    )


def _settings(options: argparse.Namespace) -> "Settings":
    """Find the database: the environment first, else the product running over the data
    directory.
    """
    import msgspec

    from infra.devstack.credentials import Credentials
    from infra.provision import settings_for
    from infra.supervisor import UpFile
    from shared.config import Secret

    url, key = os.environ.get("RAPPORT_DATABASE_URL"), os.environ.get("RAPPORT_MASTER_KEY")
    try:
        if not url:
            text = (options.data_dir / "up.json").read_bytes()
            url = msgspec.json.decode(text, type=UpFile).database_url
        if not key:
            text = (options.data_dir / "secrets.json").read_bytes()
            key = msgspec.json.decode(text, type=Credentials).master_key
    except OSError:
        raise CommandError(
            "nothing runs here: start `rapport up`, "
            "or set RAPPORT_DATABASE_URL and RAPPORT_MASTER_KEY"
        ) from None
    previous = Secret(os.environ.get("RAPPORT_MASTER_KEY_PREVIOUS", ""))
    return msgspec.structs.replace(settings_for(url, key), master_key_previous=previous)


def database_settings(options: argparse.Namespace) -> "Settings":
    """Return how the configured database is reached.

    Raises:
        CommandError: none is configured, and none runs here.
    """
    return _settings(options)


def with_registry(
    options: argparse.Namespace, work: "Callable[[Registry], Awaitable[None]]"
) -> int:
    """Do something with the tenants of the configured database; its errors become the command's."""
    import asyncpg

    from infra.tenants import Registry, TenantError
    from shared.config import ConfigError
    from shared.db import pool
    from shared.db.keys import read_master

    settings = _settings(options)

    async def inside() -> None:
        database = await pool.connect(settings, "cli")
        try:
            await work(Registry(database, read_master(settings)))
        finally:
            await database.close()

    try:
        return _run(inside)
    except (ConfigError, TenantError) as error:
        raise CommandError(str(error)) from error
    except asyncpg.PostgresError as error:
        raise CommandError(f"the database says: {error}") from error


def _run(work: Callable[[], Awaitable[None]]) -> int:
    import asyncio

    async def main() -> None:
        await work()

    try:
        asyncio.run(main())
    except OSError as error:
        raise CommandError(f"a server does not answer: {error}") from error
    return 0


def _time_zone(name: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise CommandError(f"{name} is no IANA time zone, for example Europe/Vienna") from None
