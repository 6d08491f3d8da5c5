"""The arithmetic of a form: from the scores of its criteria to sections, base, total, rank.

It starts from the whole scores that are shown, so that anybody can redo it, and so that a person's
override of one criterion leads to the same form; fractions are exact and rounded once, half up.

percent: section = sum(weight * score) / sum(weight) over its asked base criteria with a score;
         base = sum(section weight * section) / sum(section weight) over the sections with one.
points:  earned = sum(points * score / 100), applicable = sum(points); base = 100 * earned /
         applicable.
bonus    adds weight * score / 100, penalty takes weight * (100 - score) / 100: points of 100 in a
         percent form, points of the form in a points form. Without a score they do nothing.
total    = base + bonus - penalty, kept within 0..100; an auto-fail caps it.
A criterion without an occasion leaves every sum, or counts 0 where `na_allowed` is false.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from shared.contracts.base import Record
from shared.contracts.rubric import Criterion, RubricSpec, Section
from shared.contracts.scoring import (
    FormResult,
    Interval,
    SectionResult,
    SkillStatus,
)
from shared.scorecard.bounds import (
    Bounds,
    bounds_of,
    combine,
    confidence,
    interval,
    round_half_up,
)
from shared.scorecard.conditions import Results, auto_fails

MIN_WEIGHT_SHARE = Fraction(1, 2)
"""Share of the asked weight that must have a score before there is a total."""


class Total(Record, frozen=True, kw_only=True):
    """What a form comes to."""

    overall: int | None
    interval: Interval | None
    confidence: int
    form: FormResult


class _Part(Record, frozen=True, kw_only=True):
    """One base criterion that counts, with its exact share of the base score."""

    key: str
    share: Fraction
    score: int


def total(rubric: RubricSpec, results: Results) -> Total:
    """Return what the form comes to; `results` holds every criterion of the rubric."""
    counted = _counted(rubric, results)
    sections = tuple(
        SectionResult(key=each.key, title=each.title, score=_section_score(each, counted))
        for each in rubric.sections
    )
    critical = tuple(
        each.key
        for each in _criteria(rubric)
        if each.critical and counted.get(each.key, 100) < rubric.target
    )
    failed = tuple(each for each in _criteria(rubric) if auto_fails(each, results[each.key]))
    parts = _parts(rubric, counted) if _says_enough(rubric, results, counted) else []
    named = FormResult(
        base=None,
        sections=sections,
        critical_failed=critical,
        auto_failed=tuple(each.key for each in failed),
    )
    if not parts:
        return Total(overall=None, interval=None, confidence=0, form=named)
    return _sum_up(rubric, results, parts, failed, named)


def _criteria(rubric: RubricSpec) -> list[Criterion]:
    return [each for section in rubric.sections for each in section.criteria]


def _counted(rubric: RubricSpec, results: Results) -> dict[str, int]:
    """Return the scores that count, by key; none of them when nothing at all could be scored."""
    counted: dict[str, int] = {}
    for each in _criteria(rubric):
        result = results[each.key]
        if not result.enabled:
            continue
        if result.score is not None:
            counted[each.key] = result.score
        elif not each.na_allowed and result.status is SkillStatus.NO_OPPORTUNITY:
            counted[each.key] = 0
    return counted if any(results[key].score is not None for key in counted) else {}


def _base(section: Section) -> list[Criterion]:
    return [each for each in section.criteria if each.kind == "base"]


def _section_score(section: Section, counted: Mapping[str, int]) -> int | None:
    kept = [each for each in _base(section) if each.key in counted]
    weight = sum(each.weight for each in kept)
    if not weight:
        return None
    return round_half_up(Fraction(sum(each.weight * counted[each.key] for each in kept), weight))


def _shares(rubric: RubricSpec, keys: Iterable[str]) -> dict[str, Fraction]:
    """Return how much of the base each of these criteria is worth, if only these are asked."""
    wanted = set(keys)
    kept = [[each for each in _base(section) if each.key in wanted] for section in rubric.sections]
    if rubric.kind == "points":
        points = sum(each.weight for group in kept for each in group)
        return {each.key: Fraction(each.weight, points) for group in kept for each in group}
    form = sum(s.weight for s, group in zip(rubric.sections, kept, strict=True) if group)
    return {
        each.key: Fraction(section.weight * each.weight, form * sum(one.weight for one in group))
        for section, group in zip(rubric.sections, kept, strict=True)
        for each in group
    }


def _says_enough(rubric: RubricSpec, results: Results, counted: Mapping[str, int]) -> bool:
    asked = _shares(rubric, (key for key, result in results.items() if result.enabled))
    return sum((share for key, share in asked.items() if key in counted), Fraction(0)) >= (
        MIN_WEIGHT_SHARE
    )


def _parts(rubric: RubricSpec, counted: Mapping[str, int]) -> list[_Part]:
    return [
        _Part(key=key, share=share, score=counted[key])
        for key, share in _shares(rubric, counted).items()
    ]


def _sum_up(
    rubric: RubricSpec,
    results: Results,
    parts: Sequence[_Part],
    failed: Sequence[Criterion],
    named: FormResult,
) -> Total:
    base = sum((part.share * part.score for part in parts), Fraction(0))
    bonus, penalty = _extra(rubric, results, "bonus"), _extra(rubric, results, "penalty")
    applicable = _points(rubric, parts)
    scale = Fraction(100, applicable) if rubric.kind == "points" else Fraction(1)
    exact = min(Fraction(100), max(Fraction(0), base + scale * (bonus - penalty)))
    before = round_half_up(exact)
    cap = min((each.auto_fail.cap for each in failed if each.auto_fail), default=100)
    overall = min(before, cap)
    around = interval(exact, _bounds(results, parts))
    around = Interval(low=min(around.low, cap), high=min(around.high, cap))
    earned = round_half_up(base * applicable / 100)
    is_points = rubric.kind == "points"
    return Total(
        overall=overall,
        interval=around,
        confidence=_confidence(results, parts, around),
        form=FormResult(
            base=round_half_up(base),
            bonus=round_half_up(bonus),
            penalty=round_half_up(penalty),
            pre_fail_score=before if failed else None,
            auto_failed=named.auto_failed,
            critical_failed=named.critical_failed,
            earned_points=earned if is_points else None,
            applicable_points=applicable if is_points else None,
            band=_band(rubric, overall),
            passed=_passed(rubric.target, overall, around),
            sections=named.sections,
        ),
    )


def _points(rubric: RubricSpec, parts: Sequence[_Part]) -> int:
    counted = {part.key for part in parts}
    return sum(each.weight for each in _criteria(rubric) if each.key in counted)


def _extra(rubric: RubricSpec, results: Results, kind: str) -> Fraction:
    """Return what the criteria of a kind add or take, as points."""
    found = Fraction(0)
    for each in _criteria(rubric):
        score = results[each.key].score
        if each.kind == kind and results[each.key].enabled and score is not None:
            found += Fraction(each.weight * (score if kind == "bonus" else 100 - score), 100)
    return found


def _bounds(results: Results, parts: Sequence[_Part]) -> Bounds:
    """Return the bounds of the base; what counts 0 without an occasion is certain."""
    return combine(
        (float(part.share), bounds_of(part.score, around))
        for part in parts
        if (around := results[part.key].interval) is not None
    )


def _confidence(results: Results, parts: Sequence[_Part], around: Interval) -> int:
    return confidence(around, sum(results[part.key].opportunities for part in parts))


def _band(rubric: RubricSpec, overall: int) -> str | None:
    reached = [each for each in rubric.bands if each.from_score <= overall]
    return max(reached, key=lambda each: each.from_score).label if reached else None


def _passed(target: int, overall: int, around: Interval) -> bool | None:
    """Return whether the target is reached; None when the bounds lie on both sides of it."""
    return None if around.low < target <= around.high else overall >= target
