"""`rapport llm replay --simulation`: a conversation made again from what is stored."""

import argparse

from infra.cli.errors import CommandError


def replay_simulation(options: argparse.Namespace) -> int:
    """Make every reply of `options.simulation` again, of tenant `options.tenant` (a slug).

    Returns:
        0 when every turn is the same byte for byte, else 1.

    Raises:
        CommandError: no such simulation, or nothing of it can be read.
    """
    from infra.cli.commands import database_settings, with_registry
    from infra.tenants import Registry
    from services.sim_worker.replay import ReplayedTurn, replay
    from shared.db import pool
    from shared.db.keys import key_ring
    from shared.errors import NotFoundError
    from shared.ids import InvalidIdError, parse_id

    settings = database_settings(options)
    found: list[ReplayedTurn] = []

    async def work(registry: Registry) -> None:
        tenant_id = await registry.find_tenant(options.tenant)
        database = await pool.connect(settings, "cli")
        try:
            simulation_id = parse_id("sim", options.simulation)
            found.extend(await replay(database, key_ring(settings), tenant_id, simulation_id))
        except (NotFoundError, InvalidIdError):
            raise CommandError("no such simulation, or it cannot be read any more") from None
        finally:
            await database.close()

    with_registry(options, work)
    for turn in found:
        told = f"differs in {', '.join(turn.differs)}" if turn.differs else "the same byte for byte"
        print(f"turn {turn.seq:3}  {turn.engine:8}  {turn.answers} recorded answers  {told}")
    different = sum(bool(turn.differs) for turn in found)
    print(f"{options.simulation}: {len(found) - different} of {len(found)} replies are the same")
    return 1 if different else 0
