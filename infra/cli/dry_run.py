"""`rapport rubrics dry-run`: scores sample conversations with a rubric, offline, and sums up."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from infra.cli.errors import CommandError

if TYPE_CHECKING:
    from shared.contracts.rubric import RubricSpec
    from shared.contracts.scoring import Transcript
    from shared.library.rubric_trial import CriterionTrial, Spread, Trial


class _Turn(msgspec.Struct):
    role: Literal["agent", "customer"]
    text: str
    start_ms: int | None = None
    end_ms: int | None = None


class _Conversation(msgspec.Struct):
    """A line of the file: the `conversation` of `POST /v1/scorings`; other fields are ignored."""

    turns: list[_Turn]
    source: Literal["simulation", "call", "chat", "email"] = "call"
    language: str = "en"


def dry_run(rubric: "RubricSpec", path: Path) -> "tuple[Trial, list[str]]":
    """Return what the rubric does with the conversations of a file, and its bad lines in words.

    Raises:
        CommandError: the file cannot be read or holds no conversation.
    """
    from services.scoring_worker.judging.judge import judge
    from shared.library.rubric_trial import summarize

    results, bad = [], []
    for number, line in _lines(path):
        try:
            transcript = _transcript(msgspec.json.decode(line, type=_Conversation))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            bad.append(f"{path}:{number}: skipped: {error}")
        else:
            results.append(judge(transcript, rubric))
    if not results:
        raise CommandError("\n".join([*bad, f"{path}: no conversation in it"]))
    return summarize(rubric, results), bad


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error}") from None


def _transcript(read: _Conversation) -> "Transcript":
    from shared.contracts.scoring import Transcript, TranscriptTurn

    return Transcript(
        turns=tuple(
            TranscriptTurn(
                id=f"t{number}",
                role=turn.role,
                text=turn.text,
                start_ms=turn.start_ms,
                end_ms=turn.end_ms,
            )
            for number, turn in enumerate(read.turns, start=1)
        ),
        source=read.source,
        language=read.language,
    )


def page(rubric: "RubricSpec", trial: "Trial") -> Iterator[str]:
    """Yield the lines that tell a person about a trial."""
    from shared.library.rubric_trial import CLASS_WIDTH, CLASSES

    starts = range(0, 100, CLASS_WIDTH)
    ends = [*(start + CLASS_WIDTH - 1 for start in starts[: CLASSES - 1]), 100]
    heads = "".join(f"{f'{a}-{b}':>8}" for a, b in zip(starts, ends, strict=True))
    width = max(len(each.title) for each in trial.criteria)
    width = max(width, len("Overall"))
    yield f"{rubric.slug}: {trial.conversations} conversations, target {rubric.target}"
    yield f"{'':<{width}}  scored  no occasion  abstained  not asked  mean   top{heads}"
    for each in trial.criteria:
        counts = f"{each.no_opportunity:>11}  {each.abstained:>9}  {each.not_asked:>9}"
        yield f"{each.title:<{width}}  {each.scores.count:>6}  {counts}  {_spread(each.scores)}"
    counts = f"{'':>11}  {trial.without_score:>9}  {'':>9}"
    yield f"{'Overall':<{width}}  {trial.overall.count:>6}  {counts}  {_spread(trial.overall)}"
    yield (
        f"passed {trial.passed}, failed {trial.failed}, undecided {trial.undecided}, "
        f"auto-failed {trial.auto_failed}, for a person to look at {trial.needs_review}"
    )
    for each in trial.criteria:
        yield from _suspicious(each)


def _spread(scores: "Spread") -> str:
    mean = "-" if scores.mean is None else str(scores.mean)
    top = "-" if scores.top is None else f"{scores.top} %"
    return f"{mean:>4} {top:>5}{''.join(f'{count:>8}' for count in scores.classes)}"


def _suspicious(trial: "CriterionTrial") -> Iterator[str]:
    for name, keys in (
        ("always met", trial.always),
        ("never met", trial.never),
        ("no occasion", trial.no_occasion),
    ):
        if keys:
            yield f"suspicious: {trial.key}: {name}: {', '.join(keys)}"
