"""Answers of the estimates; their requests are those of the real thing."""

import math
from typing import Literal

import msgspec

from services.api.estimates.estimate import Spread, TaskEstimate
from services.api.estimates.service import Estimate
from shared.contracts.llm import Task, WhyEmbedded
from shared.llm.money import dollars


class CountRange(msgspec.Struct, frozen=True, kw_only=True):
    """How many."""

    low: int
    likely: int
    most: int

    @classmethod
    def of(cls, spread: Spread) -> "CountRange":
        """Return the public form, rounded up."""
        return cls(
            low=math.ceil(spread.low), likely=math.ceil(spread.likely), most=math.ceil(spread.most)
        )


class UsdRange(msgspec.Struct, frozen=True, kw_only=True):
    """How much, in US dollars as text."""

    low: str
    likely: str
    most: str

    @classmethod
    def of(cls, spread: Spread) -> "UsdRange":
        """Return the public form of millionths, rounded up."""
        return cls(
            low=dollars(math.ceil(spread.low)),
            likely=dollars(math.ceil(spread.likely)),
            most=dollars(math.ceil(spread.most)),
        )


class TaskShare(msgspec.Struct, frozen=True, kw_only=True):
    """The part of one task."""

    task: Task
    model: str
    is_priced: bool
    """False: no price table names the model, and a cautious price is taken."""
    basis: Literal["measured", "defaults"]
    """Your own calls of the last 30 days, or general experience."""
    calls: CountRange
    input_tokens: CountRange
    output_tokens: CountRange
    cost_usd: UsdRange

    @classmethod
    def of(cls, part: TaskEstimate) -> "TaskShare":
        """Return the public form."""
        return cls(
            task=part.task,
            model=part.model,
            is_priced=part.is_priced,
            basis="measured" if part.is_measured else "defaults",
            calls=CountRange.of(part.calls),
            input_tokens=CountRange.of(part.input_tokens),
            output_tokens=CountRange.of(part.output_tokens),
            cost_usd=UsdRange.of(part.microusd),
        )


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Whether this month's budgets suffice. Where they end, the embedded engines go on."""

    left_usd: str | None
    """Of the tightest budget; null: there is none."""
    is_covered: bool
    """The likely cost is left."""
    is_surely_covered: bool
    """Even the most that is expected is left."""
    covered_conversations: int
    """For so many the likely cost is left."""


class EstimateView(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch will ask of your language model. Nothing is stored or started."""

    conversations: int
    engine: Literal["model", "embedded"]
    why: WhyEmbedded | None
    """Why no model will be asked; null when one will."""
    tasks: list[TaskShare]
    calls: CountRange
    cost_usd: UsdRange
    seconds: CountRange
    """While one worker of each kind does nothing else."""
    budget: Coverage

    @classmethod
    def of(cls, estimate: Estimate) -> "EstimateView":
        """Return the public form."""
        calls = _sum([part.calls for part in estimate.parts])
        cost = _sum([part.microusd for part in estimate.parts])
        return cls(
            conversations=estimate.conversations,
            engine="model" if estimate.parts else "embedded",
            why=estimate.why,
            tasks=[TaskShare.of(part) for part in estimate.parts],
            calls=CountRange.of(calls),
            cost_usd=UsdRange.of(cost),
            seconds=CountRange.of(estimate.seconds),
            budget=_coverage(estimate, cost),
        )


def _coverage(estimate: Estimate, cost: Spread) -> Coverage:
    left, count = estimate.left_microusd, estimate.conversations
    covered = count
    if left is not None and cost.likely > left:
        covered = int(left / cost.likely * count)
    return Coverage(
        left_usd=None if left is None else dollars(left),
        is_covered=left is None or cost.likely <= left,
        is_surely_covered=left is None or cost.most <= left,
        covered_conversations=covered,
    )


def _sum(spreads: list[Spread]) -> Spread:
    return Spread(
        sum(each.low for each in spreads),
        sum(each.likely for each in spreads),
        sum(each.most for each in spreads),
    )
