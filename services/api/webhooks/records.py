"""Webhook endpoints and deliveries as they are read from Postgres, opened."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from shared.contracts.webhooks import (
    DeliveryStatus,
    DisabledReason,
    EndpointStatus,
    Payload,
    Trigger,
)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller decides about an endpoint."""

    url: str
    description: str | None
    metadata: dict[str, str]
    event_types: tuple[str, ...] | None
    """None: all."""
    team_ids: tuple[UUID, ...] | None
    """None: all."""
    payload: Payload
    rate_per_s: int | None
    """None: no limit of its own."""


class WebhookEndpoint(Wish, frozen=True, kw_only=True):
    """An endpoint and how it fares."""

    endpoint_id: UUID
    status: EndpointStatus
    disabled_reason: DisabledReason | None
    disabled_at: datetime | None
    failing_since: datetime | None
    last_success_at: datetime | None
    recovered_at: datetime | None
    recovery_position: int | None
    """Where the last recovery stopped before its end."""
    created_at: datetime
    updated_at: datetime

    @property
    def recover_since(self) -> datetime | None:
        """Since when events may not have arrived; None while it is enabled."""
        return None if self.disabled_at is None else self.failing_since or self.disabled_at


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret of an endpoint."""

    secret: str | None
    """`whsec_...`; None when this is a repeat: it is shown once."""
    created_at: datetime
    previous_expires_at: datetime | None
    """None when the earlier secrets sign no more."""


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """The public half of a tenant's signing pair."""

    public_key: bytes
    created_at: datetime
    expires_at: datetime | None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to deliver."""

    number: int
    started_at: datetime
    latency_ms: int
    result: Literal["succeeded", "failed", "aborted"]
    status_code: int | None
    error: str | None
    response: bytes | None
    """The first 2 KiB; None when there was no answer, or the person it was about was erased."""
    next_attempt_at: datetime | None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    delivery_id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    position: int | None
    trigger: Trigger
    status: DeliveryStatus
    attempt: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    attempts: tuple[Attempt, ...] = ()
    body: bytes | None = None
    """The bytes that are signed and sent; None in lists, and when the person they were about was
    erased.
    """


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery to be written, its body sealed already."""

    delivery_id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    position: int | None
    trigger: Trigger
    learner_id: UUID | None
    """Whose key seals the body; None: the tenant's."""
    body: bytes
