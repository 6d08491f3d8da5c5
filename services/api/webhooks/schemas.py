"""Requests and answers of `/v1/webhook_endpoints` and `/v1/webhook_keys`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from services.api.fields import TeamId, utc
from services.api.metadata import MAX_KEYS, Metadata, MetadataKey, MetadataValue, merged
from services.api.webhooks.records import PublicKey, Rotation, WebhookEndpoint, Wish
from shared.contracts.events import EventType
from shared.contracts.webhooks import DisabledReason, EndpointStatus, Payload
from shared.ids import format_id, parse_id
from shared.webhooks.outbound import MAX_URL_LENGTH
from shared.webhooks.secrets import public_key_text

Url = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^https?://[^\s]+$",
        max_length=MAX_URL_LENGTH,
        description="Where to send events: HTTPS, port 443 or 8443, a public host, no user name.",
    ),
]
Description = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=500)]
MetadataChanges = Annotated[
    dict[MetadataKey, MetadataValue | None],
    msgspec.Meta(
        max_length=2 * MAX_KEYS,
        description="New values by key; null takes a key away, others stay as they are.",
    ),
]
EventTypes = Annotated[
    tuple[EventType, ...],
    msgspec.Meta(min_length=1, max_length=100, description="Only these; null or absent: all."),
]
TeamIds = Annotated[
    tuple[TeamId, ...],
    msgspec.Meta(
        min_length=1,
        max_length=100,
        description="Only what is about people who were in one of these teams on the day of the"
        " event; null or absent: everybody.",
    ),
]
Rate = Annotated[
    int,
    msgspec.Meta(ge=1, le=1000, description="Deliveries per second at most; null: no own limit."),
]


class WebhookEndpointCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a webhook endpoint."""

    url: Url
    description: Description | None = None
    metadata: Metadata = msgspec.field(default_factory=dict)
    event_types: EventTypes | None = None
    team_ids: TeamIds | None = None
    payload: Payload = "thin"
    """`thin`: events as in the feed. `fat`: with the present facts of their resource, what people
    said included; the key needs the scopes to read those.
    """
    rate_per_s: Rate | None = None

    def wish(self) -> Wish:
        """Return what the service takes."""
        return Wish(
            url=self.url,
            description=self.description,
            metadata=self.metadata,
            event_types=_distinct(self.event_types),
            team_ids=None if self.team_ids is None else _teams(self.team_ids),
            payload=self.payload,
            rate_per_s=self.rate_per_s,
        )


class WebhookEndpointPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change a webhook endpoint; what is absent stays as it is."""

    url: Url | msgspec.UnsetType = msgspec.UNSET
    description: Description | msgspec.UnsetType | None = msgspec.UNSET
    metadata: MetadataChanges | msgspec.UnsetType = msgspec.UNSET
    event_types: EventTypes | msgspec.UnsetType | None = msgspec.UNSET
    team_ids: TeamIds | msgspec.UnsetType | None = msgspec.UNSET
    payload: Payload | msgspec.UnsetType = msgspec.UNSET
    rate_per_s: Rate | msgspec.UnsetType | None = msgspec.UNSET
    status: EndpointStatus | msgspec.UnsetType = msgspec.UNSET
    """A disabled endpoint gets nothing, and what waits for it is discarded."""

    @property
    def wanted_status(self) -> EndpointStatus | None:
        """The status it shall have; None: as it is."""
        return None if self.status is msgspec.UNSET else self.status

    def apply(self, before: Wish) -> Wish:
        """Return what the endpoint shall be."""
        given: dict[str, Any] = {
            name: value
            for name in ("url", "description", "payload", "rate_per_s")
            if (value := getattr(self, name)) is not msgspec.UNSET
        }
        if self.metadata is not msgspec.UNSET:
            given["metadata"] = merged(before.metadata, self.metadata)
        if self.event_types is not msgspec.UNSET:
            given["event_types"] = _distinct(self.event_types)
        if self.team_ids is not msgspec.UNSET:
            given["team_ids"] = None if self.team_ids is None else _teams(self.team_ids)
        kept = {name: getattr(before, name) for name in Wish.__struct_fields__}
        return Wish(**(kept | given))


class WebhookEndpointView(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook endpoint."""

    id: str
    url: str
    description: str | None
    metadata: dict[str, str]
    event_types: list[str] | None
    team_ids: list[str] | None
    payload: Payload
    rate_per_s: int | None
    status: EndpointStatus
    disabled_reason: DisabledReason | None
    """`caller`: over the API. `failing`: five days without a success. `gone`: it answered 410."""
    disabled_at: datetime | None
    failing_since: datetime | None
    """The first failure since the last success."""
    last_success_at: datetime | None
    recover_since: datetime | None
    """Since when events may not have arrived: of a disabled endpoint, and in the answer that
    enables it. Give it to `/recover`.
    """
    created_at: datetime
    updated_at: datetime


class WebhookEndpointCreated(WebhookEndpointView, frozen=True, kw_only=True):
    """A new webhook endpoint with its secret."""

    secret: str | None
    """`whsec_...`, shown once; null when the request is a repeat: then rotate it."""


class SecretRotate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a new secret."""

    revoke_now: bool = False
    """The earlier ones sign no more; otherwise the last one signs for another 24 hours."""


class SecretView(msgspec.Struct, frozen=True, kw_only=True):
    """A new secret."""

    secret: str | None
    """`whsec_...`, shown once; null when the request is a repeat."""
    created_at: datetime
    previous_expires_at: datetime | None
    """Until then deliveries carry signatures by earlier secrets as well."""

    @classmethod
    def of(cls, rotation: Rotation) -> "SecretView":
        """Return the public form."""
        return cls(
            secret=rotation.secret,
            created_at=utc(rotation.created_at),
            previous_expires_at=moment(rotation.previous_expires_at),
        )


class WebhookEndpointDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook endpoint that is gone, with its log."""

    id: str


class WebhookKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """What verifies the signature `v1a`."""

    public_key: str
    """`whpk_` and base64 of an Ed25519 key."""
    created_at: datetime
    expires_at: datetime | None
    """Null: the current one."""

    @classmethod
    def of(cls, key: PublicKey) -> "WebhookKeyView":
        """Return the public form."""
        return cls(
            public_key=public_key_text(key.public_key),
            created_at=utc(key.created_at),
            expires_at=moment(key.expires_at),
        )


class WebhookKeysView(msgspec.Struct, frozen=True, kw_only=True):
    """Every key that signs, newest first."""

    data: list[WebhookKeyView]


def endpoint_view(
    endpoint: WebhookEndpoint, *, recover_since: datetime | None = None
) -> WebhookEndpointView:
    """Return the public form; `recover_since` is that of the change that enabled it."""
    return WebhookEndpointView(**_fields(endpoint, recover_since))


def created_view(endpoint: WebhookEndpoint, secret: str | None) -> WebhookEndpointCreated:
    """Return the answer to a creation."""
    return WebhookEndpointCreated(**_fields(endpoint, None), secret=secret)


def moment(at: datetime | None) -> datetime | None:
    """Return a moment that may be absent in UTC."""
    return None if at is None else utc(at)


def _fields(endpoint: WebhookEndpoint, recover_since: datetime | None) -> dict[str, Any]:
    team_ids, types = endpoint.team_ids, endpoint.event_types
    same = ("url", "description", "metadata", "payload", "rate_per_s", "status", "disabled_reason")
    moments = ("disabled_at", "failing_since", "last_success_at", "created_at", "updated_at")
    return {
        "id": format_id("whe", endpoint.endpoint_id),
        "event_types": None if types is None else list(types),
        "team_ids": None if team_ids is None else [format_id("team", each) for each in team_ids],
        "recover_since": moment(recover_since or endpoint.recover_since),
        **{name: getattr(endpoint, name) for name in same},
        **{name: moment(getattr(endpoint, name)) for name in moments},
    }


def _distinct(types: Sequence[EventType] | None) -> tuple[str, ...] | None:
    return None if types is None else tuple(dict.fromkeys(each.value for each in types))


def _teams(texts: Sequence[str]) -> tuple[UUID, ...]:
    return tuple(parse_id("team", text) for text in dict.fromkeys(texts))
