"""Calls of the language model, summed up in Postgres."""

from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID

import asyncpg
import msgspec

from services.api.paging import PageRequest
from services.api.principal import Bounds
from shared.contracts.llm import Task
from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.errors import NotFoundError
from shared.llm.ledger import SQL as LEDGER

_SQL = Queries("services.api.usage")

GroupBy = Literal["day", "month", "task", "model", "simulation", "scoring"]

MAX_TURNS: Final = 1000
"""More turns, times tasks, than a simulation can have."""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What some calls came to."""

    calls: int
    failed_calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_microusd: int
    p50_ms: int | None
    """Latency of calls that did not fail; None without any."""
    p95_ms: int | None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one day, model, ..."""

    place: UUID
    name: str
    sums: Sums


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of one turn and task."""

    seq: int
    task: Task
    sums: Sums


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """What is spent and set aside in a month; millionths of a dollar."""

    spent: int
    reserved: int
    installation_spent: int
    installation_reserved: int
    in_flight: int


class UsageRepository:
    """Queries of one transaction."""

    def __init__(self, connection: Connection, bounds: Bounds, now: datetime) -> None:
        self._connection = connection
        self._bounds = bounds
        self._tenant_id = bounds[0]
        self._now = now

    async def list_groups(
        self, start: datetime, end: datetime, group_by: GroupBy, page: PageRequest
    ) -> list[Group]:
        """Return one more group than the page holds."""
        rows = await self._connection.fetch(
            _SQL["list_groups"],
            self._tenant_id, start, end, group_by, page.after, page.limit + 1, self._now,
        )  # fmt: skip
        return [Group(place=row["place"], name=row["name"], sums=_sums(row)) for row in rows]

    async def total(self, start: datetime, end: datetime) -> Sums:
        """Return the sums of everything that began in a time."""
        row = await self._connection.fetchrow(
            _SQL["total"], self._tenant_id, start, end, None, None, self._now
        )
        return _sums(_there(row))

    async def simulation(self, simulation_id: UUID) -> tuple[Sums, list[Turn]]:
        """Return the sums of a simulation and of its turns.

        Raises:
            NotFoundError: none that the caller may see.
        """
        if not await self._connection.fetch(_SQL["see_simulation"], *self._bounds, simulation_id):
            raise NotFoundError
        row = await self._connection.fetchrow(
            _SQL["total"], self._tenant_id, None, None, simulation_id, None, self._now
        )
        rows = await self._connection.fetch(
            _SQL["list_turns"], self._tenant_id, simulation_id, MAX_TURNS, self._now
        )
        turns = [Turn(seq=each["seq"], task=Task(each["task"]), sums=_sums(each)) for each in rows]
        return _sums(_there(row)), turns

    async def scoring(self, scoring_id: UUID) -> Sums:
        """Return the sums of a scoring.

        Raises:
            NotFoundError: none that the caller may see.
        """
        if not await self._connection.fetch(_SQL["see_scoring"], *self._bounds, scoring_id):
            raise NotFoundError
        row = await self._connection.fetchrow(
            _SQL["total"], self._tenant_id, None, None, None, scoring_id, self._now
        )
        return _sums(_there(row))

    async def month(self, month: date) -> Month:
        """Return what is spent and set aside in a month, given by its first day."""
        row = _there(await self._connection.fetchrow(LEDGER["find_month"], self._tenant_id, month))
        return Month(
            spent=row["spent_microusd"] or 0,
            reserved=row["reserved_microusd"] or 0,
            installation_spent=row["installation_spent_microusd"] or 0,
            installation_reserved=row["installation_reserved_microusd"] or 0,
            in_flight=row["in_flight"],
        )


def _there(row: asyncpg.Record | None) -> asyncpg.Record:
    if row is None:
        raise AssertionError("an aggregate always has a row")
    return row


def _sums(row: asyncpg.Record) -> Sums:
    return Sums(**{name: row[name] for name in Sums.__struct_fields__})
