"""What could be said about a conversation, with how much each point matters."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.feedback.coaching import praise
from shared.contracts.base import Record
from shared.contracts.rubric import Polarity
from shared.contracts.scoring import CriterionResult, Verdict

PRAISE_FROM = 50
"""Below this score of the criterion praise for one of its indicators would sound hollow."""

STRONG_FROM = 85
"""From this score of the criterion on, what was left out is no longer worth a remark."""

GRAVE = 60
"""From this weight on, bad behavior is worth a remark however good the rest was."""

_BAD_FIRST = 2
"""What hurt counts this many times what was missing."""

PRECISION = 1000
"""Parts of a point that still decide what comes first."""

_TRIFLES = frozenset(
    {
        "uses_name",
        "greets",
        "introduces_self",
        "closes",
        "invites_return",
        "thanks",
        "thanks_for_something",
        "asks_politely",
        "understood",
        "waits_for_customer",
        "announces_steps",
        "funnels",
        "recalls_earlier",
        "heat_falls",
    }
)
"""What is not worth one of two places when it is missing: courtesies, and what the customer did."""


class Candidate(Record, frozen=True, kw_only=True):
    """One point that could be made."""

    skill: str
    item: Measured
    value: int
    """Points of its criterion, roughly, times `PRECISION`."""


def strengths(
    results: Sequence[CriterionResult], measured: Mapping[str, Sequence[Measured]]
) -> list[Candidate]:
    """Return the good behavior that was shown, in criteria that are not weak on the whole."""
    return [
        _weigh(result.skill, item, item.strength, total)
        for result in results
        for item, total in _items(result, measured)
        if item.indicator.polarity is Polarity.GOOD
        and item.indicator.key in praise()
        and (result.score or 0) >= PRAISE_FROM
        and item.verdict is Verdict.MET
    ]


def improvements(
    results: Sequence[CriterionResult], measured: Mapping[str, Sequence[Measured]]
) -> list[Candidate]:
    """Return the bad behavior that was seen and the good behavior that was missed."""
    return [
        _weigh(result.skill, item, 1 - item.strength, total)
        for result in results
        for item, total in _items(result, measured)
        if _is_worth_a_remark(result, item)
    ]


def _items(
    result: CriterionResult, measured: Mapping[str, Sequence[Measured]]
) -> list[tuple[Measured, int]]:
    items = measured.get(result.key, ())
    total = sum(item.indicator.weight for item in items if item.is_good) or 1
    return [(item, total) for item in items]


def _is_worth_a_remark(result: CriterionResult, item: Measured) -> bool:
    is_strong = (result.score or 0) >= STRONG_FROM
    if item.indicator.polarity is Polarity.BAD:
        return item.finding.hits > 0 and (not is_strong or item.indicator.weight >= GRAVE)
    return not is_strong and item.verdict is Verdict.NOT_MET and item.indicator.key not in _TRIFLES


def _weigh(skill: str, item: Measured, share: Fraction, total: int) -> Candidate:
    weight = item.indicator.weight * PRECISION
    if item.is_good:
        value = 100 * weight * share.numerator // (share.denominator * total)
    else:
        value = _BAD_FIRST * weight * item.strength.numerator // item.strength.denominator
    return Candidate(skill=skill, item=item, value=value)
