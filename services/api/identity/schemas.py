"""Requests and answers of `/v1/settings/identity`."""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from services.api.fields import utc
from services.api.identity.fetching import MAX_URL_LENGTH
from services.api.identity.settings import (
    COMMON,
    Algorithm,
    IdentitySettings,
    StoredIdentity,
    UserClaim,
    own_audience,
)
from services.api.principal import Principal
from services.api.validation import RuleError, broken
from shared.roles import Role

MAX_CLIENTS: Final = 50
MAX_ROLES: Final = 100
MAX_SKEW_S: Final = 120

_Text = Annotated[str, msgspec.Meta(pattern="^[!-~]+$", max_length=300)]
_ClaimName = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.:/-]+$", max_length=200)]
_ClaimValue = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=300)]


class IdentityPut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Your identity provider, in place of an earlier one; what is absent has its default again."""

    issuer: Annotated[
        str,
        msgspec.Meta(
            pattern="^https?://[!-~]+$",
            max_length=MAX_URL_LENGTH,
            description="Exactly what your provider writes into `iss`; its discovery document is "
            "read below it. HTTPS, and a public address.",
        ),
    ]
    audience: Annotated[
        _Text | None,
        msgspec.Meta(
            description="What tokens for us carry in `aud`. Null: the one that is yours alone, "
            "which GET shows. One of your own, such as a client id, may be in use by one tenant."
        ),
    ] = None
    algorithms: Annotated[
        tuple[Algorithm, ...],
        msgspec.Meta(min_length=1, max_length=10, description="Signatures that are accepted."),
    ] = COMMON
    clock_skew_s: Annotated[
        int,
        msgspec.Meta(
            ge=0, le=MAX_SKEW_S, description="Seconds by which your provider's clock may differ."
        ),
    ] = 30
    user_claim: Annotated[
        UserClaim,
        msgspec.Meta(
            description="The claim that is compared with `user_name` when somebody comes for the "
            "first time; afterwards they are known by `sub`. `email` must be marked as verified."
        ),
    ] = "sub"
    client_ids: Annotated[
        tuple[_Text, ...],
        msgspec.Meta(
            max_length=MAX_CLIENTS,
            description="Clients whose tokens are accepted (`azp`, `client_id`); empty: all.",
        ),
    ] = ()
    role_claim: Annotated[
        _ClaimName | None,
        msgspec.Meta(description="A claim with groups or roles; null: roles are set here only."),
    ] = None
    roles: Annotated[
        dict[_ClaimValue, Role],
        msgspec.Meta(
            max_length=MAX_ROLES,
            description="Role by value of that claim. The mightiest that matches counts while the "
            "token lasts; without a match, the role that is set here.",
        ),
    ] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        errors = []
        for name in ("algorithms", "client_ids"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                errors.append(broken(f"/{name}", "duplicate", "Each may be named once"))
        if self.roles and self.role_claim is None:
            errors.append(broken("/role_claim", "missing", "Roles are found by a claim: name it"))
        if self.issuer != self.issuer.strip():
            errors.append(broken("/issuer", "invalid", "There is a line end in it"))
        if errors:
            raise RuleError(*errors)

    def settings(self, principal: Principal) -> IdentitySettings:
        """Return what is to be stored for a caller's tenant."""
        return IdentitySettings(
            issuer=self.issuer,
            audience=self.audience or own_audience(principal.tenant_id),
            algorithms=self.algorithms,
            clock_skew_s=self.clock_skew_s,
            user_claim=self.user_claim,
            client_ids=self.client_ids,
            role_claim=self.role_claim,
            roles=dict(self.roles),
        )


class IdentityView(msgspec.Struct, frozen=True, kw_only=True):
    """Your identity provider; there is no secret in it."""

    revision: int
    """0: none is set, and nobody signs in."""
    issuer: str | None
    audience: str
    """What tokens for us carry in `aud`."""
    own_audience: str
    """The audience that is yours alone."""
    algorithms: tuple[Algorithm, ...]
    clock_skew_s: int
    user_claim: UserClaim
    client_ids: tuple[str, ...]
    role_claim: str | None
    roles: dict[str, str]
    updated_at: datetime | None

    @classmethod
    def of(cls, stored: StoredIdentity | None, principal: Principal) -> "IdentityView":
        """Return the public form; of nothing stored, the defaults."""
        own = own_audience(principal.tenant_id)
        settings = IdentitySettings(issuer="", audience=own) if stored is None else stored.settings
        return cls(
            revision=0 if stored is None else stored.revision,
            issuer=settings.issuer or None,
            audience=settings.audience,
            own_audience=own,
            algorithms=settings.algorithms,
            clock_skew_s=settings.clock_skew_s,
            user_claim=settings.user_claim,
            client_ids=settings.client_ids,
            role_claim=settings.role_claim,
            roles=settings.roles,
            updated_at=None if stored is None else utc(stored.updated_at),
        )


class IdentityDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """No provider is set: its tokens open nothing from now on."""

    deleted: bool = True
