"""From the `Authorization` header to a `Principal`: an API key, a learner token, or a sign-in."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from services.api.addresses import Address, is_in
from services.api.credentials import api_key, credential
from services.api.key_uses import KeyUses
from services.api.known import Known, digest_of, is_token, read_key, read_token
from services.api.principal import Principal
from shared.clock import Clock
from shared.db.pool import Database
from shared.errors import (
    AddressNotAllowedError,
    KeyExpiredError,
    TenantSuspendedError,
    UnauthenticatedError,
)
from shared.tokens import TokenSecrets, looks_like_token

CACHE_S = 5.0
"""Longest seconds until a revocation, a suspension or new scopes take effect everywhere."""

CACHED_KEYS = 10_000
"""Keys and tokens a process remembers; the oldest goes first."""


class BearerReader(Protocol):
    """Reads credentials that are neither API keys nor learner tokens."""

    def recognizes(self, text: str) -> bool:
        """Say whether a text is of this reader's kind; nothing is proven by it."""
        ...

    async def read(self, text: str) -> Known | None:
        """Return what is known of a credential, at most once in `CACHE_S`; None: it is not good.

        Raises:
            AppError: it cannot be checked at the moment, or must be refused in particular words.
        """
        ...


class Authenticator:
    """Looks keys up by their id, at most once in `CACHE_S` seconds per key or token and process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        secrets: TokenSecrets | None = None,
        *,
        uses: KeyUses | None = None,
        reader: BearerReader | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._secrets = secrets
        """Of learner tokens; without them no token is good."""
        self._uses = uses
        """Where the last use of keys is noted; None: nowhere."""
        self._reader = reader
        """Of sign-ins by a tenant's identity provider; None: nobody signs in."""
        self._known: dict[bytes, Known] = {}
        """By the hash of the whole credential, so that only who has it finds its row here."""
        self._reading: dict[bytes, asyncio.Task[Known | None]] = {}

    async def principal(
        self,
        header: str | None,
        *,
        is_basic_good: bool = False,
        address: Callable[[], Address | None] | None = None,
    ) -> Principal:
        """Return who holds the key or the token of an `Authorization: Bearer` header.

        Args:
            header: Of the request.
            is_basic_good: A key may come as the password of `Basic` as well.
            address: Finds the client's; None: it was checked before.

        Raises:
            UnauthenticatedError: no header, neither a key nor a token, unknown, revoked, forged, or
                an operator's key.
            KeyExpiredError: it was valid once.
            AddressNotAllowedError: it is not good from this address.
            TenantSuspendedError: it is valid, its tenant is suspended.
        """
        text = credential(header, is_basic_good=is_basic_good)
        digest = digest_of(text)
        known = self._known.get(digest)
        if known is None or time.monotonic() - known.read_at >= CACHE_S:
            known = await self._read_once(digest, text)
        return self._admitted(known, address)

    def _admitted(
        self, known: Known | None, address: Callable[[], Address | None] | None
    ) -> Principal:
        if known is None or known.revoked:
            raise UnauthenticatedError
        now = self._clock.now()
        if known.expires_at is not None and known.expires_at <= now:
            raise KeyExpiredError
        if known.networks is not None and address is not None:
            client = address()
            if client is None or not is_in(client, known.networks):
                raise AddressNotAllowedError
        if known.suspended:
            raise TenantSuspendedError
        principal = known.principal
        if self._uses is not None and principal.token is None and not principal.is_sign_in:
            self._uses.note(principal.key_id, now)
        return principal

    async def _read_once(self, digest: bytes, text: str) -> Known | None:
        """Hundreds of requests may find the same key stale at once: one of them reads for all."""
        reading = self._reading.get(digest)
        if reading is None:
            reading = asyncio.create_task(self._read_and_remember(digest, text))
            self._reading[digest] = reading
            reading.add_done_callback(lambda _: self._reading.pop(digest, None))
        return await asyncio.shield(reading)

    async def _read_and_remember(self, digest: bytes, text: str) -> Known | None:
        known = await self._read(text)
        self._known.pop(digest, None)
        if known is not None:
            if len(self._known) >= CACHED_KEYS:
                self._known.pop(next(iter(self._known)))
            self._known[digest] = known
        return known

    async def _read(self, text: str) -> Known | None:
        if looks_like_token(text) and is_token(text):
            secrets = self._secrets
            return None if secrets is None else await read_token(self._database, secrets, text)
        if self._reader is not None and self._reader.recognizes(text):
            return await self._reader.read(text)
        if looks_like_token(text):
            return None
        return await read_key(self._database, api_key(text))
