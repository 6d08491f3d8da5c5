"""The suite in two processes: nothing is left out, and a failure in either is one."""

from pathlib import Path

import pytest

from infra import suite

TESTS = Path(__file__).parents[2]


def test_every_folder_with_tests_is_in_one_half() -> None:
    named = [folder for half in suite.HALVES for folder in half]
    found = {path.relative_to(TESTS).parts[0] for path in TESTS.rglob("test_*.py")}
    assert sorted(named) == sorted(f"tests/{name}" for name in found)


def test_every_test_file_has_a_name_of_its_own() -> None:
    """Two of one name in a half, and pytest collects neither."""
    names = [path.name for path in TESTS.rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize(
    ("first", "second", "passes"),
    [("1", "1", True), ("0", "1", False), ("1", "0", False)],
)
def test_a_failure_in_either_half_is_a_failure(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    first: str,
    second: str,
    passes: bool,  # noqa: FBT001 (a parameter of the test)
) -> None:
    halves = []
    for name, truth in (("a", first), ("b", second)):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"test_{name}.py").write_text(f"def test_it():\n    assert {truth}\n")
        halves.append((str(tmp_path / name),))
    monkeypatch.setattr(suite, "HALVES", tuple(halves))

    code = suite.run(["-p", "no:cacheprovider", "--rootdir", str(tmp_path)])

    assert (code == 0) is passes
    assert capfd.readouterr().out.count("test session starts") == 2
