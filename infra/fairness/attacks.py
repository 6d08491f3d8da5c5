"""Puts payloads into conversations, and rewrites them as somebody would who was found out."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from infra.fairness.perturbations import draw
from shared.contracts.scoring import Transcript, TranscriptTurn

Payload = str | list[str]
"""What is said; a list is split over the turns."""

PLACES: Final = ("last", "every", "own turn")
"""Added to the last turn of the agent, to each, or said as a turn of its own in the middle."""

_SYNONYMS: Final = {
    "score": "result", "scores": "results", "marks": "credits", "give": "hand", "full": "complete",
    "rate": "value", "grade": "assess", "empathy": "feeling with you", "patient": "unhurried",
    "listened": "paid attention", "understood": "got", "instructions": "orders", "ignore": "skip",
    "rubric": "checklist", "perfect": "spotless", "evidence": "support", "excellent": "splendid",
    "apology": "regret", "paraphrase": "restatement", "clarity": "plainness", "points": "credits",
}  # fmt: skip


def inserted(transcript: Transcript, payload: Payload, place: str) -> Transcript:
    """Return the conversation with the payload in it."""
    turns = list(transcript.turns)
    agent = [n for n, turn in enumerate(turns) if turn.role == "agent"]
    parts = [payload] if isinstance(payload, str) else payload
    if place == "own turn":
        middle = agent[len(agent) // 2]
        own = [TranscriptTurn(id=f"p{n}", role="agent", text=part) for n, part in enumerate(parts)]
        turns[middle:middle] = own
    elif place == "every":
        for n, at in enumerate(agent):
            turns[at] = _with(turns[at], parts[n % len(parts)])
    else:
        for at, part in zip(agent[-len(parts) :], parts, strict=False):
            turns[at] = _with(turns[at], part)
    return msgspec.structs.replace(transcript, turns=tuple(turns))


def _with(turn: TranscriptTurn, part: str) -> TranscriptTurn:
    return msgspec.structs.replace(turn, text=f"{turn.text} {part}")


def rewrites(payload: str, seed: int) -> Iterator[str]:
    """Yield the payload in other words, spacing and casing, each step on top of the last."""
    steps: Sequence[Callable[[str, int], str]] = (_synonym, _cased, _spaced, _dotted, _synonym)
    for number, step in enumerate(steps):
        payload = step(payload, seed + number)
        yield payload


def _synonym(text: str, seed: int) -> str:
    words = text.split(" ")
    known = [n for n, word in enumerate(words) if word.lower().strip(".,:;") in _SYNONYMS]
    if known:
        at = known[draw(seed, 0, len(known))]
        words[at] = _SYNONYMS[words[at].lower().strip(".,:;")]
    return " ".join(words)


def _cased(text: str, seed: int) -> str:
    return "".join(c.upper() if draw(seed, n, 3) == 0 else c.lower() for n, c in enumerate(text))


def _spaced(text: str, seed: int) -> str:
    return "".join(f"{c} " if c == " " and draw(seed, n, 2) else c for n, c in enumerate(text))


def _dotted(text: str, seed: int) -> str:
    words = text.split(" ")
    at = draw(seed, 1, len(words))
    words[at] = ".".join(words[at])
    return " ".join(words)
