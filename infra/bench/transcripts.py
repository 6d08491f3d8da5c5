"""Conversations to score: the library's, played by its scripted learners, and tiny ones."""

from collections.abc import Iterator
from typing import Any

from services.sim_worker.engine.playing import play_profile
from shared.contracts.scoring import Transcript, TranscriptTurn
from shared.library import load_scenarios

PROFILES = ("skilled", "average", "over-apologizer", "policy-robot")
"""Who talks long enough; together about 20 words a turn."""

TURNS = 20

_NAMES = ("lamp", "chair", "phone", "ticket", "parcel", "router", "jacket", "invoice", "fridge")
_PLACES = ("depot", "branch", "shop", "station", "office", "warehouse", "port")


def library(seed: int, turns: int = TURNS) -> list[dict[str, Any]]:
    """Return the conversations that have so many turns, cut to them, as lines of a file."""
    found = []
    for scenario in load_scenarios():
        for profile in PROFILES:
            lines = play_profile(scenario, profile, seed=seed).lines()
            if len(lines) >= turns:
                name = f"{scenario.slug}-{profile}-{seed}"
                said = [{"role": line.role, "text": line.text} for line in lines[:turns]]
                found.append({"external_id": name, "source": "call", "turns": said})
    return found


def transcript(conversation: dict[str, Any]) -> Transcript:
    """Return what the judge reads of a conversation."""
    return Transcript(
        source=conversation["source"],
        turns=tuple(
            TranscriptTurn(id=f"t{number}", role=turn["role"], text=turn["text"])
            for number, turn in enumerate(conversation["turns"], start=1)
        ),
    )


def tiny(count: int) -> Iterator[dict[str, Any]]:
    """Yield conversations of two turns, no two alike, so that no cache can hold them all."""
    for number in range(count):
        what, where = _NAMES[number % len(_NAMES)], _PLACES[number % len(_PLACES)]
        said = (
            ("customer", f"The {what} {number} is late again. I am annoyed, where is it?"),
            ("agent", f"I am sorry. I will call {where} {number} about it and tell you today."),
        )
        turns = [{"role": role, "text": text} for role, text in said]
        yield {"id": number, "turns": turns}
