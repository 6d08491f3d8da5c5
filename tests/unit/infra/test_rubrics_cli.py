"""`rapport rubrics` where it needs no server."""

import json
from pathlib import Path

import pytest
import yaml

from infra.cli.main import main

GUIDE = Path(__file__).resolve().parents[3] / "docs/rubrics.md"

TURNS = [
    ("customer", "My bike was promised for Monday and I am really annoyed, I need it for work."),
    ("agent", "Hello, this is the workshop. I understand how annoying that is, you planned on it."),
    ("customer", "I have called three times already. What happens now?"),
    ("agent", "I am sorry about that. May I have your full name and the order number, please?"),
    ("customer", "Ann Field, 4711. So when is it ready?"),
    (
        "agent",
        "I will finish it myself by Thursday at five, and you can have a loan bike until then.",
    ),
    ("customer", "Fine, thank you."),
    ("agent", "To sum up: a loan bike today, yours by Thursday at five. Thank you, goodbye."),
]


@pytest.fixture
def example() -> str:
    return GUIDE.read_text(encoding="utf-8").split("```yaml\n")[-1].split("```")[0]


def _file(folder: Path, text: str, name: str = "rubric.yaml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def _samples(folder: Path, *lines: str) -> str:
    return _file(folder, "\n".join(lines) + "\n", "samples.jsonl")


def _conversation(**fields: object) -> str:
    turns = [{"role": role, "text": text} for role, text in TURNS]
    return json.dumps({"turns": turns, "source": "call", "external_id": "call-7"} | fields)


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rubrics", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Rubric"


class TestLint:
    def test_no_faults(
        self, tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        as_json = _file(tmp_path, json.dumps(yaml.safe_load(example)), "rubric.json")
        assert main(["rubrics", "lint", _file(tmp_path, example), as_json]) == 0
        assert capsys.readouterr().out.count("no faults\n") == 2

    def test_faults_in_words(
        self, tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = _file(tmp_path, example.replace("title: Empathy", "title: Greets and verifies"))
        assert main(["rubrics", "lint", path]) == 1
        said = capsys.readouterr()
        line = said.out.splitlines()[0]
        assert line.startswith(f"{path}: /sections/0/criteria/0/title: error compound-title: ")
        assert "'Greets and verifies' joins two behaviors at 'and'. Make two of it" in line
        assert said.err == "rapport: 1 of 1 files have errors\n"

    def test_a_warning_is_no_failure(
        self, tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = _file(tmp_path, example.replace("target: 70", "target: 72"))
        assert main(["rubrics", "lint", path]) == 0
        assert "/target: warning target-inside-band" in capsys.readouterr().out

    def test_skills_of_the_tenant(
        self, tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = _file(tmp_path, example.replace("solve.path", "solve.bike_knowledge"))
        assert main(["rubrics", "lint", path]) == 1
        assert "error skill-unknown" in capsys.readouterr().out
        assert main(["rubrics", "lint", path, "--skill", "solve.bike_knowledge"]) == 0

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("target: 70", "target: 101", "/target: Expected int <= 100"),
            ("slug: ", "color: red\nslug: ", "/color: This field is not known"),
            ("slug: ", "slug: [", "is no YAML"),
            ("slug: repair", "1: repair\nslug: repair", "/1: put this key in quotes"),
        ],
    )
    def test_what_has_not_the_form(
        self,
        tmp_path: Path,
        example: str,
        capsys: pytest.CaptureFixture[str],
        old: str,
        new: str,
        said: str,
    ) -> None:
        path = _file(tmp_path, example.replace(old, new, 1))
        assert main(["rubrics", "lint", path]) == 1
        assert f"{path}: {said}" in capsys.readouterr().out

    def test_a_file_that_is_not_there(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["rubrics", "lint", str(tmp_path / "no.yaml")]) == 1
        assert "cannot be read" in capsys.readouterr().out


class TestShow:
    def test_a_built_in_rubric_is_one_to_begin_from(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["rubrics", "show", "general"]) == 0
        path = _file(tmp_path, capsys.readouterr().out)
        assert main(["rubrics", "lint", path]) == 0
        assert capsys.readouterr().out == f"{path}: no faults\n"

    def test_an_unknown_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["rubrics", "show", "magic"]) == 1
        assert "'magic': collections, fraud, general, sales, support" in capsys.readouterr().err


class TestDryRun:
    def run(self, rubric: str, samples: str) -> int:
        return main(["rubrics", "dry-run", rubric, "--transcripts", samples])

    def test_what_it_prints(
        self, tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        samples = _samples(tmp_path, *[_conversation()] * 5, "", "{", '{"turns": 3}')
        assert self.run(_file(tmp_path, example), samples) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(": ")[0] for line in lines[:2]] == [f"{samples}:7", f"{samples}:8"]
        assert lines[2] == "repair-callback: 5 conversations, target 70"
        rows = {line[:22].strip(): line[22:].split() for line in lines[4:10]}
        assert list(rows) == [
            "Empathy",
            "Heat under an answer",
            "Keeping to the process",
            "Finding a path",
            "A look ahead",
            "Overall",
        ]
        assert rows["Finding a path"][0] == "5"
        assert lines[-1] == "2 lines skipped"
        suspicious = [line for line in lines if line.startswith("suspicious: process: ")]
        assert suspicious[0].startswith("suspicious: process: always met: ")
        assert "verifies_identity" in suspicious[0]

    def test_the_same_samples_print_the_same(
        self, tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rubric, samples = _file(tmp_path, example), _samples(tmp_path, _conversation())
        said = []
        for _ in range(2):
            assert self.run(rubric, samples) == 0
            said.append(capsys.readouterr().out)
        assert said[0] == said[1]

    def test_errors_are_counted_but_do_not_stop_it(
        self, tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rubric = _file(tmp_path, example.replace("cap: 0", "cap: 90"))
        assert self.run(rubric, _samples(tmp_path, _conversation())) == 0
        assert "1 errors keep it from being published" in capsys.readouterr().out

    def test_an_unknown_indicator_stops_it(
        self, tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rubric = _file(tmp_path, example.replace("key: greets,", "key: salutes,"))
        assert self.run(rubric, _samples(tmp_path, _conversation())) == 1
        assert "indicator-unknown" in capsys.readouterr().err

    @pytest.mark.parametrize("lines", [[], ["{}"]])
    def test_no_conversation(
        self,
        tmp_path: Path,
        example: str,
        capsys: pytest.CaptureFixture[str],
        lines: list[str],
    ) -> None:
        assert self.run(_file(tmp_path, example), _samples(tmp_path, *lines)) == 1
        assert "no conversation in it" in capsys.readouterr().err

    def test_no_file(
        self, tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(_file(tmp_path, example), str(tmp_path / "no.jsonl")) == 1
        assert "cannot be read" in capsys.readouterr().err


class TestDocs:
    @pytest.fixture(autouse=True)
    def checkout(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "docs").mkdir()
        text = "# Title\n<!-- indicators:begin -->\n<!-- indicators:end -->\n"
        (tmp_path / "docs/rubrics.md").write_text(text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)

    def test_written_once(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["rubrics", "docs"]) == 1
        assert "out of date: docs/rubrics.md, docs/rubric.schema.json" in capsys.readouterr().err
        assert main(["rubrics", "docs", "--write"]) == 0
        assert "| `greets` |" in (tmp_path / "docs/rubrics.md").read_text(encoding="utf-8")
        assert main(["rubrics", "docs"]) == 0

    def test_only_in_a_checkout(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "docs/rubrics.md").unlink()
        assert main(["rubrics", "docs"]) == 1
        assert "run this in a checkout" in capsys.readouterr().err
