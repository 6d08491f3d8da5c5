"""One call: health of the endpoint, money, the question, the answer, what it cost."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from shared import failpoints
from shared.clock import Clock
from shared.contracts.llm import CallNote, Message, WhyEmbedded
from shared.ids import IdMaker
from shared.llm.adapting import Question, ask
from shared.llm.attempt import Attempt, Call
from shared.llm.failures import CallFailedError
from shared.llm.marks import Marked, RestoringListener, marked
from shared.llm.ports import Listener, ModelFailedError, StopListening
from shared.llm.records import ANSWER_COLUMN, CallDraft, Ledger, Redactor, Reserved
from shared.llm.streaming import TOKEN_MOST_CHARS, StreamReader
from shared.llm.tokens import most_tokens
from shared.llm.watching import tell, watched
from shared.llm.wire import Heard
from shared.telemetry import catalog
from shared.telemetry.trace import Span

if TYPE_CHECKING:  # it brings the openai package along, half a second of processor time
    from shared.llm.client import Line

SETTLING_S: Final = 10.0
"""Seconds beyond its deadline after which a call that was not settled counts as spent."""


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that can be used."""

    text: str
    """With what was marked put back."""
    note: CallNote
    is_cut: bool


class UnfitError(ModelFailedError):
    """The answer has not the wanted form; it may be repaired."""

    def __init__(self, note: CallNote, text: str, complaint: str) -> None:
        super().__init__(WhyEmbedded.MALFORMED, (note,))
        self.text = text
        self.complaint = complaint


class Caller:
    """Makes calls."""

    def __init__(self, ledger: Ledger, redactor: Redactor, clock: Clock, ids: IdMaker) -> None:
        self._ledger = ledger
        self._redactor = redactor
        self._clock = clock
        self._ids = ids

    async def call(self, call: Call, line: "Line", listener: Listener | None) -> Spoken:
        """Make a call, and account for it.

        Raises:
            UnfitError: the answer did not pass the call's check.
            ModelFailedError: no answer that can be used.
        """
        with watched(call) as span:
            return await self._call(call, line, listener, span)

    async def _call(
        self, call: Call, line: "Line", listener: Listener | None, span: Span
    ) -> Spoken:
        ticket = line.breaker.enter()
        if ticket is None:
            catalog.LLM_REFUSED.add()
            raise ModelFailedError(WhyEmbedded.BREAKER_OPEN)
        line.users += 1
        is_over, failure, rest_s = False, None, None
        try:
            attempt = self._attempt(call)
            reserved = await self._reserve(attempt)
            note = await self._speak_and_settle(attempt, reserved, line, listener)
            tell(span, attempt, note)
            is_over, failure = True, attempt.breakdown
            rest_s = attempt.error.rest_s if attempt.error is not None else None
        finally:
            line.users -= 1
            line.breaker.leave(ticket, failure, rest_s=rest_s, is_over=is_over)
        failpoints.hit("activity.llm.after_call_before_persist")
        return _spoken(attempt, note)

    def _attempt(self, call: Call) -> Attempt:
        request, now = call.request, self._clock.now()
        host = call.tenant.endpoint.host
        price = call.tenant.prices.price(call.model, host, now)
        words = Marked(messages=call.messages, marks={})
        if call.tenant.policy.is_redacted:
            words = marked(self._redactor, request, call.messages)
        remaining = max(0.0, call.deadline - asyncio.get_running_loop().time())
        most_input = _most_input(call, words)
        draft = CallDraft(
            call_id=self._ids.new(),
            purpose=request.purpose,
            model=call.model,
            host=host,
            prompt_version=request.prompt.version,
            temperature=call.temperature,
            max_output_tokens=request.max_output_tokens,
            seed=request.seed,
            number=request.number,
            most_microusd=price.most_microusd(most_input, request.max_output_tokens),
            most_tokens=most_input + request.max_output_tokens,
            bounds=call.tenant.bounds,
            started_at=now,
            expires_at=now + timedelta(seconds=remaining + SETTLING_S),
        )
        return Attempt(call, draft, price, words)

    async def _reserve(self, attempt: Attempt) -> Reserved:
        limit = asyncio.timeout_at(attempt.call.deadline)
        try:
            async with limit:
                return await self._ledger.reserve(attempt.draft)
        except TimeoutError:
            raise ModelFailedError(WhyEmbedded.TIMEOUT) from None

    async def _speak_and_settle(
        self, attempt: Attempt, reserved: Reserved, line: "Line", listener: Listener | None
    ) -> CallNote:
        failpoints.hit("activity.llm.before_call")
        attempt.begin()
        try:
            attempt.heard = await _speak(attempt, line, listener)
            attempt.check()
        except CallFailedError as error:
            attempt.error = error
        except BaseException:
            # Given up by whoever asked: what was said by then is paid for all the same.
            attempt.error = CallFailedError(WhyEmbedded.TIMEOUT, is_spent=True)
            await self._settle(attempt, reserved)
            raise
        return await self._settle(attempt, reserved)

    async def _settle(self, attempt: Attempt, reserved: Reserved) -> CallNote:
        outcome, text = attempt.outcome(), attempt.text
        key, row = attempt.call.request.key, attempt.draft.call_id.bytes
        answer = key.seal_text(text, ANSWER_COLUMN, row) if text else None
        note = attempt.note(outcome)
        attempt.tell(note)
        await self._ledger.settle(reserved, outcome, answer)
        return note


def _spoken(attempt: Attempt, note: CallNote) -> Spoken:
    """Return the answer; raises as `Caller.call`."""
    if attempt.complaint is not None:
        raise UnfitError(note, attempt.text, attempt.complaint)
    if attempt.heard is None or note.failure is not None:
        raise ModelFailedError(note.failure or WhyEmbedded.MALFORMED, (note,))
    return Spoken(text=attempt.text, note=note, is_cut=attempt.heard.is_cut)


def _most_input(call: Call, words: Marked) -> int:
    """Return the input tokens to set aside; a schema is read by the model as well."""
    schema = () if call.schema is None else (Message(role="system", content=call.schema.text),)
    return most_tokens((*words.messages, *schema))


async def _speak(attempt: Attempt, line: "Line", listener: Listener | None) -> Heard:
    """Put the question within the deadline."""
    limit = asyncio.timeout_at(_ends_at(attempt.call))
    try:
        async with limit:
            if listener is None:
                return _bounded(attempt, await ask(line, _question(attempt, is_stream=False), None))
            restoring = RestoringListener(listener, attempt.words)

            async def hear(piece: str) -> None:
                await restoring.hear(piece)
                limit.reschedule(_ends_at(attempt.call))

            attempt.reader = StreamReader(
                hear, attempt.started_at, most_tokens=attempt.draft.max_output_tokens
            )
            heard = await ask(line, _question(attempt, is_stream=True), attempt.reader)
            if not heard.is_cut:
                await _end(restoring)
            return heard
    except TimeoutError:
        if not limit.expired():  # the listener's own
            raise
        raise CallFailedError(WhyEmbedded.TIMEOUT, is_spent=True) from None


def _bounded(attempt: Attempt, heard: Heard) -> Heard:
    """Refuse an answer that is far longer than what was allowed, as a stream does."""
    if len(heard.text) > attempt.draft.max_output_tokens * TOKEN_MOST_CHARS:
        raise CallFailedError(WhyEmbedded.MALFORMED, is_spent=True)
    return heard


def _ends_at(call: Call) -> float:
    until = call.request.until
    return call.deadline if until is None else min(call.deadline, until())


def _question(attempt: Attempt, *, is_stream: bool) -> Question:
    call = attempt.call
    return Question(
        model=call.model,
        messages=attempt.words.messages,
        max_output_tokens=call.request.max_output_tokens,
        temperature=call.temperature,
        seed=call.request.seed,
        schema=call.schema,
        is_stream=is_stream,
    )


async def _end(restoring: RestoringListener) -> None:
    try:
        await restoring.end()
    except StopListening:  # at the very end: everything was heard
        return
