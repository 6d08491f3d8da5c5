"""Rules for what fails a form, and for what is critical."""

from collections.abc import Iterator

from shared.contracts.rubric import AutoFail, Polarity
from shared.library.findings import Finding
from shared.library.rubric_lint.findings import fault
from shared.library.rubric_lint.subject import Place, Subject


def auto_fail(subject: Subject) -> Iterator[Finding]:
    """Find failures that never happen, or that fail nothing."""
    for place in subject.places:
        failing = place.criterion.auto_fail
        if failing is None:
            continue
        path = f"{place.path}/auto_fail"
        if not failing.indicators and failing.below is None:
            yield fault("auto-fail-empty", path, f"nothing in {place.criterion.key} fails the form")
        if failing.below == 0:
            yield fault("auto-fail-below-zero", f"{path}/below", "no score is under 0")
        if failing.cap >= subject.spec.target:
            message = f"a failed form keeps {failing.cap}, the target is {subject.spec.target}"
            yield fault("auto-fail-passes", f"{path}/cap", message)
        if place.criterion.kind == "bonus":
            message = f"{place.criterion.key} is a bonus"
            yield fault("auto-fail-on-bonus", path, message)
        yield from _named(place, failing)


def _named(place: Place, failing: AutoFail) -> Iterator[Finding]:
    asked = {each.key: each.polarity for each in place.criterion.indicators}
    for number, key in enumerate(failing.indicators):
        path = f"{place.path}/auto_fail/indicators/{number}"
        if key not in asked:
            message = f"{place.criterion.key} does not ask for {key!r}"
            yield fault("auto-fail-unknown", path, message)
        elif asked[key] is Polarity.GOOD:
            yield fault("auto-fail-on-good", path, f"{key} is good")


def critical(subject: Subject) -> Iterator[Finding]:
    """Look at criteria that are named when they are missed."""
    for place in subject.places:
        criterion = place.criterion
        if not criterion.critical:
            continue
        if not place.is_base:
            message = f"{criterion.key} is a {criterion.kind}"
            yield fault("critical-not-base", f"{place.path}/critical", message)
        elif criterion.na_allowed:
            message = f"{criterion.key} is left out where a conversation gives no occasion for it"
            yield fault("critical-left-out", f"{place.path}/na_allowed", message)
