"""What is asked of a language model, what came back, and why there was no answer."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from shared.contracts.base import Record


class Task(StrEnum):
    """What a call is for; a tenant may choose a model for each."""

    WORDING = "wording"
    """Puts a decided line of the customer into words."""
    APPRAISAL = "appraisal"
    """Renders what was said in another language in English, sentence by sentence."""
    JUDGING = "judging"
    """Answers indicators of a rubric."""
    AUTHORING = "authoring"
    """Drafts a scenario or a rubric."""


class WhyEmbedded(StrEnum):
    """Why the embedded engine did what a model could have done; stored with the result."""

    NO_MODEL = "no_model"
    """Neither the tenant nor the installation has an endpoint, or the task has no model."""
    TEST_KEY = "test_key"
    """Made with a test key: those never spend money."""
    BUDGET = "budget_exhausted"
    """The estimated most that the call can cost is not left of a budget."""
    BUSY = "too_many_calls"
    """The tenant's cap on calls at once is reached."""
    UNACCOUNTED = "not_accounted"
    """What the call may cost could not be set aside, because the database did not answer."""
    BREAKER_OPEN = "endpoint_resting"
    """The endpoint failed again and again; it is tried again soon."""
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    """No connection, one that broke, or an address that must not be called."""
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    """The endpoint does not take the key."""
    REJECTED = "rejected"
    """The endpoint says that the request is wrong: an unknown model, an unknown parameter."""
    SERVER_ERROR = "server_error"
    REFUSED = "refused"
    """The model declined, or a content filter stopped it."""
    MALFORMED = "malformed"
    """The answer is not what the protocol or the schema says, or is empty or too large."""
    FAILED_CHECKS = "failed_checks"
    """The words did not pass our checks, twice."""
    TOO_LONG = "too_long"
    """There is more to read than one question may hold."""
    DISABLED = "disabled"
    """The tenant turned this task off."""


class Message(Record, frozen=True, kw_only=True):
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


class Prompt(Record, frozen=True, kw_only=True):
    """What a model reads."""

    messages: tuple[Message, ...]
    version: str
    """12 hex digits: hash of the prompt's file and of the schema that the answer must have."""


class Usage(Record, frozen=True, kw_only=True):
    """Tokens of a call."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    """Of the input: read from the endpoint's cache."""
    is_estimated: bool = False
    """True: the endpoint did not say, we counted."""


class CallNote(Record, frozen=True, kw_only=True, omit_defaults=True):
    """Where an answer came from; free of anybody's words."""

    call_id: UUID
    task: Task
    model: str
    host: str
    """Of the endpoint."""
    prompt_version: str
    temperature: float | None
    max_output_tokens: int
    seed: int | None
    input_tokens: int
    output_tokens: int
    cost_microusd: int
    """Millionths of a US dollar, by the price table of the day; rounded up."""
    latency_ms: int
    """Request to last byte."""
    first_delta_ms: int | None = None
    """Request to the first piece; only for streams."""
    finish_reason: str = "stop"
    failure: WhyEmbedded | None = None
    """Set when the call brought nothing that could be used."""


class Judging(StrEnum):
    """Who answers the indicators of a rubric."""

    EMBEDDED = "embedded"
    CASCADE = "cascade"
    """The model, only where the embedded judge is unsure."""
    MODEL = "model"


ModelName = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

Dollars = Annotated[Decimal, msgspec.Meta(description="US dollars, at most six decimals.")]


class OwnPrice(Record, frozen=True, kw_only=True):
    """What a tenant pays for a model at its own endpoint: US dollars per million tokens."""

    input: Dollars
    output: Dollars
    cached: Dollars | None = None
    """Input read from the endpoint's cache; None: as `input`."""


class ModelPolicy(Record, frozen=True, kw_only=True):
    """How a tenant uses its model; nothing secret. Stored as JSON (`llm_settings.policy`)."""

    models: dict[Task, ModelName] = msgspec.field(default_factory=dict)
    """By task; a task that is not named uses `default_model`."""
    default_model: ModelName | None = None
    """None: the installation's."""
    disabled: tuple[Task, ...] = ()
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    """Of wording only; judging and appraisal are asked with 0. None: the endpoint's own."""
    language: Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]+)*$")] = "en"
    """Of new simulations that do not say."""
    max_hostility: Annotated[int, msgspec.Meta(ge=0, le=3)] = 3
    """The rudest a customer may become: 0 civil .. 3 gross."""
    is_redacted: bool = True
    """Personal data is replaced by marks before anything is sent."""
    judging: Judging = Judging.EMBEDDED
    samples: Annotated[int, msgspec.Meta(ge=1, le=7)] = 1
    """How often the judge is asked the same."""
    prices: dict[ModelName, OwnPrice] = msgspec.field(default_factory=dict)
    """By model, before every table; only for the tenant's own endpoint, a free local server gets
    zeros."""

    def model_for(self, task: Task, fallback: str | None) -> str | None:
        """Return the model of a task; None when it is turned off or there is none."""
        if task in self.disabled:
            return None
        return self.models.get(task) or self.default_model or fallback


class WordingNote(Record, frozen=True, kw_only=True, omit_defaults=True):
    """How a customer's line got its words (`turns.wording`)."""

    engine: Literal["embedded", "model", "mixed"]
    """Mixed: the model's first sentences, then embedded wording."""
    why: WhyEmbedded | None = None
    """Why not, or not wholly, the model."""
    drift: tuple[str, ...] = ()
    """Codes of what our checks found in what the model said, kept or not."""
    is_regenerated: bool = False
    calls: tuple[CallNote, ...] = ()
    held_ms: int | None = None
    """First piece heard to first sentence told: what holding back for the checks costs; only where
    somebody read along."""
