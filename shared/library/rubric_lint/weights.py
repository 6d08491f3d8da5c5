"""Rules for weights: shares that cannot add up, and parts that can change nothing or too much."""

from collections import Counter
from collections.abc import Iterator

from shared.contracts.rubric import Polarity
from shared.library.findings import Finding
from shared.library.indicators import load_indicators
from shared.library.rubric_lint.findings import fault
from shared.library.rubric_lint.subject import Place, Subject

FULL = 100
NEARLY = range(85, 116)
"""Sums that were meant to be 100."""

LARGE_BONUS = 20
IMMATERIAL_PERCENT = 2
"""Share of the form."""
DOMINANT_PERCENT = 60
"""Share of the form."""
FEW_CRITERIA = 3
IMMATERIAL_INDICATOR_PERCENT = 3
"""Share of the criterion."""
OFTEN = 3
"""Criteria in which one good indicator may count."""
HIGH_FULL_AT = 60


def base(subject: Subject) -> Iterator[Finding]:
    """Find forms and sections without a base score."""
    if not subject.shares:
        what = "no applicable points" if subject.spec.kind == "points" else "no base score"
        yield fault("form-without-base", "/sections", f"there are {what}")
    elif subject.spec.kind == "percent":
        full = {place.section for place in subject.places if place.is_base}
        for number, section in enumerate(subject.spec.sections):
            if number not in full:
                message = f"{section.key} has no base criterion, and a weight of {section.weight}"
                yield fault("section-without-base", f"/sections/{number}", message)


def polarity(subject: Subject) -> Iterator[Finding]:
    """Find criteria whose indicators do not fit their kind."""
    for place in subject.places:
        key, kind = place.criterion.key, place.criterion.kind
        path = f"{place.path}/indicators"
        has_good = bool(place.of(Polarity.GOOD))
        if kind == "penalty" and has_good:
            yield fault("penalty-on-good", path, f"{key} takes points for what is missing")
        elif kind == "bonus" and not has_good:
            yield fault("bonus-for-nothing", path, f"nothing earns the points of {key}")
        elif kind == "base" and not has_good:
            yield fault("only-bad", path, f"nothing has to be done for the points of {key}")


def extra(subject: Subject) -> Iterator[Finding]:
    """Look at what is added to and taken from the base score."""
    for kind in ("bonus", "penalty"):
        found = [place.criterion.weight for place in subject.places if place.criterion.kind == kind]
        total = sum(found)
        if total > FULL:
            yield fault("bonus-over-100", "/sections", f"the {kind} criteria come to {total}")
        elif kind == "bonus" and total > LARGE_BONUS:
            yield fault("bonus-large", "/sections", f"the bonus criteria come to {total}")


def sums(subject: Subject) -> Iterator[Finding]:
    """Find sums that miss 100 by a little, and weights without meaning."""
    spec = subject.spec
    parts = [section.weight for section in spec.sections]
    if spec.kind == "percent":
        yield from _sum("/sections", parts, "the sections")
        for number, section in enumerate(spec.sections):
            own = [each.weight for each in section.criteria if each.kind == "base"]
            path = f"/sections/{number}/criteria"
            yield from _sum(path, own, f"the base criteria of {section.key}")
    elif len(set(parts)) > 1:
        message = f"the weights {', '.join(map(str, parts))} are not read"
        yield fault("section-weight-unused", "/sections", message)
    for place in subject.places:
        own = [each.weight for each in place.of(Polarity.GOOD)]
        path, name = f"{place.path}/indicators", place.criterion.key
        yield from _sum(path, own, f"the good indicators of {name}")


def _sum(path: str, parts: list[int], what: str) -> Iterator[Finding]:
    total = sum(parts)
    if total != FULL and total in NEARLY and len(parts) > 1:
        yield fault("weights-off-100", path, f"{what} add up to {total}")


def shares(subject: Subject) -> Iterator[Finding]:
    """Find criteria and indicators that decide nothing, or nearly everything."""
    for place in subject.places:
        share = 100 * subject.shares.get(place.order, 0)
        path, key = f"{place.path}/weight", place.criterion.key
        if place.is_base and share < IMMATERIAL_PERCENT:
            message = f"{key} is {float(share):.1f} % of the form"
            yield fault("criterion-immaterial", path, message)
        if share > DOMINANT_PERCENT and len(subject.shares) >= FEW_CRITERIA:
            yield fault("criterion-dominates", path, f"{key} is {float(share):.0f} % of the form")
        yield from _indicator_shares(place)


def _indicator_shares(place: Place) -> Iterator[Finding]:
    total = sum(each.weight for each in place.of(Polarity.GOOD))
    for path, indicator in place.indicators():
        is_good = indicator.polarity is Polarity.GOOD
        if is_good and 100 * indicator.weight < IMMATERIAL_INDICATOR_PERCENT * total:
            message = f"{indicator.key} is {100 * indicator.weight / total:.1f} % of the criterion"
            yield fault("indicator-immaterial", f"{path}/weight", message)


def repeats(subject: Subject) -> Iterator[Finding]:
    """Find good behavior that is counted again and again."""
    counted = Counter(
        key for place in subject.places for key in {each.key for each in place.of(Polarity.GOOD)}
    )
    for key, times in counted.items():
        if times > OFTEN:
            message = f"{key} counts in {times} criteria"
            yield fault("indicator-everywhere", "/sections", message)


def full_at(subject: Subject) -> Iterator[Finding]:
    """Look at the share of occasions at which an indicator counts in full."""
    known = load_indicators()
    for place in subject.places:
        for path, indicator in place.indicators():
            if indicator.key not in known:
                continue
            if known[indicator.key].whole:
                if indicator.full_at < FULL:
                    message = f"{indicator.key} is done once or not at all"
                    yield fault("full-at-unused", f"{path}/full_at", message)
            elif indicator.polarity is Polarity.BAD and indicator.full_at > HIGH_FULL_AT:
                message = f"{indicator.key} counts in full from {indicator.full_at} % on"
                yield fault("full-at-high", f"{path}/full_at", message)
