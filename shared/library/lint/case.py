"""Rules for the case: the slots that lines are filled with."""

import re
from collections.abc import Callable, Iterator

from shared.library.lint.findings import Finding, fault
from shared.library.lint.structure import escape
from shared.library.lint.subject import Subject
from shared.library.lint.text import spoken, word_line

_SLOT = re.compile(r"\{(\w+)\}")


def _starts(text: str, *words: str) -> bool:
    return text.lower().startswith(words)


def _has(text: str, *words: str) -> bool:
    line = word_line(text)
    return any(f" {word} " in line for word in words)


def _is_clause(text: str) -> bool:
    """A clause goes into a sentence: nothing ends it."""
    return not text.rstrip().endswith((".", "!", "?"))


SLOTS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "company": ("the company's name", bool),
    "desk": ("who the learner speaks for: `the parcel desk`", bool),
    "customer": ("how the learner addresses the customer", bool),
    "topic": ("the matter, for the learner: `the payment in Tarrow`", bool),
    "my_topic": ("the matter, for the customer: `this payment`", bool),
    "problem": ("a full clause", _is_clause),
    "impact": ("a full clause that starts with `you`", lambda text: _starts(text, "you")),
    "feeling": ("an adjective", lambda text: " " not in text.strip()),
    "ownership": ("one or two sentences that take it on", lambda text: text.endswith((".", "!"))),
    "cause": (
        "a clause in plain words with `because`, `so` or `which means`",
        lambda text: _is_clause(text) and _has(text, "because", "so", "which means"),
    ),
    "verify": ("begins with a verb: `confirm your full name`", _is_clause),
    "why_verify": ("begins with `so that` or `because`", lambda t: _starts(t, "so", "because")),
    "disclosure": ("a clause of something open that is told unasked", _is_clause),
    "promise": ("a clause with owner and time, no full stop", _is_clause),
    "deadline": ("a time: `tomorrow at ten`", _is_clause),
    "policy": ("a clause that cites a rule coldly", _is_clause),
    "jargon": ("a clause full of insider terms", _is_clause),
    "blame": ("a sentence that starts with `You`", lambda text: _starts(text, "you")),
    "quick_fix": ("a clause that starts with `I'll just` or `I can`", lambda t: _starts(t, "i")),
    "upsell": ("names something nobody asked for", _is_clause),
}
"""Slots that every case has: what each holds, and whether a value has its form."""


def values(subject: Subject) -> Iterator[Finding]:
    """Look at the slots that wording and scripted learners use."""
    given = subject.spec.case
    for name, (meaning, fits) in SLOTS.items():
        if name not in given:
            yield fault("case-slot-missing", f"/case/{name}", f"{name} is missing: {meaning}")
        elif given[name].strip() and not fits(given[name]):
            yield fault("case-slot-shape", f"/case/{name}", f"{name} should be: {meaning}")
    for name, value in given.items():
        if "{" in value or "}" in value:
            yield fault("slot-broken", f"/case/{escape(name)}", "a value holds no slot itself")


def slots(subject: Subject) -> Iterator[Finding]:
    """Find slots without a value, and stray braces."""
    known = subject.spec.case
    for line in spoken(subject.spec):
        for name in _SLOT.findall(line.text):
            if name not in known:
                yield fault("slot-unknown", line.path, f"the case has no {name}")
        if re.search("[{}]", _SLOT.sub("", line.text)):
            yield fault("slot-broken", line.path, "a brace belongs to no slot")
