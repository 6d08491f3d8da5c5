"""What both kinds of `rapport llm replay` need: the tenant, the database, and the id."""

import argparse
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from infra.cli.errors import CommandError

if TYPE_CHECKING:  # a command that is not asked for imports nothing heavy
    from shared.db.keys import KeyRing
    from shared.db.pool import Database

T = TypeVar("T")

Replay = Callable[["Database", "KeyRing", UUID, UUID], Awaitable[T]]
"""Makes again what the tenant has under an id."""


def replayed(
    options: argparse.Namespace, replay: "Replay[T]", *, prefix: str, public_id: str, noun: str
) -> T:
    """Return what `replay` makes of `public_id`, of tenant `options.tenant` (a slug).

    Raises:
        CommandError: there is no such thing, or nothing of it can be read.
    """
    from infra.cli.commands import database_settings, with_registry
    from infra.tenants import Registry
    from shared.db.keys import key_ring
    from shared.errors import NotFoundError
    from shared.ids import InvalidIdError, parse_id

    settings = database_settings(options)
    found: list[T] = []

    async def work(registry: Registry) -> None:
        tenant_id = await registry.find_tenant(options.tenant)
        try:
            wanted = parse_id(prefix, public_id)
            found.append(await replay(registry.database, key_ring(settings), tenant_id, wanted))
        except (NotFoundError, InvalidIdError):
            raise CommandError(f"no such {noun}, or it cannot be read any more") from None

    with_registry(options, work)
    return found[0]
