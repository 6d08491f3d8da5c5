"""`rapport score` with several processes: same bytes, little ahead, and nothing lost on the way."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from infra.cli.main import main
from infra.score import workers
from infra.score.assessing import Assessor
from infra.score.lines import CHUNK_LINES, Line
from infra.score.workers import AHEAD, ALONE, WorkerDiedError, work_all
from shared.library.rubrics import load_rubrics

Said = pytest.CaptureFixture[str]
COMMAND = (sys.executable, "-m", "infra.cli.main", "score")
PATIENCE_S = 60


def _conversation(number: int) -> str:
    said = [
        ("customer", f"My bell number {number} is broken and I am really annoyed about it."),
        ("agent", "I understand how annoying that is. May I have the order number, please?"),
        ("customer", f"It is {number}. When is it ready?"),
        ("agent", f"I will mend bell {number} by Thursday at five, and call you then."),
    ]
    turns = [{"role": role, "text": text} for role, text in said]
    return json.dumps({"id": number, "turns": turns})


def _lines(count: int) -> list[str]:
    lines = [_conversation(number) for number in range(count)]
    lines[1] = "{"
    lines[count // 2] = '{"turns": []}'
    return lines


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(f"{line}\n" for line in _lines(40)), encoding="utf-8")
    return path


def _score(source: Path, out: Path, count: int) -> bytes:
    assert main(["score", str(source), "--out", str(out), "--workers", str(count)]) == 0
    return out.read_bytes()


def test_the_same_bytes_and_words_whatever_the_number(
    source: Path, tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "ALONE", 1)
    alone = _score(source, tmp_path / "1.jsonl", 1)
    said = capsys.readouterr().err.splitlines()
    for count in (2, 3):
        assert _score(source, tmp_path / f"{count}.jsonl", count) == alone
        again = capsys.readouterr().err.splitlines()
        assert again[:-1] == said[:-1]
        assert again[-1].split(" (")[0] == said[-1].split(" (")[0]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere this is the only way")
def test_processes_that_are_no_forks_say_the_same(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "ALONE", 1)
    forked = _score(source, tmp_path / "forked.jsonl", 2)
    monkeypatch.setattr(workers, "_IS_FORKED", False)
    assert _score(source, tmp_path / "spawned.jsonl", 2) == forked


class TestTheirWork:
    @pytest.fixture
    def assessor(self) -> Assessor:
        return Assessor(load_rubrics()[0])

    @pytest.mark.parametrize("count", [1, 2])
    def test_reads_no_further_ahead_than_it_works(self, assessor: Assessor, count: int) -> None:
        pulled = 0

        def endless() -> Iterator[list[Line]]:
            nonlocal pulled
            while True:
                pulled += 1
                yield [(pulled, b"{")] * CHUNK_LINES

        with closing(work_all(assessor, endless(), count)) as results:
            for number in range(1, 30):
                assert next(results).bad[0][0] == number
                assert pulled <= number + AHEAD * count

    def test_ends_its_processes(self, assessor: Assessor) -> None:
        with closing(work_all(assessor, iter([[(1, b"{")]] * 9), 2)) as results:
            for _ in range(ALONE + 1):
                next(results)
            assert len(multiprocessing.active_children()) == 2
        assert multiprocessing.active_children() == []

    def test_a_process_that_dies_is_noticed(self, assessor: Assessor) -> None:
        def chunks() -> Iterator[list[Line]]:
            for number in range(1000):
                if number == 10:
                    for child in multiprocessing.active_children():
                        child.kill()
                yield [(number, b"{")]

        with pytest.raises(WorkerDiedError):
            list(work_all(assessor, chunks(), 2))


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "big.jsonl"
    path.write_text("".join(f"{line}\n" for line in _lines(150)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def at_once(big: Path) -> bytes:
    return _score(big, big.with_name("at_once.jsonl"), 1)


class TestStopped:
    """A real process, a real signal."""

    @pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
    def test_goes_on_afterwards(
        self, big: Path, at_once: bytes, tmp_path: Path, capsys: Said, stop: signal.Signals
    ) -> None:
        out = tmp_path / "out.jsonl"
        lines = big.read_bytes().splitlines(keepends=True)
        process = subprocess.Popen(
            [*COMMAND, "-", "--out", str(out), "--workers", "2"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdin is not None
        try:
            # The last lines are kept back: however fast the machine is, it cannot be done already.
            process.stdin.write(b"".join(lines[:-CHUNK_LINES]))
            process.stdin.flush()
            _until(lambda: out.exists() and out.read_bytes().count(b"\n") > ALONE * CHUNK_LINES)
            if stop is signal.SIGINT:
                os.killpg(process.pid, stop)  # as a terminal does
            else:
                process.send_signal(stop)
            _, told = process.communicate(timeout=PATIENCE_S)
            said = told.decode()
            _until(lambda: not _alive(process.pid))
        finally:
            process.kill()
        left = out.read_bytes()
        done = left.count(b"\n")
        assert ALONE * CHUNK_LINES < done < 148
        if stop is signal.SIGINT:
            assert process.returncode == 130
            assert "the same command goes on where it stopped" in said
            assert "Traceback" not in said
            assert left.endswith(b"\n")
        capsys.readouterr()
        assert _score(big, out, 2) == at_once
        assert f"going on after {done} conversations" in capsys.readouterr().err


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
