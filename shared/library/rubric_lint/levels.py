"""Rules for anchors, bands and the target."""

from collections.abc import Iterator, Sequence

from shared.contracts.rubric import Anchor, Band
from shared.library.findings import Finding
from shared.library.rubric_lint.findings import fault
from shared.library.rubric_lint.subject import Subject

TOP = 100


def anchors(subject: Subject) -> Iterator[Finding]:
    """Look at the levels of each criterion."""
    for place in subject.places:
        path = f"{place.path}/anchors"
        yield from _levels(path, place.criterion.anchors)
        for number, anchor in enumerate(place.criterion.anchors):
            if not anchor.text.strip():
                message = f"nothing says what {anchor.label!r} looks like"
                yield fault("anchor-text-missing", f"{path}/{number}/text", message)


def bands(subject: Subject) -> Iterator[Finding]:
    """Look at the ranks of the whole form."""
    if not subject.spec.bands:
        yield fault("bands-missing", "/bands", "the overall score has no ranks")
    yield from _levels("/bands", subject.spec.bands)


def target(subject: Subject) -> Iterator[Finding]:
    """Compare the target with what can be reached and with the bands."""
    spec = subject.spec
    if spec.target in {0, TOP}:
        yield fault("target-extreme", "/target", f"the target is {spec.target}")
        return
    starts = {band.from_score: band.label for band in spec.bands}
    under = [start for start in starts if start <= spec.target]
    if under and spec.target not in starts:
        message = f"{starts[max(under)]!r} begins at {max(under)}, the target is {spec.target}"
        yield fault("target-inside-band", "/target", message)


def _levels(path: str, levels: Sequence[Anchor | Band]) -> Iterator[Finding]:
    starts = [level.from_score for level in levels]
    if not starts:
        return
    if min(starts) > 0:
        message = f"the lowest level begins at {min(starts)}"
        yield fault("levels-without-zero", f"{path}/0/from_score", message)
    if len(starts) == 1:
        yield fault("levels-few", path, f"{levels[0].label!r} is the only one")
    yield from _order(path, starts)
    labels: set[str] = set()
    for number, level in enumerate(levels):
        label = level.label.casefold().strip()
        if label in labels:
            message = f"there is another {level.label!r}"
            yield fault("levels-label-twice", f"{path}/{number}/label", message)
        labels.add(label)


def _order(path: str, starts: list[int]) -> Iterator[Finding]:
    for number, start in enumerate(starts[1:], start=1):
        here = f"{path}/{number}/from_score"
        if start in starts[:number]:
            yield fault("levels-duplicate", here, f"another level begins at {start}")
        elif start < starts[number - 1]:
            message = f"{start} stands after {starts[number - 1]}"
            yield fault("levels-not-ascending", here, message)
