"""What `rapport score` says while it works."""

import io

import pytest
from typing_extensions import override

from infra.score.progress import PLAIN_S, TERMINAL_S, Progress


class _Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def _progress(
    stream: io.StringIO, clock: _Clock, size: int | None = 1000, *, is_quiet: bool = False
) -> Progress:
    progress = Progress(stream, size, is_quiet=is_quiet, clock=clock)
    progress.begin(0)
    return progress


def test_plain_lines_from_time_to_time(clock: _Clock) -> None:
    stream = io.StringIO()
    progress = _progress(stream, clock)
    for step in range(1, 25):
        clock.now += 1
        progress.at(10 * step, 20 * step)
    assert (
        stream.getvalue() == "100 lines, 10/s, 20 %, 40 s left\n200 lines, 10/s, 40 %, 30 s left\n"
    )


def test_one_moving_line_on_a_terminal(clock: _Clock) -> None:
    stream = _Terminal()
    progress = _progress(stream, clock)
    for step in (1, 2):
        clock.now += TERMINAL_S
        progress.at(step, 500 * step)
    progress.say("in.jsonl:7: skipped")
    clock.now += TERMINAL_S
    progress.at(3, 1000)
    progress.end("done")
    first, second = "1 lines, 5/s, 50 %, 0 s left", "2 lines, 5/s, 100 %, 0 s left"
    third = "3 lines, 5/s, 100 %, 0 s left"
    wiped = f"\r{' ' * len(second)}\r"
    assert stream.getvalue() == (
        f"\r{first}\r{second}{wiped}in.jsonl:7: skipped\n\r{third}{wiped}done\n"
    )


@pytest.mark.parametrize(
    ("passed", "left"),
    [(10.0, "90 s left"), (60.0, "9 min left"), (1000.0, "2 h 30 min left")],
)
def test_the_time_that_is_left(clock: _Clock, passed: float, left: str) -> None:
    stream = io.StringIO()
    progress = _progress(stream, clock)
    clock.now += passed
    progress.at(1, 100)
    assert stream.getvalue().endswith(f", {left}\n")


def test_what_an_earlier_run_did_is_no_part_of_the_pace(clock: _Clock) -> None:
    stream = io.StringIO()
    progress = _progress(stream, clock)
    clock.now += 1000
    progress.begin(600)
    clock.now += PLAIN_S
    progress.at(20, 800)
    assert stream.getvalue() == "20 lines, 2/s, 80 %, 10 s left\n"


def test_a_pipe_has_no_end_to_wait_for(clock: _Clock) -> None:
    stream = io.StringIO()
    progress = _progress(stream, clock, None)
    clock.now += PLAIN_S
    progress.at(20, 800)
    assert stream.getvalue() == "20 lines, 2/s\n"


def test_quiet(clock: _Clock) -> None:
    stream = io.StringIO()
    progress = _progress(stream, clock, is_quiet=True)
    clock.now += PLAIN_S
    progress.at(20, 800)
    progress.say("wrong")
    progress.end("done")
    assert stream.getvalue() == "wrong\n"
