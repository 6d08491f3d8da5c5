"""`rapport identity`: who holds an identity provider, and taking it from a tenant that must not."""

import argparse
from typing import TYPE_CHECKING

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from infra.tenants import Registry


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    actions = commands.add_parser(
        "identity", help="who holds an identity provider, and freeing it"
    ).add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, about in (
        ("holder", "print the tenant that holds an issuer with an audience"),
        ("free", "take it from that tenant: nobody signs in there by it any more"),
    ):
        action = actions.add_parser(name, help=about)
        action.add_argument("issuer", help="exactly as in `iss`")
        action.add_argument("audience", help="exactly as in `aud`")


def identity(options: argparse.Namespace) -> int:
    """Find a holder, or free what it holds.

    Raises:
        CommandError: nobody holds it.
    """
    from infra.cli.commands import database_settings, with_registry
    from services.api.identity.freeing import find_holder, free
    from shared.clock import SystemClock
    from shared.db.keys import key_ring
    from shared.ids import format_id

    settings = database_settings(options)
    pair = (options.issuer, options.audience)

    async def work(registry: "Registry") -> None:
        if options.action == "free":
            found = await free(registry.database, key_ring(settings), SystemClock(), *pair)
        else:
            found = await find_holder(registry.database, *pair)
        if found is None:
            raise CommandError("nobody holds this issuer with this audience")
        print(format_id("ten", found))

    return with_registry(options, work)
