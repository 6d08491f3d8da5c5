"""Requests and answers of `/v1/api_keys`."""

from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from services.api.addresses import Network
from services.api.api_keys.records import MAX_GRACE, ApiKey, KeyStatus, NewKeyWish
from services.api.fields import LearnerId, Name, TeamId, UserId, public, utc
from services.api.paging import PageQuery
from services.api.validation import RuleError, broken
from shared.errors import FieldError
from shared.ids import format_id, parse_id
from shared.keys import SCOPES, Environment

TenantEnvironment = Literal["live", "test"]

Scope = Annotated[str, msgspec.Meta(pattern="^[a-z_]+:[a-z]+$", max_length=60)]
Scopes = Annotated[
    tuple[Scope, ...],
    msgspec.Meta(min_length=1, max_length=100, description="What the key may do."),
]
Cidr = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$", max_length=49)]
Networks = Annotated[
    tuple[Cidr, ...],
    msgspec.Meta(
        min_length=1,
        max_length=50,
        description="Only requests from these addresses, for example `203.0.113.0/24`; null or"
        " absent: from everywhere.",
    ),
]
TeamIds = Annotated[
    tuple[TeamId, ...],
    msgspec.Meta(
        min_length=1,
        max_length=100,
        description="Only people who are in one of these teams; null or absent: everybody.",
    ),
]
GraceS = Annotated[
    int,
    msgspec.Meta(
        ge=0,
        le=int(MAX_GRACE.total_seconds()),
        description="Seconds for which the present secret stays good beside the new one.",
    ),
]


class ApiKeyCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make an API key."""

    name: Name
    scopes: Scopes
    environment: TenantEnvironment | None = None
    """`test` keys never spend money. That of your own key when absent."""
    team_ids: TeamIds | None = None
    learner_id: LearnerId | None = None
    """Only this learner; null or absent: everybody."""
    user_id: UserId | None = None
    """Whose key it is: it then never does more than the role of this user, and ends with them."""
    networks: Networks | None = None
    expires_at: datetime | None = None
    """With a time zone; null or absent: never."""

    def __post_init__(self) -> None:
        errors = [
            broken(f"/scopes/{index}", "unknown-scope", "There is no such scope")
            for index, scope in enumerate(self.scopes)
            if scope not in SCOPES
        ]
        errors += _network_faults(self.networks)
        errors += _zone_faults(self.expires_at)
        if errors:
            raise RuleError(*errors)

    def wish(self, own: Environment) -> NewKeyWish:
        """Return what the service takes; `own` is the environment of the key that asks."""
        return NewKeyWish(
            name=self.name,
            environment=self.environment or own,
            scopes=tuple(dict.fromkeys(self.scopes)),
            team_ids=_ids("team", self.team_ids),
            learner_id=None if self.learner_id is None else parse_id("lrn", self.learner_id),
            user_id=None if self.user_id is None else parse_id("usr", self.user_id),
            networks=_networks(self.networks),
            expires_at=self.expires_at,
        )


class ApiKeyPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change an API key; what is absent stays as it is."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    networks: Networks | msgspec.UnsetType | None = msgspec.UNSET
    expires_at: datetime | msgspec.UnsetType = msgspec.UNSET
    """Earlier than it is; a key is never prolonged."""

    def __post_init__(self) -> None:
        errors = []
        if self.networks is not msgspec.UNSET:
            errors += _network_faults(self.networks)
        if self.expires_at is not msgspec.UNSET:
            errors += _zone_faults(self.expires_at)
        if errors:
            raise RuleError(*errors)

    def apply(self, before: ApiKey) -> ApiKey:
        """Return what the key shall be."""
        given: dict[str, Any] = {}
        if self.name is not msgspec.UNSET:
            given["name"] = self.name
        if self.networks is not msgspec.UNSET:
            given["networks"] = _networks(self.networks)
        if self.expires_at is not msgspec.UNSET:
            given["expires_at"] = self.expires_at
        return msgspec.structs.replace(before, **given)


class ApiKeyRoll(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make a new secret for an API key."""

    grace_s: GraceS = 86_400


class ApiKeyQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters of the list."""

    user_id: UserId | None = None
    status: Literal["active"] | None = None
    """Only keys that have not ended."""


class ApiKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without its text."""

    id: str
    name: str | None
    """Null: made on the command line."""
    status: KeyStatus
    environment: TenantEnvironment
    scopes: list[str]
    team_ids: list[str] | None
    learner_id: str | None
    user_id: str | None
    networks: list[str] | None
    expires_at: datetime | None
    rolled_at: datetime | None
    previous_expires_at: datetime | None
    """Until when the secret before the last roll is good."""
    revoked_at: datetime | None
    last_used_at: datetime | None
    """Exact to a minute."""
    created_at: datetime


class ApiKeySecret(ApiKeyView, frozen=True, kw_only=True):
    """An API key with its text."""

    text: str | None
    """`rk_...`, shown once; null when the request is a repeat: then roll the key."""


def key_view(key: ApiKey, now: datetime) -> ApiKeyView:
    """Return the public form at a moment."""
    return ApiKeyView(**_fields(key, now))


def secret_view(key: ApiKey, text: str | None, now: datetime) -> ApiKeySecret:
    """Return the public form with the text."""
    return ApiKeySecret(**_fields(key, now), text=text)


def _fields(key: ApiKey, now: datetime) -> dict[str, Any]:
    moments = (
        "expires_at", "rolled_at", "previous_expires_at", "revoked_at", "last_used_at", "created_at"
    )  # fmt: skip
    return {
        "id": format_id("key", key.key_id),
        "name": key.name,
        "status": key.status(now),
        "environment": key.environment,
        "scopes": sorted(key.scopes),
        "team_ids": None if key.team_ids is None else [format_id("team", t) for t in key.team_ids],
        "learner_id": public("lrn", key.learner_id),
        "user_id": public("usr", key.user_id),
        "networks": None if key.networks is None else [str(each) for each in key.networks],
        **{name: None if (at := getattr(key, name)) is None else utc(at) for name in moments},
    }


def _ids(prefix: str, texts: Sequence[str] | None) -> tuple[UUID, ...] | None:
    return None if texts is None else tuple(parse_id(prefix, each) for each in dict.fromkeys(texts))


def _networks(texts: Sequence[str] | None) -> tuple[Network, ...] | None:
    return None if texts is None else tuple(ip_network(each) for each in dict.fromkeys(texts))


def _network_faults(texts: Sequence[str] | None) -> list[FieldError]:
    faults = []
    for index, text in enumerate(texts or ()):
        try:
            ip_network(text)
        except ValueError:
            detail = "A network is an address, or one with a prefix length and no bits beyond it"
            faults.append(broken(f"/networks/{index}", "not-a-network", detail))
    return faults


def _zone_faults(at: datetime | None) -> list[FieldError]:
    if at is None or at.tzinfo is not None:
        return []
    return [broken("/expires_at", "time-zone", "A time has a time zone, for example Z")]
