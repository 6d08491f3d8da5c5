"""The look for canaries itself: a form that it does not know is a leak that nobody sees."""

import base64
from pathlib import Path

import pytest

from tests.support import canaries
from tests.support.canaries import Canaries, Sighting

WORD = "Zqxvcanaryname"
LOOK = Canaries({"name": WORD})


@pytest.mark.parametrize(
    "data",
    [
        f"... {WORD} ...".encode(),
        WORD.upper().encode(),
        f"x{WORD}y".encode("utf-16-le"),
        f"x{WORD}y".encode("utf-16-be"),
        f"{{{WORD}}}".encode().hex().encode(),
        f"{{{WORD}}}".encode().hex().upper().encode(),
        WORD[::-1].encode(),
        *(base64.b64encode(b"." * lead + WORD.encode() + b"." * 5) for lead in range(6)),
        *(base64.urlsafe_b64encode(b"." * lead + WORD.encode()) for lead in range(3)),
    ],
)
def test_every_form_is_seen(data: bytes) -> None:
    assert {one.word for one in LOOK.seen("here", data)} == {"name"}


@pytest.mark.parametrize("lead", range(6))
def test_a_stem_only_spares_time(lead: int) -> None:
    look = Canaries({"name": WORD, "other": "another"}, stem="canary")
    for data in (WORD.encode(), WORD.encode("utf-16-le"), WORD.encode().hex().encode()):
        assert {one.word for one in look.seen("here", data)} == {"name"}
    coded = base64.b64encode(b"." * lead + WORD.encode() + b"...")
    assert {one.word for one in look.seen("here", coded)} == {"name"}
    assert {one.word for one in look.seen("here", b"another")} == {"other"}


def test_other_words_are_not() -> None:
    assert LOOK.seen("here", b"canary name Zqxv " * 1000) == set()


def test_files_are_looked_at_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canaries, "CHUNK", 100)
    monkeypatch.setattr(canaries, "OVERLAP", 64)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_bytes(b"." * 95 + WORD.encode() + b"." * 500)
    (tmp_path / "known").write_bytes(WORD.encode())
    found, files = LOOK.seen_in_files(tmp_path, {"known"})
    assert (found, files) == ({Sighting("deep/log", "name", "plain")}, 1)
