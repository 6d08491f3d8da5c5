"""Rules of form: sizes, keys, references, and what the scenario names from outside."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from shared.library.lint.findings import Finding, fault
from shared.library.lint.subject import LANGUAGES, Subject
from shared.library.skills import Seen, load_skills

MAX_CHARACTERS = 4000
MAX_ITEMS = 60
MAX_ENTRIES = 100
MAX_FACTS = 20
MAX_MARKS = 8
"""Bounds that no honest scenario meets; they keep the work of the other rules small."""

KEYED = ("facts", "answers", "steps", "needs", "resolutions", "forbidden", "twists")
"""Lists whose parts have keys."""


def sizes(subject: Subject) -> Iterator[Finding]:
    """Find what is too big; the other rules look at nothing before this is right."""
    spec = subject.spec
    yield from _sizes(msgspec.to_builtins(spec), "")
    if len(spec.facts) > MAX_FACTS:
        yield fault("too-big", "/facts", f"{len(spec.facts)} facts, {MAX_FACTS} are the most")
    for number, fact in enumerate(spec.facts):
        if len(fact.marks) > MAX_MARKS:
            message = f"{len(fact.marks)} marks, {MAX_MARKS} are the most"
            yield fault("too-big", f"/facts/{number}/marks", message)


def _sizes(value: Any, path: str) -> Iterator[Finding]:
    if isinstance(value, str):
        if len(value) > MAX_CHARACTERS:
            message = f"{len(value)} characters, {MAX_CHARACTERS} are the most"
            yield fault("too-big", path, message)
    elif isinstance(value, list | tuple):
        if len(value) > MAX_ITEMS:
            yield fault("too-big", path, f"{len(value)} items, {MAX_ITEMS} are the most")
            return
        for number, item in enumerate(value):
            yield from _sizes(item, f"{path}/{number}")
    elif isinstance(value, dict):
        if len(value) > MAX_ENTRIES:
            yield fault("too-big", path, f"{len(value)} entries, {MAX_ENTRIES} are the most")
            return
        for name, item in value.items():
            if len(name) > MAX_ENTRIES:
                yield fault("too-big", path, "a name is too long")
            else:
                yield from _sizes(item, f"{path}/{escape(name)}")


def escape(name: str) -> str:
    """Return a name as a part of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def keys(subject: Subject) -> Iterator[Finding]:
    """Find keys that are used twice."""
    for kind in KEYED:
        seen: set[str] = set()
        for number, part in enumerate(getattr(subject.spec, kind)):
            if part.key in seen:
                message = f"there is another {part.key} in {kind}"
                yield fault("duplicate-key", f"/{kind}/{number}/key", message)
            seen.add(part.key)


def references(subject: Subject) -> Iterator[Finding]:
    """Find names of parts that do not exist."""
    spec = subject.spec
    known = {kind: {part.key for part in getattr(spec, kind)} for kind in KEYED}
    for kind, number, field, target in _references(subject):
        names = getattr(getattr(spec, kind)[number], field)
        path = f"/{kind}/{number}/{field}"
        listed = isinstance(names, tuple)
        for place, name in enumerate(names if listed else [names]):
            if name is not None and name not in known[target]:
                here = f"{path}/{place}" if listed else path
                yield fault("reference-unknown", here, f"there is no {name} in {target}")


_REFERENCES = (
    ("facts", "after_facts", "facts"),
    ("facts", "after_twist", "twists"),
    ("steps", "before", "steps"),
    ("resolutions", "meets", "needs"),
    ("resolutions", "needs_facts", "facts"),
    ("resolutions", "needs_steps", "steps"),
    ("resolutions", "after_twist", "twists"),
    ("resolutions", "until_twist", "twists"),
    ("twists", "after_fact", "facts"),
    ("twists", "after_proposal", "resolutions"),
)
"""Kind of part, its field, and the kind of part that the field names."""


def _references(subject: Subject) -> Iterator[tuple[str, int, str, str]]:
    for kind, field, target in _REFERENCES:
        for number in range(len(getattr(subject.spec, kind))):
            yield kind, number, field, target


def outside(subject: Subject) -> Iterator[Finding]:
    """Look at language, rubric and skills."""
    spec = subject.spec
    if spec.language not in LANGUAGES:
        message = f"the embedded engine does not speak {spec.language!r}"
        yield fault("language-not-supported", "/language", message)
    if spec.rubric not in subject.rubrics:
        message = f"there is no rubric {spec.rubric!r}: {_listed(subject.rubrics)}"
        yield fault("rubric-unknown", "/rubric", message)
    known = load_skills()
    if not spec.skills:
        yield fault("skills-missing", "/skills", "no skill is named")
    for number, key in enumerate(spec.skills):
        path = f"/skills/{number}"
        if key not in known:
            yield fault("skill-unknown", path, f"there is no skill {key!r}")
        elif Seen.TRANSCRIPT not in known[key].seen:
            yield fault("skill-not-observable", path, f"no conversation alone shows {key}")
        if key in spec.skills[:number]:
            yield fault("duplicate-key", path, f"{key} is named twice")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "there are none"
