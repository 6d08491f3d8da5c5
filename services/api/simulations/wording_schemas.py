"""How a customer's line got its words, as the API shows it."""

from typing import Literal

import msgspec

from shared.contracts.llm import CallNote, WhyEmbedded, WordingNote
from shared.llm.money import dollars


class ModelCallView(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a language model."""

    model: str
    host: str
    """Of the endpoint."""
    prompt_version: str
    temperature: float | None
    """Null: the endpoint's own."""
    max_output_tokens: int
    seed: int | None
    input_tokens: int
    output_tokens: int
    cost_usd: str
    """By the price table; US dollars as text."""
    latency_ms: int
    first_delta_ms: int | None
    """Until the first piece of a stream."""
    finish_reason: str
    failure: WhyEmbedded | None
    """Why the call brought nothing."""

    @classmethod
    def of(cls, call: CallNote) -> "ModelCallView":
        """Return the public form."""
        return cls(
            model=call.model,
            host=call.host,
            prompt_version=call.prompt_version,
            temperature=call.temperature,
            max_output_tokens=call.max_output_tokens,
            seed=call.seed,
            input_tokens=call.input_tokens,
            output_tokens=call.output_tokens,
            cost_usd=dollars(call.cost_microusd),
            latency_ms=call.latency_ms,
            first_delta_ms=call.first_delta_ms,
            finish_reason=call.finish_reason,
            failure=call.failure,
        )


class WordingView(msgspec.Struct, frozen=True, kw_only=True):
    """Who worded a reply, and why nobody else did."""

    engine: Literal["embedded", "model", "mixed"]
    """`mixed`: the model's first sentences, then embedded ones."""
    why: WhyEmbedded | None
    """Why not, or not wholly, the model."""
    drift: tuple[str, ...]
    """What our checks found in what the model said, kept or not."""
    is_regenerated: bool
    """The model was asked a second time."""
    held_ms: int | None
    """From the model's first piece until the first sentence had passed; null where nobody read
    along."""
    calls: list[ModelCallView]
    """At most two; none is shown to a learner token."""

    @classmethod
    def of(cls, note: WordingNote | None, *, shows_calls: bool) -> "WordingView | None":
        """Return the public form; None for a turn that was stored before there were notes."""
        if note is None:
            return None
        return cls(
            engine=note.engine,
            why=note.why,
            drift=note.drift,
            is_regenerated=note.is_regenerated,
            held_ms=note.held_ms,
            calls=[ModelCallView.of(call) for call in note.calls] if shows_calls else [],
        )
