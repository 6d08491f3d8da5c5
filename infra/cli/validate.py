"""`rapport validate`: the judge's raw strengths on labelled conversations, for an evaluator."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from services.scoring_worker.judging.behaviors.utterance import Utterance


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    validate = commands.add_parser(
        "validate", help="raw strengths on labelled conversations, to compare with people"
    )
    validate.add_argument("--data", type=Path, required=True, help="folder of .jsonl sets")
    validate.add_argument("--out", type=Path, required=True, help="where the strengths go (JSON)")
    validate.add_argument(
        "--useless", action="store_true", help="numbers made of a hash of the text instead"
    )


def validate(options: argparse.Namespace) -> int:
    """Write {metric: {item id: strength}} for every metric whose set is in the folder.

    Intake checks and abstention play no part: every item gets its number.
    """
    import msgspec

    from infra.fit.answers import load_answers, predict

    if not options.data.is_dir():
        raise CommandError(f"{options.data} is no folder")
    score = useless if options.useless else _judge
    try:
        found = predict(options.data, load_answers(), score)
        options.out.write_bytes(msgspec.json.encode(found) + b"\n")
    except (OSError, msgspec.MsgspecError) as error:
        raise CommandError(str(error)) from None
    print(f"{sum(map(len, found.values()))} strengths of {len(found)} metrics")
    return 0


def _judge(said: "Sequence[Utterance]", *, is_whole: bool) -> dict[str, float]:
    """Return the shipped behaviors' strengths."""
    from services.scoring_worker.judging.behaviors.model import load_model

    model = load_model()
    return model.of_conversation(said) if is_whole else model.of_turn(said[-1])


def useless(said: "Sequence[Utterance]", *, is_whole: bool) -> dict[str, float]:
    """Return numbers that know nothing of what was meant: what a scorer must beat."""
    import hashlib

    from services.scoring_worker.judging.behaviors.model import load_model

    text = "\n".join((str(is_whole), *(one.text for one in said)))
    return {
        key: int.from_bytes(hashlib.sha256(f"{key} {text}".encode()).digest()[:4]) / 2**32
        for key in load_model().keys
    }
