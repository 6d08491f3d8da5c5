"""Answers that have a form: read strictly, repaired once."""

import re
from collections.abc import Awaitable, Callable
from typing import Final, Generic

import msgspec

from shared.contracts.llm import CallNote, Message
from shared.llm.adapting import Schema
from shared.llm.attempt import Check
from shared.llm.calling import Spoken, UnfitError
from shared.llm.ports import Answer, ModelFailedError, Structured

_FENCE: Final = re.compile(r"```(?:json)?\s*\n(.*?)\n?\s*```", re.DOTALL)
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
        stripped = text.strip()
        fenced = _FENCE.fullmatch(stripped)
        try:
            self.value = self._decoder.decode(fenced[1] if fenced else stripped)
        except msgspec.ValidationError as error:
            return f"it does not fit the schema: {error}"
        except (msgspec.DecodeError, UnicodeError) as error:
            return f"it is not one JSON object: {error}"
        return None


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
