"""Teams beside each other."""

import asyncio

import msgspec

from services.reporting.cache import kept_or_made
from services.reporting.desk import Desk
from services.reporting.freshness import State, state
from services.reporting.trends.tables import Table, heatmap_cells, heatmap_headline
from services.reporting.trends.uniformity import uniformity_headline, uniformity_of
from services.reporting.views.months import tenant_table
from services.reporting.views.ranges import checked_range
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
    current = await state(tenant_reads(desk.database), query.tenant_id, desk.clock)

    async def make() -> HeatmapReply:
        table = await tenant_table(desk, query, current, asked)
        return await asyncio.to_thread(_heatmap, table, current)

    made = await kept_or_made(desk.answers, (query, current.basis), make)
    return msgspec.structs.replace(made, as_of=current.as_of)


async def uniformity(desk: Desk, query: UniformityQuery) -> UniformityReply:
    """Answer with how far teams differ by more than chance.

    Raises:
        QuestionError: the range is wrong.
        NotReadyError: numbers are being counted anew.
    """
    asked = checked_range(query.start, query.end)
    current = await state(tenant_reads(desk.database), query.tenant_id, desk.clock)

    async def make() -> UniformityReply:
        table = await tenant_table(desk, query, current, asked)
        return await asyncio.to_thread(_uniformity, table, current)

    made = await kept_or_made(desk.answers, (query, current.basis), make)
    return msgspec.structs.replace(made, as_of=current.as_of)


def _heatmap(table: Table, current: State) -> HeatmapReply:
    cells, least = heatmap_cells(table), current.settings.min_people
    return HeatmapReply(
        cells=cells,
        suppressed=table.hidden,
        headline=heatmap_headline(cells, current.skills, least),
        min_people=least,
        as_of=current.as_of,
    )


def _uniformity(table: Table, current: State) -> UniformityReply:
    skills = uniformity_of(table, current.skills)
    return UniformityReply(
        skills=skills,
        suppressed=table.hidden,
        headline=uniformity_headline(skills, current.skills),
        min_people=current.settings.min_people,
        as_of=current.as_of,
    )
