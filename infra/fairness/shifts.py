"""How far scores move when a conversation is changed: in points, by skill and in all."""

from collections.abc import Iterable, Mapping
from statistics import fmean, pstdev
from typing import Final

import msgspec

from services.scoring_worker.judging.judge import judge
from shared.contracts.base import Record
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import Step
from shared.contracts.scoring import Transcript
from shared.intake.taking import take_in

OVERALL: Final = "overall"
"""Key of the total beside the keys of the skills."""


class Case(Record, frozen=True, kw_only=True):
    """A conversation and what it is judged by."""

    transcript: Transcript
    rubric: RubricSpec
    steps: tuple[Step, ...] = ()


class Judged(Record, frozen=True, kw_only=True):
    """The numbers of a conversation; what has none is left out."""

    scores: dict[str, int]
    flags: frozenset[str]


def judged(case: Case, transcript: Transcript | None = None) -> Judged:
    """Take a conversation in as every door does, and judge it."""
    given = transcript or case.transcript
    taken = take_in(given.turns, given.language)
    clean = msgspec.structs.replace(given, turns=taken.turns, language=taken.language)
    result = judge(clean, case.rubric, required_steps=case.steps, flags=taken.codes)
    scores = {each.skill: each.score for each in result.skills if each.score is not None}
    if result.overall is not None:
        scores[OVERALL] = result.overall
    return Judged(scores=scores, flags=frozenset(result.flags))


def shifts(before: Judged, after: Judged) -> dict[str, int]:
    """Return after minus before, for what has a number in both."""
    return {
        key: after.scores[key] - score
        for key, score in before.scores.items()
        if key in after.scores
    }


def deviations(found: Iterable[Judged]) -> dict[str, float]:
    """Return the standard deviation of every key's scores over conversations."""
    values: dict[str, list[int]] = {}
    for each in found:
        for key, score in each.scores.items():
            values.setdefault(key, []).append(score)
    return {key: pstdev(scores) for key, scores in values.items()}


def mean_sizes(moved: Iterable[Mapping[str, int]]) -> dict[str, float]:
    """Return the mean size of the shifts of every key, in points."""
    sizes: dict[str, list[int]] = {}
    for each in moved:
        for key, shift in each.items():
            sizes.setdefault(key, []).append(abs(shift))
    return {key: fmean(found) for key, found in sizes.items()}


def correlation(left: list[float], right: list[float]) -> float:
    """Return Pearson's r; 0 where one side does not vary."""
    mean_left, mean_right = fmean(left), fmean(right)
    pairs = [(a - mean_left, b - mean_right) for a, b in zip(left, right, strict=True)]
    spread = (sum(a * a for a, _ in pairs) * sum(b * b for _, b in pairs)) ** 0.5
    return sum(a * b for a, b in pairs) / spread if spread else 0.0
