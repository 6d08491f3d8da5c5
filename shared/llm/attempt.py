"""A call under way: what is known of it, whatever happens, and what it has cost."""

import asyncio
from collections.abc import Callable

import msgspec

from shared.contracts.llm import CallNote, Message, Usage, WhyEmbedded
from shared.llm.adapting import Schema
from shared.llm.failures import CallFailedError
from shared.llm.marks import Marked
from shared.llm.ports import ChatRequest
from shared.llm.records import CallDraft, CallOutcome, Price, TenantModel
from shared.llm.streaming import StreamReader
from shared.llm.tokens import likely_usage
from shared.llm.wire import Heard
from shared.log import get_logger

log = get_logger()

Check = Callable[[str], str | None]
"""Returns what is wrong with an answer, in words for the model; None: nothing."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What is called, and for whom."""

    request: ChatRequest
    tenant: TenantModel
    model: str
    messages: tuple[Message, ...]
    temperature: float | None
    deadline: float
    """On the event loop's clock."""
    schema: Schema | None = None
    check: Check | None = None


class Attempt:
    """One call."""

    def __init__(self, call: Call, draft: CallDraft, price: Price, words: Marked) -> None:
        self.call = call
        self.draft = draft
        self.price = price
        self.words = words
        self.started_at = asyncio.get_running_loop().time()
        self.reader: StreamReader | None = None
        """Of a stream."""
        self.heard: Heard | None = None
        self.error: CallFailedError | None = None
        self.complaint: str | None = None
        """What is wrong with the form of an answer."""

    def begin(self) -> None:
        """Count time from now on: the money is set aside, the question goes out."""
        self.started_at = asyncio.get_running_loop().time()

    @property
    def endpoint_failure(self) -> WhyEmbedded | None:
        """What went wrong as far as the endpoint goes; an answer of another form is one."""
        if self.error is not None:
            return self.error.why
        return None if self.heard is None or self.heard.is_cut else self.heard.failure

    @property
    def breakdown(self) -> WhyEmbedded | None:
        """What went wrong on the way to the model; an answer without words is the model's own."""
        return None if self.error is None else self.error.why

    @property
    def failure(self) -> WhyEmbedded | None:
        """Why there is nothing that can be used."""
        unfit = WhyEmbedded.MALFORMED if self.complaint is not None else None
        return self.endpoint_failure or unfit

    @property
    def said(self) -> str:
        """What was heard, as it was sent."""
        if self.heard is not None:
            return self.heard.text
        return self.reader.text if self.reader is not None else ""

    @property
    def text(self) -> str:
        """What was heard, with what was marked put back."""
        is_json = self.call.schema is not None
        return self.words.restore_json(self.said) if is_json else self.words.restore(self.said)

    def check(self) -> None:
        """Look whether the answer has the wanted form."""
        if self.call.check is not None and self.endpoint_failure is None:
            self.complaint = self.call.check(self.text)

    def outcome(self) -> CallOutcome:
        """Say how it ended."""
        usage, cost = self._spent()
        first = self.reader.first_delta_s if self.reader is not None else None
        return CallOutcome(
            usage=usage,
            cost_microusd=cost,
            latency_ms=_ms(asyncio.get_running_loop().time() - self.started_at),
            first_delta_ms=None if first is None else _ms(first),
            finish_reason=self.heard.finish_reason if self.heard is not None else "",
            failure=self.failure,
        )

    def _spent(self) -> tuple[Usage, int]:
        """Return tokens and their cost: as the endpoint says, else rather too much."""
        if self.error is not None and not self.error.is_spent:
            return Usage(input_tokens=0, output_tokens=0), 0
        known = self.heard.usage if self.heard is not None else None
        if known is not None:
            return known, self.price.cost_microusd(known)
        most = self.draft.max_output_tokens
        guessed = likely_usage(self.words.messages, self.said, most)
        if self.error is not None and not self._has_begun:
            # The whole answer, or thoughts as long as that, may have been made without our seeing
            # any of it; when we hang up on a stream that speaks, the model stops.
            return msgspec.structs.replace(guessed, output_tokens=most), self.draft.most_microusd
        return guessed, min(self.price.cost_microusd(guessed), self.draft.most_microusd)

    @property
    def _has_begun(self) -> bool:
        return self.reader is not None and self.reader.first_delta_s is not None

    def note(self, outcome: CallOutcome) -> CallNote:
        """Say where the answer came from."""
        draft = self.draft
        return CallNote(
            call_id=draft.call_id,
            task=draft.purpose.task,
            model=draft.model,
            host=draft.host,
            prompt_version=draft.prompt_version,
            temperature=draft.temperature,
            max_output_tokens=draft.max_output_tokens,
            seed=draft.seed,
            input_tokens=outcome.usage.input_tokens,
            output_tokens=outcome.usage.output_tokens,
            cost_microusd=outcome.cost_microusd,
            latency_ms=outcome.latency_ms,
            first_delta_ms=outcome.first_delta_ms,
            finish_reason=outcome.finish_reason,
            failure=outcome.failure,
        )

    @property
    def _shown_model(self) -> str:
        is_ours = self.draft.model == self.call.tenant.fallback_model
        return self.draft.model if is_ours else self.price.listed_as

    def tell(self, note: CallNote) -> None:
        """Log it: nobody's words, no URL; of a tenant's own endpoint neither host nor model.

        At the installation's endpoint a tenant may name any model, which is its text: of those only
        what the price table calls them.
        """
        is_own = self.call.tenant.is_own
        log.info(
            "llm.called",
            call_id=str(note.call_id),
            tenant_id=str(self.draft.purpose.tenant_id),
            task=note.task.value,
            model="own" if is_own else self._shown_model,
            host="own" if is_own else note.host,
            latency_ms=note.latency_ms,
            first_delta_ms=note.first_delta_ms,
            input_tokens=note.input_tokens,
            output_tokens=note.output_tokens,
            cost_microusd=note.cost_microusd,
            failure=note.failure.value if note.failure is not None else None,
            status=self.error.status if self.error is not None else None,
        )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
