"""`rapport llm`: everything about the language model, one module each."""

import argparse

from infra.cli import llm_check, llm_fake, llm_replay, llm_tenant

ACTIONS = {
    "check": llm_check.llm_check,
    "fake": llm_fake.llm_fake,
    "replay": llm_replay.llm_replay,
    "set": llm_tenant.llm_set,
    "show": llm_tenant.llm_show,
}
"""By name; each module has its `add_parser`."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    actions = commands.add_parser("llm", help="the language model").add_subparsers(
        dest="action", required=True, metavar="ACTION"
    )
    llm_check.add_parser(actions)
    llm_fake.add_parser(actions)
    llm_replay.add_parser(actions)
    llm_tenant.add_parser(actions)


def llm(options: argparse.Namespace) -> int:
    """Run the action; return the exit code."""
    return ACTIONS[options.action](options)
