"""Weekly pages: who is due, one per team and week, stored sealed, told once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.orchestrator.context import Context
from services.orchestrator.reports.weekly import ReportActivities
from services.reporting.desk import QuestionError
from services.reporting.documents.weekly import make_weekly, stored_page
from shared.clock import FixedClock
from shared.config import Settings
from shared.contracts.reports.documents import StoredPageQuery, WeeklyQuery
from shared.db.keys import KeyRing
from shared.db.pool import Database
from shared.ids import Uuid7Maker
from tests.integration.reporting.document_world import NOW, WEEK, desk_at, two_teams
from tests.integration.reporting.reporting_team import Team
from tests.integration.reporting.reporting_world import World
from tests.support.tenants import TenantFactory

IDS = Uuid7Maker()


@pytest.fixture(scope="module")
async def teams(
    world: World, keys: KeyRing, database: Database, tenants: TenantFactory
) -> list[Team]:
    return await two_teams(world, keys, database, (await tenants.new()).tenant_id)


def _week(team: Team) -> WeeklyQuery:
    return WeeklyQuery(tenant_id=team.tenant_id, week=WEEK)


async def _events(world: World, tenant_id: UUID) -> list[tuple[str, UUID]]:
    rows = await world.connection.fetch(
        "select data, resource_id from events where tenant_id = $1 and type = 'report.ready'",
        tenant_id,
    )
    return [(row["data"], row["resource_id"]) for row in rows]


class TestMaking:
    async def test_each_team_has_one_page_and_one_event_however_often_it_is_asked(
        self, database: Database, keys: KeyRing, world: World, teams: list[Team]
    ):
        tenant_id = teams[0].tenant_id
        desk = desk_at(database)
        replies = await asyncio.gather(
            *(make_weekly(desk, keys, IDS, _week(teams[0])) for _ in range(3))
        )
        again = await make_weekly(desk, keys, IDS, _week(teams[0]))

        assert sum(reply.made for reply in replies) == len(teams)
        assert (again.made, again.left) == (0, 0)
        rows = await world.connection.fetch(
            "select document_id, team_id, week, content from report.documents where tenant_id = $1",
            tenant_id,
        )
        assert {row["team_id"] for row in rows} == {team.team_id for team in teams}
        assert {row["week"] for row in rows} == {WEEK}
        assert all(b"shift" not in row["content"] for row in rows)  # sealed
        events = await _events(world, tenant_id)
        assert {resource for _, resource in events} == {row["document_id"] for row in rows}
        assert len(events) == len(rows)
        done = await world.connection.fetchval(
            "select week from report.weekly_runs where tenant_id = $1", tenant_id
        )
        assert done == WEEK

        (night,) = [row for row in rows if row["team_id"] == teams[0].team_id]
        page = await stored_page(
            desk, keys, StoredPageQuery(tenant_id=tenant_id, document_id=night["document_id"])
        )
        assert page.team_name == "Night <shift> & Co"
        assert (page.start, page.end) == (WEEK - timedelta(weeks=11), WEEK + timedelta(days=6))
        assert page.skills

    async def test_a_week_begins_on_monday(
        self, database: Database, keys: KeyRing, teams: list[Team]
    ):
        query = WeeklyQuery(tenant_id=teams[0].tenant_id, week=WEEK + timedelta(days=1))
        with pytest.raises(QuestionError, match="Monday"):
            await make_weekly(desk_at(database), keys, IDS, query)

    async def test_another_tenants_page_is_unknown(
        self,
        database: Database,
        keys: KeyRing,
        world: World,
        teams: list[Team],
        tenants: TenantFactory,
    ):
        await make_weekly(desk_at(database), keys, IDS, _week(teams[0]))
        (_, document_id), *_ = await _events(world, teams[0].tenant_id)
        stranger = (await tenants.new()).tenant_id
        with pytest.raises(QuestionError, match="no such report"):
            await stored_page(
                desk_at(database),
                keys,
                StoredPageQuery(tenant_id=stranger, document_id=document_id),
            )


class TestDue:
    @pytest.fixture
    async def tenant_id(self, tenants: TenantFactory, world: World) -> UUID:
        """In Berlin, on Wednesdays at seven."""
        tenant_id = (await tenants.new("Europe/Berlin")).tenant_id
        await world.connection.execute(
            "insert into report.settings values ($1, 1, 5, false, true, 3, 7, $2)", tenant_id, NOW
        )
        return tenant_id

    async def _due(self, database: Database, settings: Settings, now: datetime) -> dict[UUID, str]:
        context = Context(
            settings=settings,
            database=database,
            publisher=None,  # type: ignore[arg-type]  # nothing is published
            temporal=None,  # type: ignore[arg-type]
            clock=FixedClock(now),
            ids=IDS,
        )
        found = await ReportActivities(context, None).list_due()  # type: ignore[arg-type]
        return {one.tenant_id: one.week for one in found}

    @pytest.mark.parametrize(
        ("now", "week"),
        [
            # Wednesday 11 November 2026: winter time, an hour ahead of UTC.
            (datetime(2026, 11, 11, 5, 59, tzinfo=UTC), "2026-10-26"),
            (datetime(2026, 11, 11, 6, 0, tzinfo=UTC), "2026-11-02"),
            (datetime(2026, 11, 16, 0, 0, tzinfo=UTC), "2026-11-02"),
            (datetime(2026, 11, 18, 6, 0, tzinfo=UTC), "2026-11-09"),
            # Wednesday 21 October: summer time, two hours ahead.
            (datetime(2026, 10, 21, 4, 59, tzinfo=UTC), "2026-10-05"),
            (datetime(2026, 10, 21, 5, 0, tzinfo=UTC), "2026-10-12"),
        ],
    )
    async def test_the_week_turns_at_the_tenants_hour(
        self, database: Database, settings: Settings, tenant_id: UUID, now: datetime, week: str
    ):
        assert (await self._due(database, settings, now))[tenant_id] == week

    async def test_what_is_made_is_not_due_until_the_next_week(
        self, database: Database, settings: Settings, world: World, tenant_id: UUID
    ):
        await world.connection.execute(
            "insert into report.weekly_runs values ($1, '2026-11-02')", tenant_id
        )
        wednesday = datetime(2026, 11, 11, 6, tzinfo=UTC)
        assert tenant_id not in await self._due(database, settings, wednesday)
        later = wednesday + timedelta(weeks=1)
        assert (await self._due(database, settings, later))[tenant_id] == "2026-11-09"

    async def test_who_did_not_ask_for_it_or_is_suspended_is_not_due(
        self, database: Database, settings: Settings, world: World, tenant_id: UUID
    ):
        other = await world.tenant()
        now = datetime(2026, 11, 11, 6, tzinfo=UTC)
        assert other not in await self._due(database, settings, now)
        await world.connection.execute(
            "update tenants set status = 'suspended' where tenant_id = $1", tenant_id
        )
        assert tenant_id not in await self._due(database, settings, now)
