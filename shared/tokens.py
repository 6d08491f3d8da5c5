"""Learner tokens: short-lived JWTs with which a partner's page speaks for one learner.

HS256. The secret is derived from the installation's master key for each tenant and API key, so a
token is only good under the key that made it (`kid`), and nothing is stored. Inside are ids, scopes
and times; never a name or an external id.
"""

import hmac
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import jwt
import msgspec

from shared.ids import InvalidIdError, format_id, parse_id

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "rapport"
ISSUER: Final = "rapport"
KIND: Final = "rapport-learner+jwt"
"""Header `typ`: a JWT made for something else is none of ours, whoever signed it."""

MIN_TTL_S: Final = 60
MAX_TTL_S: Final = 3600
DEFAULT_TTL_S: Final = 900

MAX_CHARACTERS: Final = 2048
"""A token has about 600; longer texts are not looked into."""

SCOPES: Final = ("simulations:read", "simulations:write", "scorings:read")
"""What a token may allow at most; never more than the key that makes it."""


class InvalidTokenError(ValueError):
    """Not a token of ours: wrong shape, signature, audience, issuer or kind."""


class LearnerToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says."""

    token_id: UUID
    key_id: UUID
    """The API key that made it, with whose end it ends."""
    learner_id: UUID
    simulation_id: UUID | None
    """Only this conversation; None: all of the learner's."""
    scenario: tuple[str, str] | None
    """Id and slug of the only scenario that may be started; None: any."""
    scopes: frozenset[str]
    origin: str | None
    """Only from pages of this origin; None: from those the tenant allows."""
    issued_at: datetime
    expires_at: datetime
    """Both in whole seconds, UTC."""


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    sub: str
    iat: int
    exp: int
    jti: UUID
    scope: str
    sim: str | None = None
    scn: tuple[str, str] | None = None
    org: str | None = None


class TokenSecrets:
    """The signing secrets of an installation."""

    def __init__(self, master_key: bytes) -> None:
        self._root = hmac.digest(master_key, b"rapport learner tokens v1", sha256)

    def of(self, tenant_id: UUID, key_id: UUID) -> bytes:
        """Return the 32 bytes that sign the tokens of one API key."""
        return hmac.digest(self._root, tenant_id.bytes + key_id.bytes, sha256)


def sign(token: LearnerToken, secret: bytes) -> str:
    """Return the token as its holder sends it."""
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": format_id("lrn", token.learner_id),
        "iat": int(token.issued_at.timestamp()),
        "exp": int(token.expires_at.timestamp()),
        "jti": str(token.token_id),
        "scope": " ".join(sorted(token.scopes)),
    }
    if token.simulation_id is not None:
        claims["sim"] = format_id("sim", token.simulation_id)
    if token.scenario is not None:
        claims["scn"] = list(token.scenario)
    if token.origin is not None:
        claims["org"] = token.origin
    headers = {"kid": format_id("key", token.key_id), "typ": KIND}
    return jwt.encode(claims, secret, algorithm=ALGORITHM, headers=headers)


def looks_like_token(text: str) -> bool:
    """Say whether a credential is meant as a token: three parts with dots between them."""
    return text.count(".") == 2 and len(text) <= MAX_CHARACTERS


def key_of(text: str) -> UUID:
    """Return the API key that a token says it was made with; nothing is proven by it.

    Raises:
        InvalidTokenError: not the header of a token of ours.
    """
    try:
        header = jwt.get_unverified_header(text)
        if header.get("alg") != ALGORITHM or header.get("typ") != KIND or "crit" in header:
            raise InvalidTokenError("another kind of token")
        return parse_id("key", header.get("kid", ""))
    except (jwt.PyJWTError, InvalidIdError, AttributeError, TypeError):
        raise InvalidTokenError("not a token") from None


def verify(text: str, key_id: UUID, secret: bytes) -> LearnerToken:
    """Return what a token says, once its signature holds; its times are for the caller to judge.

    Raises:
        InvalidTokenError: it does not hold, or says something that ours never say.
    """
    try:
        claims = jwt.decode(
            text,
            secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={
                "require": ["iss", "aud"],  # the others by `_Claims`
                "verify_exp": False,  # by the process's own clock
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        return _token(msgspec.convert(claims, _Claims), key_id)
    except (jwt.PyJWTError, msgspec.ValidationError, ValueError, TypeError, OverflowError):
        raise InvalidTokenError("not a token of ours") from None


def _token(claims: _Claims, key_id: UUID) -> LearnerToken:
    return LearnerToken(
        token_id=claims.jti,
        key_id=key_id,
        learner_id=parse_id("lrn", claims.sub),
        simulation_id=None if claims.sim is None else parse_id("sim", claims.sim),
        scenario=claims.scn,
        scopes=frozenset(claims.scope.split()) & frozenset(SCOPES),
        origin=claims.org,
        issued_at=datetime.fromtimestamp(claims.iat, UTC),
        expires_at=datetime.fromtimestamp(claims.exp, UTC),
    )
