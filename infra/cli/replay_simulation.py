"""`rapport llm replay --simulation`: a conversation made again from what is stored."""

import argparse

from infra.cli.replaying import replayed


def replay_simulation(options: argparse.Namespace) -> int:
    """Make every reply of `options.simulation` again, of tenant `options.tenant` (a slug).

    Returns:
        0 when every turn is the same byte for byte, else 1.

    Raises:
        CommandError: no such simulation, or nothing of it can be read.
    """
    from services.sim_worker.replay import replay

    found = replayed(options, replay, prefix="sim", public_id=options.simulation, noun="simulation")
    for turn in found:
        told = f"differs in {', '.join(turn.differs)}" if turn.differs else "the same byte for byte"
        print(f"turn {turn.seq:3}  {turn.engine:8}  {turn.answers} recorded answers  {told}")
    different = sum(bool(turn.differs) for turn in found)
    print(f"{options.simulation}: {len(found) - different} of {len(found)} replies are the same")
    return 1 if different else 0
