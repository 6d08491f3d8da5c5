"""What a tenant has set about its identity provider, and how it rests in the database."""

import hashlib
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.db.sealed import TenantKey
from shared.ids import format_id

UserClaim = Literal["sub", "email", "preferred_username"]
"""Which claim of a token says whose it is."""

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
"""Signatures with a private key that only the provider has; nothing symmetric, never `none`."""

COMMON: Final[tuple[Algorithm, ...]] = ("RS256", "PS256", "ES256", "EdDSA")
"""What is allowed where a tenant says nothing."""

COLUMN: Final = "identity_settings.settings"


class IdentitySettings(Record, frozen=True, kw_only=True):
    """A tenant's identity provider."""

    issuer: str
    """Exactly as the provider writes it into `iss`."""
    audience: str
    """What tokens for this tenant carry in `aud`."""
    algorithms: tuple[Algorithm, ...] = COMMON
    clock_skew_s: int = 30
    """Seconds by which the provider's clock and ours may differ, 0 to 120."""
    user_claim: UserClaim = "sub"
    client_ids: tuple[str, ...] = ()
    """Clients whose tokens are taken (`azp`, `client_id`); empty: all of the issuer's."""
    role_claim: str | None = None
    """A claim with the person's groups or roles; None: roles are set in Rapport."""
    roles: dict[str, str] = {}  # noqa: RUF012 - msgspec copies an empty default
    """Role by value of that claim."""


class StoredIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """Settings as they are stored."""

    tenant_id: UUID
    revision: int
    settings: IdentitySettings
    updated_at: datetime


def own_audience(tenant_id: UUID) -> str:
    """Return the audience that is this tenant's and can be nobody else's."""
    return f"urn:rapport:{format_id('ten', tenant_id)}"


def pair_hash(issuer: str, audience: str) -> bytes:
    """Return the 32 bytes by which the tenant of a token is found.

    Not keyed: neither part is a secret nor about a person, and it outlives every key.
    """
    text = f"rapport identity v1\0{issuer}\0{audience}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def seal(tenant: TenantKey, settings: IdentitySettings) -> bytes:
    """Return the sealed form of settings."""
    return tenant.seal(msgspec.json.encode(settings), COLUMN, tenant.tenant_id.bytes)


def unseal(tenant: TenantKey, sealed: bytes) -> IdentitySettings:
    """Return sealed settings; raises `UnsealError`."""
    plain = tenant.open(sealed, COLUMN, tenant.tenant_id.bytes)
    return msgspec.json.decode(plain, type=IdentitySettings)
