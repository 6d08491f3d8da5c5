"""A real conversation without the people in it, and whether a draft holds any of them after all."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain

import msgspec

from shared.contracts.scenario import ScenarioSpec
from shared.dialogue.spelling import word_set
from shared.drafting.wanted import SaidLine, ScenarioWanted
from shared.library import load_scenarios
from shared.library.findings import Finding, Rule
from shared.library.lint.text import word_line
from shared.llm.records import Redactor

PRIVATE_RUN = 6
"""Words in a row of a sentence with personal data that may stand in no draft."""

COPIED_RUN = 9
"""The same of anything else that the customer said: a story is personal, too."""

MIN_DIGITS = 5
"""Digits from which a number is looked for whatever its spacing."""

OWN_DIGITS = 8
"""Last digits of a long number that are looked for."""

LEAKED = Rule(
    severity="error",
    when="the draft holds personal data of the conversation that it was drafted from, or whole"
    " pieces of it",
    advice="Invent names, numbers and places, and say it in other words",
)

_INTRODUCED = re.compile(
    r"(?i:\b(?:my name is|my name's|the name is|this is|i am|i'm|speaking (?:to|with)|mr\.?|mrs\.?"
    r"|ms\.?|miss|dr\.?|hi|hello|hey|dear|thanks|thank you|sorry"
    r"|good (?:morning|afternoon|evening))),?"
    r" ((?!(?i:mr|mrs|ms|miss|dr)\b)[A-Z][\w'-]{2,}(?: [A-Z][\w'-]{2,})?)"
)
_NO_NAMES = word_set(
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April May June"
    " July August September October November December There Everybody Everyone Sir Madam"
)
_SENTENCE = re.compile(r"[^.!?]+[.!?]*")
_MARK = re.compile(r"\[[A-Z][A-Z_]*_\d+\]")
_SMALL = re.compile(r"\b[a-z]{3,}\b")
_DIGITS = re.compile(r"\d")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What the model may read, and what must not come back."""

    text: str
    private: tuple[str, ...] = ()
    """Words that were removed: names, numbers, addresses."""
    runs: frozenset[tuple[str, ...]] = frozenset()
    """Words in a row that may stand in no draft."""


def read_source(wanted: ScenarioWanted, redactor: Redactor) -> Source:
    """Return the source of a draft; a conversation without personal data.

    An author's own text goes to the model as it is, but for what the tenant's settings remove
    from everything that is sent.
    """
    if wanted.kind != "transcript":
        return Source(text=wanted.text)
    turns = wanted.turns or tuple(_turns_of(wanted.text))
    texts = [turn.text for turn in turns]
    names = tuple(dict.fromkeys(chain.from_iterable(map(_names, texts))))
    cleaned = redactor.redact(texts, names=names)
    private = tuple(dict.fromkeys((*cleaned.marks.values(), *names)))
    told = (f"{turn.role}: {text}" for turn, text in zip(turns, cleaned.texts, strict=True))
    return Source(text="\n".join(told), private=private, runs=frozenset(_runs(turns, private)))


def _turns_of(text: str) -> Iterator[SaidLine]:
    """Yield the lines of a transcript in one text; those that name no side are the customer's."""
    for line in text.splitlines():
        side, colon, said = line.partition(":")
        is_agent = bool(colon) and side.strip().lower() in {"agent", "advisor", "rep", "employee"}
        if line.strip():
            yield SaidLine(
                role="agent" if is_agent else "customer", text=said if is_agent else line
            )


def _names(text: str) -> Iterator[str]:
    """Yield names by which people in a conversation call themselves and each other.

    What is an everyday word as well (`Sorry`, `Mark`) is a name only beside another one: no draft
    could do without it.
    """
    for match in _INTRODUCED.finditer(text):
        words = [word for word in match.group(1).split(" ") if word not in _NO_NAMES]
        names = [word for word in words if word.lower() not in _everyday()]
        if len(words) > 1 and names:
            yield " ".join(words)
        yield from names


@cache
def _everyday() -> frozenset[str]:
    """Return the words that the built-in scenarios write in small letters."""
    texts = (text for spec in load_scenarios() for _, text in _texts(msgspec.to_builtins(spec), ""))
    return frozenset(chain.from_iterable(_SMALL.findall(text) for text in texts))


def _runs(turns: Sequence[SaidLine], private: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for turn in turns:
        if turn.role == "customer":
            yield from _windows(turn.text, COPIED_RUN)
        for sentence in _SENTENCE.findall(turn.text):
            if any(one in sentence for one in private):
                yield from _windows(sentence, PRIVATE_RUN)


def _windows(text: str, size: int) -> Iterator[tuple[str, ...]]:
    words = _plain(text).split()
    for place in range(len(words) - size + 1):
        yield tuple(words[place : place + size])


def leaks(spec: ScenarioSpec, source: Source) -> tuple[Finding, ...]:
    """Return the places of a draft that hold something of the people in its source."""
    if not source.private and not source.runs:
        return ()
    return tuple(
        LEAKED.fault("source-leaked", path, why)
        for path, text in _texts(msgspec.to_builtins(spec), "")
        if (why := _why(text, source)) is not None
    )


def _why(text: str, source: Source) -> str | None:
    """Return what is wrong with a text, without repeating it."""
    if _MARK.search(text):
        return "a mark of removed data stands there"
    if any(_holds(text, one) for one in source.private):
        return "a name, number or address of the source stands there"
    for size in (PRIVATE_RUN, COPIED_RUN):
        if any(run in source.runs for run in _windows(text, size)):
            return f"{size} words in a row stand in the source"
    return None


def _holds(text: str, private: str) -> bool:
    digits = "".join(_DIGITS.findall(private))
    if len(digits) >= MIN_DIGITS:  # the beginning of a phone number is written in many ways
        return digits[-OWN_DIGITS:] in "".join(_DIGITS.findall(text))
    words = _plain(private)
    return bool(words.strip()) and words in _plain(text)


def _plain(text: str) -> str:
    """Return the words of a text between spaces, those of keys and slugs as well."""
    return word_line(text.replace("-", " ").replace("_", " "))


def _texts(value: object, path: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, f"{path}/{name}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _texts(inner, f"{path}/{number}")
