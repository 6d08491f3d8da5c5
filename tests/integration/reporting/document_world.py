"""A tenant with two teams whose people score for twelve weeks, and a desk to write about them."""

import random
from datetime import UTC, date, datetime, time, timedelta

from services.reporting.desk import Desk
from services.reporting.documents.answers import Office
from services.reporting.documents.exporting import Exporter
from services.reporting.documents.rendering import Renderer
from services.reporting.folding import fold_page
from shared.clock import FixedClock
from shared.contracts.reports.documents import DocumentQuery
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker
from tests.integration.reporting.reporting_team import Team, a_team, everybody_scores
from tests.integration.reporting.reporting_world import World

WEEK = date(2026, 11, 9)
"""The last one that is over."""
NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)
FIRST = WEEK - timedelta(weeks=11)
END = WEEK + timedelta(days=6)
PEOPLE = 6

SKILLS = {"relate.empathy": (52, 2.2), "resolve.ownership": (71, 0.0), "inquire.questions": (64, 0)}
"""Where a skill begins, and what it gains a week."""


async def named_team(
    world: World, keys: KeyRing, database: Database, team: Team, name: str
) -> None:
    """Call a team something."""
    async with tenant_tx(database, team.tenant_id) as connection:
        tenant = await keys.tenant(connection, team.tenant_id)
    sealed = tenant.seal_text(name, "teams.name", team.team_id.bytes)
    await world.connection.execute(
        "update teams set name = $3 where tenant_id = $1 and team_id = $2",
        team.tenant_id,
        team.team_id,
        sealed,
    )


async def scored_team(world: World, team: Team, weeks: int = 12) -> None:
    """Everybody scores once a week, with some noise, always the same."""
    noise = random.Random(4)
    for number in range(12 - weeks, 12):
        at = datetime.combine(FIRST + timedelta(weeks=number, days=2), time(12), UTC)
        scores = {
            skill: [round(start + gain * number + noise.gauss(0, 5)) for _ in team.learner_ids]
            for skill, (start, gain) in SKILLS.items()
        }
        await everybody_scores(world, team, at, scores)


async def count_all(database: Database, team: Team) -> None:
    """Count everything that waits."""
    while (folded := await fold_page(database, team.tenant_id)) is None or folded.has_more:
        pass


async def two_teams(world: World, keys: KeyRing, database: Database, tenant_id) -> list[Team]:
    """Write a tenant with a team of six, and one of three."""
    teams = [await a_team(world, people, tenant_id) for people in (PEOPLE, 3)]
    for team, name in zip(teams, ("Night <shift> & Co", "Few"), strict=True):
        await named_team(world, keys, database, team, name)
        await scored_team(world, team)
    await count_all(database, teams[0])
    return teams


def query(team: Team, **changes: object) -> DocumentQuery:
    """A question about the twelve weeks."""
    body = {"tenant_id": team.tenant_id, "team_id": team.team_id, "start": FIRST, "end": END}
    return DocumentQuery(**(body | changes))  # type: ignore[arg-type]  # plain values


def desk_at(database: Database, now: datetime = NOW) -> Desk:
    return Desk(database, FixedClock(now))


def office_of(database: Database, keys: KeyRing, renderer: Renderer) -> Office:
    ids, clock = Uuid7Maker(), FixedClock(NOW)
    return Office(keys, ids, renderer, Exporter(database, keys, clock, ids))
