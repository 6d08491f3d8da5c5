"""Reads of the questions about practice, always in the transaction of the caller."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final
from uuid import UUID

import msgspec

from services.reporting.practice.records import (
    Goal,
    Play,
    Shelf,
    SkillScore,
    SkillWords,
    Stay,
    WeekPlayed,
    Words,
)
from services.reporting.trends.proficiency import Moments
from services.reporting.trends.scenario_quality import Played
from services.reporting.trends.volume import Effort
from shared.contracts.reports.practice import PracticeSource
from shared.contracts.rubric import RubricSpec
from shared.contracts.scenario import ScenarioSpec
from shared.db.pool import Connection
from shared.db.sql import Queries

_SQL = Queries("services.reporting.practice")

_REAL = ("call", "chat", "email")

_SOURCES: Final[Mapping[PracticeSource, tuple[str, ...]]] = {
    "simulation": ("simulation",),
    "call": _REAL,
    "all": ("simulation", *_REAL),
}
"""The stored sources behind each source of a question."""

_SCENARIO = msgspec.json.Decoder(ScenarioSpec)
_RUBRIC = msgspec.json.Decoder(RubricSpec)


async def person_of(connection: Connection, tenant_id: UUID, learner_id: UUID) -> UUID | None:
    """Return what reports know a learner by; None when there is no such learner."""
    person_id: UUID | None = await connection.fetchval(_SQL["person"], tenant_id, learner_id)
    return person_id


async def words(connection: Connection, tenant_id: UUID) -> Words:
    """Return what the tenant says about skills."""
    rows = await connection.fetch(_SQL["words"], tenant_id)
    return Words(
        own={
            row["key"]: SkillWords(
                name=row["name"] or "",
                good=tuple(row["good"]),
                bad=tuple(row["bad"]),
                is_hidden=row["hidden"],
            )
            for row in rows
        }
    )


async def person_moments(
    connection: Connection, tenant_id: UUID, person_id: UUID, today: date, source: PracticeSource
) -> list[Moments]:
    """Return a person's sums per skill, over all teams."""
    rows = await connection.fetch(
        _SQL["person_moments"], tenant_id, person_id, today, _SOURCES[source]
    )
    return [Moments(**row) for row in rows]


async def team_moments(
    connection: Connection, tenant_id: UUID, team_id: UUID, until: date
) -> list[Moments]:
    """Return sums per skill and person, of the members on that day and their work in this team."""
    rows = await connection.fetch(_SQL["team_moments"], tenant_id, team_id, until)
    return [Moments(**row) for row in rows]


async def members(
    connection: Connection, tenant_id: UUID, team_id: UUID, day: date
) -> dict[UUID, UUID]:
    """Return who is in a team on a day: learner by person."""
    rows = await connection.fetch(_SQL["members"], tenant_id, team_id, day)
    return {row["person_id"]: row["learner_id"] for row in rows}


async def person_efforts(
    connection: Connection, tenant_id: UUID, person_id: UUID, first: date, last: date
) -> list[Effort]:
    """Return what a person did by day, both days inclusive."""
    rows = await connection.fetch(_SQL["person_efforts"], tenant_id, person_id, first, last)
    return [Effort(**row) for row in rows]


async def team_efforts(
    connection: Connection, tenant_id: UUID, team_id: UUID, first: date, last: date
) -> list[Effort]:
    """Return what people did in a team by cut week (its first day), both days inclusive."""
    rows = await connection.fetch(_SQL["team_efforts"], tenant_id, team_id, first, last)
    return [Effort(**row) for row in rows]


async def team_stays(
    connection: Connection, tenant_id: UUID, team_id: UUID, first: date, last: date
) -> list[Stay]:
    """Return who was in a team at some time of these days."""
    rows = await connection.fetch(_SQL["team_stays"], tenant_id, team_id, first, last)
    return [Stay(**row) for row in rows]


async def practice_days(
    connection: Connection, tenant_id: UUID, person_id: UUID, today: date
) -> list[date]:
    """Return the days on which a person has practiced."""
    rows = await connection.fetch(_SQL["practice_days"], tenant_id, person_id, today)
    return [row["day"] for row in rows]


async def goals(connection: Connection, tenant_id: UUID, learner_id: UUID) -> list[Goal]:
    """Return a learner's goals in order of creation."""
    rows = await connection.fetch(_SQL["goals"], tenant_id, learner_id)
    return [Goal(**row) for row in rows]


async def skill_scores(
    connection: Connection,
    tenant_id: UUID,
    person_id: UUID,
    skills: Collection[str],
    first: date,
) -> list[SkillScore]:
    """Return a person's scores of some skills that may count on `first` or later."""
    if not skills:
        return []
    rows = await connection.fetch(_SQL["skill_scores"], tenant_id, person_id, sorted(skills), first)
    return [SkillScore(**row) for row in rows]


async def practice_attempts(
    connection: Connection, tenant_id: UUID, person_id: UUID, first: date
) -> list[date]:
    """Return the day of each practice attempt of a person since a day."""
    rows = await connection.fetch(_SQL["practice_attempts"], tenant_id, person_id, first)
    return [row["day"] for row in rows]


async def scenario_weeks(
    connection: Connection, tenant_id: UUID, first: date, last: date, least: int
) -> list[WeekPlayed]:
    """Return in which cut weeks how many people played what, both days inclusive.

    Weeks with fewer than `least` people say who they were.
    """
    rows = await connection.fetch(_SQL["scenario_weeks"], tenant_id, first, last, least)
    return [
        WeekPlayed(
            scenario_id=row["scenario_id"],
            bucket=row["bucket"],
            people=row["people"],
            persons=None if row["persons"] is None else tuple(row["persons"]),
        )
        for row in rows
    ]


async def scenario_players(
    connection: Connection,
    tenant_id: UUID,
    first: date,
    last: date,
    weeks: Collection[WeekPlayed],
) -> list[Played]:
    """Return who has played what how well in these weeks, which lie between the two days."""
    rows = await connection.fetch(
        _SQL["scenario_players"],
        tenant_id,
        first,
        last,
        [each.scenario_id for each in weeks],
        [each.bucket for each in weeks],
    )
    return [Played(**row) for row in rows]


async def library(connection: Connection, tenant_id: UUID) -> list[Shelf]:
    """Return what can be played, by slug."""
    rows = await connection.fetch(_SQL["library"], tenant_id)
    return [
        Shelf(
            scenario_id=row["scenario_id"],
            spec=_SCENARIO.decode(row["spec"]),
            rubric=_RUBRIC.decode(row["rubric"]),
        )
        for row in rows
    ]


async def person_plays(
    connection: Connection, tenant_id: UUID, person_id: UUID, today: date
) -> list[Play]:
    """Return what a person has played in the last year."""
    rows = await connection.fetch(_SQL["person_plays"], tenant_id, person_id, today)
    return [Play(**row) for row in rows]
