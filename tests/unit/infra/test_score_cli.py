"""`rapport score`: what becomes of the lines of a file."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.cli.main import main
from infra.score import assessing

DOCS = Path(__file__).resolve().parents[3] / "docs"

TURNS = [
    ("customer", "My bike was promised for Monday and I am really annoyed, I need it for work."),
    ("agent", "Hello, this is the workshop. I understand how annoying that is, you planned on it."),
    ("customer", "I have called three times already. What happens now?"),
    ("agent", "I am sorry about that. May I have your full name and the order number, please?"),
    ("customer", "Ann Field, 4711. So when is it ready?"),
    ("agent", "I will finish it by Thursday at five, and you can have a loan bike until then."),
    ("customer", "Fine, thank you."),
    ("agent", "To sum up: a loan bike today, yours by Thursday at five. Thank you, goodbye."),
]

SWAPPED = [
    ("customer", "Thank you for calling North Bank, my name is Dana, how can I help you today?"),
    ("agent", "Hi, my card was declined at the shop and I was charged twice, I am so upset."),
    ("customer", "I am sorry to hear that. Can you verify your date of birth, please?"),
    ("agent", "Fourth of May. I want my money back, I have been waiting for two weeks."),
    ("customer", "Thank you. Our policy allows a refund, and I have issued it for you just now."),
    ("agent", "Okay, thanks for your help."),
    ("customer", "Is there anything else I can help you with? Thank you for calling, goodbye."),
]

Said = pytest.CaptureFixture[str]


def conversation(said: list[tuple[str, str]] = TURNS, **fields: object) -> str:
    turns = [{"role": role, "text": text} for role, text in said]
    return json.dumps({"turns": turns} | fields)


def numbered(count: int) -> list[str]:
    """Return conversations that differ, so that their answers do."""
    extra = ("customer", "And the bell number {} is broken as well, please look at it.")
    return [
        conversation([*TURNS, (extra[0], extra[1].format(number))], id=f"c{number}")
        for number in range(count)
    ]


class Files:
    """An input and an output in one folder."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "in.jsonl"
        self.out = folder / "out.jsonl"

    def put(self, *lines: str) -> None:
        self.source.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def score(self, *options: str) -> int:
        return main(["score", str(self.source), "--out", str(self.out), "--workers", "1", *options])

    def answers(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.read_text(encoding="utf-8").splitlines()]

    def answer(self, line: str, *options: str) -> dict[str, Any]:
        self.put(line)
        assert self.score(*options) == 0
        (answer,) = self.answers()
        return answer


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


class TestAnswers:
    def test_an_assessment_per_line_in_order(self, files: Files, capsys: Said) -> None:
        files.put(*numbered(3))
        assert files.score() == 0
        found = files.answers()
        assert [(each["line"], each["id"], each["status"]) for each in found] == [
            (number, f"c{number - 1}", "assessed") for number in (1, 2, 3)
        ]
        assert all(0 <= each["assessment"]["overall"] <= 100 for each in found)
        assert len({each["assessment"]["provenance"]["transcript_hash"] for each in found}) == 3
        assert capsys.readouterr().err.startswith("3 assessed (")

    def test_the_shape_of_the_api(self, files: Files) -> None:
        given = conversation(external_id="call-7", source="chat", language="en", color="red")
        turns = json.loads(given)["turns"]
        for number, turn in enumerate(turns):
            turn |= {"id": f"a{number}", "start_ms": number * 5000, "end_ms": number * 5000 + 4000}
        answer = files.answer(json.dumps(json.loads(given) | {"turns": turns}))
        assert answer["id"] == "call-7"
        assert answer["assessment"]["metrics"]["handle_time_s"] == 39.0
        quoted = {
            evidence["turn_id"]
            for criterion in answer["assessment"]["criteria"]
            for indicator in criterion["indicators"]
            for evidence in indicator["evidence"]
        }
        assert quoted
        assert quoted <= {f"a{number}" for number in range(len(turns))}

    @pytest.mark.parametrize(
        ("said", "code"),
        [
            ([turn for turn in TURNS if turn[0] == "agent"], "one-speaker"),
            ([("customer", "My bike?"), ("agent", "Soon.")], "too-few-words"),
            ([("customer", "?!"), ("agent", "...")], "no-words"),
            ([*TURNS, ("customer", "\u200b")], "blank"),
            ([*TURNS, ("customer", "a " * 4001)], "too-long"),
            (TURNS * 63, "too-long"),
            ([], "one-speaker"),
        ],
    )
    def test_refused_with_the_reason(
        self, files: Files, said: list[tuple[str, str]], code: str
    ) -> None:
        answer = files.answer(conversation(said))
        assert answer["status"] == "refused"
        assert code in [reason["code"] for reason in answer["reasons"]]
        assert "assessment" not in answer

    def test_ids_of_turns_that_repeat_are_refused(self, files: Files) -> None:
        turns = json.loads(conversation())["turns"]
        turns[0]["id"] = "t2"
        answer = files.answer(json.dumps({"turns": turns}))
        assert [reason["pointer"] for reason in answer["reasons"]] == ["/turns/1/id"]

    def test_swapped_labels_are_held_until_somebody_decides(self, files: Files) -> None:
        held = files.answer(conversation(SWAPPED))
        assert held["status"] == "held"
        assert held["flags"][0]["code"] == "roles_look_swapped"
        assert held["flags"][0]["detail"]
        assert "assessment" not in held
        kept = files.answer(conversation(SWAPPED, roles="keep"), "--restart")
        assert kept["assessment"]["flags"] == ["roles_look_swapped"]
        swapped = files.answer(conversation(SWAPPED, roles="swap"), "--restart")
        assert swapped["status"] == "assessed"
        assert "flags" not in swapped
        shares = [each["assessment"]["metrics"]["talk_share"] for each in (kept, swapped)]
        assert sum(shares) == pytest.approx(1, abs=0.01)
        assert shares[0] < shares[1]

    def test_another_language_gets_no_number(self, files: Files) -> None:
        answer = files.answer(conversation(language="fr"))
        assert answer["status"] == "assessed"
        assert answer["assessment"]["overall"] is None
        assert [flag["code"] for flag in answer["flags"]] == ["unsupported_language"]

    def test_invisible_characters_change_no_score(self, files: Files) -> None:
        plain = files.answer(conversation())
        hidden = [(role, text.replace("o", "o\u200b")) for role, text in TURNS]
        answer = files.answer(conversation(hidden), "--restart")
        assert answer["flags"][0]["code"] == "invisible_characters_removed"
        assert answer["assessment"]["criteria"] == plain["assessment"]["criteria"]

    def test_a_fault_of_the_judge_stops_nothing_and_quotes_nothing(
        self, files: Files, monkeypatch: pytest.MonkeyPatch, capsys: Said
    ) -> None:
        judge = assessing.judge

        def faulty(transcript: Any, rubric: Any, **rest: Any) -> Any:
            if "number 1 " in transcript.turns[-1].text:
                raise ValueError(transcript.turns[0].text)
            return judge(transcript, rubric, **rest)

        monkeypatch.setattr(assessing, "judge", faulty)
        files.put(*numbered(3))
        assert files.score() == 0
        found = files.answers()
        assert [each["status"] for each in found] == ["assessed", "failed", "assessed"]
        assert found[1]["reasons"][0]["detail"] == "The judge failed (ValueError)"
        said = capsys.readouterr().err
        assert said.startswith("2 assessed, 1 failed (")
        assert "bike" not in said
        assert files.score("--strict") == 1


class TestBadLines:
    BAD = ("{", '{"turns": 3}', "[]", '{"turns": [{"role": "bot", "text": "secret"}]}')

    def test_named_counted_and_skipped(self, files: Files, capsys: Said) -> None:
        good = numbered(2)
        files.put(good[0], self.BAD[0], "", "  ", *self.BAD[1:], good[1])
        assert files.score() == 0
        assert [each["line"] for each in files.answers()] == [1, 8]
        lines = capsys.readouterr().err.splitlines()
        assert [line.split(": ")[0] for line in lines[:4]] == [
            f"{files.source}:{number}" for number in (2, 5, 6, 7)
        ]
        assert lines[0].startswith(f"{files.source}:2: skipped: no JSON: ")
        assert lines[1].endswith(":5: skipped: /turns: Expected array, got int")
        assert "/turns/0/role: Invalid enum value" in lines[3]
        assert lines[4].startswith("2 assessed, 4 bad lines skipped (")
        assert "secret" not in "".join(lines)

    @pytest.mark.parametrize(
        "line",
        [
            b"\xff\xfe",
            b'{"turns": "\\ud800"}',
            b'{"turns": 3, "id": x}',
            b"[" * 100_000,
            b'"' + b"x" * 7_000_000 + b'"',
            b'{"turns": [], "roles": "both"}',
            b'{"turns": [], "source": "fax"}',
            b"null",
            b"\x00",
        ],
    )
    def test_whatever_lies_there(self, files: Files, capsys: Said, line: bytes) -> None:
        good = conversation().encode()
        files.source.write_bytes(line + b"\r\n" + b"\xef\xbb\xbf" + good)
        assert files.score() == 0
        assert [each["line"] for each in files.answers()] == [2]
        said = capsys.readouterr().err
        assert f"{files.source}:1: skipped: " in said
        assert len(said) < 500

    @pytest.mark.parametrize(
        ("line", "code"),
        [
            (conversation(), 0),
            ("{", 1),
            (conversation(SWAPPED), 1),
            (conversation(TURNS[:1]), 1),
        ],
    )
    def test_strict_wants_an_assessment_of_every_line(
        self, files: Files, line: str, code: int
    ) -> None:
        files.put(conversation(), line)
        assert files.score() == 0
        assert files.score("--strict") == code
        assert files.score("--strict", "--restart") == code

    def test_quiet_says_only_what_is_wrong(self, files: Files, capsys: Said) -> None:
        files.put(conversation(), "{")
        assert files.score("--quiet") == 0
        assert capsys.readouterr().err.count("\n") == 1

    def test_an_empty_file(self, files: Files, capsys: Said) -> None:
        files.put()
        assert files.score("--strict") == 0
        assert files.out.read_bytes() == b""
        assert "no conversation" in capsys.readouterr().err


class TestStandardStreams:
    @pytest.fixture
    def piped(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
        source = tmp_path / "piped"
        source.write_text(f"{conversation(id=7)}\n", encoding="utf-8")
        with source.open("rb") as file:
            stdin = SimpleNamespace(buffer=file, fileno=file.fileno)
            monkeypatch.setattr(sys, "stdin", stdin)
            yield

    @pytest.mark.usefixtures("piped")
    def test_from_standard_input_to_standard_output(
        self, files: Files, capsysbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        assert main(["score", "-", "--out", "-", "--workers", "1"]) == 0
        said = capsysbinary.readouterr().out
        files.put(conversation(id=7))
        assert files.score() == 0
        assert said == files.out.read_bytes()

    @pytest.mark.usefixtures("piped")
    def test_from_standard_input_to_a_file(self, files: Files, capsys: Said) -> None:
        assert main(["score", "-", "--out", str(files.out), "--workers", "1"]) == 0
        assert [each["id"] for each in files.answers()] == [7]
        assert capsys.readouterr().out == ""


class TestRubric:
    @pytest.fixture
    def example(self) -> str:
        return (
            (DOCS / "rubrics.md").read_text(encoding="utf-8").split("```yaml\n")[-1].split("```")[0]
        )

    def test_a_built_in_one(self, files: Files) -> None:
        answer = files.answer(conversation(), "--rubric", "support")
        assert answer["assessment"]["provenance"]["rubric_slug"] == "support"

    def test_a_file(self, files: Files, tmp_path: Path, example: str) -> None:
        path = tmp_path / "own.yaml"
        path.write_text(example, encoding="utf-8")
        answer = files.answer(conversation(), "--rubric", str(path))
        assert answer["assessment"]["provenance"]["rubric_slug"] == "repair-callback"
        path.write_text(example.replace("solve.path", "solve.bike_knowledge"), encoding="utf-8")
        assert files.score("--rubric", str(path), "--restart") == 0

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("target: 70", "target: 101", "/target: Expected int <= 100"),
            ("title: Empathy", "title: Greets and verifies", "compound-title"),
        ],
    )
    def test_one_with_faults(
        self,
        files: Files,
        tmp_path: Path,
        example: str,
        capsys: Said,
        old: str,
        new: str,
        said: str,
    ) -> None:
        path = tmp_path / "own.yaml"
        path.write_text(example.replace(old, new, 1), encoding="utf-8")
        files.put(conversation())
        assert files.score("--rubric", str(path)) == 1
        assert said in capsys.readouterr().err
        assert not files.out.exists()

    def test_an_unknown_one(self, files: Files, capsys: Said) -> None:
        files.put(conversation())
        assert files.score("--rubric", "magic") == 1
        assert "'magic': collections, fraud, general" in capsys.readouterr().err


@pytest.mark.parametrize("workers", ["0", "257", "many"])
def test_how_many_workers_there_may_be(files: Files, workers: str) -> None:
    with pytest.raises(SystemExit):
        files.score("--workers", workers)


def test_a_file_that_is_not_there(files: Files, capsys: Said) -> None:
    assert files.score() == 1
    assert "cannot be read: No such file" in capsys.readouterr().err
    assert not files.out.exists()


class TestGuide:
    def between(self, mark: str) -> str:
        text = (DOCS / "scoring-files.md").read_text(encoding="utf-8")
        return text.split(f"<!-- {mark}:begin -->")[1].split(f"<!-- {mark}:end -->")[0]

    def test_its_example_is_one(self, files: Files) -> None:
        example = self.between("input").split("```json\n")[1].split("```")[0]
        answer = files.answer(example.replace("\n", " "))
        assert (answer["id"], answer["status"]) == ("call-7", "assessed")
        assert answer["assessment"]["metrics"]["handle_time_s"] == 9.0

    def test_it_names_every_status(self) -> None:
        rows = [
            line.split("`")[1] for line in self.between("statuses").splitlines() if "| `" in line
        ]
        assert tuple(rows[1:]) == assessing.OUTCOMES
