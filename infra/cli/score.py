"""`rapport score`: assesses a file of conversations, without a server."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from shared.contracts.rubric import RubricSpec

DEFAULT_RUBRIC: Final = "general"
MAX_WORKERS: Final = 256
OWN_SKILL: Final = "skill-unknown"
"""The linter's word for a skill that only a tenant knows; without a server nobody can tell."""

_FILE_ENDS: Final = {".yaml", ".yml", ".json"}


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    score = commands.add_parser("score", help="assess a file of conversations, without a server")
    score.add_argument(
        "file", type=Path, metavar="FILE.jsonl", help="a conversation per line; - is standard input"
    )
    score.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE.jsonl",
        help="an assessment per line, in the same order; - is standard output",
    )
    score.add_argument(
        "--rubric",
        default=DEFAULT_RUBRIC,
        metavar="SLUG|FILE",
        help=f"a built-in rubric or a rubric file (default {DEFAULT_RUBRIC})",
    )
    score.add_argument(
        "--workers", type=_workers, metavar="N", help="processes (default: one per processor)"
    )
    score.add_argument("--strict", action="store_true", help="fail when any line got no assessment")
    score.add_argument(
        "--restart", action="store_true", help="begin anew; what the output holds is lost"
    )
    score.add_argument("--quiet", action="store_true", help="say only what is wrong")


def score(options: argparse.Namespace) -> int:
    """Assess the conversations; 1 under `--strict` when any of them has no assessment.

    Raises:
        CommandError: a file or the rubric cannot be used.
    """
    from infra.score.run import Order, run

    order = Order(
        source=options.file,
        out=options.out,
        rubric=_rubric(options.rubric),
        workers=options.workers or os.cpu_count() or 1,
        is_restart=options.restart,
        is_quiet=options.quiet,
    )
    total = run(order)
    return int(options.strict and total.unscored > 0)


def _workers(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"1 to {MAX_WORKERS}")
    return count


def _rubric(name: str) -> "RubricSpec":
    """Return a built-in rubric, or that of a file when the name is one of a file.

    Raises:
        CommandError: there is none, or it could not be published.
    """
    from infra.cli.authored import read_authored, told
    from shared.contracts.rubric import RubricSpec
    from shared.library.rubric_lint import errors, lint
    from shared.library.rubrics import load_rubrics

    path = Path(name)
    if path.suffix not in _FILE_ENDS:
        built_in = {spec.slug: spec for spec in load_rubrics()}
        if name not in built_in:
            known = ", ".join(sorted(built_in))
            raise CommandError(f"there is no built-in rubric {name!r}: {known}")
        return built_in[name]
    rubric = read_authored(path, RubricSpec)
    faults = [each for each in errors(lint(rubric)) if each.code != OWN_SKILL]
    if faults:
        raise CommandError("\n".join(told(path, faults)))
    return rubric
