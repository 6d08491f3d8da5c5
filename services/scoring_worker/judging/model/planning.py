"""Parts the indicators into questions: so many per call, every call once per sample."""

from typing import Final

from services.scoring_worker.judging.model.questions import Question
from shared.contracts.base import Record
from shared.contracts.llm import Judging, WhyEmbedded

PER_CALL: Final = 12
"""Indicators of one call; docs/model-judge.md has the measurement."""

MAX_CALLS: Final = 42
"""Questions of one judgment; beyond it, each is asked less often."""


class Ask(Record, frozen=True, kw_only=True):
    """One question."""

    number: int
    sample: int
    """Which of the samples, from 0; also the seed."""
    questions: tuple[Question, ...]


class Plan(Record, frozen=True, kw_only=True):
    """Everything that one judgment asks."""

    mode: Judging
    samples: int = 1
    asks: tuple[Ask, ...] = ()
    asked: tuple[Question, ...] = ()
    why: WhyEmbedded | None = None
    """Set where a model is wanted and must not be asked."""


def plan(
    mode: Judging, questions: tuple[Question, ...], samples: int, *, per_call: int = PER_CALL
) -> Plan:
    """Part the questions evenly; every other sample has them in the opposite order.

    A model's answer may depend on what stood before it: that shows in the spread.
    """
    chunks = _chunks(questions, per_call)
    samples = max(1, min(samples, MAX_CALLS // max(1, len(chunks))))
    asks = tuple(
        Ask(
            number=place * samples + sample,
            sample=sample,
            questions=chunk[::-1] if sample % 2 else chunk,
        )
        for place, chunk in enumerate(chunks)
        for sample in range(samples)
    )
    return Plan(mode=mode, samples=samples, asks=asks, asked=questions)


def _chunks(questions: tuple[Question, ...], per_call: int) -> list[tuple[Question, ...]]:
    count = -(-len(questions) // per_call)
    return [
        questions[len(questions) * n // count : len(questions) * (n + 1) // count]
        for n in range(count)
    ]
