"""Puts a person's scores in place of the judge's and computes the form anew.

Intervals speak of the judge's doubt: an overridden criterion has none, so it counts as certain.
Skills that the form does not ask for stay as the judge saw them.
"""

from collections.abc import Mapping, Sequence

import msgspec

from shared.contracts.base import Record
from shared.contracts.rubric import Criterion, RubricSpec
from shared.contracts.scoring import (
    CriterionResult,
    JudgeResult,
    Override,
    SkillScore,
    SkillStatus,
)
from shared.errors import FieldError
from shared.scorecard.conditions import is_enabled, level
from shared.scorecard.form import total
from shared.scorecard.skills import roots, skills


class Change(Record, frozen=True, kw_only=True):
    """A person's answer to one criterion."""

    key: str
    score: int | None
    """0..100; None: it does not apply."""
    comment: str = ""


class OverrideError(ValueError):
    """Changes that do not fit the rubric; `errors` names all of them."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("the changes do not fit the rubric")
        self.errors = errors


def override(
    result: JudgeResult, rubric: RubricSpec, changes: Sequence[Change], reason_code: str
) -> JudgeResult:
    """Return the result with the changes in place; everything that follows from them is new.

    Reasons for a review are gone: a person has looked.

    Raises:
        OverrideError: an unknown criterion, one named twice, one that was not asked, one that may
            not be left out, or a comment that the rubric requires is missing.
    """
    criteria = {each.key: each for section in rubric.sections for each in section.criteria}
    found = {each.key: each for each in result.criteria}
    wrong = tuple(_faults(changes, criteria, found))
    if wrong:
        raise OverrideError(wrong)
    wanted = {change.key: change for change in changes}
    results: dict[str, CriterionResult] = {}
    for key, criterion in criteria.items():
        old = found[key]
        new = _changed(criterion, old, wanted[key], reason_code) if key in wanted else old
        enabled = is_enabled(criterion.enable_if, results)
        results[key] = msgspec.structs.replace(new, enabled=enabled)
    return _with(result, rubric, results)


def _faults(
    changes: Sequence[Change],
    criteria: Mapping[str, Criterion],
    found: Mapping[str, CriterionResult],
) -> list[FieldError]:
    wrong: list[FieldError] = []
    seen: set[str] = set()
    for number, change in enumerate(changes):
        place = f"/criteria/{number}"
        criterion = criteria.get(change.key)
        if criterion is None or change.key not in found:
            wrong.append(_fault(f"{place}/key", "unknown-value", "Not in the rubric"))
            continue
        if change.key in seen:
            wrong.append(_fault(f"{place}/key", "duplicate", "Named twice"))
        seen.add(change.key)
        if not found[change.key].enabled:
            detail = "Its condition did not hold, so it was not asked"
            wrong.append(_fault(f"{place}/key", "not-asked", detail))
        if change.score is None and not criterion.na_allowed:
            detail = "This criterion always applies: give a score"
            wrong.append(_fault(f"{place}/not_applicable", "not-allowed", detail))
        if criterion.requires_comment and not change.comment.strip():
            detail = "The rubric requires a comment on a change of this criterion"
            wrong.append(_fault(f"{place}/comment", "required", detail))
    return wrong


def _fault(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)


def _changed(
    criterion: Criterion, old: CriterionResult, change: Change, reason_code: str
) -> CriterionResult:
    status = SkillStatus.NO_OPPORTUNITY if change.score is None else SkillStatus.SCORED
    return msgspec.structs.replace(
        old,
        status=status,
        score=change.score,
        interval=None,
        confidence=100 if change.score is not None else 0,
        level=level(criterion, change.score),
        override=Override(
            before=old.score,
            before_status=old.status,
            judged=old.score if old.override is None else old.override.judged,
            reason_code=reason_code,
            comment=change.comment,
        ),
    )


def _with(
    result: JudgeResult, rubric: RubricSpec, results: dict[str, CriterionResult]
) -> JudgeResult:
    sums = total(rubric, results)
    known = {each.skill: each for each in result.skills}

    def as_before(key: str) -> SkillScore:
        return known.get(key) or SkillScore(
            skill=key, status=SkillStatus.NO_OPPORTUNITY, score=None, opportunities=0
        )

    found = skills(rubric, results, as_before)
    return msgspec.structs.replace(
        result,
        overall=sums.overall,
        interval=sums.interval,
        confidence=sums.confidence,
        criteria=tuple(results.values()),
        skills=found,
        roots=roots(found),
        form=sums.form,
        needs_review=(),
    )
