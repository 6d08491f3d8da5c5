"""One entry of the audit trail, and how it is written: in the transaction of what it tells of."""

import hashlib
import re
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.db.pool import Connection
from shared.ids import format_id

ActorKind = Literal["key", "user", "operator", "token", "system"]

FLEET: Final = UUID(int=0)
"""The chain of what operators do; no tenant has this id."""

PREFIX_OF: Final = {"key": "key", "user": "usr", "operator": "key", "token": "key"}
"""Prefix of an actor's public id; a learner token is known by the key that made it."""

_ACTION: Final = re.compile(r"[a-z_]+(\.[a-z_]+)+")
_TARGET: Final = re.compile(r"[A-Za-z0-9_.:/+@-]{1,120}")
_FACT: Final = re.compile(r"[A-Za-z0-9_.:/+-]{0,120}")
"""Ids, codes, times, versions: nothing in which a sentence or a name with a space would fit."""

_INSERT: Final = """
insert into trail (tenant_id, actor_kind, actor_id, action, target, request_id, at,
                   before_digest, after_digest, facts, about_tenant_id, entry_hash)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""


class Actor(Record, frozen=True, kw_only=True):
    """Who did it."""

    kind: ActorKind
    """`token`: somebody with a learner token; `system`: the product itself, by itself."""
    id: UUID | None = None
    """Of the key or the user; a learner token's is its key's. None for the system."""

    @property
    def public_id(self) -> str | None:
        """The id as the API shows it."""
        return None if self.id is None else format_id(PREFIX_OF.get(self.kind, "key"), self.id)


SYSTEM: Final = Actor(kind="system")
"""The product itself: schedules, sweeps."""


class Entry(Record, frozen=True, kw_only=True):
    """What happened. Nothing here is text that a person wrote: what could be is not recorded."""

    tenant_id: UUID | None
    """Whose trail; of an operator's entry: whose matter, None for the installation's."""
    actor: Actor
    action: str
    """What was done, for example `tenant.suspended`, `key.rolled`."""
    target: str
    """To what: a public id (`sim_...`) or the name of a setting (`settings/retention`)."""
    request_id: str
    """Of the request that did it; empty where none did."""
    at: datetime
    before: bytes | None = None
    """`digest` of the thing before, 32 bytes; None: there was none, or nothing changed."""
    after: bytes | None = None
    """`digest` of the thing afterwards, 32 bytes; None: it is gone, or nothing changed."""
    facts: dict[str, str | int | bool] = {}  # noqa: RUF012 - msgspec copies an empty default
    """Ids, codes and numbers, never text."""


def digest(value: Any) -> bytes:
    """Return 32 bytes that stand for a value: SHA-256 of its canonical JSON, keys sorted.

    Of little things that anybody can guess it is no secret; give it secrets only when sealed.
    """
    return hashlib.sha256(canonical(value)).digest()


def canonical(value: Any) -> bytes:
    """Return JSON that is the same for equal values: keys sorted, no spaces."""
    return msgspec.json.encode(msgspec.to_builtins(value, order="sorted"), order="sorted")


def content(entry: Entry, *, about: UUID | None = None) -> dict[str, Any]:
    """Return an entry as it is hashed and exported, with public ids.

    Args:
        entry: What happened.
        about: In the operators' chain: the tenant whose matter it was.
    """
    return {
        "about": None if about is None else format_id("ten", about),
        "action": entry.action,
        "actor": {"kind": entry.actor.kind, "id": entry.actor.public_id},
        "after": _hex(entry.after),
        "at": moment(entry.at),
        "before": _hex(entry.before),
        "facts": entry.facts,
        "request_id": entry.request_id,
        "target": entry.target,
    }


def moment(at: datetime) -> str:
    """Return a time as exports write it: UTC with all six digits of the microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def record(connection: Connection, entry: Entry) -> None:
    """Write an entry into the tenant's own trail, in the tenant's own transaction.

    Raises:
        ValueError: the entry has no tenant, or something in it could be text.
    """
    if entry.tenant_id is None:
        raise ValueError("an entry without a tenant belongs to the operators' chain")
    await _insert(connection, entry.tenant_id, entry, about=None)


async def record_fleet(connection: Connection, entry: Entry) -> None:
    """Write what an operator did, in a transaction of the system role.

    Where it is a tenant's matter, the tenant's own trail tells of it too, without saying which
    operator.
    """
    await _insert(connection, FLEET, entry, about=entry.tenant_id)
    if entry.tenant_id is not None:
        told = msgspec.structs.replace(entry, actor=Actor(kind=entry.actor.kind))
        await _insert(connection, entry.tenant_id, told, about=None)


def check(entry: Entry) -> None:
    """Refuse what could be text.

    Raises:
        ValueError: an action, a target or a fact that is not a code, an id, a time or a number.
    """
    if not _ACTION.fullmatch(entry.action) or not _TARGET.fullmatch(entry.target):
        raise ValueError("an action is `thing.done`, a target is an id or a setting's name")
    for value in (*entry.facts, *entry.facts.values()):
        if isinstance(value, str) and not _FACT.fullmatch(value):
            raise ValueError("facts are ids, codes and numbers")


async def _insert(connection: Connection, chain: UUID, entry: Entry, *, about: UUID | None) -> None:
    check(entry)
    await connection.execute(
        _INSERT,
        chain,
        entry.actor.kind,
        entry.actor.id,
        entry.action,
        entry.target,
        entry.request_id,
        entry.at,
        entry.before,
        entry.after,
        canonical(entry.facts).decode(),
        about,
        digest(content(entry, about=about)),
    )


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
