"""Practice beside real conversations: whether people who gained in one gained in the other."""

from collections.abc import Sequence
from typing import Final, NamedTuple
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from services.reporting.trends.outcome_words import decimal
from services.reporting.trends.stats.correlation import spearman
from services.reporting.trends.stats.means import mean_of_people
from services.reporting.trends.stats.multiple import benjamini_hochberg
from services.reporting.trends.words import SkillWords
from shared.contracts.reports.outcomes import MIN_PAIRS, ChangeMean, SkillTransfer

MIN_EACH: Final = 2
"""Scores that a person needs in practice and in real conversations, before and after."""

ALPHA: Final = 0.05
DRAWS: Final = 600
TEN: Final = 10.0

Floats = npt.NDArray[np.float64]


class Gains(NamedTuple):
    """One skill: how much each person gained, in the same order."""

    skill: str
    practice: Floats
    """Points of 100."""
    real: Floats


def transfers_of(
    gains: Sequence[Gains], words: SkillWords, *, min_people: int
) -> tuple[SkillTransfer, ...]:
    """Return what can be said of skills that each have at least `min_people` people."""
    found = [_one(each, max(MIN_PAIRS, min_people)) for each in gains]
    adjusted = benjamini_hochberg([np.nan if each.p is None else each.p for each in found])
    return tuple(
        _worded(each, None if each.p is None else float(p), words)
        for each, p in zip(found, adjusted, strict=True)
    )


def say_transfers(skills: Sequence[SkillTransfer]) -> str:
    """Return the headline of an answer."""
    if not skills:
        return (
            "Nothing can be shown: it takes people who were scored in practice and in real "
            f"conversations at least {MIN_EACH} times each, before and after."
        )
    along = [each for each in skills if each.finding == "goes_along"]
    if along:
        return max(along, key=lambda each: each.rho or 0).sentence
    tested = sum(each.p is not None for each in skills)
    if not tested:
        return f"Too few people to say whether practice goes along: that takes {MIN_PAIRS}."
    return (
        f"For none of {tested} skills is it shown that gains in practice go along with real ones."
    )


def slope_of(practice: Floats, real: Floats, *, seed: int) -> ChangeMean | None:
    """Return points more in real conversations per ten more in practice, drawn over people.

    None where practice gained the same for everybody.
    """
    if np.ptp(practice) == 0:
        return None
    draws = np.random.default_rng(seed).integers(0, len(practice), (DRAWS, len(practice)))
    slopes = _slopes(practice[draws], real[draws])
    low, high = np.nanpercentile(slopes, (5, 95))
    value = float(_slopes(practice[None], real[None])[0])
    return _mean(TEN * value, TEN * float(low), TEN * float(high))


def _slopes(x: Floats, y: Floats) -> Floats:
    """Return the least-squares slope of each row; NaN where x does not vary."""
    x = x - x.mean(axis=1, keepdims=True)
    spread = (x * x).sum(axis=1)
    rise = (x * y).sum(axis=1)
    slopes = np.full(len(x), np.nan)
    np.divide(rise, spread, out=slopes, where=spread > 1e-9)
    return slopes


def _one(gains: Gains, enough: int) -> SkillTransfer:
    n = len(gains.practice)
    result = spearman(gains.practice.tolist(), gains.real.tolist()) if n >= enough else None
    slope = None
    if result is not None:
        slope = slope_of(gains.practice, gains.real, seed=crc32(gains.skill.encode()))
    return SkillTransfer(
        skill=gains.skill,
        n=n,
        practice_change=_change(gains.practice),
        real_change=_change(gains.real),
        rho=None if result is None else round(result.rho, 2),
        per_ten_points=slope,
        p=None if result is None else round(result.p, 4),
        p_adjusted=None,
        finding="too_few_people" if n < enough else "not_shown",
        sentence="",
    )


def _worded(found: SkillTransfer, p_adjusted: float | None, words: SkillWords) -> SkillTransfer:
    finding = found.finding
    if p_adjusted is not None and p_adjusted <= ALPHA:
        finding = "goes_along" if (found.rho or 0) > 0 else "goes_against"
    found = msgspec.structs.replace(
        found,
        p_adjusted=None if p_adjusted is None else round(p_adjusted, 4),
        finding=finding,
    )
    return msgspec.structs.replace(found, sentence=_sentence(found, words.name(found.skill)))


def _sentence(found: SkillTransfer, name: str) -> str:
    moved = (
        f"{name}, {found.n} people: {_signed(found.practice_change)} in practice, "
        f"{_signed(found.real_change)} in real conversations."
    )
    if found.finding == "too_few_people":
        return f"{moved} Whether the same people gained in both takes {MIN_PAIRS} people to say."
    if found.rho is None or found.per_ten_points is None or found.finding == "not_shown":
        return f"{moved} That the same people gained in both is not shown."
    line = found.per_ten_points
    return (
        f"{moved} Ten points more in practice went along with {line.value:+g} in real "
        f"conversations (90 % interval {line.low:g} to {line.high:g}, Spearman "
        f"{decimal(found.rho)}). An association: nobody was assigned to practice by lot."
    )


def _signed(change: ChangeMean) -> str:
    return f"{change.value:+g} points (90 % interval {change.low:g} to {change.high:g})"


def _change(values: Floats) -> ChangeMean:
    estimate = mean_of_people(values.tolist())
    if estimate is None:
        raise ValueError("a change is of at least two people")
    return _mean(estimate.value, estimate.low, estimate.high)


def _mean(value: float, low: float, high: float) -> ChangeMean:
    low, value, high = (round(each, 1) + 0.0 for each in (low, value, high))  # no -0.0 is shown
    return ChangeMean(value=value, low=low, high=high)
