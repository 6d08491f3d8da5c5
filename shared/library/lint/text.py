"""Texts of a scenario with the places where they stand, and how stems and marks are looked for."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from shared.contracts.scenario import Fact, ScenarioSpec

FRAGMENT_WORDS = 2
"""A sentence of so few words is a fragment."""

_TOKEN = re.compile(r"\w+(?:['-]\w+)*")
_ABBREVIATION = re.compile(
    r"\b(?:mr|mrs|ms|dr|st|e\.g|i\.e|a\.m|p\.m)\.|\bno\.(?= ?\d)", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?…]+[\"')\]]*(?=\s|$)")


class Line(msgspec.Struct, frozen=True):
    """A text and where it stands."""

    path: str
    text: str


def word_line(text: str) -> str:
    """Return the lower-case words between single spaces, as the analyser of turns reads them."""
    folded = text.lower().replace("\u2019", "'").replace("\u2018", "'")
    return f" {' '.join(_TOKEN.findall(folded))} "


def touches(text: str, stems: Iterable[str]) -> str | None:
    """Return the first stem with which a word of the text begins."""
    line = word_line(text)
    return next((stem for stem in stems if f" {stem}" in line), None)


def holds_mark(line: str, mark: str) -> bool:
    """Say whether a `word_line` holds a mark, whatever its case and spacing."""
    words = word_line(mark).rstrip()
    return bool(words) and words in line


def count_sentences(text: str) -> int:
    """Return the number of sentences; a mark within one (`Mr.`) ends none.

    Of one or two words (`Okay. Fine.`) they do not count: that is how people speak.
    """
    plain = _ABBREVIATION.sub("x", text)
    return sum(len(_TOKEN.findall(part)) > FRAGMENT_WORDS for part in _SENTENCE_END.split(plain))


def banks(spec: ScenarioSpec) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every bank of the voice with its path."""
    for name in spec.voice.__struct_fields__:
        bank = getattr(spec.voice, name)
        if isinstance(bank, dict):
            yield from ((f"/voice/{name}/{key}", lines) for key, lines in bank.items())
        else:
            yield f"/voice/{name}", bank


def spoken(spec: ScenarioSpec) -> Iterator[Line]:
    """Yield everything the customer may say, the text of facts included."""
    yield from each("/opening/lines", spec.opening.lines)
    for number, fact in enumerate(spec.facts):
        yield Line(f"/facts/{number}/text", fact.text)
        yield from fenced(number, fact)
    for number, answer in enumerate(spec.answers):
        yield Line(f"/answers/{number}/text", answer.text)
    for path, lines in banks(spec):
        yield from each(path, lines)
    for number, twist in enumerate(spec.twists):
        yield from each(f"/twists/{number}/lines", twist.lines)


def fenced(number: int, fact: Fact) -> Iterator[Line]:
    """Yield what is said about a fact while it is locked."""
    yield from each(f"/facts/{number}/guard", fact.guard)
    if fact.partial:
        yield Line(f"/facts/{number}/partial", fact.partial)


def written(spec: ScenarioSpec) -> Iterator[Line]:
    """Yield what a learner can read or be shown, beside what is spoken."""
    yield from (Line("/title", spec.title), Line("/brief", spec.brief))
    yield from each("/goals", spec.goals)
    yield from (
        Line("/persona/name", spec.persona.name),
        Line("/persona/summary", spec.persona.summary),
    )
    for name in ("sore_points", "warm_points"):
        for number, touch in enumerate(getattr(spec.persona, name)):
            yield Line(f"/persona/{name}/{number}/why", touch.why)
    yield from (Line(f"/case/{name}", value) for name, value in spec.case.items())
    for number, step in enumerate(spec.steps):
        yield Line(f"/steps/{number}/title", step.title)


def each(path: str, texts: Iterable[str]) -> Iterator[Line]:
    """Yield the texts of a list with their places."""
    return (Line(f"{path}/{number}", text) for number, text in enumerate(texts))
