"""`rapport privacy` and the changes of keys: what concerns all data of a person or a tenant."""

import argparse
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from infra.tenants import Registry
    from shared.privacy.tasks import Workshop

    Work = Callable[["Workshop", Registry], Awaitable[None]]

WAIT_DAYS = 30
"""Days from closing a tenant until its keys are destroyed."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    actions = commands.add_parser(
        "privacy", help="erase people, part with tenants, check receipts"
    ).add_subparsers(dest="action", required=True, metavar="ACTION")
    erase = actions.add_parser("erase", help="erase a person, for ever")
    erase.add_argument("learner", help="lrn_... id")
    erase.add_argument("--tenant", required=True, help="slug")
    leave = actions.add_parser("offboard", help="suspend a tenant now, and destroy it later")
    leave.add_argument("tenant", help="slug")
    leave.add_argument("--wait-days", type=int, default=WAIT_DAYS, help="until the keys go")
    stay = actions.add_parser("call-off", help="call a departure off before its time")
    stay.add_argument("tenant", help="slug")
    actions.add_parser("ledger", help="everybody who was erased, as NDJSON, to be kept elsewhere")
    again = actions.add_parser("reapply", help="after a restore: erase again who is in a ledger")
    again.add_argument("file", type=Path)
    receipt = actions.add_parser("receipt", help="the receipt of an erasure or a departure")
    receipt.add_argument("operation", help="op_... id")
    receipt.add_argument("--tenant", required=True, help="ten_... id, or its slug")
    check = actions.add_parser("check", help="check the signature of a receipt")
    check.add_argument("file", type=Path, help="the receipt's text, byte for byte")
    check.add_argument("signature", help="v1a,...")
    check.add_argument("--public-key", help="base64; default: this installation's")
    actions.add_parser("public-key", help="what checks this installation's receipts")


def add_key_parsers(
    keys: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> None:
    """Declare the changes of keys, beside the commands of API keys."""
    rotate = keys.add_parser("rotate", help="give a tenant a new key, and seal everything anew")
    rotate.add_argument("--tenant", required=True, help="slug")
    keys.add_parser(
        "rotate-master", help="wrap all tenants' keys with RAPPORT_MASTER_KEY, from the previous"
    )


def privacy(options: argparse.Namespace) -> int:
    """Do one of the actions.

    Raises:
        CommandError: no such tenant or person, a bad file, or a receipt that is not genuine.
    """
    works = {
        "erase": _erase,
        "offboard": _offboard,
        "call-off": _call_off,
        "ledger": _ledger,
        "reapply": _reapply,
        "receipt": _receipt,
        "check": _check,
        "public-key": _public_key,
    }
    return _with_workshop(options, works[options.action](options))


def rotate(options: argparse.Namespace) -> int:
    """Change the key of a tenant, or of the installation.

    Raises:
        CommandError: no such tenant, or a key that the master keys do not open.
    """
    work = _rotate_tenant if options.action == "rotate" else _rotate_master
    return _with_workshop(options, work(options))


def _erase(options: argparse.Namespace) -> "Work":
    async def work(shop: "Workshop", registry: "Registry") -> None:
        from shared.errors import NotFoundError
        from shared.ids import InvalidIdError, format_id, parse_id
        from shared.privacy.ordering import order_erasure
        from shared.trail.entries import Actor

        tenant_id = await registry.find_tenant(options.tenant)
        try:
            learner_id = parse_id("lrn", options.learner)
            done = await order_erasure(shop, tenant_id, learner_id, Actor(kind="operator"))
        except (InvalidIdError, NotFoundError):
            raise CommandError(f"{options.tenant} has no learner {options.learner}") from None
        print(format_id("op", done))

    return work


def _offboard(options: argparse.Namespace) -> "Work":
    async def work(shop: "Workshop", registry: "Registry") -> None:
        from shared.db.tx import system_tx
        from shared.ids import format_id
        from shared.privacy.offboarding import begin_offboarding
        from shared.privacy.tasks import SQL
        from shared.trail.entries import Actor

        tenant_id = await registry.find_tenant(options.tenant)
        wait = timedelta(days=options.wait_days)
        done = await begin_offboarding(shop, tenant_id, Actor(kind="operator"), wait=wait)
        async with system_tx(shop.database) as connection:  # of a repeat the first time counts
            task = await connection.fetchrow(SQL["open_task"], tenant_id, "offboarding")
        when = "now" if task is None else f"after {task['not_before']:%Y-%m-%d %H:%M} UTC"
        print(f"suspended; destroyed {when}: {format_id('op', done)}")

    return work


def _call_off(options: argparse.Namespace) -> "Work":
    async def work(shop: "Workshop", registry: "Registry") -> None:
        from shared.privacy.offboarding import call_off
        from shared.trail.entries import Actor

        tenant_id = await registry.find_tenant(options.tenant)
        if not await call_off(shop, tenant_id, Actor(kind="operator")):
            raise CommandError("there is no departure that could still be called off")
        print("called off; the tenant stays suspended until it is resumed")

    return work


def _ledger(_options: argparse.Namespace) -> "Work":
    async def work(shop: "Workshop", _registry: "Registry") -> None:
        import msgspec

        from shared.privacy.ordering import ledger

        for each in await ledger(shop):
            sys.stdout.write(msgspec.json.encode(each).decode() + "\n")

    return work


def _reapply(options: argparse.Namespace) -> "Work":
    async def work(shop: "Workshop", _registry: "Registry") -> None:
        from shared.ids import InvalidIdError
        from shared.privacy.ordering import read_ledger, reapply_all

        try:
            lines = list(read_ledger(options.file.read_bytes()))
            done = await reapply_all(shop, lines)
        except (OSError, ValueError, InvalidIdError) as error:
            raise CommandError(f"{options.file}: {error}") from None
        print(f"{done} of {len(lines)} are erased again; the orchestrator does it")

    return work


def _receipt(options: argparse.Namespace) -> "Work":
    async def work(shop: "Workshop", registry: "Registry") -> None:
        from shared.db.tx import tenant_tx
        from shared.ids import InvalidIdError, parse_id
        from shared.privacy.tasks import SQL

        named = options.tenant
        try:
            tenant_id = parse_id("ten", named)
        except InvalidIdError:
            tenant_id = await registry.find_tenant(named)
        try:
            operation_id = parse_id("op", options.operation)
        except InvalidIdError:
            raise CommandError("an operation is an op_... id") from None
        async with tenant_tx(shop.database, tenant_id) as connection:
            row = await connection.fetchrow(SQL["receipt"], tenant_id, operation_id)
        if row is None or row["receipt"] is None:
            raise CommandError("there is no receipt, or not yet")
        sys.stdout.write(row["receipt"])
        sys.stderr.write(f"{row['signature']}\n")

    return work


def _check(options: argparse.Namespace) -> "Work":
    async def work(shop: "Workshop", _registry: "Registry") -> None:
        from shared.privacy.receipts import is_genuine, public_key

        public = options.public_key or public_key(shop.receipt_key)
        try:
            text = options.file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options.file}: {error}") from None
        if not is_genuine(text, options.signature, public):
            raise CommandError("this is not what was signed with that key")
        print("genuine")

    return work


def _public_key(_options: argparse.Namespace) -> "Work":
    async def work(shop: "Workshop", _registry: "Registry") -> None:
        from shared.privacy.receipts import public_key

        print(public_key(shop.receipt_key))

    return work


def _rotate_tenant(options: argparse.Namespace) -> "Work":
    async def work(shop: "Workshop", registry: "Registry") -> None:
        from infra.cli.commands import database_settings
        from shared.db.keys import read_master
        from shared.ids import format_id
        from shared.privacy.rotation import GRACE, RotationError, begin_rotation
        from shared.trail.entries import Actor

        tenant_id = await registry.find_tenant(options.tenant)
        master = read_master(database_settings(options))
        try:
            done = await begin_rotation(shop, master, tenant_id, Actor(kind="operator"))
        except RotationError as error:
            raise CommandError(str(error)) from None
        print(f"{format_id('op', done)}: the new key seals in {GRACE.total_seconds():.0f} s")

    return work


def _rotate_master(options: argparse.Namespace) -> "Work":
    async def work(shop: "Workshop", _registry: "Registry") -> None:
        from infra.cli.commands import database_settings
        from shared.db.keys import read_hash_key, read_master
        from shared.db.sealed import UnknownKeyError
        from shared.privacy.rotation import rewrap_all

        settings = database_settings(options)
        if not settings.master_key_previous.reveal:
            raise CommandError(
                "set RAPPORT_MASTER_KEY_PREVIOUS to the key until now, RAPPORT_MASTER_KEY to the"
                " next one, in every process first"
            )
        try:
            hash_key = await read_hash_key(shop.database, settings)
            done = await rewrap_all(shop.database, read_master(settings), hash_key=hash_key)
        except UnknownKeyError as error:
            raise CommandError(str(error)) from None
        print(f"{done} keys wrapped anew; run it until it says 0, then drop the previous one")

    return work


def _with_workshop(options: argparse.Namespace, work: "Work") -> int:
    import os

    from infra.cli.commands import database_settings, with_registry
    from shared.clock import SystemClock
    from shared.db.keys import key_ring, read_master_key
    from shared.ids import Uuid7Maker
    from shared.privacy.receipts import receipt_key
    from shared.privacy.tasks import Workshop

    settings = database_settings(options)

    async def connected(registry: "Registry") -> None:
        shop = Workshop(
            database=registry.database,
            keys=key_ring(settings),
            clock=SystemClock(),
            ids=Uuid7Maker(),
            random=os.urandom,
            receipt_key=receipt_key(read_master_key(settings)),
        )
        await work(shop, registry)

    return with_registry(options, connected)
