"""`rapport llm replay`: what a model took part in, made again from its recorded answers."""

import argparse

from infra.cli.replay_scoring import replay_scoring
from infra.cli.replay_simulation import replay_simulation


def add_parser(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command below `rapport llm`."""
    replay = actions.add_parser(
        "replay", help="make again what a model took part in, from its recorded answers"
    )
    replay.add_argument("tenant", help="slug")
    what = replay.add_mutually_exclusive_group(required=True)
    what.add_argument("--simulation", metavar="SIM", help="every reply of a conversation")
    what.add_argument("--scoring", metavar="SCR", help="the newest judgment of a scoring")


def llm_replay(options: argparse.Namespace) -> int:
    """Make it again; return 0 when every byte is the same, else 1.

    Raises:
        CommandError: it cannot be found or read.
    """
    return replay_simulation(options) if options.simulation else replay_scoring(options)
