"""Failpoints: free when off, once per file, repeatable by seed; and each is named in the code."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import failpoints
from shared.config import ConfigError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def killed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The signals that this process would have got."""
    signals: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _pid, number: signals.append(number))
    yield signals
    failpoints.arm("")


def test_nothing_is_armed_by_itself(killed: list[int]) -> None:
    for name in failpoints.NAMES:
        failpoints.hit(name)
    assert killed == []


def test_one_file_is_one_kill(killed: list[int], tmp_path: Path) -> None:
    failpoints.arm(f"watch:{tmp_path}")
    failpoints.hit("api.before_claim")
    assert killed == []

    (tmp_path / "api.before_claim").touch()
    failpoints.hit("api.before_response")
    failpoints.hit("api.before_claim")
    failpoints.hit("api.before_claim")

    assert killed == [signal.SIGKILL]
    assert list(tmp_path.iterdir()) == []


def test_a_count_is_that_hit(killed: list[int]) -> None:
    failpoints.arm("relay.after_mark:kill:3")
    seen = []
    for _ in range(5):
        failpoints.hit("relay.after_mark")
        seen.append(len(killed))
    assert seen == [0, 0, 1, 1, 1]


def test_a_share_is_repeatable_by_its_seed() -> None:
    def pattern(seed: int) -> list[bool]:
        fires = failpoints.read(f"seed:{seed},api.before_claim:kill:0.3")["api.before_claim"]
        return [fires() for _ in range(200)]

    assert pattern(1) == pattern(1) != pattern(2)
    assert 30 < sum(pattern(1)) < 90


@pytest.mark.parametrize(
    "setting", ["api.nothing:kill:1", "api.before_claim", "api.before_claim:hang:1", "x", ",seed"]
)
def test_other_settings_are_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match="RAPPORT_FAILPOINTS"):
        failpoints.arm(setting)


@pytest.mark.parametrize("name", failpoints.NAMES)
def test_each_is_passed_somewhere(name: str) -> None:
    call = f'failpoints.hit("{name}")'
    sources = [
        path.read_text() for room in ("services", "shared") for path in (ROOT / room).rglob("*.py")
    ]
    assert any(call in text for text in sources)
