"""What a person writes to make the endpoint answer, or fail, in a certain way."""

import re
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import msgspec

from shared.contracts.base import Authored

Positive = Annotated[int, msgspec.Meta(ge=1)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=3_600_000)]

TEN_MEGABYTES: Final = 10_000_000


class Fault(StrEnum):
    """Something wrong with the answer itself or with the connection that carries it."""

    EMPTY = "empty"
    """A message without any text."""
    NO_CHOICES = "no_choices"
    """The list of choices is empty."""
    WRONG_SCHEMA = "wrong_schema"
    """JSON, but of a form that nobody asked for."""
    MALFORMED = "malformed"
    """A body that is no JSON; in a stream the event after `after_deltas` is no JSON."""
    CUT = "cut"
    """The connection closes in the middle: of the body, or of a stream after `after_deltas`."""
    NO_END = "no_end"
    """The stream ends in order, but without finish reason and `[DONE]`."""
    ERROR_EVENT = "error_event"
    """The stream says after `after_deltas` that the server had an error, and ends."""
    HUGE = "huge"
    """`size_bytes` of text."""
    BOMB = "bomb"
    """`size_bytes` of text, compressed, although nobody asked for compression."""
    RESET_BEFORE = "reset_before"
    """The connection is reset instead of an answer."""
    RESET_AFTER = "reset_after"
    """The connection is reset after the head; in a stream after `after_deltas`."""
    HALF_OPEN = "half_open"
    """The request is read and nothing ever comes back."""
    SILENT = "silent"
    """The head is sent (of a stream also `after_deltas`), then nothing more."""
    NOT_HTTP = "not_http"
    """Bytes that no HTTP client understands."""


class Oddity(StrEnum):
    """Legal, but rare: a client that stumbles over it is wrong."""

    COMMENTS = "comments"
    """Comment lines between the events of a stream."""
    CRLF = "crlf"
    """Events end lines with CR LF."""
    FIELDS = "fields"
    """Events carry `event`, `id` and `retry`."""
    NO_SPACE = "no_space"
    """`data:{...}` without a space."""
    PACKED = "packed"
    """Several events in one piece."""
    SPLIT = "split"
    """Pieces of a few bytes that tear events, lines and UTF-8 sequences apart."""
    CHUNKED = "chunked"
    """A plain body without a length, in chunks."""
    UNTIL_CLOSE = "until_close"
    """A body that ends where the connection ends."""
    AS_STREAM = "as_stream"
    """A stream although a plain answer was asked for."""
    NO_STREAM = "no_stream"
    """A plain answer although a stream was asked for."""


class Match(Authored, frozen=True, kw_only=True, omit_defaults=True):
    """Which requests a rule is for: all that is named must hold."""

    model: str | None = None
    """Regular expression for the whole name."""
    stream: bool | None = None
    schema: bool | None = None
    """Whether the request brings a JSON Schema for the answer."""
    task: str | None = None
    """`x` when the system message begins with the line `# rapport:x`."""
    has: tuple[str, ...] = ()
    """Fields that the request brings, dots for depth: `stream_options.include_usage`."""
    lacks: tuple[str, ...] = ()
    """Fields that it does not bring."""
    user: str | None = None
    """Regular expression, searched in the last message of the user."""
    system: str | None = None
    """Regular expression, searched in the system messages."""
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Leaves out the first so many requests that fit otherwise."""
    first: Positive | None = None
    """Is for so many of them; then the rules below get their chance."""
    every: Positive = 1
    """Is for each so-manyth of them."""
    chance: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    """Is for this share of them, drawn from the script's seed and the request."""


class ErrorBody(Authored, frozen=True, kw_only=True, omit_defaults=True):
    """What an error says; what is left out has the words that go with the status."""

    message: str | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None


class UsageCount(Authored, frozen=True, kw_only=True):
    """Tokens to claim."""

    prompt_tokens: Annotated[int, msgspec.Meta(ge=0)]
    completion_tokens: Annotated[int, msgspec.Meta(ge=0)]
    cached_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0


class Answer(Authored, frozen=True, kw_only=True, omit_defaults=True):
    """How a request is answered: at most one of `text`, `json`, `refusal`, `body`; none of them
    means that the endpoint thinks of something sensible.
    """

    text: str | None = None
    """`{last}`, `{system}`, `{model}`, `{task}` and `{number}` are filled in."""
    json: Any | msgspec.UnsetType = msgspec.UNSET
    """Said as JSON text."""
    refusal: str | None = None
    body: str | None = None
    """The whole body of the answer as it is."""
    finish: Literal["stop", "length", "content_filter", "tool_calls"] | None = None
    """Default: `stop`, or `length` where the request's limit on tokens cuts the text."""
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 200
    error: ErrorBody | None = None
    retry_after: float | str | None = None
    """Seconds, or anything to try a client with, such as a date."""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    latency_ms: Milliseconds | None = None
    """Before the first byte; default: the script's."""
    delta_ms: Milliseconds | None = None
    """Between the pieces of a stream; default: the script's."""
    byte_ms: Milliseconds | None = None
    """Between single bytes of the body; 1000 is one byte per second."""
    delta: Literal["word", "character", "whole"] = "word"
    """What a stream sends at a time."""
    fault: Fault | None = None
    after_deltas: Annotated[int, msgspec.Meta(ge=0)] = 2
    """Pieces of text that a stream sends before its fault."""
    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] = TEN_MEGABYTES
    """Of the faults `huge` and `bomb`."""
    oddities: tuple[Oddity, ...] = ()
    usage: bool | UsageCount = True
    """False: claims no tokens."""
    extra: bool = False
    """Puts fields into the answer that nobody knows."""


class Rule(Authored, frozen=True, kw_only=True, omit_defaults=True):
    """The first rule that fits a request answers it."""

    name: str = ""
    """For counting; default: its place, from `rule 1`."""
    match: Match = Match()
    answer: Answer = Answer()


class Script(Authored, frozen=True, kw_only=True, omit_defaults=True):
    """How the endpoint behaves. Requests that no rule fits get a sensible answer at once."""

    rules: tuple[Rule, ...] = ()
    seed: int = 0
    """The same seed, script and requests give the same bytes."""
    key: str | None = None
    """The only API key that is taken; none: every key, and no key."""
    models: tuple[str, ...] = ("fake-1",)
    """What `GET /v1/models` lists."""
    is_strict: bool = False
    """True: models that are not listed do not exist."""
    latency_ms: Milliseconds = 0
    delta_ms: Milliseconds = 0

    def name_of(self, place: int) -> str:
        """Return the name of the rule at a place (from 0)."""
        return self.rules[place].name or f"rule {place + 1}"


def answering(answer: Answer | None = None, **fields: Any) -> Script:
    """Return a script with one answer for everything.

    Args:
        answer: the answer; or
        fields: its fields.
    """
    return Script(rules=(Rule(answer=answer or Answer(**fields)),))


def compiled(pattern: str) -> "re.Pattern[str]":
    """Return the expression as rules understand it: lines count, dots span them."""
    return re.compile(pattern, re.MULTILINE | re.DOTALL)
