"""Which indicators the embedded judge is unsure of: in a cascade only these are asked.

An indicator of a criterion that was asked is unsure when

- the verdict is `not_enough_evidence`, or
- it is good, looked for on every occasion, and had a single one, or
- one answer read the other way would turn the verdict, on at most FEW occasions; for a bad
  indicator: it rests on a single quote, or
- the criterion got no number for want of evidence, or one with a confidence under UNSURE, and the
  indicator is good and looked for on every occasion.

Nothing is asked where a guard saw text that speaks to whoever judges: there the judge that cannot
be talked to stands alone.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from services.scoring_worker.judging.aggregate import MIN_OCCASIONS, Measured, weigh
from services.scoring_worker.judging.finding import Finding
from services.scoring_worker.judging.model.comparing import Form
from services.scoring_worker.judging.shield import GRADER, SELF_PRAISE, UNREADABLE
from shared.contracts.scoring import CriterionResult, SkillStatus, Verdict

FEW: Final = 4
"""On so many occasions one answer decides."""

UNSURE: Final = 50
"""Confidence of a criterion, 0..100."""

GUARDED: Final = frozenset({GRADER, SELF_PRAISE, UNREADABLE})
"""Flags with which a cascade asks nothing."""


def is_guarded(flags: Iterable[str]) -> bool:
    """Say whether the transcript holds text that speaks to whoever judges."""
    return not GUARDED.isdisjoint(flags)


def unsure(form: Form) -> Iterator[Measured]:
    """Yield what a reader could settle, in the order of the form."""
    results = {each.key: each for each in form.results}
    for key, items in form.measured.items():
        is_weak = _is_weak(results[key])
        yield from (item for item in items if _is_open(item, is_weak=is_weak))


def _is_weak(result: CriterionResult) -> bool:
    if result.status is SkillStatus.SCORED:
        return result.confidence < UNSURE
    return result.status is SkillStatus.INSUFFICIENT_EVIDENCE


def _is_open(item: Measured, *, is_weak: bool) -> bool:
    if item.verdict is Verdict.NOT_ENOUGH_EVIDENCE:
        return True
    if not item.is_good:
        return item.hits == 1
    if item.finding.census or not item.occasions:
        return False
    if item.occasions < MIN_OCCASIONS or is_weak:
        return True
    return item.occasions <= FEW and _is_close(item)


def _is_close(item: Measured) -> bool:
    """Say whether one occasion read the other way turns the verdict."""
    is_met = item.verdict is Verdict.MET
    seen = list(item.finding.observations)
    place = next((n for n, each in enumerate(seen) if each.hit is is_met), None)
    if place is None:
        return False
    seen[place] = msgspec.structs.replace(seen[place], hit=not is_met)
    other = weigh(item.indicator, Finding(observations=tuple(seen)))
    return other.verdict is not item.verdict
