"""Who the operator is: keys with scopes of their own, looked up on every call."""

from datetime import datetime
from typing import Final, get_args
from uuid import UUID

import msgspec

from shared.db.pool import Database
from shared.db.sql import Queries
from shared.db.tx import system_tx
from shared.errors import KeyExpiredError, ScopeMissingError, UnauthenticatedError
from shared.keys import InvalidKeyError, parse_key, same_hash
from shared.ops_keys import OpsScope
from shared.trail.entries import Actor

SQL: Final = Queries("services.api.ops")

READ: Final = "ops:read"
TENANTS: Final = "tenants:write"
LIMITS: Final = "limits:write"
WORK: Final = "work:write"
USAGE: Final = "usage:read"
"""Scopes, as contracts name them."""

KNOWN: Final[frozenset[str]] = frozenset(get_args(OpsScope))
"""Every scope there is."""


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """The holder of an operator's key."""

    key_id: UUID
    scopes: frozenset[str]

    @property
    def actor(self) -> Actor:
        """Who the audit trail says it was."""
        return Actor(kind="operator", id=self.key_id)

    def require(self, scope: str) -> None:
        """Check a scope.

        Raises:
            ScopeMissingError: the key does not have it.
        """
        if scope not in self.scopes:
            raise ScopeMissingError(f"This needs the scope {scope}")


async def find_operator(database: Database, header: str | None, now: datetime) -> Operator:
    """Return who holds the key of an `Authorization: Bearer` header.

    Nothing is remembered: a revoked key is refused at once.

    Raises:
        UnauthenticatedError: no header, no operator's key, unknown or revoked.
        KeyExpiredError: it was valid once.
    """
    scheme, _, text = (header or "").partition(" ")
    try:
        key = parse_key(text.strip())
    except InvalidKeyError:
        raise UnauthenticatedError from None
    if scheme.lower() != "bearer" or key.environment != "ops":
        raise UnauthenticatedError
    async with system_tx(database) as connection:
        row = await connection.fetchrow(SQL["find_ops_key"], key.key_id)
    if row is None or not same_hash(row["hash"], key.hash):
        raise UnauthenticatedError
    if row["expires_at"] is not None and row["expires_at"] <= now:
        raise KeyExpiredError
    return Operator(key_id=key.key_id, scopes=frozenset(row["scopes"]))
