"""Rules for stems, lines and banks."""

import re
from collections.abc import Iterator

from shared.contracts.scenario import ScenarioSpec
from shared.library.lint.findings import Finding, fault
from shared.library.lint.subject import Subject
from shared.library.lint.text import Line, banks, count_sentences, each, spoken, word_line, written

MAX_SENTENCES = 4
MIN_STEM = 3

LAST_LINES = (
    "farewell",
    "cut_short",
    "out_of_time",
    "hang_up",
    "out_of_policy",
    "escalated",
    "idle",
    "budget",
)
"""Banks of the lines that end a conversation."""

_STEM = re.compile(r"[^\W_][\w'-]*(?: [\w'-]+)*")


def lines(subject: Subject) -> Iterator[Finding]:
    """Look at every text by itself."""
    for line in (*written(subject.spec), *spoken(subject.spec)):
        if not line.text.strip():
            yield fault("line-blank", line.path, "there is no text")
    for line in spoken(subject.spec):
        count = count_sentences(line.text)
        if count > MAX_SENTENCES:
            yield fault("line-long", line.path, f"{count} sentences")


def repeats(subject: Subject) -> Iterator[Finding]:
    """Find lines that stand twice."""
    seen: dict[str, str] = {}
    for path, bank in (("/opening/lines", subject.spec.opening.lines), *banks(subject.spec)):
        own: dict[str, str] = {}
        for line in each(path, bank):
            words = word_line(line.text)
            if words in own:
                yield fault("line-twice", line.path, f"the same as {own[words]}")
            elif words in seen:
                yield fault("line-in-two-banks", line.path, f"the same as {seen[words]}")
            own[words] = seen[words] = line.path


def voice(subject: Subject) -> Iterator[Finding]:
    """Find banks in which common lines stand in for the customer's own."""
    spec = subject.spec
    empty = [name for name in spec.voice.__struct_fields__ if not getattr(spec.voice, name)]
    idle = {"out_of_policy"} if spec.allows_give_away and not spec.forbidden else set()
    if not any(resolution.terms for resolution in spec.resolutions):
        idle.add("bargain")
    common = [name for name in empty if name not in {*LAST_LINES, *idle, "insult"}]
    if common:
        yield fault("bank-empty", "/voice", f"nothing in {', '.join(common)}")
    last = [name for name in LAST_LINES if name in empty and name not in idle]
    if last:
        yield fault("last-line-missing", "/voice", f"nothing in {', '.join(last)}")


def stems(subject: Subject) -> Iterator[Finding]:
    """Find stems that match nothing, or nearly everything."""
    for line in _stems(subject.spec):
        if _STEM.fullmatch(line.text) is None or line.text != line.text.lower():
            yield fault("stem-never-matches", line.path, f"{line.text!r} begins no word")
        elif len(line.text) < MIN_STEM and not line.text.isdigit():
            yield fault("stem-short", line.path, f"{line.text!r} begins too many words")


def _stems(spec: ScenarioSpec) -> Iterator[Line]:
    fields = {
        "facts": "needs_topics",
        "answers": "topics",
        "steps": "topics",
        "resolutions": "topics",
        "forbidden": "topics",
    }
    for kind, field in fields.items():
        for number, part in enumerate(getattr(spec, kind)):
            yield from each(f"/{kind}/{number}/{field}", getattr(part, field))
    for number, resolution in enumerate(spec.resolutions):
        for place, term in enumerate(resolution.terms):
            yield from each(f"/resolutions/{number}/terms/{place}/about", term.about)
    for name in ("sore_points", "warm_points"):
        for number, touch in enumerate(getattr(spec.persona, name)):
            yield from each(f"/persona/{name}/{number}/stems", touch.stems)
