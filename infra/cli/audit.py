"""`rapport audit`: verifies the audit trail, exports it, checks an exported file."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from uuid import UUID

    from infra.tenants import Registry
    from shared.db.pool import Database
    from shared.trail.exporting import Checked
    from shared.trail.verifying import Verdict

FLEET_NAME = "--fleet"


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    actions = commands.add_parser("audit", help="verify and export the audit trail").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    verify = actions.add_parser("verify", help="recompute chains; exit code 1 when one was changed")
    _add_chain(verify, "slug; default: every chain")
    verify.add_argument(
        "--export",
        type=Path,
        action="append",
        dest="exports",
        default=[],
        metavar="FILE",
        help="earlier export of this chain, with whose head it must agree; repeatable",
    )
    export = actions.add_parser("export", help="write a chain as NDJSON, its head first")
    _add_chain(export, "slug")
    check = actions.add_parser("check", help="recompute the chain of an exported file")
    check.add_argument("file", type=Path)


def _add_chain(parser: argparse.ArgumentParser, about: str) -> None:
    parser.add_argument("tenant", nargs="?", help=about)
    parser.add_argument(FLEET_NAME, action="store_true", help="the chain of what operators do")


def audit(options: argparse.Namespace) -> int:
    """Verify, export or check.

    Raises:
        CommandError: something was changed, no such tenant, or a file is no export.
    """
    if options.action == "check":
        return _check(options.file)
    if options.action == "export" and not (options.tenant or options.fleet):
        raise CommandError(f"name a tenant, or {FLEET_NAME}")
    return _verify(options) if options.action == "verify" else _export(options)


def _check(file: Path) -> int:
    found = _checked(file)
    for finding in found.findings:
        print(finding)
    if found.findings:
        raise CommandError(f"{len(found.findings)} findings: the file is not the chain it names")
    print(f"{found.entries} entries up to {found.position}: the chain is whole")
    return 0


def _checked(file: Path) -> "Checked":
    import msgspec

    from shared.trail.exporting import check

    try:
        with file.open("rb") as lines:
            return check(lines)
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise CommandError(f"{file}: {error}") from None


def _verify(options: argparse.Namespace) -> int:
    from infra.cli.commands import database_settings, with_registry
    from shared.db.keys import read_hash_key
    from shared.trail.chain import HeadSigner
    from shared.trail.reading import list_chains
    from shared.trail.verifying import verify

    settings = database_settings(options)
    kept = {one.position: one.hash for one in map(_checked, options.exports)}
    if kept and not (options.tenant or options.fleet):
        raise CommandError("an export is of one chain: name it")

    async def work(registry: "Registry") -> None:
        database = registry.database
        signer = HeadSigner(await read_hash_key(database, settings))
        one = await _chain(registry, options)
        chains = await list_chains(database) if one is None else (one,)
        bad = 0
        for chain in chains:
            bad += _tell(await verify(database, chain, signer, kept))
        if bad:
            raise CommandError(f"{bad} of {len(chains)} chains are not what was sealed")
        print(f"{len(chains)} chains are whole")

    return with_registry(options, work)


async def _chain(registry: "Registry", options: argparse.Namespace) -> "UUID | None":
    from shared.trail.entries import FLEET

    if options.fleet:
        return FLEET
    return None if options.tenant is None else await registry.find_tenant(options.tenant)


def _tell(verdict: "Verdict") -> bool:
    """Print what is wrong with a chain; return whether anything is."""
    from shared.ids import format_id
    from shared.trail.entries import FLEET

    name = "operators" if verdict.chain == FLEET else format_id("ten", verdict.chain)
    for finding in verdict.findings:
        print(f"{name} {finding.position}: {finding.kind}: {finding.detail}")
    if not verdict.findings:
        print(f"{name}: {verdict.entries} entries up to {verdict.head.position}")
    return bool(verdict.findings)


def _export(options: argparse.Namespace) -> int:
    from infra.cli.commands import with_registry

    async def work(registry: "Registry") -> None:
        chain = await _chain(registry, options)
        if chain is None:
            raise AssertionError("the arguments were checked")
        await _write(registry.database, chain)

    return with_registry(options, work)


async def _write(database: "Database", chain: "UUID") -> None:
    from shared.trail.exporting import lines

    async for line in lines(database, chain):
        sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
