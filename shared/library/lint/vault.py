"""Rules for facts: that they can be found, and that nothing gives them away before."""

from collections.abc import Iterator

from shared.contracts.dialogue import Act
from shared.contracts.scenario import Fact
from shared.library.lint.findings import Finding, fault
from shared.library.lint.subject import HURTFUL, Subject
from shared.library.lint.text import holds_mark, spoken, word_line, written

FIRST_FACT_REACH = 25
"""Points of trust above the opening within which a first fact should open."""

MIN_MARK = 4
"""Characters; shorter strings are in other words by accident."""


def ways_in(subject: Subject) -> Iterator[Finding]:
    """Find facts that cannot be opened, or too far away."""
    spec = subject.spec
    if not spec.facts:
        yield fault("facts-missing", "/facts", "there is nothing to find out")
        return
    for number, fact in enumerate(spec.facts):
        path = f"/facts/{number}"
        if not fact.needs_acts and not fact.needs_topics:
            message = f"{fact.key} opens by itself at trust {fact.min_trust}"
            yield fault("fact-asks-for-nothing", path, message)
        if fact.needs_acts and HURTFUL.issuperset(fact.needs_acts):
            message = f"{fact.key} opens only on {', '.join(fact.needs_acts)}"
            yield fault("fact-needs-harm", f"{path}/needs_acts", message)
        for reason in subject.locks(fact, subject.facts, subject.twists):
            yield fault("fact-unreachable", path, f"{fact.key} never opens: {reason}")
    first = min(fact.min_trust for fact in spec.facts)
    bound = spec.opening.mind.trust + FIRST_FACT_REACH
    if first > bound:
        message = (
            f"the first fact opens at trust {first}; the opening has {bound - FIRST_FACT_REACH}"
        )
        yield fault("first-fact-far", "/facts", message)


def telling(subject: Subject) -> Iterator[Finding]:
    """Look at how a fact is guarded, volunteered and given back."""
    for number, fact in enumerate(subject.spec.facts):
        path = f"/facts/{number}"
        asks = not fact.needs_acts or Act.OPEN_QUESTION in fact.needs_acts
        if not fact.guard and fact.needs_topics and asks:
            message = f"asked for {fact.key} too early, the customer has no line of their own"
            yield fault("guard-missing", f"{path}/guard", message)
        if fact.volunteer_trust is not None and fact.volunteer_trust <= fact.min_trust:
            message = f"{fact.key} is told unasked at trust {fact.volunteer_trust}"
            yield fault("volunteer-too-soon", f"{path}/volunteer_trust", message)
        if not fact.reflected:
            yield fault("reflected-missing", f"{path}/reflected", f"{fact.key} has none")
        elif _starts_loud(fact.reflected) or fact.reflected.rstrip().endswith("."):
            message = f"{fact.key}: {fact.reflected[:40]!r}"
            yield fault("reflected-shape", f"{path}/reflected", message)


def _starts_loud(text: str) -> bool:
    """Say whether a text begins with a capital that is not part of a name or abbreviation."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return first.lower() in {"you", "your", "the", "a", "an", "it", "there", "that"} and (
        first[:1].isupper()
    )


def marks(subject: Subject) -> Iterator[Finding]:
    """Find marks that mark nothing, or that stand where a locked fact must not show."""
    spec = subject.spec
    public = [(line, word_line(line.text)) for source in (written, spoken) for line in source(spec)]
    for number, fact in enumerate(spec.facts):
        path = f"/facts/{number}"
        if not fact.marks:
            yield fault("mark-missing", f"{path}/marks", f"{fact.key} has none")
        own = word_line(fact.text)
        open_later = _said_later(subject, fact) | {f"{path}/text"}
        for place, mark in enumerate(fact.marks):
            here = f"{path}/marks/{place}"
            if len(mark.strip()) < MIN_MARK:
                yield fault("mark-short", here, f"{mark!r}")
            if not holds_mark(own, mark):
                yield fault("mark-not-in-text", here, f"{mark!r} is not in the text of {fact.key}")
            for line, words in public:
                if holds_mark(words, mark) and not _under(line.path, open_later):
                    message = f"{mark!r} gives {fact.key} away in {line.path}"
                    yield fault("mark-in-public", here, message)


def _said_later(subject: Subject, fact: Fact) -> set[str]:
    """Return the places that speak only once this fact is open: what waits for it."""
    spec = subject.spec
    later: set[str] = {fact.key}
    found: set[str] = set()
    before = 0
    while before != len(later):
        before = len(later)
        for number, other in enumerate(spec.facts):
            if later & set(other.after_facts):
                later.add(other.key)
                found.add(f"/facts/{number}/text")
    for number, twist in enumerate(spec.twists):
        only = twist.turn is None and twist.after_proposal is None
        if only and twist.after_fact in later:
            found.add(f"/twists/{number}/lines")
    return found


def _under(path: str, places: set[str]) -> bool:
    return path in places or path.rpartition("/")[0] in places
