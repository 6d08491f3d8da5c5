"""`rapport`: arguments in, one of the command modules out. Every error is one line and a non-zero
exit.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.cli import (
    audit,
    backup,
    identity,
    llm,
    ops,
    play,
    privacy,
    rubrics,
    scenarios,
    score,
    tenant_limits,
    validate,
    webhooks,
)
from infra.cli.errors import CommandError

SERVICES = ("api", "orchestrator", "sim-worker", "scoring-worker", "reporting")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rapport", description="Soft-skill practice as an API.")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(".rapport"),
        help="data, logs, secrets (default .rapport)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="start everything and stay until Ctrl-C")
    up.add_argument("--no-durable", action="store_true", help="skip disk syncs (tests only)")
    demo = commands.add_parser("demo", help="watch the whole product work, in under a minute")
    demo.add_argument("--keep", action="store_true", help="stay up afterwards")
    commands.add_parser("migrate", help="bring the database up to date")
    commands.add_parser("config", help="every environment variable, its meaning and default")
    run = commands.add_parser("run", help="one service, as in production")
    run.add_argument("service", choices=SERVICES)
    _tenant_commands(commands)
    play.add_parser(commands)
    scenarios.add_parser(commands)
    rubrics.add_parser(commands)
    validate.add_parser(commands)
    score.add_parser(commands)
    webhooks.add_parser(commands)
    llm.add_parser(commands)
    backup.add_parser(commands)
    audit.add_parser(commands)
    privacy.add_parser(commands)
    identity.add_parser(commands)
    ops.add_parser(commands)
    reports = commands.add_parser("reports", help="recompute or check a tenant's rollups")
    reports.add_argument("action", choices=("rebuild", "verify"))
    reports.add_argument("tenant", help="slug")
    return parser


def _tenant_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    tenants = commands.add_parser("tenants", help="create tenants, and limit them").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    create = tenants.add_parser("create", help="create a tenant with the built-in library")
    create.add_argument("slug")
    create.add_argument(
        "--time-zone", default="UTC", help="IANA name, for days and weeks in reports"
    )
    tenant_limits.add_parsers(tenants)
    keys = commands.add_parser("keys", help="create or revoke API keys").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    new = keys.add_parser("create", help="create a key; it is shown once")
    new.add_argument("tenant", help="slug of the tenant, or `ops` with --ops")
    new.add_argument("--test", action="store_true", help="a key that never spends money")
    new.add_argument("--ops", action="store_true", help="an operator's key, of no tenant")
    new.add_argument("--scope", action="append", dest="scopes", help="repeatable; default: all")
    new.add_argument("--name", default="", help="of an operator's key, at most 80 characters")
    new.add_argument("--expires-days", type=int, help="days until it expires")
    new.add_argument(
        "--network",
        action="append",
        dest="networks",
        help="only good from there, for example 203.0.113.0/24; repeatable; of a tenant's key",
    )
    revoke = keys.add_parser("revoke", help="revoke a key")
    revoke.add_argument("key", help="key_... id, or the key itself")
    privacy.add_key_parsers(keys)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    # Where byte code is switched off by the environment, each start would compile everything anew.
    sys.dont_write_bytecode = False
    from infra.cli.commands import COMMANDS

    try:
        authoring = {"scenarios": scenarios.scenarios, "rubrics": rubrics.rubrics}
        authoring |= {"validate": validate.validate, "score": score.score}
        authoring["webhooks"] = webhooks.webhooks
        authoring["llm"] = llm.llm
        authoring |= {
            "backup": backup.backup,
            "restore": backup.restore,
            "recover": backup.recover,
        }
        authoring["audit"] = audit.audit
        authoring["privacy"] = privacy.privacy
        authoring["identity"] = identity.identity
        authoring["ops"] = ops.ops
        return (COMMANDS | authoring)[options.command](options)
    except CommandError as error:
        sys.stderr.write(f"rapport: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
