"""How long a tenant keeps what: kinds, bounds, defaults, and whether a conversation has words."""

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

import msgspec

from shared.contracts.base import Record
from shared.db.pool import Connection
from shared.errors import TranscriptRemovedError

FAINTEST: Final = 7
"""Least days for words: a dispute, a second judgment and a coach need some."""

LONGEST: Final = 3650
"""Most days of anything."""

Words = Annotated[int, msgspec.Meta(ge=FAINTEST, le=LONGEST)]
Payloads = Annotated[int, msgspec.Meta(ge=1, le=30)]
Usage = Annotated[int, msgspec.Meta(ge=30, le=LONGEST)]
Audit = Annotated[int, msgspec.Meta(ge=365, le=LONGEST)]


class Retention(Record, frozen=True, kw_only=True):
    """Days from the making of a thing until it goes; None: it stays as long as the person does."""

    revision: int = 0
    """0: nothing is set, these are the defaults."""
    simulation_transcripts: Words | None = 730
    """What was said in practice, and every quote of it."""
    conversation_transcripts: Words | None = 730
    """Conversations that were handed in, and every quote of them."""
    score_details: Words | None = 1095
    """Quotes, advice and comments of scores. Numbers stay."""
    webhook_payloads: Payloads = 30
    """Bodies that were sent, and what was answered."""
    usage_details: Usage = 400
    """Single calls of the language model. The sums of months stay."""
    audit_log: Audit = 1095
    """Entries of the audit trail."""

    def days(self, kind: str) -> timedelta | None:
        """Return how long a kind is kept; None: for good."""
        value = getattr(self, kind)
        return None if value is None else timedelta(days=value)


KINDS: Final = tuple(name for name in Retention.__struct_fields__ if name != "revision")
"""What has a time of its own, in the order in which it goes."""


def first_id(at: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment: what was made before has a smaller id."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def made_at(first: UUID, zone: datetime) -> datetime:
    """Return when an id was made, exact to a millisecond, in the time zone of `zone`."""
    return datetime.fromtimestamp((first.int >> 80) / 1000, tz=zone.tzinfo)


async def find_retention(connection: Connection, tenant_id: UUID) -> Retention:
    """Return what a tenant has set, or the defaults."""
    row = await connection.fetchrow(
        "select revision, simulation_transcripts, conversation_transcripts, score_details,"
        " webhook_payloads, usage_details, audit_log from retention where tenant_id = $1",
        tenant_id,
    )
    return Retention() if row is None else Retention(**dict(row))


async def check_has_words(
    connection: Connection,
    tenant_id: UUID,
    *,
    simulation_id: UUID | None = None,
    scoring_id: UUID | None = None,
) -> None:
    """Refuse what needs the words of a conversation that has none any more.

    Raises:
        TranscriptRemovedError: they are gone.
    """
    removed_at = await connection.fetchval(
        """
        select r.removed_at from removed_texts r
         where r.tenant_id = $1 and r.thing_id = coalesce(
               $2, (select coalesce(o.simulation_id, o.conversation_id) from scorings o
                     where o.tenant_id = $1 and o.scoring_id = $3))
        """,
        tenant_id,
        simulation_id,
        scoring_id,
    )
    if removed_at is not None:
        raise TranscriptRemovedError
