"""From the `Authorization` header to a `Principal`: by an API key, or by a learner token."""

import asyncio
import base64
import binascii
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from services.api.principal import Principal, TokenBounds
from shared.clock import Clock
from shared.db.pool import Database
from shared.db.sql import Queries
from shared.db.tx import system_tx
from shared.errors import KeyExpiredError, TenantSuspendedError, UnauthenticatedError
from shared.keys import InvalidKeyError, ParsedKey, hash_key, parse_key, same_hash
from shared.tokens import (
    InvalidTokenError,
    LearnerToken,
    TokenSecrets,
    key_of,
    looks_like_token,
    verify,
)

CACHE_S = 5.0
"""Longest seconds until a revocation, a suspension or new scopes take effect everywhere."""

CACHED_KEYS = 10_000
"""Keys and tokens a process remembers; the oldest goes first."""

MINT = "learner_tokens:write"
"""A key that may no longer make tokens has none that are good."""

_SQL = Queries("services.api")


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    principal: Principal
    expires_at: datetime | None
    revoked: bool
    suspended: bool
    read_at: float
    """Monotonic seconds."""


class Authenticator:
    """Looks keys up by their id, at most once in `CACHE_S` seconds per key or token and process."""

    def __init__(
        self, database: Database, clock: Clock, secrets: TokenSecrets | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._secrets = secrets
        """Of learner tokens; without them no token is good."""
        self._known: dict[bytes, _Known] = {}
        """By the hash of the whole credential, so that only who has it finds its row here."""
        self._reading: dict[bytes, asyncio.Task[_Known | None]] = {}

    async def principal(self, header: str | None, *, is_basic_good: bool = False) -> Principal:
        """Return who holds the key or the token of an `Authorization: Bearer` header.

        With `is_basic_good` a key may come as the password of `Basic` as well.

        Raises:
            UnauthenticatedError: no header, neither a key nor a token, unknown, revoked, forged, or
                an operator's key.
            KeyExpiredError: it was valid once.
            TenantSuspendedError: it is valid, its tenant is suspended.
        """
        text = _credential(header, is_basic_good=is_basic_good)
        digest = hash_key(text)
        known = self._known.get(digest)
        if known is None or time.monotonic() - known.read_at >= CACHE_S:
            known = await self._read_once(digest, text)
        if known is None or known.revoked:
            raise UnauthenticatedError
        if known.expires_at is not None and known.expires_at <= self._clock.now():
            raise KeyExpiredError
        if known.suspended:
            raise TenantSuspendedError
        return known.principal

    async def operator(self, header: str | None) -> None:
        """Check that the header holds an operator's key.

        Raises:
            UnauthenticatedError: it does not.
        """
        key = _parse(_bearer(header))
        if key.environment != "ops":
            raise UnauthenticatedError
        async with system_tx(self._database) as connection:
            stored = await connection.fetchval(_SQL["find_ops_key"], key.key_id)
        if stored is None or not same_hash(stored, key.hash):
            raise UnauthenticatedError

    async def _read_once(self, digest: bytes, text: str) -> _Known | None:
        """Hundreds of requests may find the same key stale at once: one of them reads for all."""
        reading = self._reading.get(digest)
        if reading is None:
            what = self._read_token(text) if looks_like_token(text) else self._read(_parse(text))
            reading = asyncio.create_task(what)
            self._reading[digest] = reading
            reading.add_done_callback(lambda _: self._reading.pop(digest, None))
        return await asyncio.shield(reading)

    async def _read(self, key: ParsedKey) -> _Known | None:
        read_at = time.monotonic()
        async with system_tx(self._database) as connection:
            row = await connection.fetchrow(_SQL["find_api_key"], key.key_id, key.environment)
        self._known.pop(key.hash, None)
        if row is None or not same_hash(row["hash"], key.hash):
            return None
        known = _Known(
            principal=Principal(
                tenant_id=row["tenant_id"],
                key_id=key.key_id,
                scopes=frozenset(row["scopes"]),
                team_ids=None if row["team_ids"] is None else tuple(row["team_ids"]),
                learner_id=row["learner_id"],
                time_zone=ZoneInfo(row["time_zone"]),
                environment=key.environment,
            ),
            expires_at=row["expires_at"],
            revoked=row["revoked"],
            suspended=row["suspended"],
            read_at=read_at,
        )
        self._remember(key.hash, known)
        return known

    async def _read_token(self, text: str) -> _Known | None:
        """Check a token, with the key that made it as it is now."""
        read_at = time.monotonic()
        digest = hash_key(text)
        self._known.pop(digest, None)
        if self._secrets is None:
            return None
        try:
            key_id = key_of(text)
            async with system_tx(self._database) as connection:
                row = await connection.fetchrow(_SQL["find_minting_key"], key_id)
            if row is None:
                return None
            token = verify(text, key_id, self._secrets.of(row["tenant_id"], key_id))
        except InvalidTokenError:
            return None
        if MINT not in row["scopes"] or row["learner_id"] not in {None, token.learner_id}:
            return None
        known = _Known(
            principal=_of_token(token, row),
            expires_at=min(token.expires_at, row["expires_at"] or token.expires_at),
            revoked=row["revoked"],
            suspended=row["suspended"],
            read_at=read_at,
        )
        self._remember(digest, known)
        return known

    def _remember(self, digest: bytes, known: _Known) -> None:
        if len(self._known) >= CACHED_KEYS:
            self._known.pop(next(iter(self._known)))
        self._known[digest] = known


def _of_token(token: LearnerToken, row: asyncpg.Record) -> Principal:
    return Principal(
        tenant_id=row["tenant_id"],
        key_id=token.key_id,
        scopes=token.scopes & frozenset(row["scopes"]),
        team_ids=None if row["team_ids"] is None else tuple(row["team_ids"]),
        learner_id=token.learner_id,
        time_zone=ZoneInfo(row["time_zone"]),
        environment=row["environment"],
        token=TokenBounds(
            simulation_id=token.simulation_id, scenario=token.scenario, origin=token.origin
        ),
    )


def _credential(header: str | None, *, is_basic_good: bool) -> str:
    scheme, _, text = (header or "").partition(" ")
    return _password(text) if is_basic_good and scheme.lower() == "basic" else _bearer(header)


def _password(text: str) -> str:
    """Return the password of RFC 7617; who the user is says the key itself."""
    try:
        pair = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise UnauthenticatedError from None
    return pair.partition(":")[2].strip()


def _bearer(header: str | None) -> str:
    scheme, _, text = (header or "").partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError
    return text.strip()


def _parse(text: str) -> ParsedKey:
    try:
        return parse_key(text)
    except InvalidKeyError:
        raise UnauthenticatedError from None
