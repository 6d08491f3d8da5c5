"""A team's trend after the directory moved somebody: other from that day on, the same before.

[R-F3]
"""

import dataclasses
from datetime import UTC, date, datetime

import asyncpg
import httpx
import pytest

from services.api.app import create_app
from services.api.context import ProcessContext
from services.reporting.desk import Desk
from services.reporting.folding import fold_page
from services.reporting.views.trend import team_trend
from shared.clock import FixedClock
from shared.ids import parse_id
from tests.integration.api.conftest import Partner
from tests.integration.api.test_scim_people import Directory
from tests.integration.reporting.reporting_team import Team
from tests.integration.reporting.reporting_world import World
from tests.support.tenants import TenantFactory

JOINED = datetime(2026, 9, 1, 12, tzinfo=UTC)
LEFT = datetime(2026, 9, 30, 12, tzinfo=UTC)
BEFORE, AFTER = datetime(2026, 9, 23, 12, tzinfo=UTC), datetime(2026, 10, 7, 12, tzinfo=UTC)
WEEKS = (date(2026, 9, 21), date(2026, 10, 5))
TODAY = datetime(2026, 11, 4, 12, tzinfo=UTC)
SKILL = "relate.empathy"
SCORES = (90, 50, 52, 54, 56, 58, 60)


async def _points(desk: Desk, team: Team) -> dict[date, tuple[int, float]]:
    while (await fold_page(desk.database, team.tenant_id)).has_more:  # type: ignore[union-attr]
        pass
    reply = await team_trend(desk, team.query(*WEEKS, view="full"))
    return {point.week: (point.learners, point.mean) for point in reply.points}


@pytest.mark.parametrize("way", ["left the group", "deactivated", "deleted", "another group"])
async def test_a_trend_changes_from_that_date_and_not_before(
    context: ProcessContext, tenants: TenantFactory, database_url: str, way: str
) -> None:
    clock = FixedClock(JOINED)
    app = create_app(dataclasses.replace(context, clock=clock))
    transport = httpx.ASGITransport(app=app)
    connection = await asyncpg.connect(database_url, server_settings={"search_path": "app,report"})
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as http:
        directory = Directory(Partner(http, await tenants.new()))
        users = [await directory.user(f"user-{n}") for n in range(len(SCORES))]
        group = await directory.group("Day", *(each["id"] for each in users))
        learners = [await directory.learner(f"user-{n}") for n in range(len(SCORES))]
        team = Team(
            directory.partner.tenant.tenant_id,
            parse_id("team", group["id"]),
            tuple(parse_id("lrn", each["id"]) for each in learners),
        )
        world = World(connection)
        for at in (BEFORE, AFTER):
            for learner_id, score in zip(team.learner_ids, SCORES, strict=True):
                await world.scoring(team.tenant_id, learner_id, at, {SKILL: score})
        desk = Desk(context.database, FixedClock(TODAY))
        everybody = await _points(desk, team)
        assert everybody == dict.fromkeys(WEEKS, (7, 60.0))

        clock.at = LEFT
        await _leave(directory, way, users[0]["id"], group["id"])
        assert await _points(desk, team) == {WEEKS[0]: (7, 60.0), WEEKS[1]: (6, 55.0)}
    await connection.close()


async def _leave(directory: Directory, way: str, user: str, group: str) -> None:
    if way == "left the group":
        gone = {"op": "remove", "path": f'members[value eq "{user}"]'}
        assert (await directory.patch(f"/Groups/{group}", gone)).status_code == 200
    elif way == "deactivated":
        off = {"op": "replace", "path": "active", "value": False}
        assert (await directory.patch(f"/Users/{user}", off)).status_code == 200
    elif way == "deleted":
        assert (await directory.send("DELETE", f"/Users/{user}")).status_code == 204
    else:
        await directory.group("Night", user)
