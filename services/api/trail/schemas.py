"""Requests and answers of `/v1/audit_log`."""

from datetime import datetime
from typing import Annotated

import msgspec

from services.api.fields import utc
from services.api.filters.asked import Moment
from services.api.paging import PageQuery
from shared.ids import parse_id
from shared.trail.entries import ActorKind
from shared.trail.reading import Filters, Sealed, StoredHead

_BODY = "[0-7][0-9a-hjkmnp-tv-z]{25}"


class AuditQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which entries, the newest first."""

    action: Annotated[
        Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+(\.[a-z_]+)*$", max_length=80)] | None,
        msgspec.Meta(description="`key.created`, or `key` for all of its kind."),
    ] = None
    target: Annotated[
        Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:/+@-]+$", max_length=120)] | None,
        msgspec.Meta(description="Id of what it was done to, or a setting's name."),
    ] = None
    actor: Annotated[
        Annotated[str, msgspec.Meta(pattern=f"^(key|usr)_{_BODY}$", max_length=30)] | None,
        msgspec.Meta(description="Id of the key or the user who did it."),
    ] = None
    since: Annotated[Moment | None, msgspec.Meta(description="At or after this time.")] = None
    until: Annotated[Moment | None, msgspec.Meta(description="Before this time.")] = None

    def filters(self) -> Filters:
        """Return the filters as the trail reads them."""
        prefix = "" if self.actor is None else self.actor.partition("_")[0]
        return Filters(
            action=self.action,
            target=self.target,
            actor_id=None if self.actor is None else parse_id(prefix, self.actor),
            since=self.since,
            until=self.until,
        )


class AuditExportQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an export begins."""

    after: Annotated[
        int,
        msgspec.Meta(ge=0, le=2**53, description="Only entries beyond this position."),
    ] = 0


class AuditActorView(msgspec.Struct, frozen=True, kw_only=True):
    """Who did it."""

    kind: ActorKind
    """`operator`: who runs the installation; `system`: the product by itself."""
    id: str | None


class AuditEntryView(msgspec.Struct, frozen=True, kw_only=True):
    """What happened: ids, codes and numbers, never text."""

    position: int
    """From 1, without gaps, in the order in which it was sealed."""
    at: datetime
    actor: AuditActorView
    action: str
    target: str
    request_id: str
    """As the answer's `Request-Id` said; empty where no request did it."""
    before: str | None
    """SHA-256 of the thing before, in hex; null: there was none, or it says nothing."""
    after: str | None
    facts: dict[str, str | int | bool]
    hash: str
    """Chains this entry to the one before; `docs/audit.md` says how."""

    @classmethod
    def of(cls, sealed: Sealed) -> "AuditEntryView":
        """Return the public form."""
        entry = sealed.entry
        return cls(
            position=sealed.position,
            at=utc(entry.at),
            actor=AuditActorView(kind=entry.actor.kind, id=entry.actor.public_id),
            action=entry.action,
            target=entry.target,
            request_id=entry.request_id,
            before=None if entry.before is None else entry.before.hex(),
            after=None if entry.after is None else entry.after.hex(),
            facts=entry.facts,
            hash=sealed.hash.hex(),
        )


class AuditHeadView(msgspec.Struct, frozen=True, kw_only=True):
    """How far the log is sealed. Keep it elsewhere: what is cut off later shows by it."""

    position: int
    """0: nothing is sealed yet."""
    hash: str
    pruned_position: int
    """Entries up to here are older than they are kept."""
    sealed_at: datetime | None

    @classmethod
    def of(cls, stored: StoredHead | None) -> "AuditHeadView":
        """Return the public form."""
        if stored is None:
            return cls(position=0, hash="", pruned_position=0, sealed_at=None)
        head = stored.head
        return cls(
            position=head.position,
            hash=head.hash.hex(),
            pruned_position=head.pruned_position,
            sealed_at=utc(stored.sealed_at),
        )
