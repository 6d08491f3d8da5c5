"""Counts finished work per tenant and kind, and adds the counts to Postgres now and then."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.db.pool import Connection
from shared.db.sql import Queries
from shared.load.histogram import BUCKETS, bucket_of
from shared.telemetry.measures import Kind, Measure

SQL: Final = Queries("shared.load")

MAX_CELLS: Final = 50_000
"""Tenants times kinds that are held while the database is away; more than that is not counted."""

ALL_TENANTS: Final = UUID(int=0)
"""Stands where a tenant's id stands, in the rows that sum up over tenants; no tenant has it."""

_OUTCOMES: Final = {"ok": 0, "refused": 1, "failed": 2}


class _Cell:
    """What ended since the last flush, of one tenant and kind."""

    __slots__ = ("buckets", "outcomes")

    def __init__(self) -> None:
        self.outcomes = [0, 0, 0]
        """Ok, refused, failed."""
        self.buckets = [0] * BUCKETS


class LoadMeter:
    """A listener for measures. Work counts in the minute in which it is flushed.

    Nothing here knows tenants that did nothing.
    """

    def __init__(self) -> None:
        self._cells: dict[tuple[UUID, Kind], _Cell] = {}

    def note(self, measure: Measure) -> None:
        """Count one piece of work; never raises and never waits."""
        key = (measure.tenant_id, measure.kind)
        cell = self._cells.get(key)
        if cell is None:
            if len(self._cells) >= MAX_CELLS:
                return
            cell = self._cells[key] = _Cell()
        cell.outcomes[_OUTCOMES[measure.outcome]] += 1
        cell.buckets[bucket_of(measure.seconds)] += 1

    def take(self) -> "LoadBatch":
        """Return what was counted since the last call, and begin anew."""
        cells, self._cells = self._cells, {}
        return LoadBatch(cells)

    def put_back(self, batch: "LoadBatch") -> None:
        """Count a batch again that could not be stored."""
        for key, cell in batch.cells.items():
            own = self._cells.setdefault(key, cell)
            if own is cell:
                continue
            own.outcomes = [a + b for a, b in zip(own.outcomes, cell.outcomes, strict=True)]
            own.buckets = [a + b for a, b in zip(own.buckets, cell.buckets, strict=True)]


class LoadBatch:
    """Counts on their way to the database."""

    def __init__(self, cells: dict[tuple[UUID, Kind], _Cell]) -> None:
        self.cells = cells

    async def store(self, connection: Connection, now: datetime) -> None:
        """Add the counts to this minute's, in one statement of the system role."""
        if not self.cells:
            return
        # In one order everywhere: two processes that add to the same rows never wait in a circle.
        cells = sorted([*self.cells.items(), *self._sums()], key=lambda each: each[0])
        await connection.execute(
            SQL["add_load"],
            now.replace(second=0, microsecond=0),
            [tenant_id for (tenant_id, _), _ in cells],
            [kind for (_, kind), _ in cells],
            *([cell.outcomes[place] for _, cell in cells] for place in range(3)),
            [_text(cell.buckets) for _, cell in cells],
        )

    def _sums(self) -> Iterator[tuple[tuple[UUID, Kind], _Cell]]:
        """Return the counts of all tenants together, so that nobody opens every tenant's to add."""
        for kind in {kind for _, kind in self.cells}:
            own = [cell for (_, each), cell in self.cells.items() if each == kind]
            total = _Cell()
            total.outcomes = [
                sum(column) for column in zip(*(c.outcomes for c in own), strict=True)
            ]
            total.buckets = [sum(column) for column in zip(*(c.buckets for c in own), strict=True)]
            yield (ALL_TENANTS, kind), total


def _text(buckets: Sequence[int]) -> str:
    """Return an array literal without the zeros at its end.

    A list of lists of different lengths is no array to Postgres, so each travels as text.
    """
    last = max((index for index, count in enumerate(buckets) if count), default=-1)
    return "{" + ",".join(map(str, buckets[: last + 1])) + "}"
