"""Teams beside each other, as the cells of a chart."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from services.reporting.desk import Desk
from services.reporting.documents.charts import shorten
from services.reporting.documents.jobs import HeatmapJob
from services.reporting.documents.pages import SQL
from services.reporting.documents.words import SOURCES, day
from services.reporting.freshness import state
from services.reporting.trends.words import SkillWords
from services.reporting.views.tables import heatmap
from shared.contracts.reports.documents import HeatCell, HeatmapChartQuery
from shared.contracts.reports.tables import HeatmapQuery, HeatmapReply
from shared.db.keys import KeyRing
from shared.db.tx import tenant_reads


async def heatmap_job(
    desk: Desk, keys: KeyRing, query: HeatmapChartQuery
) -> tuple[HeatmapJob, HeatmapReply]:
    """Return what is to be drawn, and the answer behind it; raises as `heatmap`."""
    asked = {name: getattr(query, name) for name in HeatmapQuery.__struct_fields__}
    reply = await heatmap(desk, msgspec.convert(asked, HeatmapQuery))
    reads = tenant_reads(desk.database)
    words = (await state(reads, query.tenant_id, desk.clock)).skills
    ids = sorted({team_id for _, team_id in _pairs(reply)})
    tenant = await keys.tenant(reads, query.tenant_id)
    names = {
        row["team_id"]: tenant.open_text(row["name"], "teams.name", row["team_id"].bytes)
        for row in await reads.fetch(SQL["team_names"], query.tenant_id, ids)
    }
    span = f"{day(query.start)} to {day(query.end)}, {SOURCES[query.source]}"
    job = HeatmapJob(
        cells=team_cells(reply, names, words),
        title=f"Mean score by {query.level} and team",
        subtitle=f"{span}. A dash: fewer than {reply.min_people} people.",
        format=query.format,
    )
    return job, reply


def team_cells(
    reply: HeatmapReply, names: Mapping[UUID, str], words: SkillWords
) -> tuple[HeatCell, ...]:
    """Return a row per skill and a column per team, both by name; two of a name stay two."""
    means = {(each.skill, each.team_id): each for each in reply.cells}
    pairs = _pairs(reply)
    skills = sorted({skill for skill, _ in pairs}, key=words.name)
    teams = sorted({team for _, team in pairs}, key=lambda team: (names.get(team, ""), team))
    shown: dict[UUID, str] = {}
    for team in teams:
        name = shorten(names.get(team, ""), 16)
        twins = sum(each.startswith(name) for each in shown.values())
        shown[team] = f"{name} ({twins + 1})" if name in shown.values() else name
    return tuple(
        HeatCell(
            row=words.name(skill),
            column=shown[team],
            mean=means[skill, team].mean if (skill, team) in means else None,
            learners=means[skill, team].learners if (skill, team) in means else None,
        )
        for skill in skills
        for team in teams
    )


def _pairs(reply: HeatmapReply) -> set[tuple[str, UUID]]:
    shown = {(each.skill, each.team_id) for each in reply.cells}
    return shown | {(each.skill, each.team_id) for each in reply.suppressed}
