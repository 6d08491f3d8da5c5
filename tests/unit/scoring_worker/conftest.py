"""Transcripts and rubrics for the tests of the judge."""

from functools import cache
from pathlib import Path

import pytest
import yaml

from shared.contracts.rubric import RubricSpec
from shared.contracts.scoring import Transcript, TranscriptTurn
from shared.library.rubrics import load_rubrics

DATA = Path(__file__).with_name("judging_transcripts.yaml")


@cache
def _conversations() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    return loaded


def build(lines: str) -> Transcript:
    """Build a transcript from lines `A: ...` and `C: ...`."""
    turns = []
    for number, line in enumerate(lines.strip().splitlines()):
        role, _, text = line.partition(": ")
        turns.append(
            TranscriptTurn(id=f"t{number}", role="agent" if role == "A" else "customer", text=text)
        )
    return Transcript(turns=tuple(turns), source="chat")


class Talks:
    """The hand-written conversations."""

    def __call__(self, lines: str) -> Transcript:
        return build(lines)

    def get(self, role: str, quality: str) -> Transcript:
        return build(_conversations()[role][quality])

    def rubric(self, slug: str) -> RubricSpec:
        return next(spec for spec in load_rubrics() if spec.slug == slug)


@pytest.fixture(scope="session")
def talks() -> Talks:
    return Talks()
