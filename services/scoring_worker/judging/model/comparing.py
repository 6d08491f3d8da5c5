"""How far two judges agree, and when a person should look because they do not."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from services.scoring_worker.judging import aggregate
from services.scoring_worker.judging.aggregate import Measured
from services.scoring_worker.judging.model.answers import Said
from shared.contracts.llm import Judging
from shared.contracts.rubric import Criterion, RubricSpec
from shared.contracts.scoring import CriterionResult, ModelJudging
from shared.scorecard.bounds import round_half_up
from shared.scorecard.conditions import level
from shared.scorecard.form import Total

JUDGES_DISAGREE: Final = "judges_disagree"
"""The model moves the result too far from the embedded judge's, or contradicts it too often."""

JUDGE_UNSTEADY: Final = "judge_unsteady"
"""The model does not say the same twice."""

WITHDRAWN: Final = "evidence_withdrawn"
"""Claims rest on words that the transcript does not hold."""

MOVED_POINTS: Final = 20
"""From so many points on, a criterion has moved. A level is 25; the rest is left for what the same
words do to the embedded judge."""

MOVED_OVERALL: Final = 10
"""From so many points on, the total has moved."""

MIN_COMPARED: Final = 8
"""On fewer indicators, a share says nothing."""

MIN_AGREEMENT: Final = 0.6
MIN_KAPPA: Final = 0.2
MAX_SPREAD: Final = 0.2

MIN_WITHDRAWN, WITHDRAWN_SHARE = 3, 4
"""So many withdrawn claims, and one in so many of all answers, are more than slips."""

MIN_BARE, BARE_SHARE = 3, 4
"""So many bare denials of what was proven, and one in so many of all answers, are a dispute."""

DIGITS: Final = 3
"""To which shares are rounded."""


class Pair(NamedTuple):
    """What two judges say of one indicator."""

    embedded: Said
    model: Said


class Agreement(NamedTuple):
    """How far they agree."""

    compared: int
    share: float | None
    kappa: float | None


class Form(NamedTuple):
    """A form, judged."""

    measured: Mapping[str, Sequence[Measured]]
    """By criterion; those that were not asked are missing."""
    results: tuple[CriterionResult, ...]
    total: Total


def agreement(pairs: Iterable[Pair]) -> Agreement:
    """Return the agreement on what both took a side on."""
    taken = [pair for pair in pairs if Said.INSUFFICIENT not in pair]
    if not taken:
        return Agreement(0, None, None)
    size = len(taken)
    same = sum(pair.embedded is pair.model for pair in taken)
    left = Counter(pair.embedded for pair in taken)
    right = Counter(pair.model for pair in taken)
    chance = sum(left[said] * right[said] for said in Said)  # of size * size
    kappa = None
    if chance < size * size:
        kappa = round((same * size - chance) / (size * size - chance), DIGITS)
    return Agreement(size, round(same / size, DIGITS), kappa)


def doubts(
    alone: Form, together: Form, rubric: RubricSpec, model: ModelJudging, *, bare: int = 0
) -> list[str]:
    """Return the reasons why a person should look at what the model made of a result, as codes.

    Args:
        alone: what the embedded judge says.
        together: the same with the model's answers.
        rubric: the form.
        model: how the model took part.
        bare: indicators that were proven and that it denies without a quote; they stand.
    """
    reasons: list[str] = []
    is_disputed = bare >= MIN_BARE and bare * BARE_SHARE >= model.asked
    if is_disputed or has_moved(alone, together, rubric) or _disagrees(model):
        reasons.append(JUDGES_DISAGREE)
    if model.spread is not None and model.spread > MAX_SPREAD:
        reasons.append(JUDGE_UNSTEADY)
    if model.withdrawn >= MIN_WITHDRAWN and model.withdrawn * WITHDRAWN_SHARE >= model.asked:
        reasons.append(WITHDRAWN)
    return reasons


def _disagrees(model: ModelJudging) -> bool:
    """Say whether the judges contradict each other too often.

    Not in a cascade: there only what is hard to tell is asked.
    """
    if model.mode is not Judging.MODEL or model.compared < MIN_COMPARED:
        return False
    low = model.agreement is not None and model.agreement < MIN_AGREEMENT
    return low or (model.kappa is not None and model.kappa < MIN_KAPPA)


def has_moved(alone: Form, together: Form, rubric: RubricSpec) -> bool:
    """Say whether a criterion moved by a level, or what the form comes to by more than a little."""
    before = {each.key: each for each in alone.results}
    criteria = {each.key: each for section in rubric.sections for each in section.criteria}
    return _total_moved(alone.total, together.total) or any(
        _criterion_moved(criteria[after.key], before[after.key], after, alone)
        for after in together.results
    )


def _total_moved(before: Total, after: Total) -> bool:
    if before.form.auto_failed != after.form.auto_failed:
        return True
    if None not in (before.form.passed, after.form.passed) and (
        before.form.passed is not after.form.passed
    ):
        return True
    if before.overall is None or after.overall is None:
        return before.overall is not None and after.overall is None
    return abs(after.overall - before.overall) >= MOVED_OVERALL


def _criterion_moved(
    criterion: Criterion, before: CriterionResult, after: CriterionResult, alone: Form
) -> bool:
    """Compare a criterion with what the embedded judge alone makes of it.

    Where it gives no number, the number that it held back counts.
    """
    if after.score is None:
        return before.score is not None
    reference = before.score
    if reference is None:
        items = alone.measured.get(criterion.key)
        if items is None:  # it was not asked at all
            return True
        reference = round_half_up(aggregate.points(items))
    is_far = abs(after.score - reference) >= MOVED_POINTS
    return is_far or level(criterion, after.score) != level(criterion, reference)
