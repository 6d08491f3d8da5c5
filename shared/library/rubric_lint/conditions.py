"""Rules for conditions: branches that nobody ever enters, and criteria that never get a score."""

from collections.abc import Iterator

from shared.contracts.rubric import Condition
from shared.library.findings import Finding
from shared.library.rubric_lint.findings import fault
from shared.library.rubric_lint.subject import Place, Subject


def _conditions(subject: Subject) -> Iterator[tuple[str, Place, Condition]]:
    for place in subject.places:
        if place.criterion.enable_if is not None:
            yield f"{place.path}/enable_if", place, place.criterion.enable_if


def references(subject: Subject) -> Iterator[Finding]:
    """Find conditions on criteria that cannot decide."""
    for at, place, condition in _conditions(subject):
        path, key = f"{at}/criterion", condition.criterion
        decides = subject.by_key.get(key)
        if key == place.criterion.key:
            yield fault("condition-on-itself", path, f"{key} depends on itself")
        elif decides is None:
            yield fault("condition-unknown", path, f"there is no criterion {key!r}")
        elif decides.order > place.order:
            message = f"{key} comes after {place.criterion.key}"
            yield fault("condition-on-later", path, message)
        elif not decides.is_base:
            yield fault("condition-on-bonus", path, f"{key} is a {decides.criterion.kind}")


def bounds(subject: Subject) -> Iterator[Finding]:
    """Find bounds that nothing or everything meets."""
    for path, _, condition in _conditions(subject):
        low, high, chance = condition.at_least, condition.below, condition.had_opportunity
        if low is None and high is None and chance is None:
            yield fault("condition-empty", path, f"nothing is asked of {condition.criterion}")
        contradiction = _contradiction(condition)
        if contradiction is not None:
            yield fault("condition-contradicts", path, contradiction)
        elif low == 0 and high is None:
            yield fault("condition-empty-bound", f"{path}/at_least", "every score is 0 or more")


def _contradiction(condition: Condition) -> str | None:
    low, high = condition.at_least, condition.below
    if condition.had_opportunity is False and (low is not None or high is not None):
        return "without an opportunity there is no score to compare"
    if low is not None and high is not None and low >= high:
        return f"no score is {low} or more and under {high}"
    return "no score is under 0" if high == 0 else None


def unscorable(subject: Subject) -> Iterator[Finding]:
    """Find criteria that never get a score, and conditions that wait for one."""
    mute: set[int] = set()
    for place in subject.places:
        reason = subject.mute(place)
        if reason is not None:
            mute.add(place.order)
            message = f"{place.criterion.key} never gets a score: {reason}"
            yield fault("never-scored", place.path, message)
    for path, place, condition in _conditions(subject):
        decides = subject.by_key.get(condition.criterion)
        waits = condition.at_least is not None or condition.below is not None
        if waits and decides is not None and decides.order in mute:
            yield fault("condition-dead", path, f"{condition.criterion} never gets a score")
            mute.add(place.order)
        elif _contradiction(condition) is not None:
            mute.add(place.order)
