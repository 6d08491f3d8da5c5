"""What a rubric does with sample conversations, before anybody is scored by it."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from shared.contracts.base import Record
from shared.contracts.rubric import Criterion, Polarity, RubricSpec
from shared.contracts.scoring import (
    CriterionResult,
    IndicatorResult,
    JudgeResult,
    SkillStatus,
    Verdict,
)

CLASS_WIDTH = 20
CLASSES = 100 // CLASS_WIDTH
"""0-19, 20-39, 40-59, 60-79, 80-100."""

TOP_FROM = 80
"""Where the top level begins when a criterion has no anchors, or a form no bands."""

ENOUGH = 5
"""Answers from which an indicator that always says the same is suspicious."""


class Spread(Record, frozen=True, kw_only=True):
    """How some scores lie."""

    count: int
    mean: int | None
    """Rounded half up; None without a score."""
    classes: tuple[int, ...]
    """How many lie in 0-19, 20-39, 40-59, 60-79, 80-100."""
    top: int | None
    """Percent that reaches the top level (the highest anchor or band, or 80 without any)."""


class CriterionTrial(Record, frozen=True, kw_only=True):
    """One criterion over all samples."""

    key: str
    title: str
    scores: Spread
    no_opportunity: int
    abstained: int
    """Too little evidence, or nothing that one conversation could show."""
    not_asked: int
    """Its condition did not hold."""
    always: tuple[str, ...]
    """Indicators that were met in every conversation that answered them: they tell nobody apart."""
    never: tuple[str, ...]
    """Good indicators that were met in none of them."""
    no_occasion: tuple[str, ...]
    """Good indicators for which no conversation gave an occasion."""


class Trial(Record, frozen=True, kw_only=True):
    """All samples together."""

    conversations: int
    overall: Spread
    without_score: int
    passed: int
    failed: int
    undecided: int
    """With a score whose bounds lie on both sides of the target."""
    auto_failed: int
    needs_review: int
    criteria: tuple[CriterionTrial, ...]


def summarize(rubric: RubricSpec, results: Sequence[JudgeResult]) -> Trial:
    """Return what a rubric did; each result holds every criterion of the rubric."""
    overall = [each.overall for each in results if each.overall is not None]
    passed = [each.form.passed for each in results if each.form and each.overall is not None]
    return Trial(
        conversations=len(results),
        overall=_spread(overall, max((each.from_score for each in rubric.bands), default=TOP_FROM)),
        without_score=len(results) - len(overall),
        passed=passed.count(True),
        failed=passed.count(False),
        undecided=passed.count(None),
        auto_failed=sum(bool(each.form and each.form.auto_failed) for each in results),
        needs_review=sum(bool(each.needs_review) for each in results),
        criteria=tuple(
            _criterion(criterion, [_of(result, criterion.key) for result in results])
            for section in rubric.sections
            for criterion in section.criteria
        ),
    )


def _of(result: JudgeResult, key: str) -> CriterionResult:
    return next(each for each in result.criteria if each.key == key)


def _criterion(criterion: Criterion, results: Sequence[CriterionResult]) -> CriterionTrial:
    asked = [each for each in results if each.enabled]
    scores = [each.score for each in asked if each.score is not None]
    unseen = sum(each.status is SkillStatus.NO_OPPORTUNITY for each in asked)
    answered = _answers(asked)
    good = {each.key for each in criterion.indicators if each.polarity is Polarity.GOOD}
    return CriterionTrial(
        key=criterion.key,
        title=criterion.title,
        scores=_spread(scores, _top(criterion)),
        no_opportunity=unseen,
        abstained=len(asked) - len(scores) - unseen,
        not_asked=len(results) - len(asked),
        always=tuple(key for key, met in answered.items() if len(met) >= ENOUGH and all(met)),
        never=tuple(
            key
            for key, met in answered.items()
            if key in good and len(met) >= ENOUGH and not any(met)
        ),
        no_occasion=tuple(
            key for key, met in answered.items() if key in good and len(asked) >= ENOUGH and not met
        ),
    )


def _top(criterion: Criterion) -> int:
    return max((each.from_score for each in criterion.anchors), default=TOP_FROM)


def _answers(results: Iterable[CriterionResult]) -> dict[str, list[bool]]:
    """Return, by indicator, whether it was met in each conversation that answered it."""
    answered: dict[str, list[bool]] = {}
    for result in results:
        for indicator in result.indicators:
            answered.setdefault(indicator.key, []).extend(_met(indicator))
    return answered


def _met(indicator: IndicatorResult) -> list[bool]:
    decided = indicator.verdict in {Verdict.MET, Verdict.NOT_MET}
    return [indicator.verdict is Verdict.MET] if decided else []


def _spread(scores: Sequence[int], top_from: int) -> Spread:
    classes = [0] * CLASSES
    for score in scores:
        classes[min(score // CLASS_WIDTH, CLASSES - 1)] += 1
    top = sum(score >= top_from for score in scores)
    return Spread(
        count=len(scores),
        mean=_rounded(sum(scores), len(scores)),
        classes=tuple(classes),
        top=_rounded(100 * top, len(scores)),
    )


def _rounded(value: int, by: int) -> int | None:
    """Divide and round half up; None by nothing."""
    return int(Fraction(value, by) + Fraction(1, 2)) if by else None
