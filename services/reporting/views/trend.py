"""The trend of a team: its points, what can be said about them, and what cannot."""

import asyncio
from typing import NamedTuple

import msgspec

from services.reporting.cache import kept_or_made
from services.reporting.desk import Desk
from services.reporting.freshness import State, state
from services.reporting.trends.breaks import breaks_of
from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.sheet import Sheet, countable
from services.reporting.trends.shelf import KINDS
from services.reporting.trends.tables import names_of
from services.reporting.trends.verdicts import headline, trend_cells
from services.reporting.trends.weekly import Asked, lines_of, running_of, trend_points
from services.reporting.views.ranges import Range, checked_range
from services.reporting.views.rollups import (
    skills_of_versions,
    team_sheet,
    team_versions,
)
from shared.contracts.reports.trend import (
    TrendBreak,
    TrendQuery,
    TrendReply,
)
from shared.db.pool import Connection
from shared.db.tx import tenant_reads


class _Asked(NamedTuple):
    query: TrendQuery
    state: State
    range: Range


async def team_trend(desk: Desk, query: TrendQuery) -> TrendReply:
    """Answer from rollups; the range is widened to whole weeks or months, as the points say.

    Raises:
        QuestionError: an empty range, or more than `MAX_TREND_WEEKS`.
        NotReadyError: numbers are being counted anew.
    """
    asked_range = checked_range(query.start, query.end, query.unit)
    reads = tenant_reads(desk.database)
    current = await state(reads, query.tenant_id, desk.clock)
    asked = _Asked(query, current, asked_range)
    made = await kept_or_made(desk.answers, (query, current.basis), lambda: _counted(reads, asked))
    return msgspec.structs.replace(made, as_of=current.as_of)


async def _counted(reads: Connection, asked: _Asked) -> TrendReply:
    query = asked.query
    sheet = await team_sheet(reads, query.tenant_id, query.team_id, *asked.range)
    if query.view == "points":
        return _reply(asked, sheet, (), is_full=False)
    breaks = await _breaks(reads, asked)
    # Statistics take long enough for other questions to notice.
    return await asyncio.to_thread(_reply, asked, sheet, breaks, is_full=True)


def _reply(
    asked: _Asked, sheet: Sheet, breaks: tuple[TrendBreak, ...], *, is_full: bool
) -> TrendReply:
    query, words, least = asked.query, asked.state.skills, asked.state.settings.min_people
    blocks = countable(sheet, query.level, min_people=least, open_from=bucket_of(asked.state.today))
    wanted = _wanted(asked, sheet)
    lines = lines_of(sheet, blocks, wanted)
    seed = query.team_id.int & 0xFFFF_FFFF if is_full else None
    cells = (
        trend_cells(sheet, lines, breaks, words, seed=seed, min_people=least)
        if seed is not None
        else ()
    )
    return TrendReply(
        points=trend_points(sheet, lines, query.unit, seed=seed),
        cells=cells,
        breaks=breaks,
        suppressed=lines.gaps,
        running=running_of(sheet, blocks, wanted, least),
        headline=headline(cells, words, least) if is_full else None,
        min_people=least,
    )


def _wanted(asked: _Asked, sheet: Sheet) -> Asked:
    query = asked.query
    names = names_of(sheet, query.level, asked.state.skills.hidden, *asked.range)
    return Asked(
        team_id=query.team_id,
        names=tuple(name for name in names if query.skill in {None, name}),
        level=query.level,
        kind=KINDS[query.source],
        start=asked.range.first,
        end=asked.range.last,
        unit=query.unit,
    )


async def _breaks(reads: Connection, asked: _Asked) -> tuple[TrendBreak, ...]:
    query = asked.query
    versions = await team_versions(reads, query.tenant_id, query.team_id, *asked.range)
    skills = await skills_of_versions(reads, query.tenant_id, versions)
    return breaks_of(versions, skills, start=asked.range.first)
