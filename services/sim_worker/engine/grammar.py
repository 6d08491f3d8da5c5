"""Lines with choices in brackets, and the marks that say when a line fits.

`@hot @curt @said:calm,relax Calm? (You try|Try) being calm here.` is a line for a heated, curt
customer whose learner used one of the stems; it has two variants.
"""

import re
from functools import lru_cache
from math import prod

import msgspec

from shared.contracts.scenario import Role, Temper

_DIMENSIONS = {
    **dict.fromkeys(("hot", "warm", "cool"), "heat"),
    **dict.fromkeys(("curt", "chatty", "formal", "plain"), "style"),
    **{temper.value: "temper" for temper in Temper},
    **{role.value: "role" for role in Role},
    **dict.fromkeys(("day", "amount", "thing", "earlier"), "echo"),
    **dict.fromkeys(("early", "late", "open", "agreed", "anxious"), "flags"),
}
"""What a mark limits. An echo is what the line takes up from the learner in its slot `{echo}`;
flags: `early` and `late` in the conversation, something told (`open`), an agreement stands,
afraid (`anxious`)."""
_ANY: frozenset[str] = frozenset()
_LISTS = frozenset({"said", "act", "topic", "on"})
_CHOICE = re.compile(r"\(([^()|]*(?:\|[^()|]*)+)\)")
_SENTENCE = re.compile(r"[^.!?…]*[.!?…]+|[^.!?…]+$")
_WORD = re.compile(r"[\w'{}]+")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a bank with its variants and conditions; an empty condition always holds."""

    text: str
    """As written, choices in brackets, conditions left out."""
    plain: str
    """Its first variant."""
    first: str
    """The first word of `plain`, folded."""
    parts: tuple[tuple[str, ...], ...]
    """Alternatives of each stretch, in order."""
    variants: int
    heat: frozenset[str] = frozenset()
    style: frozenset[str] = frozenset()
    temper: frozenset[str] = frozenset()
    role: frozenset[str] = frozenset()
    echo: str = ""
    """The kind of echo it needs; "" for none."""
    flags: frozenset[str] = frozenset()
    said: tuple[str, ...] = ()
    """Stems of which the learner must have used one."""
    act: frozenset[str] = frozenset()
    """Acts of which the learner must have done one."""
    topic: frozenset[str] = frozenset()
    """Topics of which one of the learner's acts must be about."""
    on: frozenset[str] = frozenset()
    """Surfaces on which it may stand."""
    weight: int = 1
    """How much likelier a line is that was written for just this."""

    def variant(self, number: int) -> str:
        """Return one of the `variants` texts, capitalized."""
        if self.variants == 1:
            return self.plain
        chosen: list[str] = []
        for options in self.parts:
            number, index = divmod(number, len(options))
            chosen.append(options[index])
        text = "".join(chosen)
        return text[:1].upper() + text[1:]


def parse(source: str) -> Line:
    """Read one line of a bank.

    Raises:
        ValueError: a mark is unknown.
    """
    marks: dict[str, frozenset[str]] = {}
    lists: dict[str, tuple[str, ...]] = {}
    text = source
    while text[0] == "@":
        mark, _, text = text.partition(" ")
        name, _, values = mark[1:].partition(":")
        if values:
            lists[_known(name)] = tuple(values.split(","))
        else:
            dimension = _dimension(name)
            marks[dimension] = marks.get(dimension, _ANY) | {name}
    parts = _parts(text) if "|" in text else ((text,),)
    plain = "".join([options[0] for options in parts])
    return Line(
        text=text,
        parts=parts,
        variants=prod(map(len, parts)),
        plain=plain[:1].upper() + plain[1:],
        first=first_word(plain),
        heat=marks.get("heat", _ANY),
        style=marks.get("style", _ANY),
        temper=marks.get("temper", _ANY),
        role=marks.get("role", _ANY),
        echo="".join(marks.get("echo", _ANY)),
        flags=marks.get("flags", _ANY),
        said=tuple(stem.replace("_", " ") for stem in lists.get("said", ())),
        act=frozenset(lists["act"]) if "act" in lists else _ANY,
        topic=frozenset(lists["topic"]) if "topic" in lists else _ANY,
        on=frozenset(lists["on"]) if "on" in lists else _ANY,
        weight=_weight(marks, lists) if source[0] == "@" else 1,
    )


def first_word(text: str) -> str:
    """Return the first word of a text, folded."""
    words = text.split(None, 1)
    return words[0].strip(".,!?;:'\"").lower() if words else ""


def suits(line: Line, style: str, temper: str, role: str) -> bool:
    """Say whether a line is for this kind of customer at all."""
    return (
        (not line.style or style in line.style)
        and (not line.temper or temper in line.temper)
        and (not line.role or role in line.role)
    )


@lru_cache(maxsize=8192)
def sentences(text: str) -> frozenset[str]:
    """Return the whole text and its sentences, folded.

    Sentences of one or two words are left out, unless they hold a slot.
    """
    low = text.lower()
    found = (_WORD.findall(item) for item in _SENTENCE.findall(low))
    kept = (" ".join(words) for words in found if len(words) > 2 or "{" in "".join(words))
    return frozenset((low, *kept))


@lru_cache(maxsize=8192)
def sentence_count(text: str) -> int:
    """Return how many sentences a text has; `...` ends none."""
    return len([item for item in _SENTENCE.findall(text.replace("...", ",")) if item.strip()])


def _parts(text: str) -> tuple[tuple[str, ...], ...]:
    parts: list[tuple[str, ...]] = []
    end = 0
    for match in _CHOICE.finditer(text):
        if match.start() > end:
            parts.append((text[end : match.start()],))
        parts.append(tuple(match.group(1).split("|")))
        end = match.end()
    if end < len(text):
        parts.append((text[end:],))
    return tuple(parts)


def _dimension(name: str) -> str:
    if name not in _DIMENSIONS:
        message = f"unknown mark @{name}"
        raise ValueError(message)
    return _DIMENSIONS[name]


def _known(name: str) -> str:
    if name not in _LISTS:
        message = f"unknown mark @{name}:"
        raise ValueError(message)
    return name


def _weight(marks: dict[str, frozenset[str]], lists: dict[str, tuple[str, ...]]) -> int:
    if "echo" in marks or "said" in lists:
        return 6
    if "act" in lists or "topic" in lists:
        return 4
    return 2 if marks else 1
