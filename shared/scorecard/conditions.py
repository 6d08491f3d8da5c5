"""The rules of a form: when a criterion is asked, what level it reaches, when it fails all."""

from collections.abc import Mapping

from shared.contracts.rubric import AutoFail, Condition, Criterion, Polarity
from shared.contracts.scoring import CriterionResult, SkillStatus, Verdict

Results = Mapping[str, CriterionResult]
"""By criterion key."""


def is_enabled(condition: Condition | None, earlier: Results) -> bool:
    """Say whether a criterion is asked, given the results of those before it in the form.

    A condition on a criterion that was not asked itself, or comes later, does not hold.
    """
    if condition is None:
        return True
    result = earlier.get(condition.criterion)
    if result is None or not result.enabled:
        return False
    return _score_fits(condition, result.score) and (
        condition.had_opportunity is None
        or condition.had_opportunity == (result.status is not SkillStatus.NO_OPPORTUNITY)
    )


def _score_fits(condition: Condition, score: int | None) -> bool:
    if condition.at_least is None and condition.below is None:
        return True
    if score is None:
        return False
    return (condition.at_least is None or score >= condition.at_least) and (
        condition.below is None or score < condition.below
    )


def level(criterion: Criterion, score: int | None) -> str | None:
    """Return the label of the anchor that a score reaches."""
    if score is None:
        return None
    reached = [each for each in criterion.anchors if each.from_score <= score]
    return max(reached, key=lambda each: each.from_score).label if reached else None


def auto_fails(criterion: Criterion, result: CriterionResult) -> bool:
    """Say whether an asked criterion fails the whole form."""
    rule = criterion.auto_fail
    if rule is None or not result.enabled:
        return False
    return _broken(rule, result) or (
        rule.below is not None and result.score is not None and result.score < rule.below
    )


def _broken(rule: AutoFail, result: CriterionResult) -> bool:
    """Say whether a bad indicator that fails the form was seen."""
    return any(
        each.key in rule.indicators
        and each.polarity is Polarity.BAD
        and each.verdict is Verdict.MET
        for each in result.indicators
    )
