"""Levels of a team that may be told; what was told last is kept beside the rollups."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from services.reporting.practice import repository
from services.reporting.practice.records import Words
from services.reporting.trends.proficiency import scores_by_skill
from services.reporting.trends.telling import Told, decode, encode, next_told
from shared.db.pool import Connection
from shared.db.sql import Queries

_SQL = Queries("services.reporting.practice")


async def told_levels(
    connection: Connection, tenant_id: UUID, team_id: UUID, until: date, words: Words, least: int
) -> dict[str, Told | None]:
    """Return what may be told of each skill that anybody of the team has scores in, by key.

    The transaction that tells something new remembers it: whoever asks at the same time waits and
    is told the same.
    """
    await connection.execute(_SQL["telling"], tenant_id, team_id)
    rows = await repository.team_moments(connection, tenant_id, team_id, until)
    before = {
        row["skill"]: Told(until=row["until"], levels=decode(row["levels"]))
        for row in await connection.fetch(_SQL["told_levels"], tenant_id, team_id)
    }
    scores = scores_by_skill(rows)
    skills = {row.skill for row in rows} | before.keys()
    told = {
        skill: next_told(
            before.get(skill), Told(until=until, levels=scores.get(skill, {})), at_least=least
        )
        for skill in sorted(skills)
        if words.is_shown(skill)
    }
    await _remember(connection, tenant_id, team_id, before, told)
    return told


async def _remember(
    connection: Connection,
    tenant_id: UUID,
    team_id: UUID,
    before: Mapping[str, Told],
    told: Mapping[str, Told | None],
) -> None:
    new = [
        (tenant_id, team_id, skill, each.until, encode(each.levels))
        for skill, each in told.items()
        if each is not None and each != before.get(skill)
    ]
    if new:
        await connection.executemany(_SQL["tell_levels"], new)
