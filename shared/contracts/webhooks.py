"""Webhooks: what the API writes down and the orchestrator delivers by."""

from typing import Final, Literal

Payload = Literal["thin", "fat"]
"""`thin`: the event as in the feed. `fat`: with the present facts of its resource; audited."""

EndpointStatus = Literal["enabled", "disabled"]

DisabledReason = Literal["caller", "failing", "gone"]
"""`caller`: over the API. `failing`: five days without a success. `gone`: it answered 410."""

DeliveryStatus = Literal["pending", "succeeded", "failed", "aborted", "discarded"]
"""`failed`: every attempt of the schedule failed. `aborted`: the receiver asked to stop, by
`webhook-delivery: abort-message`. `discarded`: the endpoint was deleted or disabled first."""

Trigger = Literal["event", "resend", "recover", "test"]
"""Why a delivery exists."""

MAX_ENDPOINTS: Final = 16
"""Per tenant."""

MAX_BODY_BYTES: Final = 20_480
"""Of a delivery."""

RESPONSE_KEPT_BYTES: Final = 2048
"""Of what a receiver answers, in the log."""

SECRET_OVERLAP_S: Final = 24 * 3600
"""How long the secret before a rotation still signs."""

WAKE_WEBHOOKS: Final = "wake.webhooks"
"""Core subject: a delivery is due somewhere (resend, recover, test, an endpoint enabled)."""
