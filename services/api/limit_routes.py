"""`/v1/limits`: every limit a partner can run into, from the constants that enforce it."""

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from services.api.batches.schemas import MAX_CONVERSATIONS
from services.api.body import BODY_WAIT_S, MAX_BODY_BYTES
from services.api.context import ProcessContext
from services.api.endpoint import Answer, Call, Endpoint, endpoint
from services.api.idempotency import KEPT_S
from services.api.limits import WINDOW_S
from services.api.operations.schemas import KEPT_DAYS
from services.api.paging import MAX_LIMIT
from services.api.simulations.schemas import MAX_TEXT
from services.api.streams.opening import MAX_STREAMS
from services.api.validation import MAX_DEPTH, MAX_ERRORS
from services.api.waiting import MAX_WAIT_S
from shared.intake import limits as intake
from shared.tenancy.limits import TenantLimits
from shared.tenancy.used import UsedNow, used_now

READ = "settings:read"

DAY_S: Final = 86_400
"""Seconds of a day; days begin at midnight UTC."""

Unit = Literal[
    "requests", "jobs", "s", "days", "bytes", "levels", "characters", "items", "turns", "tokens",
    "microusd",
]  # fmt: skip


class LimitView(msgspec.Struct, frozen=True, kw_only=True):
    """One limit."""

    name: str
    """Stable. Those that `RateLimit-Policy` or `violated-policies` name are called the same."""
    value: int
    unit: Unit
    window_s: int | None
    """Seconds in which so many are allowed; null where the limit has no window."""
    meaning: str


class LimitsView(msgspec.Struct, frozen=True, kw_only=True):
    """Every limit."""

    data: list[LimitView]
    used: UsedNow
    """What the tenant has under way and used today; of requests, `RateLimit` says what is left."""


def limits() -> tuple[LimitView, ...]:
    """Return the limits that are the same for every tenant."""
    rows: tuple[tuple[str, int, Unit, str], ...] = (
        ("idempotency-keys", KEPT_S, "s", "a used Idempotency-Key is remembered"),
        ("streams", MAX_STREAMS, "items", "open per tenant and process; then 429"),
        ("wait", MAX_WAIT_S, "s", "longest Prefer: wait=N"),
        ("operations", KEPT_DAYS, "days", "an operation can be read"),
        ("page", MAX_LIMIT, "items", "of one page of a list"),
        ("body", MAX_BODY_BYTES, "bytes", "of a request"),
        ("body-time", BODY_WAIT_S, "s", "until the whole body is here; then 408"),
        ("body-depth", MAX_DEPTH, "levels", "of nesting in a body"),
        ("named-errors", MAX_ERRORS, "items", "wrong fields that one refusal names"),
        ("turn", MAX_TEXT, "characters", "of a learner's turn"),
        ("simulation-batch", MAX_CONVERSATIONS, "items", "conversations of one batch"),
        ("scoring-batch", intake.MAX_BATCH, "items", "conversations of one request"),
        ("scoring-batch-body", intake.MAX_BATCH_BYTES, "bytes", "of that request"),
        ("conversation-turns", intake.MAX_TURNS, "turns", "of a conversation handed in"),
        ("conversation-turn", intake.MAX_TURN_CHARACTERS, "characters", "of one of its turns"),
        ("conversation", intake.MAX_CHARACTERS, "characters", "of all its turns"),
    )
    return tuple(
        LimitView(name=name, value=value, unit=unit, window_s=None, meaning=meaning)
        for name, value, unit, meaning in rows
    )


def own_limits(tenant: TenantLimits) -> Iterator[LimitView]:
    """Return a tenant's own limits; those without a bound are left out."""
    rows: tuple[tuple[str, int | None, Unit, int | None, str], ...] = (
        ("requests", tenant.requests_per_minute, "requests", WINDOW_S, "of a tenant; then 429"),
        ("waiting-work", tenant.backlog, "jobs", None, "waiting per tenant and kind; then 429"),
        ("simulations", tenant.simulations, "items", None, "open at once; then 429"),
        ("autopilot", tenant.autopilot, "items", None, "waiting or being played; then 429"),
        ("scorings", tenant.scorings, "items", None, "waiting or being judged; then 429"),
        ("model-calls", tenant.model_calls, "items", None, "at once; then the embedded engine"),
        ("model-tokens", tenant.tokens_per_day, "tokens", DAY_S, "then the embedded engine"),
        ("model-spend", tenant.microusd_per_day, "microusd", DAY_S, "then the embedded engine"),
    )
    for name, value, unit, window_s, meaning in rows:
        if value is not None:
            yield LimitView(name=name, value=value, unit=unit, window_s=window_s, meaning=meaning)


class LimitRoutes:
    """`/v1/limits`."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context
        self._limits = limits()

    @endpoint(Endpoint(method="GET", path="/v1/limits", scope=READ, answers={200: LimitsView}))
    async def get_limits(self, call: Call) -> Answer:
        """Get every limit a request can run into, with its value for this tenant, and what it uses.

        What has no bound is not among the limits; how much of it is used is told all the same.
        """
        context, tenant_id = self._context, call.principal.tenant_id
        own = own_limits(await context.limits.of(tenant_id))
        used = await used_now(context.database, tenant_id, context.clock.now())
        return Answer(body=LimitsView(data=[*own, *self._limits], used=used))
