"""From the token of an identity provider to the person of a tenant.

Whose token it is says the pair of issuer and audience, which no two tenants can have; the signature
says whether the issuer made it; the user of the tenant says what the person may do.
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from services.api.context import ProcessContext
from services.api.identity.fetching import GuardedFetcher
from services.api.identity.keysets import KeySets
from services.api.identity.service import find_settings
from services.api.identity.settings import StoredIdentity, pair_hash
from services.api.identity.tokens import Claims, TokenRefusedError, peek, recognizes, verify
from services.api.known import Known
from services.api.principal import person
from services.api.users.records import name_key
from shared.db.sql import Queries
from shared.db.tx import system_tx, tenant_reads, tenant_tx
from shared.ids import format_id
from shared.roles import ROLES, Role
from shared.tokens import SCOPES
from shared.trail.entries import Actor, Entry, record

CACHE_S: Final = 5.0
"""Seconds a tenant's settings are remembered. What is known of a token is remembered as long again,
so a change counts everywhere within 10; that somebody may no longer sign in, within 5."""

CACHED: Final = 1000
"""Pairs of issuer and audience a process remembers, also those that nobody has."""

_SQL = Queries("services.api.identity")


class _Cached(msgspec.Struct, frozen=True):
    read_at: float
    stored: StoredIdentity | None


class IdentityReader:
    """Reads the tokens of tenants' identity providers for the authenticator."""

    def __init__(
        self,
        context: ProcessContext,
        keys: KeySets | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read nothing yet.

        Args:
            context: Of the process.
            keys: The issuers' keys; None: read over guarded HTTP.
            monotonic: Seconds.
        """
        self._context = context
        self._keys = keys or KeySets(GuardedFetcher(context.settings))
        self._monotonic = monotonic
        self._cache: dict[bytes, _Cached] = {}

    def recognizes(self, text: str) -> bool:
        """Say whether a credential is meant as a provider's token; nothing is proven by it."""
        return recognizes(text)

    async def read(self, text: str) -> Known | None:
        """Return what is known of a token; None: it is not good, for whatever reason."""
        read_at = time.monotonic()
        try:
            seen = peek(text)
            stored = await self._stored([pair_hash(seen.issuer, each) for each in seen.audiences])
            if stored is None or seen.algorithm not in stored.settings.algorithms:
                return None
            key = await self._keys.find(seen.issuer, seen.key_id, seen.algorithm)
            if key is None:
                return None
            claims = verify(text, key, stored.settings, self._context.clock.now())
        except TokenRefusedError:
            return None
        return await self._known(stored, claims, read_at)

    async def _stored(self, hashes: list[bytes]) -> StoredIdentity | None:
        """Return the settings of the one tenant whose token this is."""
        now = self._monotonic()
        found = [self._cache.get(each) for each in hashes]
        if any(each is None or now - each.read_at >= CACHE_S for each in found):
            await self._refresh(hashes, now)
            found = [self._cache.get(each) for each in hashes]
        stored = [each.stored for each in found if each is not None and each.stored is not None]
        # A token for two of our tenants at once is a mistake of somebody's, or a trick.
        return stored[0] if len(stored) == 1 else None

    async def _refresh(self, hashes: list[bytes], now: float) -> None:
        context = self._context
        async with system_tx(context.database) as connection:
            rows = await connection.fetch(_SQL["find_pairs"], hashes)
        owners: dict[bytes, UUID] = {row["pair_hash"]: row["tenant_id"] for row in rows}
        for each in hashes:
            stored = None if each not in owners else await self._settings(owners[each], each)
            self._cache.pop(each, None)
            if len(self._cache) >= CACHED:
                self._cache.pop(next(iter(self._cache)))
            self._cache[each] = _Cached(now, stored)

    async def _settings(self, tenant_id: UUID, pair: bytes) -> StoredIdentity | None:
        context = self._context
        async with tenant_tx(context.database, tenant_id) as connection:
            tenant = await context.keys.tenant(connection, tenant_id)
            stored = await find_settings(connection, tenant)
        if stored is None:
            return None
        settings = stored.settings  # they may have changed since the pair was looked up
        return stored if pair_hash(settings.issuer, settings.audience) == pair else None

    async def _known(self, stored: StoredIdentity, claims: Claims, read_at: float) -> Known | None:
        context, tenant_id = self._context, stored.tenant_id
        tenant = await context.keys.warm(context.database, tenant_id)
        subject = tenant.lookup(f"subject\0{stored.settings.issuer}|{claims.subject}")
        name = tenant.lookup(name_key(claims.user))
        row = await self._user(tenant_id, subject, name)
        if row is None or not row["active"]:
            return None
        role = _mapped(stored, claims) or row["role"]
        if role is None and row["learner_id"] is None:
            return None  # somebody who may do nothing at all
        if row["subject_hash"] is None and not await self._bind(stored, row, subject, name):
            return None  # somebody else came by this name a moment ago, or the settings changed
        return Known(
            principal=person(
                tenant_id=tenant_id,
                user_id=row["user_id"],
                role=role,
                team_ids=row["team_ids"] if role is not None else None,
                time_zone=row["time_zone"],
                learner_id=row["learner_id"] if role is None else None,
                scopes=frozenset(SCOPES) if role is None else None,
            ),
            expires_at=claims.expires_at,
            suspended=row["suspended"],
            read_at=read_at,
        )

    async def _user(self, tenant_id: UUID, subject: bytes, name: bytes) -> asyncpg.Record | None:
        reads = tenant_reads(self._context.database)
        return await reads.fetchrow(_SQL["find_user"], tenant_id, subject, name)

    async def _bind(
        self, stored: StoredIdentity, row: asyncpg.Record, subject: bytes, name: bytes
    ) -> bool:
        """Know the person by the issuer's own name for them from now on.

        Not if the tenant trusts another issuer by now: the name that the old one has for somebody
        would lock them out. True as well if another request of theirs has just done the same.
        """
        context, now = self._context, self._context.clock.now()
        tenant_id, user_id = stored.tenant_id, row["user_id"]
        pair = pair_hash(stored.settings.issuer, stored.settings.audience)
        try:
            async with tenant_tx(context.database, tenant_id) as connection:
                if await connection.fetchval(_SQL["hold_pair"], tenant_id, pair) is None:
                    return False
                bound = await connection.fetchval(
                    _SQL["bind_subject"], tenant_id, user_id, subject, now, name
                )
                if bound is not None:
                    await record(connection, _first_sign_in(tenant_id, user_id, now))
                    return True
        except asyncpg.UniqueViolationError:
            return False
        known = await self._user(tenant_id, subject, name)
        return known is not None and known["subject_hash"] is not None and known["active"]


def _mapped(stored: StoredIdentity, claims: Claims) -> Role | None:
    """Return the mightiest role that the token's groups give."""
    given = {stored.settings.roles.get(value) for value in claims.roles}
    return next((role for role in ROLES if role in given), None)


def _first_sign_in(tenant_id: UUID, user_id: UUID, now: datetime) -> Entry:
    return Entry(
        tenant_id=tenant_id,
        actor=Actor(kind="user", id=user_id),
        action="user.signed_in_first",
        target=format_id("usr", user_id),
        request_id="",
        at=now,
    )
