"""`rapport llm replay --scoring`: an assessment made again from what is stored."""

import argparse

from infra.cli.replaying import replayed


def replay_scoring(options: argparse.Namespace) -> int:
    """Make the newest judgment of `options.scoring` again, of tenant `options.tenant` (a slug).

    Returns:
        0 when it is the same byte for byte, else 1.

    Raises:
        CommandError: no such scoring, or nothing of it can be read.
    """
    from services.scoring_worker.replay import replay

    judged = replayed(options, replay, prefix="scr", public_id=options.scoring, noun="scoring")
    told = f"the same byte for byte, from {judged.answers} recorded answers"
    print(f"{options.scoring}: {told if judged.is_same else f'not the same: {judged.why}'}")
    return 0 if judged.is_same else 1
