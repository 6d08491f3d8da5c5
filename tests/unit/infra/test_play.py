"""`rapport play`: whole conversations through the command, without servers."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from infra.cli.main import main
from infra.play.session import Session
from shared.contracts.simulation import EndReason
from shared.library import load_scenarios
from shared.library.rubrics import load_rubrics

SLUG = "fraud-nervous-card-alert"
SCRIPT = """# a careful opening
Hello Ms. Raman, my name is Sam. That must be a frightening thing to wake up to.
May I confirm your full name and the first line of your address, so that I know it's really you?
What worries you most about it right now?
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text(SCRIPT)
    return path


def _play(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["play", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def _session(seed: int = 4, word_budget: int | None = None) -> Session:
    scenario = next(spec for spec in load_scenarios() if spec.slug == SLUG)
    rubric = next(rubric for rubric in load_rubrics() if rubric.slug == scenario.rubric)
    return Session(scenario, rubric, seed=seed, word_budget=word_budget)


class TestTrace:
    def test_the_same_lines_and_seed_give_the_same_bytes(
        self, capsys: pytest.CaptureFixture[str], script: Path
    ) -> None:
        asked = (SLUG, "--seed", "4", "--script", str(script), "--json")
        first, second = _play(capsys, *asked), _play(capsys, *asked)
        assert first == second
        assert first[0] == 0

    def test_it_holds_everything_that_happened(
        self, capsys: pytest.CaptureFixture[str], script: Path
    ) -> None:
        _, out, _ = _play(capsys, SLUG, "--seed", "4", "--script", str(script), "--json")
        replay: dict[str, Any] = json.loads(out)
        exchanges = replay["trace"]["exchanges"]
        assert [one["learner"] for one in exchanges] == SCRIPT.splitlines()[1:]
        for one in exchanges:
            assert one["reply"]
            assert one["move"]["surface"]
            assert set(one["move"]["state"]["mind"]) >= {"trust", "anxiety"}
            for act in one["move"]["acts"]:
                assert one["learner"][act["start"] : act["end"]]
        assert replay["trace"]["end_reason"] == "learner_ended"
        assert set(replay["facts"].values()) <= {"elicited", "volunteered", "undiscovered"}
        assert replay["assessment"]["criteria"]

    def test_lines_come_from_standard_input_too(
        self,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        script: Path,
    ) -> None:
        asked = (SLUG, "--seed", "4", "--json")
        from_file = _play(capsys, *asked, "--script", str(script))
        monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(SCRIPT.splitlines()[1:])))
        assert _play(capsys, *asked) == from_file

    def test_nothing_after_the_end_is_played(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        path = tmp_path / "rude.txt"
        path.write_text("You are an idiot and this is your own stupid fault.\n" * 60)
        _, out, _ = _play(capsys, SLUG, "--seed", "1", "--script", str(path), "--json")
        replay = json.loads(out)
        assert replay["trace"]["end_reason"] == "customer_left"
        assert len(replay["trace"]["exchanges"]) < 20


class TestScreen:
    def test_a_script_is_shown_as_a_conversation(
        self, capsys: pytest.CaptureFixture[str], script: Path
    ) -> None:
        code, out, _ = _play(capsys, SLUG, "--seed", "4", "--script", str(script))
        assert code == 0
        assert "Your goals" in out
        assert "not by a person" in out
        assert out.count("frustration ▮") == 4  # the opening, and each of three turns
        assert "Assessment:" in out

    def test_a_person_can_look_why_and_go_back(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        typed = "You are an idiot.\n/why\n/back\n/hint\n/nonsense\n/quit\n"
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        _, out, _ = _play(capsys, SLUG, "--seed", "4")
        assert "insulted the customer" in out
        assert "Back to:" in out
        assert "Hints are on." in out
        assert "No command /nonsense." in out
        assert "in 0 turns" in out

    def test_without_a_scenario_they_are_listed(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = _play(capsys)
        assert code == 0
        assert len(out.splitlines()) == len(load_scenarios())


class TestMistakes:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("nothing-like-it",), "no scenario"),
            (("card-alert",), SLUG),
            (("missing.yaml",), "missing.yaml"),
            ((SLUG, "--seed", "-1"), "a seed is 0 to"),
            ((SLUG, "--script", "missing.txt"), "missing.txt"),
        ],
    )
    def test_are_told_in_one_line(
        self, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
    ) -> None:
        code, out, err = _play(capsys, *arguments)
        assert (code, out) == (1, "")
        assert words in err
        assert len(err.splitlines()) == 1

    def test_a_file_that_is_no_scenario(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        path = tmp_path / "odd.yaml"
        path.write_text("slug: odd\n")
        code, _, err = _play(capsys, str(path))
        assert code == 1
        assert "missing required field" in err


class TestSession:
    def test_going_back_and_saying_the_same_gives_the_same(self) -> None:
        session = _session()
        first = session.say("What happened, from the start?")
        session.say("You are an idiot.")
        session.back(2)
        assert session.say("What happened, from the start?") == first

    def test_the_budget_of_words_ends_it(self) -> None:
        session = _session(word_budget=50)
        while session.end_reason is None:
            session.say("I can hear how frightening this is for you, what happened then exactly?")
        assert session.end_reason is EndReason.BUDGET
        assert len(session.exchanges) <= 5
