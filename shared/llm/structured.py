"""Answers that have a form: read strictly, repaired once."""

from collections.abc import Awaitable, Callable
from typing import Final, Generic

import msgspec

from shared.contracts.llm import CallNote, Message
from shared.llm.adapting import Schema
from shared.llm.attempt import Check
from shared.llm.calling import Spoken, UnfitError
from shared.llm.ports import Answer, ModelFailedError, Structured
from shared.llm.wire import UNREADABLE

_FENCE: Final = "```"
"""The one decoration that is taken off; models cannot be talked out of it."""

QUOTED_CHARS: Final = 8000
"""Of a wrong answer that are shown to the model again."""

Ask = Callable[[tuple[Message, ...], Check], Awaitable[Spoken]]
"""Makes one call; raises as `Caller.call`."""


class Reading(Generic[Answer]):
    """Reads answers of one form."""

    def __init__(self, kind: type[Answer]) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self.value: Answer | None = None

    def check(self, text: str) -> str | None:
        """Read an answer; return what is wrong with it, or None and keep it in `value`."""
        try:
            self.value = self._decoder.decode(_plain(text.strip()))
        except msgspec.ValidationError as error:
            return f"it does not fit the schema: {error}"
        except UNREADABLE as error:
            return f"it is not one JSON object: {error}"
        return None


def _plain(text: str) -> str:
    """Take the fence off; plainly, because an endpoint may send megabytes of anything."""
    if len(text) <= 2 * len(_FENCE) or not (text.startswith(_FENCE) and text.endswith(_FENCE)):
        return text
    kind, line_end, inner = text[len(_FENCE) : -len(_FENCE)].partition("\n")
    return inner if line_end and kind.strip() in ("", "json") else text


async def ask_structured(
    ask: Ask, messages: tuple[Message, ...], schema: Schema, kind: type[Answer]
) -> Structured[Answer]:
    """Ask for an answer of this form; one that does not fit is repaired once.

    Raises:
        ModelFailedError: no answer of that form.
    """
    reading = Reading(kind)
    try:
        spoken = await ask(messages, reading.check)
    except UnfitError as unfit:
        if unfit.calls[0].finish_reason == "length":  # it would be cut again
            raise
        try:
            spoken = await ask(_repairing(messages, unfit, schema), reading.check)
        except ModelFailedError as failed:
            raise ModelFailedError(failed.why, (*unfit.calls, *failed.calls)) from failed
        return _structured(reading, (*unfit.calls, spoken.note))
    return _structured(reading, (spoken.note,))


def _structured(reading: Reading[Answer], calls: tuple[CallNote, ...]) -> Structured[Answer]:
    if reading.value is None:
        raise AssertionError("an answer that passed its check has a value")
    return Structured(value=reading.value, calls=calls)


def _repairing(
    messages: tuple[Message, ...], unfit: UnfitError, schema: Schema
) -> tuple[Message, ...]:
    text = (
        f"Your last answer cannot be used: {unfit.complaint}. Answer the question again,"
        f" with one JSON object and nothing else. Its JSON schema: {schema.text}"
    )
    return (
        *messages,
        Message(role="assistant", content=unfit.text[:QUOTED_CHARS]),
        Message(role="user", content=text),
    )
