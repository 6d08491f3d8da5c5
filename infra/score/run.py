"""The run: what was done stays, what remains is assessed, and each line is accounted for."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
from typing_extensions import override

from infra.cli.errors import CommandError
from infra.score.assessing import OUTCOMES, Assessor, Outcome
from infra.score.conversations import UnreadableLineError, read_conversation
from infra.score.earlier import Earlier, catch_up
from infra.score.files import STANDARD, FileOutput, Output, StandardOutput, reading, writing
from infra.score.lines import Line, Lines, chunks
from infra.score.progress import Progress
from infra.score.workers import Done, WorkerDiedError, work_all
from shared.contracts.rubric import RubricSpec

TOO_LONG: Final = "too long"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done."""

    source: Path
    """`-` is standard input."""
    out: Path
    """`-` is standard output."""
    rubric: RubricSpec
    workers: int
    is_restart: bool
    is_quiet: bool


class Total(msgspec.Struct, kw_only=True):
    """What became of the lines, those of an earlier run included."""

    counts: dict[Outcome, int]
    bad: int

    @property
    def unscored(self) -> int:
        """Lines that have no assessment."""
        return self.bad + sum(self.counts.values()) - self.counts["assessed"]

    @override
    def __str__(self) -> str:
        """Return the counts in words."""
        named = [f"{self.counts[each]} {each}" for each in OUTCOMES if self.counts[each]]
        if self.bad:
            named.append(f"{self.bad} bad lines skipped")
        return ", ".join(named) or "no conversation"


def run(order: Order) -> Total:
    """Assess the conversations of a file.

    Raises:
        CommandError: a file cannot be used, or a worker died; what was written stays usable.
        KeyboardInterrupt: likewise.
    """
    with reading(order.source) as (stream, size):
        lines = Lines(stream, size)
        progress = Progress(sys.stderr, size, is_quiet=order.is_quiet)
        job = _Run(order, lines, progress)
        if order.out == STANDARD:
            return job.go_on(StandardOutput(), Earlier(counts=dict.fromkeys(OUTCOMES, 0)))
        with writing(order.out, order.source) as output:
            return job.go_on(output, job.catch_up(output))


class _Run:
    def __init__(self, order: Order, lines: Lines, progress: Progress) -> None:
        self._order = order
        self._lines = lines
        self._rest: Iterator[Line] = iter(lines)
        self._progress = progress
        self._assessor = Assessor(order.rubric)

    def catch_up(self, output: FileOutput) -> Earlier:
        """Find out what an earlier run did, and repair where it broke off."""
        if self._order.is_restart:
            output.cut(0)
        earlier = catch_up(
            output.raw,
            self._rest,
            self._assessor.settings_hash,
            name=str(output.path),
            bad=self._tell_again,
        )
        output.cut(earlier.bytes)
        if earlier.bytes and not self._order.is_quiet:
            torn = ", the torn last one is done again" if earlier.torn else ""
            done = sum(earlier.counts.values())
            self._progress.say(f"going on after {done} conversations that are done{torn}")
        return earlier

    def go_on(self, output: Output, earlier: Earlier) -> Total:
        """Do what remains."""
        total = Total(counts=earlier.counts, bad=earlier.bad)
        self._progress.begin(self._lines.bytes)
        lines_done = 0
        workers = self._order.workers
        with closing(work_all(self._assessor, chunks(self._rest), workers)) as results:
            try:
                for done in results:
                    output.write(done.text)
                    lines_done += self._count(done, total)
                    self._progress.at(lines_done, self._lines.bytes)
            except WorkerDiedError:
                raise CommandError(f"a worker process died; {self._how_to_go_on()}") from None
            except KeyboardInterrupt:
                self._progress.end(f"stopped: {total}; {self._how_to_go_on()}")
                raise
        self._progress.end(f"{total} ({self._progress.pace(lines_done)})")
        return total

    def _count(self, done: Done, total: Total) -> int:
        for number, why in done.bad:
            self._tell(number, why)
        total.bad += len(done.bad)
        for outcome, count in done.counts.items():
            total.counts[outcome] += count
        return len(done.bad) + sum(done.counts.values())

    def _tell(self, number: int, why: str) -> None:
        self._progress.say(f"{self._order.source}:{number}: skipped: {why}")

    def _tell_again(self, line: Line) -> None:
        number, text = line
        try:
            if text is not None:
                read_conversation(text)
        except UnreadableLineError as error:
            self._tell(number, str(error))
        else:
            self._tell(number, TOO_LONG)

    def _how_to_go_on(self) -> str:
        if self._order.out == STANDARD:
            return "nothing was kept of it but the output"
        return "the same command goes on where it stopped"
