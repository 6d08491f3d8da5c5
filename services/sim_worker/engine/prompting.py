"""What a model reads when it words a line: built from what wording may see, and nothing else."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import msgspec

from services.sim_worker.engine.ports import WordingRequest
from shared.contracts.base import Record
from shared.contracts.llm import Message, Prompt
from shared.yaml_files import read_yaml

_ROOM: Final = files("services.sim_worker.engine") / "prompts"
_SYSTEM: Final = (_ROOM / "wording.md").read_text(encoding="utf-8")
_WORDS: Final = (_ROOM / "wording.yaml").read_text(encoding="utf-8")

VERSION: Final = hashlib.sha256(f"{_SYSTEM}\0{_WORDS}".encode()).hexdigest()[:12]
"""Changes with every word of the prompt."""

LEARNERS_OWN: Final = frozenset(
    {"ownership", "cause", "verify", "why_verify", "disclosure", "promise", "deadline", "policy"}
    | {"jargon", "blame", "quick_fix", "upsell", "problem", "impact", "feeling"}
)
"""Slots of a case that hold what the other side may say; a customer's voice has no use for them."""

_STYLES: Final = {
    "curt": "few words, short sentences",
    "chatty": "talks a lot, wanders off",
    "formal": "formal and stiff",
    "plain": "plain everyday words",
}


class _Phrases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`prompts/wording.yaml`."""

    does: dict[str, str]
    ends: dict[str, str]
    rudeness: tuple[str, str, str, str]
    correction: dict[str, str]


PHRASES: Final = msgspec.convert(read_yaml(_ROOM / "wording.yaml"), _Phrases)
"""What the engine decided, in words."""


class _Spoken(Record, frozen=True, kw_only=True):
    """One line of `conversation`."""

    who: str
    said: str


class _Data(Record, frozen=True, kw_only=True, omit_defaults=True):
    """The JSON object of the user message."""

    name: str
    about: str
    style: str
    language: str
    mood: str
    mood_before: str
    does: str
    rudeness: str
    draft: str
    ends: str = ""
    must_say: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    case: Mapping[str, str] = {}
    conversation: tuple[_Spoken, ...] = ()
    correction: str = ""


def wording_prompt(request: WordingRequest, boundary: str, correction: str | None = None) -> Prompt:
    """Return what a model is asked; `correction` is the code of what was wrong the first time.

    `boundary` must be a word that nobody in the conversation can know.
    """
    data = msgspec.json.encode(_data(request, correction)).decode()
    user = f"<{boundary}>\n{data}\n</{boundary}>"
    messages = (Message(role="system", content=_SYSTEM), Message(role="user", content=user))
    return Prompt(messages=messages, version=VERSION)


def _data(request: WordingRequest, correction: str | None) -> _Data:
    ends = request.end_reason
    return _Data(
        name=request.name,
        about=request.summary,
        style=f"{_STYLES[request.style]}; {request.temper.value}",
        language=request.language,
        mood=request.mood,
        mood_before=request.mood_before,
        does=PHRASES.does[request.surface.value],
        ends=PHRASES.ends.get(ends.value, "") if ends else "",
        rudeness=PHRASES.rudeness[request.hostility],
        must_say=request.must_say,
        told=request.open_facts,
        case={key: text for key, text in request.case.items() if key not in LEARNERS_OWN},
        draft=request.draft,
        conversation=tuple(
            _Spoken(who="you" if line.role == "customer" else "agent", said=line.text)
            for line in request.last_lines
        ),
        correction=PHRASES.correction[correction] if correction else "",
    )
