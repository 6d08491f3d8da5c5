"""`rapport score` a second time: what was done stays, what broke off is mended, changes show."""

import fcntl
import json
import resource
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from infra.cli.main import main

Said = pytest.CaptureFixture[str]

LINES = 9


def _conversation(number: int) -> str:
    said = [
        ("customer", f"My bell number {number} is broken and I am really annoyed about it."),
        ("agent", "I understand how annoying that is. May I have the order number, please?"),
        ("customer", f"It is {number}. When is it ready?"),
        ("agent", f"I will mend bell {number} by Thursday at five, and call you then."),
    ]
    turns = [{"role": role, "text": text} for role, text in said]
    return json.dumps({"id": number, "turns": turns})


class Twice:
    """A run that was done, and what is left of its output."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "in.jsonl"
        self.out = folder / "out.jsonl"
        self.lines = [_conversation(number) for number in range(LINES)]
        self.lines[2] = "{"
        self.lines[8] = '{"turns": 0}'
        self.put()
        assert self.score() == 0
        self.whole = self.out.read_bytes()

    def put(self) -> None:
        self.source.write_text("".join(f"{line}\n" for line in self.lines), encoding="utf-8")

    def score(self, *options: str) -> int:
        return main(["score", str(self.source), "--out", str(self.out), "--workers", "1", *options])


@pytest.fixture
def twice(tmp_path: Path, capsys: Said) -> Twice:
    done = Twice(tmp_path)
    capsys.readouterr()
    return done


class TestGoingOn:
    @pytest.mark.parametrize("lines", [0, 1, 2, 3, 5, 7])
    @pytest.mark.parametrize("torn", [0, 1, 200])
    def test_any_rest_becomes_whole(
        self, twice: Twice, capsys: Said, lines: int, torn: int
    ) -> None:
        whole = twice.whole.splitlines(keepends=True)
        half = b"".join(whole[lines:])[:torn]
        twice.out.write_bytes(b"".join(whole[:lines]) + half)
        assert twice.score("--strict") == 1
        assert twice.out.read_bytes() == twice.whole
        said = capsys.readouterr().err.splitlines()
        assert [line.split(": ")[0] for line in said if "skipped: " in line] == [
            f"{twice.source}:3",
            f"{twice.source}:9",
        ]
        assert said[-1].startswith("7 assessed, 2 bad lines skipped (")
        going_on = [line for line in said if line.startswith("going on after")]
        torn_too = ", the torn last one is done again" if half else ""
        wanted = [f"going on after {lines} conversations that are done{torn_too}"]
        assert going_on == (wanted if lines else [])

    def test_the_last_byte_missing(self, twice: Twice) -> None:
        twice.out.write_bytes(twice.whole[:-1])
        assert twice.score() == 0
        assert twice.out.read_bytes() == twice.whole

    def test_an_input_that_grew(self, twice: Twice, capsys: Said) -> None:
        twice.lines.append(_conversation(77))
        twice.put()
        assert twice.score() == 0
        text = twice.out.read_bytes()
        assert text.startswith(twice.whole)
        assert [json.loads(line)["id"] for line in text.splitlines()][-2:] == [7, 77]
        assert "8 assessed" in capsys.readouterr().err

    def test_nothing_left_to_do(self, twice: Twice, capsys: Said) -> None:
        twice.lines.pop()
        twice.put()
        assert twice.score() == 0
        assert twice.out.read_bytes() == twice.whole
        assert capsys.readouterr().err.endswith("1 bad lines skipped (nothing to do)\n")


class TestRefusals:
    def refused(self, twice: Twice, capsys: Said, *options: str) -> str:
        """Return what it says; the output must stay as it is."""
        before = twice.out.read_bytes()
        assert twice.score(*options) == 1
        assert twice.out.read_bytes() == before
        return capsys.readouterr().err.splitlines()[-1]

    @pytest.mark.parametrize("number", [0, 1, 3, 7])
    def test_a_line_that_was_changed(self, twice: Twice, capsys: Said, number: int) -> None:
        twice.lines[number] = twice.lines[number].replace("annoyed", "angry")
        twice.put()
        said = self.refused(twice, capsys)
        assert f"not the one that {twice.out} was made from (line {number + 1})" in said

    def test_a_bad_line_that_was_mended(self, twice: Twice, capsys: Said) -> None:
        twice.lines[2] = _conversation(2)
        twice.put()
        assert "(line 4)" in self.refused(twice, capsys)

    @pytest.mark.parametrize("count", [0, 4])
    def test_a_shorter_input(self, twice: Twice, capsys: Said, count: int) -> None:
        del twice.lines[count:]
        twice.put()
        assert "the input is not the one" in self.refused(twice, capsys)

    def test_a_line_that_was_put_in(self, twice: Twice, capsys: Said) -> None:
        twice.lines.insert(1, "")
        twice.put()
        assert "(line 2)" in self.refused(twice, capsys)

    def test_another_rubric(self, twice: Twice, capsys: Said) -> None:
        said = self.refused(twice, capsys, "--rubric", "sales")
        assert "made with another rubric or another version" in said

    @pytest.mark.parametrize("text", [b"precious\n", b"{}\n", b'{"line":1}\n', b"\xff\n"])
    def test_another_file(self, twice: Twice, capsys: Said, text: bytes) -> None:
        twice.out.write_bytes(text)
        assert "holds something else" in self.refused(twice, capsys)

    def test_the_input_itself(self, twice: Twice, capsys: Said) -> None:
        before = twice.source.read_bytes()
        link = twice.out.with_name("link.jsonl")
        link.symlink_to(twice.source)
        for out in (twice.source, link):
            assert main(["score", str(twice.source), "--out", str(out), "--restart"]) == 1
            assert capsys.readouterr().err.endswith("is the input\n")
        assert twice.source.read_bytes() == before

    def test_a_folder(self, twice: Twice, capsys: Said) -> None:
        folder = str(twice.out.parent)
        assert main(["score", str(twice.source), "--out", folder]) == 1
        assert "cannot be written: Is a directory" in capsys.readouterr().err

    def test_what_is_no_file(self, twice: Twice, capsys: Said) -> None:
        assert main(["score", str(twice.source), "--out", "/dev/null"]) == 1
        assert "/dev/null is no file" in capsys.readouterr().err


def test_a_full_disk_leaves_what_can_be_continued(twice: Twice, capsys: Said) -> None:
    twice.out.unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(twice.whole) // 2, before[1]))
    try:
        assert twice.score() == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "cannot be written: File too large" in capsys.readouterr().err
    assert twice.out.read_bytes() == twice.whole[: len(twice.whole) // 2]
    assert twice.score() == 0
    assert twice.out.read_bytes() == twice.whole


class TestRestart:
    def test_begins_anew(self, twice: Twice) -> None:
        twice.lines[0] = _conversation(99)
        twice.put()
        assert twice.score("--restart", "--rubric", "sales") == 0
        found = [json.loads(line) for line in twice.out.read_bytes().splitlines()]
        assert found[0]["id"] == 99
        assert {each["assessment"]["provenance"]["rubric_slug"] for each in found} == {"sales"}

    def test_replaces_whatever_was_there(self, twice: Twice) -> None:
        twice.out.write_bytes(b"precious\n")
        assert twice.score("--restart") == 0
        assert twice.out.read_bytes() == twice.whole


def test_one_writer_at_a_time(twice: Twice, tmp_path: Path) -> None:
    pipe, other = get_context("fork").Pipe()
    holder = get_context("fork").Process(target=_hold, args=(twice.out, other))
    holder.start()
    try:
        assert pipe.recv() == "held"
        assert twice.score() == 1
    finally:
        pipe.send("enough")
        holder.join()
    assert twice.score() == 0


def _hold(path: Path, pipe: Connection) -> None:
    with path.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        pipe.send("held")
        pipe.recv()
