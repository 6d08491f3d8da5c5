"""Public keys of the issuers that tenants have named, as a process remembers them.

A key that is not known is looked for at the issuer, but not more often than every `UNKNOWN_REST_S`
seconds: forged key ids cannot make us call anybody in a loop. When the issuer does not answer, keys
that were read before stay good for `STALE_S` seconds.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from services.api.identity.fetching import Fetcher, FetchError
from services.api.identity.tokens import PublicKey, fits
from shared.log import get_logger

log = get_logger()

FRESH_S: Final = 300.0
"""Seconds after which keys are read again: as long does a key live on that its issuer withdrew."""

STALE_S: Final = 4 * 3600.0
"""Seconds that keys are good for while their issuer does not answer."""

UNKNOWN_REST_S: Final = 5.0
"""Seconds between two looks for keys that are not known."""

AWAY_REST_S: Final = 30.0
"""Seconds after a look that failed in which known keys are used without another one."""

PATIENCE_S: Final = 2.0
"""Seconds that somebody with a known key waits for an issuer that is slow or away."""

ISSUERS: Final = 1000
"""Issuers a process remembers; the oldest goes first."""

MAX_KEYS: Final = 100
"""Of one issuer; the rest is not looked at."""

WELL_KNOWN: Final = "/.well-known/openid-configuration"


class _Key(msgspec.Struct, frozen=True):
    key_id: str | None
    algorithm: str | None
    """The only one it is for; None: any that fits."""
    public: PublicKey


class _Issuer:
    """What is known of one issuer."""

    def __init__(self) -> None:
        self.keys: tuple[_Key, ...] = ()
        self.read_at = float("-inf")
        """When the keys were read, monotonic seconds."""
        self.tried_at = float("-inf")
        """When reading them last began."""
        self.failed_at = float("-inf")
        """When reading them failed last."""
        self.reading: asyncio.Task[None] | None = None

    def find(self, key_id: str | None, algorithm: str) -> PublicKey | None:
        """Return the key of a token; without a name only if there is no choice."""
        fitting = [
            key.public
            for key in self.keys
            if (key_id is None or key.key_id == key_id)
            and key.algorithm in (None, algorithm)
            and fits(key.public, algorithm)
        ]
        return fitting[0] if len(fitting) == 1 else None


class KeySets:
    """Finds keys; reads each issuer's documents once for all who wait."""

    def __init__(self, fetcher: Fetcher, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._fetcher = fetcher
        self._monotonic = monotonic
        self._issuers: dict[str, _Issuer] = {}

    async def find(self, issuer: str, key_id: str | None, algorithm: str) -> PublicKey | None:
        """Return the issuer's key of this name, if it fits the algorithm.

        Args:
            issuer: One that a tenant has named; a stranger's must not come here.
            key_id: The token's `kid`; None: the issuer's only fitting key.
            algorithm: The token's, one of `ALGORITHMS`.
        """
        known = self._known(issuer)
        found = known.find(key_id, algorithm)
        if found is None or self._monotonic() - known.read_at >= STALE_S:
            await self._read(issuer, known)
        elif self._monotonic() - known.read_at >= FRESH_S:
            await self._refresh(issuer, known)
        if self._monotonic() - known.read_at >= STALE_S:
            return None
        return known.find(key_id, algorithm)

    def _known(self, issuer: str) -> _Issuer:
        known = self._issuers.pop(issuer, None) or _Issuer()
        if len(self._issuers) >= ISSUERS:
            self._issuers.pop(next(iter(self._issuers)))
        self._issuers[issuer] = known  # the youngest comes last
        return known

    async def _refresh(self, issuer: str, known: _Issuer) -> None:
        """Read known keys again; go on with them when that takes long or has just failed."""
        now = self._monotonic()
        if known.reading is None and now - known.failed_at < AWAY_REST_S:
            return
        if known.reading is not None and now - known.tried_at >= PATIENCE_S:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._read(issuer, known)

    async def _read(self, issuer: str, known: _Issuer) -> None:
        """Read the issuer's keys again, unless somebody just did; one reads for all."""
        if known.reading is None:
            if self._monotonic() - known.tried_at < UNKNOWN_REST_S:
                return
            known.reading = asyncio.create_task(self._fetch(issuer, known))
        await asyncio.shield(known.reading)

    async def _fetch(self, issuer: str, known: _Issuer) -> None:
        known.tried_at = began = self._monotonic()
        try:
            known.keys = await self._keys_of(issuer)
            known.read_at = began
        except FetchError as error:
            known.failed_at = self._monotonic()
            log.warning("identity.keys_not_read", why=str(error).partition(":")[0])
        finally:
            known.reading = None

    async def _keys_of(self, issuer: str) -> tuple[_Key, ...]:
        found = await self._fetcher.fetch(issuer.rstrip("/") + WELL_KNOWN)
        place = found.get("jwks_uri")
        if found.get("issuer") != issuer or not isinstance(place, str):
            raise FetchError("another-issuer")
        keys = (await self._fetcher.fetch(place)).get("keys")
        if not isinstance(keys, list):
            raise FetchError("no-keys")
        read = (_key(each) for each in keys[:MAX_KEYS] if isinstance(each, dict))
        return tuple(key for key in read if key is not None)


def _key(value: Mapping[str, Any]) -> _Key | None:
    """Return a key of a set; None: one that no signature of ours is checked with."""
    if value.get("use", "sig") != "sig" or value.get("kty") not in ("RSA", "EC", "OKP"):
        return None
    key_id, algorithm = value.get("kid"), value.get("alg")
    # Its public part only: were a private one in it, it would not be looked at.
    parts = {name: value[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in value}
    try:
        public = jwt.PyJWK(parts, algorithm=_any_algorithm(parts)).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if not isinstance(
        public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
    ):
        return None
    return _Key(
        key_id if isinstance(key_id, str) else None,
        algorithm if isinstance(algorithm, str) else None,
        public,
    )


def _any_algorithm(parts: Mapping[str, Any]) -> str:
    """Return an algorithm of the key's family: it decides how the numbers are read, no more."""
    if parts["kty"] == "EC":
        return {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[parts["crv"]]
    return {"RSA": "RS256", "OKP": "EdDSA"}[parts["kty"]]
