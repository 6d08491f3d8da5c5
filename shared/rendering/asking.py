"""What a model is asked, and the form of its answer."""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Final, Literal

import msgspec

from shared.contracts.base import Record
from shared.contracts.dialogue import Act
from shared.contracts.llm import Message, Prompt

JOINING: Final = (
    *(Act.GREET, Act.THANK, Act.APOLOGIZE, Act.EXPLAIN, Act.SIGNPOST, Act.HOLD, Act.CLOSE),
    *(Act.OPEN_QUESTION, Act.CLOSED_QUESTION, Act.CHECK_UNDERSTANDING),
)
"""What a model may name. Offers, gifts and promises come from the English alone, and so does what
earns most trust or hurts most: nobody can talk a model into them.
"""
QUESTIONS: Final = frozenset({Act.OPEN_QUESTION, Act.CLOSED_QUESTION, Act.CHECK_UNDERSTANDING})
"""Joining acts that need a question mark."""

_NAMES: Final = {act.value: act for act in JOINING}


class Asked(Record, frozen=True, kw_only=True):
    """A sentence to be rendered."""

    n: int
    """From 1, in order, over all turns of the question."""
    role: Literal["agent", "customer"]
    text: str


class Before(Record, frozen=True, kw_only=True):
    """A line before, to understand by."""

    role: str
    text: str


class RenderedSentence(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of the answer."""

    n: int
    english: str
    acts: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the model answers."""

    sentences: tuple[RenderedSentence, ...]


class OpeningAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the model answers about an opening line."""

    line: str


class _Data(Record, frozen=True, kw_only=True):
    language: str
    before: tuple[Before, ...]
    sentences: tuple[Asked, ...]


def rendering_prompt(
    language: str, before: Sequence[Before], asked: Sequence[Asked], boundary: str
) -> Prompt:
    """Return the question; `boundary` is random, so that no text can pretend to end the data."""
    data = _Data(language=language, before=tuple(before), sentences=tuple(asked))
    return _prompt("rendering", Answer, boundary, data)


def repair_prompt(prompt: Prompt, faults: Sequence[str]) -> Prompt:
    """Return the question once more, with what was wrong with the first answer."""
    said = "Your first answer was not usable: " + "; ".join(faults[:10]) + ". Answer again in full."
    messages = (*prompt.messages, Message(role="user", content=said))
    return msgspec.structs.replace(prompt, messages=messages)


def opening_prompt(data: Record, boundary: str) -> Prompt:
    """Return the question for an opening line."""
    return _prompt("opening", OpeningAnswer, boundary, data)


def joining_acts(rendered: RenderedSentence, original: str) -> tuple[Act, ...]:
    """Return those of the acts that the model named which may count; at most one per sentence."""
    is_question = rendered.english.rstrip().endswith("?") and original.rstrip().endswith(
        ("?", "\uff1f", "\u061f", "\u037e", "?\u00bb", '?"', "?\u201c")
    )
    for name in rendered.acts:
        act = _NAMES.get(name)
        if act is not None and (is_question or act not in QUESTIONS):
            return (act,)
    return ()


def _prompt(name: str, kind: type[msgspec.Struct], boundary: str, data: Record) -> Prompt:
    system, version = _file(name, kind)
    shown = msgspec.json.encode(data).decode()
    return Prompt(
        messages=(
            Message(role="system", content=system),
            Message(role="user", content=f"{boundary}\n{shown}\n{boundary}"),
        ),
        version=version,
    )


@cache
def _file(name: str, kind: type[msgspec.Struct]) -> tuple[str, str]:
    source = resources.files("shared.rendering").joinpath("prompts", f"{name}.md")
    text = source.read_text(encoding="utf-8").replace("{acts}", ", ".join(_NAMES))
    schema = msgspec.json.encode(msgspec.json.schema(kind), order="deterministic")
    return text, sha256(text.encode() + schema).hexdigest()[:12]


RENDERING_VERSION: Final = _file("rendering", Answer)[1]
"""12 hex digits: of the prompt and of the answer's form."""
