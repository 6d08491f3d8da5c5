"""API keys as the service sees them."""

from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from services.api.addresses import Network
from shared.keys import Environment
from shared.trail.entries import digest

KeyStatus = Literal["active", "expired", "revoked"]

MAX_KEYS: Final = 1000
"""Keys of one tenant that have not ended."""

MAX_GRACE: Final = timedelta(days=7)
"""How long the secret before a roll may stay good."""


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What a key may do, for whom, from where and until when."""

    environment: Environment
    scopes: tuple[str, ...]
    team_ids: tuple[UUID, ...] | None = None
    """Only people of these teams; None: all."""
    learner_id: UUID | None = None
    """Only this learner; None: all."""
    networks: tuple[Network, ...] | None = None
    """Only from there; None: from everywhere."""
    expires_at: datetime | None = None
    """None: never."""


class NewKeyWish(Rights, frozen=True, kw_only=True):
    """A key that shall be made."""

    name: str
    user_id: UUID | None = None
    """Whose key it is; None: a program's."""


class ApiKey(Rights, frozen=True, kw_only=True):
    """A stored key; its text is not."""

    key_id: UUID
    name: str | None
    """None: made on the command line."""
    user_id: UUID | None = None
    created_at: datetime
    revoked_at: datetime | None = None
    rolled_at: datetime | None = None
    previous_expires_at: datetime | None = None
    """Until when the secret before the last roll is good."""
    last_used_at: datetime | None = None
    """Exact to a minute."""
    sealed_name: bytes | None = None

    def status(self, now: datetime) -> KeyStatus:
        """Say whether the key is good."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"

    @property
    def digest(self) -> bytes:
        """32 bytes that stand for what can be changed of it; the name only sealed."""
        facts: dict[str, Any] = {
            "name": self.sealed_name,
            "scopes": sorted(self.scopes),
            "networks": None if self.networks is None else [str(each) for each in self.networks],
            "expires_at": self.expires_at,
            "revoked_at": self.revoked_at,
            "rolled_at": self.rolled_at,
        }
        return digest(facts)


def is_inside(network: Network, others: tuple[Network, ...]) -> bool:
    """Say whether all of a network lies in one of the others."""
    return any(_is_part(network, other) for other in others)


def _is_part(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(other, IPv4Network) and network.subnet_of(other)
    return isinstance(other, IPv6Network) and network.subnet_of(other)
