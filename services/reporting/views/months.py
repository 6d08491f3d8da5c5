"""Tables over many teams: months that are over are kept once they were asked for, the rest counted.

What is kept is gone in the transaction that changes the rollups it was made from (a trigger of
theirs), and is stored only while the version still stands that it was made at.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from services.reporting.desk import Desk
from services.reporting.freshness import State
from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.months import (
    FORM,
    Kept,
    Part,
    kept_of,
    part_of,
    part_of_kept,
    table_of_parts,
)
from services.reporting.trends.sheet import GroupRow, Level, countable, sheet_of
from services.reporting.trends.shelf import KINDS
from services.reporting.trends.tables import Table
from services.reporting.views.ranges import Range
from services.reporting.views.rollups import SQL, whole_months
from shared.contracts.reports.tables import HeatmapQuery, UniformityQuery
from shared.db.pool import Connection
from shared.db.tx import tenant_reads, tenant_tx

KEPT_FOR: Final = timedelta(days=6 * 366)
"""Months longer ago are counted anew each time: else questions could fill the table."""


class _Asked(NamedTuple):
    desk: Desk
    reads: Connection
    query: HeatmapQuery | UniformityQuery
    state: State
    range: Range

    @property
    def level(self) -> Level:
        return self.query.level


async def tenant_table(
    desk: Desk, query: HeatmapQuery | UniformityQuery, current: State, asked: Range
) -> Table:
    """Count every team that is asked for in each skill (or root) over the range.

    Args:
        desk: what is at hand.
        query: what is asked.
        current: read before anything else here.
        asked: whole weeks or months.
    """
    work = _Asked(desk, tenant_reads(desk.database), query, current, asked)
    whole, others = _split(asked, current.today)
    stored, missing = await _stored(work, whole)
    parts = [await _made(work, month, teams) for month, teams in missing.items()]
    parts += [await _counted(work, month, query.team_ids) for month in others]
    only = query.skill if isinstance(query, UniformityQuery) else None
    hidden = current.skills.hidden if query.level == "skill" else frozenset[str]()
    return await asyncio.to_thread(
        lambda: table_of_parts(
            [part_of_kept(stored), *parts], KINDS[query.source], hidden, only=only
        )
    )


def _split(asked: Range, today: date) -> tuple[list[date], list[date]]:
    """Return the first days of the months that are over and wholly asked for, and of the others."""
    whole: list[date] = []
    others: list[date] = []
    this_month = bucket_of(today).replace(day=1)
    for month in _months(asked):
        last_bucket = bucket_of(whole_months(month, month)[1])
        is_whole = asked.first <= month and last_bucket <= asked.last and month < this_month
        (whole if is_whole and month > today - KEPT_FOR else others).append(month)
    return whole, others


def _months(asked: Range) -> Iterator[date]:
    first, last = whole_months(*asked)
    while first < last:
        yield first
        first = whole_months(first, first)[1] + timedelta(days=1)


async def _stored(
    work: _Asked, months: Sequence[date]
) -> tuple[list[Kept], Mapping[date, list[UUID]]]:
    """Return what is kept of the months, and of which months which teams are not."""
    rows: list[asyncpg.Record] = []
    if months:
        rows = await work.reads.fetch(
            SQL["kept_months"],
            work.query.tenant_id,
            work.query.team_ids,
            months,
            work.level,
            FORM,
            work.state.settings.min_people,
        )
    missing: dict[date, list[UUID]] = defaultdict(list)
    stored = []
    for team_id, month, groups, amounts, people, cells in rows:
        if groups is None:
            missing[month].append(team_id)
        else:
            stored.append(Kept(team_id, groups, amounts, people, cells))
    return stored, missing


async def _made(work: _Asked, month: date, teams: Sequence[UUID]) -> Part:
    """Count a month that is over, and keep it."""
    part = await _counted(work, month, teams)
    kept = await asyncio.to_thread(kept_of, part, sorted(teams))
    tenant_id = work.query.tenant_id
    async with tenant_tx(work.desk.database, tenant_id) as connection:
        if await connection.fetchval(SQL["version_stands"], tenant_id, work.state.version):
            await connection.execute(
                SQL["keep_months"],
                tenant_id,
                work.level,
                month,
                FORM,
                work.state.settings.min_people,
                *zip(*kept, strict=True),
            )
    return part


async def _counted(work: _Asked, month: date, teams: Sequence[UUID] | None) -> Part:
    """Count what the range has of a month from its weeks; blocks need the whole month."""
    days = whole_months(month, month)
    rows = await work.reads.fetch(SQL["tenant_rollups"], work.query.tenant_id, *days, teams)
    return await asyncio.to_thread(partial(_part, work, rows))


def _part(work: _Asked, rows: Sequence[asyncpg.Record]) -> Part:
    sheet = sheet_of([GroupRow(*row) for row in rows])
    blocks = countable(
        sheet,
        work.level,
        min_people=work.state.settings.min_people,
        open_from=bucket_of(work.state.today),
    )
    return part_of(sheet, blocks, work.level, work.range)
