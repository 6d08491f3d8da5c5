"""Tokens of an identity provider: what they say before and after their signature holds.

Nothing here reads a key, a URL or a certificate out of a token (`jwk`, `jku`, `x5u`, `x5c`): keys
come from the issuer that the tenant has named, and from nowhere else.
"""

import binascii
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from services.api.identity.settings import Algorithm, IdentitySettings
from shared.tokens import KIND

MAX_CHARACTERS: Final = 8192
"""Longer tokens are not looked into; those of common providers have 700 to 3,000."""

MAX_AUDIENCES: Final = 20
MAX_TEXT: Final = 500
"""Characters of a claim that is compared with something."""

ALGORITHMS: Final = frozenset(get_args(Algorithm))

KINDS: Final = frozenset({"", "jwt", "at+jwt", "application/jwt", "application/at+jwt"})
"""Header `typ` of what is meant to be shown: not log-out tokens, not proofs, nothing of ours."""

_CURVES: Final = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}

MIN_RSA_BITS: Final = 2048

_CLIENT_CLAIMS: Final = ("azp", "client_id", "cid", "appid")
"""Who a token was made for: OpenID Connect, RFC 9068, and two providers' own words for it."""

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class TokenRefusedError(ValueError):
    """The token is not good. The message is for tests and developers: callers are told nothing."""


class Peeked(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says of itself; nothing of it is proven."""

    algorithm: str
    key_id: str | None
    issuer: str
    audiences: tuple[str, ...]


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What is known once the signature holds and the token is for this tenant, now."""

    subject: str
    user: str
    """Value of the claim that finds the user."""
    roles: tuple[str, ...]
    """Values of the role claim."""
    expires_at: datetime
    """From when on it is refused: its `exp` and the allowed difference of clocks."""


def recognizes(text: str) -> bool:
    """Say whether a credential is meant as the token of an identity provider."""
    if not text.startswith("eyJ") or text.count(".") != 2:
        return False
    if len(text) > MAX_CHARACTERS:
        return True  # to be refused as one
    try:
        return jwt.get_unverified_header(text).get("typ") != KIND
    except (jwt.PyJWTError, ValueError, RecursionError):
        return True


def peek(text: str) -> Peeked:
    """Return what a token says of itself.

    Raises:
        TokenRefusedError: too long, no token, another kind of token, or a signature that is never
            accepted.
    """
    if len(text) > MAX_CHARACTERS or not text.isascii():
        raise TokenRefusedError("too long")
    header, claims = _read(text)
    algorithm, kind = header.get("alg"), header.get("typ", "")
    key_id = header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefusedError("its signature is none that is accepted")
    if not isinstance(kind, str) or kind.lower() not in KINDS or "crit" in header:
        raise TokenRefusedError("another kind of token")
    if key_id is not None and not _is_text(key_id):
        raise TokenRefusedError("its key has no name")
    return Peeked(
        algorithm=algorithm,
        key_id=key_id,
        issuer=_text(claims, "iss"),
        audiences=_audiences(claims.get("aud")),
    )


def fits(key: PublicKey, algorithm: str) -> bool:
    """Say whether a key may check this kind of signature."""
    if isinstance(key, rsa.RSAPublicKey):
        return algorithm[:2] in ("RS", "PS") and key.key_size >= MIN_RSA_BITS
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVES.get(algorithm) == key.curve.name
    return algorithm == "EdDSA"


def verify(text: str, key: PublicKey, settings: IdentitySettings, now: datetime) -> Claims:
    """Return what a token says, if it is good for this tenant now.

    Args:
        text: The token, which `peek` has taken.
        key: The issuer's key of that name.
        settings: Of the tenant.
        now: The process's clock.

    Raises:
        TokenRefusedError: it is not.
    """
    algorithm = peek(text).algorithm
    if algorithm not in settings.algorithms or not fits(key, algorithm):
        raise TokenRefusedError("its signature is none that is accepted here")
    try:
        claims: dict[str, Any] = jwt.decode(
            text,
            key,
            algorithms=[algorithm],
            audience=settings.audience,
            issuer=settings.issuer,
            options={
                "require": ["iss", "aud", "exp", "sub"],
                "verify_exp": False,  # by the process's own clock, below
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefusedError(type(error).__name__) from None
    expires_at = _check_times(claims, settings.clock_skew_s, now)
    if "cnf" in claims:
        raise TokenRefusedError("bound to a key of its sender, who has not shown it")
    _check_client(claims, settings.client_ids)
    return Claims(
        subject=_text(claims, "sub"),
        user=_user(claims, settings),
        roles=_roles(claims, settings.role_claim),
        expires_at=expires_at,
    )


def _read(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        whole = jwt.api_jwt.decode_complete(
            text,
            options={
                "verify_signature": False,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError, binascii.Error, RecursionError):
        raise TokenRefusedError("not a token") from None
    return whole["header"], whole["payload"]


def _audiences(value: object) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not 0 < len(found) <= MAX_AUDIENCES:
        raise TokenRefusedError("no audience")
    if not all(_is_text(each) for each in found):
        raise TokenRefusedError("an audience that is no text")
    return tuple(found)


def _check_times(claims: dict[str, Any], skew_s: int, now: datetime) -> datetime:
    """Check when a token is good; return when it ends."""
    skew = timedelta(seconds=skew_s)
    expires_at = _moment(claims["exp"]) + skew
    if now >= expires_at:
        raise TokenRefusedError("expired")
    for name in ("nbf", "iat"):
        if claims.get(name) is not None and _moment(claims[name]) > now + skew:
            raise TokenRefusedError(f"{name} is to come")
    return expires_at


def _moment(value: object) -> datetime:
    """Return a time of a token, which may have fractions of a second."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefusedError("a time that is no number")
    try:
        moment = datetime.fromtimestamp(value, UTC)
        return moment + timedelta(0) if moment.year < 9999 else moment.replace(year=9998)
    except (ValueError, OverflowError, OSError):
        raise TokenRefusedError("a time out of this world") from None


def _check_client(claims: dict[str, Any], allowed: Sequence[str]) -> None:
    if not allowed:
        return
    named = [claims[name] for name in _CLIENT_CLAIMS if name in claims]
    if not named or not all(isinstance(each, str) and each in allowed for each in named):
        raise TokenRefusedError("made for another client")


def _user(claims: dict[str, Any], settings: IdentitySettings) -> str:
    name = settings.user_claim
    if name == "email" and claims.get("email_verified") not in (True, "true"):
        raise TokenRefusedError("an address that nobody has verified")
    return _text(claims, name)


def _roles(claims: dict[str, Any], name: str | None) -> tuple[str, ...]:
    value = None if name is None else claims.get(name)
    found = [value] if isinstance(value, str) else value
    return tuple(each for each in found if _is_text(each)) if isinstance(found, list) else ()


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not _is_text(value):
        raise TokenRefusedError(f"no {name}")
    return str(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT and value.isprintable()
