"""Does chunks of work in several processes and gives back the results in the order of the input."""

import gc
import signal
import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain, islice
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, SpawnContext
from typing import Final

import msgspec

from infra.score.assessing import OUTCOMES, Assessor, Outcome
from infra.score.conversations import UnreadableLineError
from infra.score.lines import Line
from shared.contracts.rubric import RubricSpec

AHEAD: Final = 4
"""Chunks per worker that may be finished or under way while an earlier one is waited for."""

ALONE: Final = 6
"""Chunks that are done before there are workers: patterns are compiled where they are first needed,
so the forks find most of them ready, and a small file needs no forks.
"""

_IS_FORKED: Final = sys.platform == "linux"
"""A fork has the judge loaded already; elsewhere system libraries do not survive one."""


class Done(msgspec.Struct, kw_only=True):
    """What became of a chunk."""

    text: bytes
    """Lines of the output."""
    counts: dict[Outcome, int]
    bad: list[tuple[int, str]]
    """Lines without a conversation: number, and why."""


class WorkerDiedError(Exception):
    """A worker process ended by itself, for example because memory ran out."""


def work(assessor: Assessor, chunk: Iterable[Line]) -> Done:
    """Assess the lines of a chunk."""
    done = Done(text=b"", counts=dict.fromkeys(OUTCOMES, 0), bad=[])
    parts = []
    for number, line in chunk:
        if line is None:
            done.bad.append((number, "too long"))
            continue
        try:
            status, text = assessor.assess(number, line)
        except UnreadableLineError as error:
            done.bad.append((number, str(error)))
        else:
            done.counts[status] += 1
            parts.append(text)
    done.text = b"".join(parts)
    return done


def work_all(
    assessor: Assessor, chunks: Iterable[list[Line]], workers: int
) -> Generator[Done, None, None]:
    """Yield the results of all chunks in order; one worker is this process itself.

    Raises:
        WorkerDiedError: a process died; what was yielded until then is whole.
    """
    source = iter(chunks)
    for chunk in source if workers == 1 else islice(source, ALONE):
        yield work(assessor, chunk)
    following = next(source, None)
    if following is None:
        return
    gc.freeze()  # or the garbage collectors of the workers would copy what they share
    try:
        yield from _in_processes(assessor, chain([following], source), workers)
    finally:
        gc.unfreeze()


def _in_processes(assessor: Assessor, chunks: Iterable[list[Line]], workers: int) -> Iterator[Done]:
    source = enumerate(chunks)
    due = 0
    waiting: dict[int, Done] = {}
    with ExitStack() as stack:
        idle = [stack.enter_context(_worker(assessor.rubric)) for _ in range(workers)]
        busy: dict[Connection, int] = {}
        while True:
            while idle and len(waiting) + len(busy) < AHEAD * workers:
                number, chunk = next(source, (-1, None))
                if chunk is None:
                    break
                connection = idle.pop()
                _send(connection, chunk)
                busy[connection] = number
            if not busy:
                return
            for ready in wait(list(busy)):
                if isinstance(ready, Connection):
                    waiting[busy.pop(ready)] = _receive(ready)
                    idle.append(ready)
            while due in waiting:
                yield waiting.pop(due)
                due += 1


def _send(connection: Connection, chunk: list[Line]) -> None:
    try:
        connection.send(chunk)
    except OSError:
        raise WorkerDiedError from None


def _receive(connection: Connection) -> Done:
    try:
        done: Done = connection.recv()
    except (OSError, EOFError):
        raise WorkerDiedError from None
    return done


@contextmanager
def _worker(rubric: RubricSpec) -> Iterator[Connection]:
    """Start a process; yield the end to speak to it. It holds nothing, so it is ended at once."""
    context: ForkContext | SpawnContext = ForkContext() if _IS_FORKED else SpawnContext()
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(here, there, rubric), daemon=True)
    process.start()
    there.close()
    try:
        yield here
    finally:
        here.close()
        process.terminate()
        process.join()


def _serve(other_end: Connection, connection: Connection, rubric: RubricSpec) -> None:
    """Answer chunks until the other side is gone."""
    # Ctrl-C reaches the whole group; the process that writes decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Without this a worker would keep itself alive when the other side dies.
    other_end.close()
    assessor = Assessor(rubric)
    with suppress(EOFError, OSError):
        while True:
            connection.send(work(assessor, connection.recv()))
