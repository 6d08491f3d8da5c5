"""Rules of form: sizes, keys, titles used twice, and what the rubric names from outside."""

from collections.abc import Iterable, Iterator

from shared.contracts.rubric import AutoFail
from shared.library.findings import Finding
from shared.library.indicators import load_indicators
from shared.library.lint import LANGUAGES
from shared.library.rubric_lint.findings import fault
from shared.library.rubric_lint.subject import Place, Subject
from shared.library.skills import load_skill_roots

MAX_CRITERIA = 120
MAX_INDICATORS = 600
MAX_SKILLS = 10
MAX_FAILING = 40
"""Bounds that no honest rubric meets; they keep the work of the other rules small."""


def sizes(subject: Subject) -> Iterator[Finding]:
    """Find what is too big; the other rules look at nothing before this is right."""
    yield from _size("/sections", len(subject.places), MAX_CRITERIA, "criteria")
    asked = sum(len(place.criterion.indicators) for place in subject.places)
    yield from _size("/sections", asked, MAX_INDICATORS, "indicators")
    for place in subject.places:
        path, criterion = place.path, place.criterion
        yield from _size(f"{path}/skills", len(criterion.skills), MAX_SKILLS, "skills")
        failing = (criterion.auto_fail or AutoFail()).indicators
        path = f"{path}/auto_fail/indicators"
        yield from _size(path, len(failing), MAX_FAILING, "indicators")


def _size(path: str, count: int, most: int, what: str) -> Iterator[Finding]:
    if count > most:
        yield fault("too-big", path, f"{count} {what}, {most} are the most")


def keys(subject: Subject) -> Iterator[Finding]:
    """Find keys that are used twice."""
    sections = ((f"/sections/{n}", part.key) for n, part in enumerate(subject.spec.sections))
    for path, key in _again(sections):
        yield fault("duplicate-key", f"{path}/key", f"there is another section {key}")
    criteria = ((place.path, place.criterion.key) for place in subject.places)
    for path, key in _again(criteria):
        yield fault("duplicate-key", f"{path}/key", f"there is another criterion {key}")
    for place in subject.places:
        asked = ((path, indicator.key) for path, indicator in place.indicators())
        for path, key in _again(asked):
            message = f"{place.criterion.key} asks for {key} twice"
            yield fault("duplicate-indicator", f"{path}/key", message)
        failing = (place.criterion.auto_fail or AutoFail()).indicators
        named = ((f"{place.path}/auto_fail/indicators/{n}", key) for n, key in enumerate(failing))
        for path, key in _again(named):
            yield fault("duplicate-indicator", path, f"{key} is named twice")


def names_twice(subject: Subject) -> Iterator[Finding]:
    """Find titles that are used twice."""
    groups: list[list[tuple[str, str]]] = [
        [(f"/sections/{n}", part.title) for n, part in enumerate(subject.spec.sections)],
        [(place.path, place.criterion.title) for place in subject.places],
    ]
    groups += [[(path, one.title) for path, one in place.indicators()] for place in subject.places]
    for titled in groups:
        for path, title in _again((path, _plain(title)) for path, title in titled):
            yield fault("duplicate-title", f"{path}/title", f"{title!r} stands here twice")


def _plain(title: str) -> str:
    return " ".join(title.casefold().split())


def _again(named: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for path, name in named:
        if name in seen:
            yield path, name
        seen.add(name)


def outside(subject: Subject) -> Iterator[Finding]:
    """Look at the language, and at whom the rubric is for."""
    spec = subject.spec
    if spec.language.casefold().split("-")[0] not in LANGUAGES:
        known = ", ".join(sorted(LANGUAGES))
        message = f"the embedded judge reads {known}, not {spec.language!r}"
        yield fault("language-not-supported", "/language", message)
    if not spec.description.strip():
        yield fault("description-missing", "/description", "nothing says what it is for")


def skills(subject: Subject) -> Iterator[Finding]:
    """Compare the skill maps with the taxonomy."""
    roots = set(load_skill_roots())
    mapped = {key for place in subject.places for key in place.criterion.skill_weights()}
    if not any(key.split(".")[0] in roots for key in mapped):
        message = f"only {', '.join(sorted(mapped))}: none of {', '.join(sorted(roots))}"
        yield fault("roots-missing", "/sections", message)
    for place in subject.places:
        yield from _skill_map(subject, place)


def _skill_map(subject: Subject, place: Place) -> Iterator[Finding]:
    criterion = place.criterion
    if not subject.knows(criterion.skill):
        yield fault("skill-unknown", f"{place.path}/skill", f"there is no {criterion.skill!r}")
    if criterion.skills and criterion.skill not in criterion.skills:
        message = f"{criterion.skill} is not among {', '.join(criterion.skills)}"
        yield fault("skill-map-lacks-main", f"{place.path}/skills", message)
    own = criterion.skills.get(criterion.skill, 100)
    for key, weight in criterion.skills.items():
        path = f"{place.path}/skills/{key}"
        if not subject.knows(key) and key != criterion.skill:
            yield fault("skill-unknown", path, f"there is no {key!r}")
        if not subject.shows(key) and key != criterion.skill:
            yield fault("skill-not-observable", path, f"no conversation alone shows {key}")
        if weight > own:
            message = f"{key} has {weight}, {criterion.skill} only {own}"
            yield fault("skill-map-main-small", path, message)


def indicators(subject: Subject) -> Iterator[Finding]:
    """Compare the indicators with those that the judge knows."""
    known = load_indicators()
    for place in subject.places:
        for path, indicator in place.indicators():
            if indicator.key not in known:
                message = f"the judge knows no {indicator.key!r}"
                yield fault("indicator-unknown", f"{path}/key", message)
            elif known[indicator.key].polarity is not indicator.polarity:
                message = f"{indicator.key} is {known[indicator.key].polarity}"
                yield fault("indicator-polarity", f"{path}/polarity", message)
