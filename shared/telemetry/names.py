"""Names of what spans say, in one place: when a convention changes, only this file does.

HTTP, messaging and error names are OpenTelemetry's stable ones. Those of language models follow the
GenAI conventions, which are still in development.
"""

from typing import Final

METHOD: Final = "http.request.method"
ROUTE: Final = "http.route"
"""The template of the path; never the path itself."""
STATUS: Final = "http.response.status_code"
ERROR: Final = "error.type"
"""A fixed word or the name of an exception's class; never its message."""

SYSTEM: Final = "messaging.system"
OPERATION: Final = "messaging.operation.name"
DESTINATION: Final = "messaging.destination.template"
"""Where a message goes, without its tenant."""

TENANT: Final = "rapport.tenant_id"
REQUEST: Final = "rapport.request_id"
JOB: Final = "rapport.job_id"
KIND: Final = "rapport.job_kind"
ATTEMPT: Final = "rapport.attempt"
EVENT: Final = "rapport.event_id"
EVENTS: Final = "rapport.events"
"""How many."""
QUESTION: Final = "rapport.question"
DELIVERY: Final = "rapport.delivery_id"

GEN_AI_OPERATION: Final = "gen_ai.operation.name"
GEN_AI_PROVIDER: Final = "gen_ai.provider.name"
GEN_AI_MODEL: Final = "gen_ai.request.model"
GEN_AI_MOST_TOKENS: Final = "gen_ai.request.max_tokens"
GEN_AI_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
GEN_AI_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
"""Seconds."""
GEN_AI_TASK: Final = "rapport.llm_task"
GEN_AI_CALL: Final = "rapport.llm_call_id"

PROVIDER: Final = "openai"
"""The form of the interface, whoever is behind it."""

TEMPORAL: Final = ("temporalWorkflowID", "temporalRunID", "temporalActivityID")
"""Names that Temporal's own interceptor uses; ids."""

EXPORTED: Final = frozenset(
    {
        METHOD,
        ROUTE,
        STATUS,
        ERROR,
        SYSTEM,
        OPERATION,
        DESTINATION,
        TENANT,
        REQUEST,
        JOB,
        KIND,
        ATTEMPT,
        EVENT,
        EVENTS,
        QUESTION,
        DELIVERY,
        GEN_AI_OPERATION,
        GEN_AI_PROVIDER,
        GEN_AI_MODEL,
        GEN_AI_MOST_TOKENS,
        GEN_AI_INPUT_TOKENS,
        GEN_AI_OUTPUT_TOKENS,
        GEN_AI_FIRST_CHUNK,
        GEN_AI_TASK,
        GEN_AI_CALL,
        *TEMPORAL,
    }
)
"""What leaves the process; anything else that a library attaches stays behind."""
