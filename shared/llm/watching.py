"""What is told of calls to models: a span each, tokens, money, and how long they took.

Of a tenant's own endpoint neither host nor model is told, and of the installation's only the model
that the installation named: what tenants choose is their text, and there is no end of it. Never
anybody's words. The names are those of `shared.telemetry.names`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from shared.contracts.llm import CallNote
from shared.llm.attempt import Attempt, Call
from shared.telemetry import catalog, names, tenants, trace
from shared.telemetry.measures import Measure, note

OWN: Final = "own"
"""What stands for a tenant's own model."""

CHOSEN: Final = "chosen"
"""What stands for a model that a tenant chose at the installation's endpoint."""

MICRO: Final = 1_000_000


@contextmanager
def watched(call: Call) -> Iterator[trace.Span]:
    """Time a call: from the wish to the answer, the money set aside included."""
    with (
        catalog.LLM_IN_FLIGHT.one_more(),
        trace.span(
            f"chat {call.request.purpose.task}", kind="client", attributes=_about(call)
        ) as span,
    ):
        yield span


def _about(call: Call) -> dict[str, trace.Value]:
    if not trace.is_on():
        return {}
    return {
        names.GEN_AI_OPERATION: "chat",
        names.GEN_AI_PROVIDER: names.PROVIDER,
        names.GEN_AI_MODEL: shown_model(call),
        names.GEN_AI_MOST_TOKENS: call.request.max_output_tokens,
        names.GEN_AI_TASK: call.request.purpose.task.value,
        names.TENANT: str(call.request.purpose.tenant_id),
    }


def shown_model(call: Call) -> str:
    """Return the name of the installation's model; else a fixed word, for labels have a bound."""
    if call.tenant.is_own:
        return OWN
    return call.model if call.model == call.tenant.fallback_model else CHOSEN


def tell(span: trace.Span, attempt: Attempt, ended: CallNote) -> None:
    """Say how a call ended."""
    call = attempt.call
    _count(call.request.purpose.tenant_id, shown_model(call), ended)
    if not trace.is_on():
        return
    span.set(names.GEN_AI_CALL, str(ended.call_id))
    span.set(names.GEN_AI_INPUT_TOKENS, ended.input_tokens)
    span.set(names.GEN_AI_OUTPUT_TOKENS, ended.output_tokens)
    if ended.first_delta_ms is not None:
        span.set(names.GEN_AI_FIRST_CHUNK, ended.first_delta_ms / 1000)
    if ended.failure is not None:
        span.fail(ended.failure.value)


def _count(tenant_id: UUID, model: str, ended: CallNote) -> None:
    seconds, failure = ended.latency_ms / 1000, ended.failure
    note(Measure("model_call", tenant_id, seconds, "ok" if failure is None else "failed"))
    catalog.LLM_CALLS.add(ended.task.value, "ok" if failure is None else failure.value)
    catalog.LLM_SECONDS.observe(seconds, ended.task.value)
    if ended.first_delta_ms is not None:
        catalog.LLM_FIRST_DELTA.observe(ended.first_delta_ms / 1000)
    label = tenants.label_of(tenant_id)
    catalog.LLM_TOKENS.add("input", model, label, by=ended.input_tokens)
    catalog.LLM_TOKENS.add("output", model, label, by=ended.output_tokens)
    catalog.LLM_COST.add(label, by=ended.cost_microusd / MICRO)
