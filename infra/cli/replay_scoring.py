"""`rapport llm replay --scoring`: an assessment made again from what is stored."""

import argparse

from infra.cli.errors import CommandError


def replay_scoring(options: argparse.Namespace) -> int:
    """Make the newest judgment of `options.scoring` again, of tenant `options.tenant` (a slug).

    Returns:
        0 when it is the same byte for byte, else 1.

    Raises:
        CommandError: no such scoring, or nothing of it can be read.
    """
    from infra.cli.commands import database_settings, with_registry
    from infra.tenants import Registry
    from services.scoring_worker.replay import Replayed, replay
    from shared.db import pool
    from shared.db.keys import key_ring
    from shared.errors import NotFoundError
    from shared.ids import InvalidIdError, parse_id

    settings = database_settings(options)
    found: list[Replayed] = []

    async def work(registry: Registry) -> None:
        tenant_id = await registry.find_tenant(options.tenant)
        database = await pool.connect(settings, "cli")
        try:
            scoring_id = parse_id("scr", options.scoring)
            found.append(await replay(database, key_ring(settings), tenant_id, scoring_id))
        except (NotFoundError, InvalidIdError):
            raise CommandError("no such scoring, or it cannot be read any more") from None
        finally:
            await database.close()

    with_registry(options, work)
    (replayed,) = found
    told = f"the same byte for byte, from {replayed.answers} recorded answers"
    print(f"{options.scoring}: {told if replayed.is_same else f'not the same: {replayed.why}'}")
    return 0 if replayed.is_same else 1
