"""What the gateway and the rooms for money and tenants' settings hand each other."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.contracts.llm import ModelPolicy, Usage, WhyEmbedded
from shared.db.sealed import SealKey
from shared.llm.endpoint import Endpoint
from shared.llm.ports import Purpose
from shared.redaction.redacted import Redacted

ANSWER_COLUMN = "llm_calls.answer"
"""What a kept answer is sealed for; its row is the call id's bytes."""


class Bounds(Record, frozen=True, kw_only=True):
    """What a call may not exceed; money in millionths of a US dollar, None = no bound."""

    monthly_microusd: int | None
    """The tenant's, per month (UTC)."""
    installation_microusd: int | None
    """The installation's for this tenant, per month; only on the installation's endpoint."""
    simulation_microusd: int | None
    scoring_microusd: int | None
    max_in_flight: int


class DayBounds(Record, frozen=True, kw_only=True):
    """What all calls of a tenant may not exceed, by its plan; None = no bound."""

    max_in_flight: int | None = None
    """Calls at once, beside the tenant's own cap."""
    tokens: int | None = None
    """Per day (UTC)."""
    microusd: int | None = None
    """Millionths of a US dollar per day (UTC)."""


NO_DAY_BOUNDS = DayBounds()
"""Of tenants without a plan: tools and tests."""


class Price(Protocol):
    """What a model costs on one day."""

    @property
    def is_known(self) -> bool:
        """False: no table names the model, and a cautious default is taken."""
        ...

    @property
    def listed_as(self) -> str:
        """The name that the installation's tables have for the model; never a tenant's text."""
        ...

    def cost_microusd(self, usage: Usage) -> int:
        """Return what a call cost, rounded up."""
        ...

    def most_microusd(self, input_tokens: int, max_output_tokens: int) -> int:
        """Return the most that a call can cost, rounded up."""
        ...


class PriceBook(Protocol):
    """Prices by model, endpoint and day."""

    def price(self, model: str, host: str, when: datetime) -> Price:
        """Return the price; of an unknown model a cautious default."""
        ...


class TenantModel(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the gateway needs to know about a tenant; never logged, never stored."""

    endpoint: Endpoint
    is_own: bool
    """The tenant's own endpoint; False: the installation's."""
    policy: ModelPolicy
    fallback_model: str | None
    """The installation's model, when neither the task nor the tenant names one; None on a tenant's
    own endpoint."""
    bounds: Bounds
    prices: PriceBook
    """The tenant's own before the installation's before the built-in ones."""


class SettingsBook(Protocol):
    """Tenants' settings, cached for some seconds per process."""

    async def find(self, tenant_id: UUID) -> TenantModel | None:
        """Return the tenant's settings, or the installation's; None without any endpoint, which
        costs no query when the answer is cached.
        """
        ...


class CallDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is about to be made."""

    call_id: UUID
    purpose: Purpose
    model: str
    host: str
    prompt_version: str
    temperature: float | None
    max_output_tokens: int
    seed: int | None
    number: int
    most_microusd: int
    """What is reserved."""
    most_tokens: int = 0
    """The most that the call can take of the day's tokens, what it reads included."""
    bounds: Bounds
    started_at: datetime
    """Decides the month."""
    expires_at: datetime
    """The deadline, and some seconds for settling."""


class Reserved(msgspec.Struct, frozen=True, kw_only=True):
    """A call whose most possible cost is set aside; must be settled."""

    draft: CallDraft


class CallOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended."""

    usage: Usage
    """Zeros when nothing can have been spent (no connection, refused before any token)."""
    cost_microusd: int
    latency_ms: int
    first_delta_ms: int | None
    finish_reason: str
    """The endpoint's; empty when there was none."""
    failure: WhyEmbedded | None


class Ledger(Protocol):
    """Money, and the cap on calls at once."""

    async def reserve(self, draft: CallDraft) -> Reserved:
        """Set the most possible cost aside.

        Raises:
            ModelFailedError: BUDGET or BUSY; the database's trouble likewise.
        """
        ...

    async def settle(self, reserved: Reserved, outcome: CallOutcome, answer: bytes | None) -> None:
        """Put the real cost in place of the reserved one, and keep the answer.

        The gateway has sealed `answer` for `ANSWER_COLUMN`. Trouble is logged, not raised: the
        reservation then counts as spent until it is settled.
        """
        ...

    async def close(self) -> None:
        """Wait until everything is settled."""
        ...


class NameBook(Protocol):
    """Names of learners, remembered for a while per process."""

    async def find(self, tenant_id: UUID, learner_id: UUID, key: SealKey) -> str | None:
        """Return a learner's name, sealed with the learner's key; None where it is not known."""
        ...


class Redactor(Protocol):
    """Replaces personal data by marks."""

    def redact(
        self, texts: Sequence[str], *, names: Sequence[str] = (), kept: Sequence[str] = ()
    ) -> Redacted:
        """Replace personal data, and these names, in texts that belong together.

        Args:
            texts: messages of one prompt; JSON stays JSON.
            names: known from the session.
            kept: strings that stay although they look like personal data: facts of the scenario.
        """
        ...
