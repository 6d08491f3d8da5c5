"""Scores of the library's scripted conversations: spread out, in order, and honest about bounds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

import pytest

from services.scoring_worker.judging.judge import judge
from services.sim_worker.engine.playing import play_profile
from shared.contracts.scenario import ScenarioSpec
from shared.contracts.scoring import JudgeResult, Transcript, TranscriptTurn
from shared.library import load_scenarios
from shared.library.rubrics import load_rubrics

LADDER = ("rude", "average", "skilled")
OTHERS = ("unskilled", "policy-robot", "over-apologizer", "pushover", "parrot")
TOP_BOX = 90
"""From here on a score is in the top box; over 60 % there would be an alarm."""


@cache
def scored(profile: str, seed: int, *, every: int = 1) -> tuple[JudgeResult, ...]:
    """Play and judge scenarios (each `every`th), each with its own rubric and steps."""
    return tuple(_scored(scenario, profile, seed) for scenario in load_scenarios()[::every])


def _scored(scenario: ScenarioSpec, profile: str, seed: int) -> JudgeResult:
    lines = play_profile(scenario, profile, seed=seed).lines()
    turns = tuple(
        TranscriptTurn(id=f"t{seq}", role=line.role, text=line.text)
        for seq, line in enumerate(lines)
    )
    rubric = next(spec for spec in load_rubrics() if spec.slug == scenario.rubric)
    return judge(
        Transcript(turns=turns, source="simulation"), rubric, required_steps=scenario.steps
    )


def numbers(results: Iterable[JudgeResult]) -> list[int]:
    return sorted(each.overall for each in results if each.overall is not None)


def in_order(ladders: Iterable[Sequence[JudgeResult]]) -> tuple[int, int, int]:
    """Return how many (rude, average, skilled) rise, how many have all numbers, and how many not.

    A conversation that broke off after two answers has none.
    """
    risen = whole = open_ = 0
    for ladder in ladders:
        points = [each.overall for each in ladder if each.overall is not None]
        if len(points) < len(LADDER):
            open_ += 1
            continue
        whole += 1
        risen += points == sorted(set(points))
    return risen, whole, open_


def check_spread(values: Sequence[int]) -> None:
    assert values[len(values) // 20] <= 35
    assert values[-len(values) // 20] >= 80
    most = Counter(values).most_common(1)[0][1]
    assert most < 0.1 * len(values)
    assert sum(each >= TOP_BOX for each in values) <= 0.6 * len(values)


class TestFew:
    EVERY = 2

    def test_spread(self):
        found = [each for name in LADDER for each in scored(name, 0, every=self.EVERY)]
        check_spread(numbers(found))

    def test_order(self):
        ladders = zip(*(scored(name, 0, every=self.EVERY) for name in LADDER), strict=True)
        risen, whole, open_ = in_order(ladders)
        assert risen == whole
        assert open_ <= 1

    def test_bounds_and_quotes_hold_for_every_conversation(self):
        for name in LADDER:
            for found in scored(name, 0, every=self.EVERY):
                assert found.overall is not None
                assert found.interval is not None
                assert found.interval.low <= found.overall <= found.interval.high
                cited = [
                    quote
                    for result in found.criteria
                    for item in result.indicators
                    for quote in item.evidence
                ]
                assert cited
                assert all(quote.quote.strip() for quote in cited)


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestMany:
    SEEDS = range(6)

    def test_spread(self):
        found = (
            each
            for name in (*LADDER, *OTHERS)
            for seed in self.SEEDS
            for each in scored(name, seed)
        )
        check_spread(numbers(found))

    def test_order(self):
        ladders = [
            ladder
            for seed in self.SEEDS
            for ladder in zip(*(scored(name, seed) for name in LADDER), strict=True)
        ]
        risen, whole, open_ = in_order(ladders)
        assert risen >= 0.98 * whole
        assert open_ <= 0.03 * len(ladders)

    def test_another_conversation_of_the_same_learner_lies_within_the_bounds(self):
        """The interval is 90 %: it should hold the mean of the others about as often."""
        held = total = 0
        for name in ("average", "skilled"):
            runs = [scored(name, seed) for seed in self.SEEDS]
            for played in zip(*runs, strict=True):
                numbers = [each.overall for each in played if each.overall is not None]
                for each in played:
                    if each.overall is None or each.interval is None or len(numbers) < 2:
                        continue
                    mean = (sum(numbers) - each.overall) / (len(numbers) - 1)
                    held += each.interval.low <= mean <= each.interval.high
                    total += 1
        assert held >= 0.85 * total
