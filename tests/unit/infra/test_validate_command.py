"""`rapport validate`, on invented conversations."""

import json
from pathlib import Path

import pytest

from infra.cli.main import main

TEXTS = (
    "Thank you so much, I really appreciate your help with this.",
    "Could you please tell me which version you meant?",
    "I wonder whether we should look at it together.",
    "What are you looking for?",
    "You are wrong again.",
    "Why did you delete it? Stop that now.",
    "This is nonsense and you know it.",
    "Nobody asked you.",
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "sets"
    folder.mkdir()
    rows = [
        {"id": f"politeness_wiki:{n}", "turns": [{"role": "agent", "text": text}], "labels": {}}
        for n, text in enumerate(TEXTS)
    ]
    (folder / "politeness_wiki.jsonl").write_text("\n".join(map(json.dumps, rows)))
    turns = [
        {"role": "customer", "text": "I need the wood."},
        {"role": "agent", "text": "What do you need most?", "labels": {"strategies": []}},
        {"role": "customer", "text": "Can we find a fair split?", "labels": {"strategies": []}},
    ]
    talk = {"id": "casino:1", "turns": turns, "labels": {}}
    (folder / "casino.jsonl").write_text(json.dumps(talk) + "\n")
    return folder


def run(data: Path, out: Path, *extra: str) -> dict[str, dict[str, float]]:
    assert main(["validate", "--data", str(data), "--out", str(out), *extra]) == 0
    return json.loads(out.read_text())


class TestValidate:
    def test_every_item_of_every_set_that_is_there(self, data: Path, tmp_path: Path) -> None:
        found = run(data, tmp_path / "out.json")
        assert sorted(found["politeness_wiki"]) == [f"politeness_wiki:{n}" for n in range(8)]
        assert set(found["casino_elicit-pref"]) == {"casino:1#1", "casino:1#2"}
        assert set(found) == {"politeness_wiki"} | {
            key for key in found if key.startswith("casino_")
        }

    def test_strengths_order_the_turns_as_people_would(self, data: Path, tmp_path: Path) -> None:
        found = run(data, tmp_path / "out.json")
        polite = [found["politeness_wiki"][f"politeness_wiki:{n}"] for n in range(8)]
        assert min(polite[:3]) > max(polite[4:])
        asked = found["casino_elicit-pref"]
        assert asked["casino:1#1"] > asked["casino:1#2"]

    def test_same_bytes_twice(self, data: Path, tmp_path: Path) -> None:
        run(data, tmp_path / "a.json")
        run(data, tmp_path / "b.json")
        assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()

    def test_the_useless_scorer_answers_everything_and_knows_nothing(
        self, data: Path, tmp_path: Path
    ) -> None:
        real, useless = run(data, tmp_path / "a.json"), run(data, tmp_path / "b.json", "--useless")
        assert {key: set(items) for key, items in useless.items()} == {
            key: set(items) for key, items in real.items()
        }
        values = list(useless["politeness_wiki"].values())
        assert all(0 <= value < 1 for value in values)
        assert values != sorted(values, reverse=True)

    def test_a_missing_folder_is_one_line(self, tmp_path: Path, capsys) -> None:
        arguments = ["validate", "--data", str(tmp_path / "none"), "--out", str(tmp_path / "x")]
        assert main(arguments) == 1
        assert capsys.readouterr().err.count("\n") == 1

    def test_a_broken_line_is_one_line(self, data: Path, tmp_path: Path, capsys) -> None:
        (data / "casino.jsonl").write_text("{")
        arguments = ["validate", "--data", str(data), "--out", str(tmp_path / "x")]
        assert main(arguments) == 1
        assert "rapport:" in capsys.readouterr().err
