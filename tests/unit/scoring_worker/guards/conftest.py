"""Conversations for the tests of the guards: the library's scripted ones and the written ones."""

from functools import cache
from pathlib import Path

import pytest
import yaml

from infra.fairness.shifts import Case
from services.sim_worker.engine.playing import play_profile
from shared.contracts.scoring import Transcript, TranscriptTurn
from shared.library import load_scenarios
from shared.library.rubrics import load_rubrics

WRITTEN = Path(__file__).parents[1] / "judging_transcripts.yaml"


def _turns(said: list[tuple[str, str]]) -> tuple[TranscriptTurn, ...]:
    return tuple(
        TranscriptTurn(
            id=f"t{n}", role="agent" if role in {"A", "agent"} else "customer", text=text
        )
        for n, (role, text) in enumerate(said)
    )


@cache
def played(profile: str, every: int = 1, seed: int = 0) -> tuple[Case, ...]:
    """Play a scripted learner in every n-th scenario of the library."""
    rubrics = {spec.slug: spec for spec in load_rubrics()}
    return tuple(
        Case(
            transcript=Transcript(
                turns=_turns(
                    [
                        (line.role, line.text)
                        for line in play_profile(each, profile, seed=seed).lines()
                    ]
                ),
                source="simulation",
            ),
            rubric=rubrics[each.rubric],
            steps=each.steps,
        )
        for each in load_scenarios()[::every]
    )


@cache
def written() -> tuple[Case, ...]:
    """Return the hand-written conversations: good, average and bad for each role."""
    rubrics = {spec.slug: spec for spec in load_rubrics()}
    loaded: dict[str, dict[str, str]] = yaml.safe_load(WRITTEN.read_text(encoding="utf-8"))
    return tuple(
        Case(
            transcript=Transcript(
                turns=_turns([tuple(line.split(": ", 1)) for line in lines.strip().splitlines()]),
                source="chat",
            ),
            rubric=rubrics[slug],
        )
        for slug, talks in loaded.items()
        for lines in talks.values()
    )


class Cases:
    """Where the tests get their conversations."""

    @staticmethod
    def played(profile: str, every: int = 1, seed: int = 0) -> tuple[Case, ...]:
        return played(profile, every, seed)

    @staticmethod
    def written() -> tuple[Case, ...]:
        return written()


@pytest.fixture(scope="session")
def cases() -> Cases:
    return Cases()
