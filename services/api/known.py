"""What the database knows of a credential: keys and learner tokens, read as the system role."""

import time
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from services.api.addresses import Network
from services.api.principal import MINT, Principal, TokenBounds, both, team_bounds
from shared.db.pool import Database
from shared.db.sql import Queries
from shared.db.tx import system_tx
from shared.keys import ParsedKey, hash_key, same_hash
from shared.roles import scopes_of
from shared.tokens import InvalidTokenError, LearnerToken, TokenSecrets, key_of, verify

_SQL = Queries("services.api")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that is or was good, and what may still be wrong with it."""

    principal: Principal
    expires_at: datetime | None
    revoked: bool = False
    """Also: the person whose key it is has left."""
    suspended: bool = False
    """The tenant is."""
    networks: tuple[Network, ...] | None = None
    """From where it is good; None: from everywhere."""
    read_at: float = msgspec.field(default_factory=time.monotonic)
    """Monotonic seconds."""


async def read_key(database: Database, key: ParsedKey) -> Known | None:
    """Return what is known of an API key; None: there is no such key, or the secret is wrong."""
    read_at = time.monotonic()
    async with system_tx(database) as connection:
        row = await connection.fetchrow(_SQL["find_api_key"], key.key_id, key.environment)
    if row is None:
        return None
    is_current = same_hash(row["hash"], key.hash)
    is_previous = same_hash(row["previous_hash"] or bytes(32), key.hash)
    if not is_current and not is_previous:
        return None
    return Known(
        principal=Principal(
            tenant_id=row["tenant_id"],
            key_id=key.key_id,
            scopes=_scopes(row),
            team_ids=_teams(row),
            learner_id=row["learner_id"],
            time_zone=ZoneInfo(row["time_zone"]),
            environment=key.environment,
            user_id=row["user_id"],
            role=row["role"],
        ),
        expires_at=row["expires_at"] if is_current else _earlier(row),
        revoked=row["revoked"],
        suspended=row["suspended"],
        networks=None if row["networks"] is None else tuple(row["networks"]),
        read_at=read_at,
    )


async def read_token(database: Database, secrets: TokenSecrets, text: str) -> Known | None:
    """Return what is known of a learner token, with the key that made it as it is now."""
    read_at = time.monotonic()
    try:
        key_id = key_of(text)
        async with system_tx(database) as connection:
            row = await connection.fetchrow(_SQL["find_minting_key"], key_id)
        if row is None:
            return None
        token = verify(text, key_id, secrets.of(row["tenant_id"], key_id))
    except InvalidTokenError:
        return None
    scopes = _scopes(row)
    if MINT not in scopes or row["learner_id"] not in {None, token.learner_id}:
        return None
    return Known(
        principal=_of_token(token, row, scopes),
        expires_at=min(token.expires_at, row["expires_at"] or token.expires_at),
        revoked=row["revoked"],
        suspended=row["suspended"],
        read_at=read_at,
    )


def is_token(text: str) -> bool:
    """Say whether a text is meant as a learner token; nothing is proven by it."""
    try:
        key_of(text)
    except InvalidTokenError:
        return False
    return True


def digest_of(text: str) -> bytes:
    """Return the 32 bytes under which a process remembers a credential."""
    return hash_key(text)


def _scopes(row: asyncpg.Record) -> frozenset[str]:
    """Return the key's scopes; of a person's key those that the role has too."""
    own = frozenset(row["scopes"])
    return own if row["user_id"] is None else own & scopes_of(row["role"])


def _teams(row: asyncpg.Record) -> tuple[UUID, ...] | None:
    own = None if row["team_ids"] is None else tuple(row["team_ids"])
    if row["user_id"] is None:
        return own
    return both(own, team_bounds(row["role"], row["user_team_ids"]))


def _earlier(row: asyncpg.Record) -> datetime:
    """Return when the secret before the last roll ends: never after the key itself."""
    until: datetime = row["previous_expires_at"]
    end: datetime | None = row["expires_at"]
    return until if end is None else min(until, end)


def _of_token(token: LearnerToken, row: asyncpg.Record, scopes: frozenset[str]) -> Principal:
    return Principal(
        tenant_id=row["tenant_id"],
        key_id=token.key_id,
        scopes=token.scopes & scopes,
        team_ids=_teams(row),
        learner_id=token.learner_id,
        time_zone=ZoneInfo(row["time_zone"]),
        environment=row["environment"],
        token=TokenBounds(
            simulation_id=token.simulation_id, scenario=token.scenario, origin=token.origin
        ),
    )
