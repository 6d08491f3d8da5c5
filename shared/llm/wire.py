"""The chat completions protocol as far as it is used; what else endpoints send is skipped."""

import re
from typing import Any, Final

import msgspec

from shared.contracts.llm import Message, Usage, WhyEmbedded

MOST_TOKENS: Final = 10_000_000
"""More than any call can have; an endpoint that says more has not counted."""


UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises: no JSON, another form, other bytes than UTF-8, too many brackets."""

OTHER: Final = "other"
"""In place of a finish reason that is no word."""

_WORD: Final = re.compile(r"[A-Za-z0-9_-]{0,40}")


def finish_of(said: str | None) -> str:
    """Return a finish reason as it may be stored and shown: an endpoint may say anything there."""
    reason = said or ""
    return reason if _WORD.fullmatch(reason) else OTHER


class StreamOptions(msgspec.Struct, frozen=True):
    """What a stream carries besides the answer."""

    include_usage: bool = True


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request; what is None is not sent."""

    model: str
    messages: tuple[Message, ...]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    response_format: dict[str, Any] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None


class _Cached(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None


class WireUsage(msgspec.Struct, frozen=True):
    """Tokens as an endpoint counts them."""

    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _Cached | None = None

    def usage(self) -> Usage | None:
        """Return it in our words; None when the numbers cannot be true."""
        cached = (self.prompt_tokens_details or _Cached()).cached_tokens or 0
        counts = (self.prompt_tokens, self.completion_tokens, cached)
        if min(counts) < 0 or max(counts) > MOST_TOKENS or cached > self.prompt_tokens:
            return None
        return Usage(
            input_tokens=self.prompt_tokens,
            output_tokens=self.completion_tokens,
            cached_tokens=cached,
        )


class Said(msgspec.Struct, frozen=True):
    """A message, or a piece of one."""

    content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct, frozen=True):
    """One of the answers; only one is ever asked for."""

    message: Said = Said()
    finish_reason: str | None = None


class Completion(msgspec.Struct, frozen=True):
    """A whole answer."""

    choices: list[Choice]
    usage: WireUsage | None = None


class Piece(msgspec.Struct, frozen=True):
    """A choice in a stream."""

    delta: Said = Said()
    finish_reason: str | None = None


class Chunk(msgspec.Struct, frozen=True):
    """An event of a stream."""

    choices: list[Piece] = msgspec.field(default_factory=list)
    usage: WireUsage | None = None
    error: Any = None


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint said."""

    text: str
    usage: Usage | None
    finish_reason: str
    first_delta_s: float | None = None
    """Seconds from the request to the first piece; only for streams."""
    is_cut: bool = False
    """Whoever listened had heard enough."""
    is_refused: bool = False
    """The model said so in so many words (`refusal`)."""

    @property
    def failure(self) -> WhyEmbedded | None:
        """Why this cannot be used; None when it can."""
        if self.is_refused or self.finish_reason == "content_filter":
            return WhyEmbedded.REFUSED
        return None if self.text.strip() else WhyEmbedded.MALFORMED


COMPLETION: Final = msgspec.json.Decoder(Completion)
CHUNK: Final = msgspec.json.Decoder(Chunk)
ENCODER: Final = msgspec.json.Encoder()
