"""What tenants used in a period: told once, it stays so, whatever is deleted later."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from services.api.context import ProcessContext
from shared.db.sql import Queries
from shared.db.tx import system_tx
from shared.ids import format_id
from shared.llm.money import dollars

SQL: Final = Queries("services.api.ops", "usage.sql")

CLOSED_AFTER: Final = timedelta(hours=1)
"""How long after its last midnight a period is closed: no call to a model takes so long."""

CHUNK: Final = 500
"""Tenants that are summed up in one statement."""

COUNTS: Final = (
    "simulations",
    "turns",
    "scorings",
    "model_calls",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "cost_microusd",
)
"""What is counted, in the order of the export."""

HEADER: Final = ("tenant_id", *COUNTS[:-1], "cost_usd")
"""First line of the CSV."""


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """Days in UTC."""

    first_day: date
    end_day: date
    """The first day after."""

    @property
    def start(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first_day, time(), UTC)

    @property
    def end(self) -> datetime:
        """The first moment after."""
        return datetime.combine(self.end_day, time(), UTC)

    def is_closed(self, now: datetime) -> bool:
        """Say whether nothing more is added to it."""
        return now >= self.end + CLOSED_AFTER


class TenantUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What one tenant used."""

    tenant_id: str
    simulations: int
    """Begun, with live keys."""
    turns: int
    """That learners said, in whatever conversation."""
    scorings: int
    """Accepted, with live keys."""
    model_calls: int
    input_tokens: int
    cached_tokens: int
    """Of the input."""
    output_tokens: int
    cost_usd: str
    """By the price table on the day of the call."""

    @classmethod
    def of(cls, row: Any) -> "TenantUsage":
        """Return the public form."""
        counts = {name: row[name] for name in COUNTS[:-1]}
        return cls(
            tenant_id=format_id("ten", row["tenant_id"]),
            **counts,
            cost_usd=dollars(row["cost_microusd"]),
        )

    def line(self) -> str:
        """Return the line of the CSV; nothing in it needs quotes."""
        return ",".join(str(getattr(self, name)) for name in HEADER) + "\r\n"


class UsageLedger:
    """Sums up across tenants, as the system role."""

    def __init__(self, context: ProcessContext) -> None:
        self._context = context

    async def page(
        self, period: Period, after: UUID | None, limit: int, tenant_id: UUID | None = None
    ) -> tuple[list[UUID], list[TenantUsage]]:
        """Return one more tenant than asked for, and what the asked ones used.

        Tenants that used nothing have no entry.
        """
        async with system_tx(self._context.database) as connection:
            rows = await connection.fetch(
                SQL["tenants_of_period"],
                after,
                tenant_id,
                period.end,
                period.first_day,
                period.end_day,
                limit + 1,
            )
        tenants: list[UUID] = [row["tenant_id"] for row in rows]
        return tenants, await self.used(period, tenants[:limit])

    async def used(self, period: Period, tenants: Sequence[UUID]) -> list[TenantUsage]:
        """Return what these tenants used; of a closed period what was told first."""
        now = self._context.clock.now()
        told = (tenants, period.first_day, period.end_day)
        async with system_tx(self._context.database) as connection:
            if not period.is_closed(now):
                rows = await connection.fetch(SQL["used"], tenants, period.start, period.end, now)
                return [TenantUsage.of(row) for row in rows if _is_any(row)]
            known = {row["tenant_id"] for row in await connection.fetch(SQL["told"], *told)}
            new = [each for each in tenants if each not in known]
            if new:
                rows = await connection.fetch(SQL["used"], new, period.start, period.end, now)
                used = [row for row in rows if _is_any(row)]
                columns = [[row[name] for row in used] for name in ("tenant_id", *COUNTS)]
                await connection.execute(
                    SQL["keep"], period.first_day, period.end_day, now, *columns
                )
            rows = await connection.fetch(SQL["told"], *told)
        return [TenantUsage.of(row) for row in rows]

    async def everybody(self, period: Period) -> list[TenantUsage]:
        """Return what all tenants used, by tenant."""
        found: list[TenantUsage] = []
        after: UUID | None = None
        while True:
            tenants, used = await self.page(period, after, CHUNK)
            found += used
            if len(tenants) <= CHUNK:
                return found
            after = tenants[CHUNK - 1]


def content_hash(rows: Sequence[TenantUsage]) -> str:
    """Return the SHA-256 of entries as hex: the same for the same entries."""
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()


def _is_any(row: Any) -> bool:
    return any(row[name] for name in COUNTS)
