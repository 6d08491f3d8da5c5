"""What a tenant uses of its limits at the moment."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from shared.db.pool import Database
from shared.db.tx import tenant_reads
from shared.tenancy.book import SQL


class UsedNow(msgspec.Struct, frozen=True, kw_only=True):
    """What counts against a tenant's limits now, whether they have a bound or not."""

    simulations: int
    """Interactive ones that are open."""
    autopilot: int
    """Waiting or being played."""
    scorings: int
    """Waiting or being judged."""
    waiting_jobs: int
    """Of the kind of which most wait."""
    model_calls: int
    """To a language model, under way."""
    tokens_today: int
    """Of a language model since midnight UTC, with what calls under way may use at most."""
    microusd_today: int
    """Millionths of a US dollar, likewise."""


async def used_now(database: Database, tenant_id: UUID, now: datetime) -> UsedNow:
    """Return what a tenant uses, in one round trip."""
    today = now.astimezone(UTC).date()
    row = await tenant_reads(database).fetchrow(SQL["used_now"], tenant_id, today)
    if row is None:
        raise AssertionError("a select of counts has a row")
    return UsedNow(**dict(row))
