"""What an endpoint cannot do, learned from its complaints, and requests that respect it."""

import re
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from shared.contracts.llm import Message
from shared.llm.failures import CallFailedError
from shared.llm.streaming import StreamReader
from shared.llm.wire import ENCODER, Body, Heard, StreamOptions

if TYPE_CHECKING:  # it brings the openai package along, half a second of processor time
    from shared.llm.client import Line

Form = Literal["json_schema", "json_object", "text"]
"""How an answer is made to have a form: by the endpoint, or only by asking for it."""

ADAPTATIONS: Final = 2
"""Requests that one call may add because an endpoint rejected a parameter we can do without; a
rejected request costs nothing, and it happens once per process, endpoint and model."""

_FORMS: Final = re.compile(
    r"response.?format|json.?schema|json.?object|structured.?output", re.IGNORECASE
)
_LIMIT: Final = re.compile(r"max_completion_tokens", re.IGNORECASE)
_OTHERS: Final = (
    ("temperature", re.compile(r"temperature", re.IGNORECASE)),
    ("seed", re.compile(r"\bseed\b", re.IGNORECASE)),
    ("stream_options", re.compile(r"stream.?options|include_usage", re.IGNORECASE)),
)


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """The form that an answer must have."""

    name: str
    schema: dict[str, Any]
    text: str
    """The schema as JSON, for endpoints that only read."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, before it is fitted to an endpoint."""

    model: str
    messages: tuple[Message, ...]
    max_output_tokens: int
    temperature: float | None
    seed: int | None
    schema: Schema | None = None
    is_stream: bool = False


class Habits:
    """What a model at an endpoint takes."""

    def __init__(self) -> None:
        self.form: Form = "json_schema"
        self.is_new_limit = False
        """The bound of the answer is called `max_completion_tokens`, not `max_tokens`."""
        self.without: set[str] = set()
        """Parameters that are not sent."""

    def learn(self, question: Question, complaint: str) -> bool:
        """Find out what the endpoint dislikes; return whether another request has a chance."""
        if question.schema is not None and _FORMS.search(complaint) and self.form != "text":
            self.form = "json_object" if self.form == "json_schema" else "text"
            return True
        if not self.is_new_limit and _LIMIT.search(complaint):
            self.is_new_limit = True
            return True
        for name, pattern in _OTHERS:
            if name not in self.without and _sends(question, name) and pattern.search(complaint):
                self.without.add(name)
                return True
        return False

    def body(self, question: Question) -> bytes:
        """Return the request as this model takes it."""
        most = question.max_output_tokens
        wants_usage = question.is_stream and "stream_options" not in self.without
        return ENCODER.encode(
            Body(
                model=question.model,
                messages=self._messages(question),
                max_tokens=None if self.is_new_limit else most,
                max_completion_tokens=most if self.is_new_limit else None,
                temperature=None if "temperature" in self.without else question.temperature,
                seed=None if "seed" in self.without else question.seed,
                response_format=self._format(question.schema),
                stream=question.is_stream,
                stream_options=StreamOptions() if wants_usage else None,
            )
        )

    def _format(self, schema: Schema | None) -> dict[str, Any] | None:
        if schema is None or self.form == "text":
            return None
        if self.form == "json_object":
            return {"type": "json_object"}
        named = {"name": schema.name, "strict": True, "schema": schema.schema}
        return {"type": "json_schema", "json_schema": named}

    def _messages(self, question: Question) -> tuple[Message, ...]:
        if question.schema is None or self.form == "json_schema":
            return question.messages
        text = (
            f"Answer with one JSON object and nothing else. Its JSON schema: {question.schema.text}"
        )
        return (*question.messages, Message(role="system", content=text))


def _sends(question: Question, name: str) -> bool:
    return {
        "temperature": question.temperature is not None,
        "seed": question.seed is not None,
        "stream_options": question.is_stream,
    }[name]


async def ask(line: "Line", question: Question, reader: StreamReader | None) -> Heard:
    """Send a question, fitted to the endpoint; anew when it complains of a parameter.

    Raises:
        CallFailedError: there is no answer.
    """
    habits = line.habits(question.model)
    left = ADAPTATIONS
    while True:
        body = habits.body(question)
        try:
            if reader is None:
                return await line.whole(question.model, body)
            return await line.stream(question.model, body, reader)
        except CallFailedError as error:
            if not left or not _may_help(habits, question, body, error.complaint):
                raise
            left -= 1


def _may_help(habits: Habits, question: Question, sent: bytes, complaint: str) -> bool:
    """Say whether to ask anew: a call beside this one may have learned the same meanwhile."""
    if not complaint:
        return False
    return habits.body(question) != sent or habits.learn(question, complaint)
