"""`rapport scenarios` where it needs no server."""

import json
from pathlib import Path

import pytest
import yaml

from infra.cli.main import main

GUIDE = Path(__file__).resolve().parents[3] / "docs/scenarios.md"


@pytest.fixture
def example() -> str:
    return GUIDE.read_text(encoding="utf-8").split("```yaml\n")[-1].split("```")[0]


def _file(folder: Path, text: str) -> str:
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Scenario"


def test_no_faults(tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", "lint", _file(tmp_path, example)]) == 0
    assert capsys.readouterr().out.endswith("scenario.yaml: no faults\n")


def test_json_is_read_as_well(
    tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _file(tmp_path, json.dumps(yaml.safe_load(example)))
    assert main(["scenarios", "lint", path]) == 0
    assert "no faults" in capsys.readouterr().out


def test_faults_in_words(tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = _file(tmp_path, example.replace("language: en", "language: de"))
    assert main(["scenarios", "lint", path, path]) == 1
    said = capsys.readouterr()
    line = said.out.splitlines()[0]
    assert line.startswith(f"{path}: /language: error language-not-supported: ")
    assert "rite the scenario in English" in line
    assert said.err == "rapport: 2 of 2 files have errors\n"


def test_a_warning_is_no_failure(
    tmp_path: Path, example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _file(tmp_path, example.split("skills: ", maxsplit=1)[0])
    assert main(["scenarios", "lint", path]) == 0
    assert "/skills: warning skills-missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("difficulty: 2", "difficulty: 9", "/difficulty: Expected int <= 5"),
        ("role: support", "role: king", "/role: Invalid enum value 'king'"),
        ("slug: ", "color: red\nslug: ", "/color: This field is not known"),
        ('insult: {"1"', "insult: {1", "/voice/insult/1: put this key in quotes"),
        ("slug: ", "slug: [", "is no YAML"),
        ("\n", "\u0000", "is no YAML"),
    ],
)
def test_what_has_not_the_form(
    tmp_path: Path,
    example: str,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    said: str,
) -> None:
    path = _file(tmp_path, example.replace(old, new, 1))
    assert main(["scenarios", "lint", path]) == 1
    assert f"{path}: {said}" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "- 1", "text", "1"])
def test_what_is_no_scenario_at_all(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scenarios", "lint", _file(tmp_path, text)]) == 1
    assert "Expected object" in capsys.readouterr().out


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", "lint", str(tmp_path / "no.yaml")]) == 1
    assert "cannot be read" in capsys.readouterr().out


def test_publishing_needs_a_database(
    tmp_path: Path,
    example: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("RAPPORT_DATABASE_URL", raising=False)
    path = _file(tmp_path, example)
    arguments = ["--data-dir", str(tmp_path), "scenarios", "publish", path, "--tenant", "demo"]
    assert main(arguments) == 1
    assert "nothing runs here" in capsys.readouterr().err


class TestDocs:
    @pytest.fixture(autouse=True)
    def checkout(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "docs").mkdir()
        text = "# Title\n<!-- slots:begin -->\n<!-- slots:end -->\n"
        (tmp_path / "docs/scenarios.md").write_text(text, encoding="utf-8")
        monkeypatch.chdir(tmp_path)

    def test_written_once(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["scenarios", "docs"]) == 1
        assert "out of date: docs/scenarios.md" in capsys.readouterr().err
        assert main(["scenarios", "docs", "--write"]) == 0
        assert "| `company` |" in (tmp_path / "docs/scenarios.md").read_text(encoding="utf-8")
        assert (tmp_path / "docs/scenario.schema.json").exists()
        assert main(["scenarios", "docs"]) == 0

    def test_only_in_a_checkout(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "docs/scenarios.md").unlink()
        assert main(["scenarios", "docs"]) == 1
        assert "run this in a checkout" in capsys.readouterr().err
