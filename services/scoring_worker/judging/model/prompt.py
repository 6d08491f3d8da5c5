"""The question: rules from a file, then one JSON object with the conversation as data."""

from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Final

import msgspec

from services.scoring_worker.judging.model.answers import Answers
from services.scoring_worker.judging.model.questions import Question
from shared.contracts.base import Record
from shared.contracts.llm import Message, Prompt
from shared.contracts.scoring import Transcript

DIGITS: Final = 12
"""Of the version: 48 bits."""

TOKENS_PER_INDICATOR: Final = 220
"""The most that an answer about one indicator may take: three quotes of 25 words, a reason."""

TOKENS_BESIDE: Final = 60
"""What an answer takes without any indicator."""

MAX_CHARACTERS: Final = 60_000
"""Of a transcript that is asked about: an hour of talk. Every question carries all of it."""


class _Turn(Record, frozen=True, kw_only=True):
    id: str
    role: str
    text: str


class _Data(Record, frozen=True, kw_only=True):
    """The user's message; its order is the order on the wire."""

    boundary: str
    begin: str
    transcript: tuple[_Turn, ...]
    end: str
    indicators: tuple[Question, ...]


@cache
def _rules() -> str:
    folder = resources.files("services.scoring_worker.judging.model.prompts")
    return folder.joinpath("judging.md").read_text(encoding="utf-8").replace("\r\n", "\n")


@cache
def prompt_version() -> str:
    """Name the rules and the form of the answer: 12 hex digits."""
    schema = msgspec.json.encode(msgspec.json.schema(Answers), order="deterministic")
    return sha256(_rules().encode() + b"\0" + schema).hexdigest()[:DIGITS]


def build_prompt(transcript: Transcript, questions: tuple[Question, ...], boundary: str) -> Prompt:
    """Put a question together.

    Args:
        transcript: all of it is sent; `agent` is judged.
        questions: what is asked.
        boundary: a random word that nobody who spoke can have known.
    """
    data = _Data(
        boundary=boundary,
        begin=boundary,
        transcript=tuple(
            [_Turn(id=turn.id, role=turn.role, text=turn.text) for turn in transcript.turns]
        ),
        end=boundary,
        indicators=questions,
    )
    return Prompt(
        messages=(
            Message(role="system", content=_rules()),
            Message(role="user", content=msgspec.json.encode(data).decode()),
        ),
        version=prompt_version(),
    )


def most_tokens(questions: int) -> int:
    """Return the bound for an answer about so many indicators."""
    return TOKENS_BESIDE + TOKENS_PER_INDICATOR * questions


def is_too_long(transcript: Transcript) -> bool:
    """Say whether a transcript is more than a question may hold."""
    return sum(len(turn.text) for turn in transcript.turns) > MAX_CHARACTERS
