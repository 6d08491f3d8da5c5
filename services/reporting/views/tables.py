"""Teams beside each other."""

import asyncio

import msgspec

from services.reporting.cache import kept_or_made
from services.reporting.desk import Desk
from services.reporting.freshness import State, state
from services.reporting.trends.buckets import bucket_of
from services.reporting.trends.sheet import Sheet, countable
from services.reporting.trends.shelf import KINDS
from services.reporting.trends.tables import (
    Table,
    heatmap_cells,
    heatmap_headline,
    names_of,
    table_of,
)
from services.reporting.trends.uniformity import uniformity_headline, uniformity_of
from services.reporting.views.ranges import Range, checked_range
from services.reporting.views.rollups import tenant_sheet
from shared.contracts.reports.tables import (
    HeatmapQuery,
    HeatmapReply,
    UniformityQuery,
    UniformityReply,
)
from shared.db.tx import tenant_reads


async def heatmap(desk: Desk, query: HeatmapQuery) -> HeatmapReply:
    """Answer with one mean per team and skill.

    Raises:
        QuestionError: the range is wrong.
        NotReadyError: numbers are being counted anew.
    """
    asked = checked_range(query.start, query.end)
    reads = tenant_reads(desk.database)
    current = await state(reads, query.tenant_id, desk.clock)

    async def make() -> HeatmapReply:
        sheet = await tenant_sheet(reads, query.tenant_id, query.team_ids, *asked)
        return await asyncio.to_thread(_heatmap, sheet, query, asked, current)

    made = await kept_or_made(desk.answers, (query, current.basis), make)
    return msgspec.structs.replace(made, as_of=current.as_of)


async def uniformity(desk: Desk, query: UniformityQuery) -> UniformityReply:
    """Answer with how far teams differ by more than chance.

    Raises:
        QuestionError: the range is wrong.
        NotReadyError: numbers are being counted anew.
    """
    asked = checked_range(query.start, query.end)
    reads = tenant_reads(desk.database)
    current = await state(reads, query.tenant_id, desk.clock)

    async def make() -> UniformityReply:
        sheet = await tenant_sheet(reads, query.tenant_id, query.team_ids, *asked)
        return await asyncio.to_thread(_uniformity, sheet, query, asked, current)

    made = await kept_or_made(desk.answers, (query, current.basis), make)
    return msgspec.structs.replace(made, as_of=current.as_of)


def _heatmap(sheet: Sheet, query: HeatmapQuery, asked: Range, current: State) -> HeatmapReply:
    table = _table(sheet, query, asked, current)
    cells, least = heatmap_cells(table), current.settings.min_people
    return HeatmapReply(
        cells=cells,
        suppressed=table.hidden,
        headline=heatmap_headline(cells, current.skills, least),
        min_people=least,
        as_of=current.as_of,
    )


def _uniformity(
    sheet: Sheet, query: UniformityQuery, asked: Range, current: State
) -> UniformityReply:
    table = _table(sheet, query, asked, current, query.skill)
    skills = uniformity_of(table, current.skills)
    return UniformityReply(
        skills=skills,
        suppressed=table.hidden,
        headline=uniformity_headline(skills, current.skills),
        min_people=current.settings.min_people,
        as_of=current.as_of,
    )


def _table(
    sheet: Sheet,
    query: HeatmapQuery | UniformityQuery,
    asked: Range,
    current: State,
    only: str | None = None,
) -> Table:
    blocks = countable(
        sheet,
        query.level,
        min_people=current.settings.min_people,
        open_from=bucket_of(current.today),
    )
    names = [
        name
        for name in names_of(sheet, query.level, current.skills.hidden, *asked)
        if only in {None, name}
    ]
    return table_of(sheet, blocks, query.level, KINDS[query.source], names, *asked)
