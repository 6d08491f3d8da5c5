"""Memberships, time zones and old forms: what changes behind the scorings moves what is counted."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.reporting import folding, repository
from services.reporting.consumer import Consumer
from services.reporting.folding import Folded, fold_page
from services.reporting.freshness import state
from services.reporting.rebuild import rebuild, verify
from shared.clock import FixedClock
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from tests.integration.reporting.reporting_world import World
from tests.support.waiting import eventually

AT = datetime(2026, 9, 30, 12, tzinfo=UTC)
BUCKET = date(2026, 9, 28)
CHANGE = date(2026, 9, 30)


@pytest.fixture
async def people(world: World) -> tuple[UUID, UUID, UUID, UUID]:
    """A tenant, two teams, and a learner who has been in the first since January."""
    tenant_id = await world.tenant()
    teams = [await world.team(tenant_id) for _ in range(2)]
    learner_id = await world.learner(tenant_id)
    await world.member(tenant_id, learner_id, teams[0])
    return tenant_id, teams[0], teams[1], learner_id


async def folded(database: Database, tenant_id: UUID) -> Folded:
    found = await fold_page(database, tenant_id)
    assert found is not None
    return found


async def by_team(world: World, tenant_id: UUID) -> dict[UUID, list[int]]:
    """Scores per team, from the rollups; facts and attempts say the same."""
    found: dict[UUID, list[int]] = {}
    for cell, (_, scores) in (await world.rollups(tenant_id)).items():
        found.setdefault(cell[0], []).extend(scores)  # type: ignore[arg-type]  # a team's id
    facts: dict[UUID, list[int]] = {}
    for fact in await world.facts(tenant_id):
        if fact[2] is not None:
            facts.setdefault(fact[2], []).append(fact[5])  # type: ignore[arg-type]  # a score
    assert {team: sorted(scores) for team, scores in found.items()} == {
        team: sorted(scores) for team, scores in facts.items()
    }
    assert await verify_teams(world, tenant_id)
    return {team: sorted(scores) for team, scores in found.items()}


async def verify_teams(world: World, tenant_id: UUID) -> bool:
    """Attempts and their facts name the same team and person."""
    return not await world.connection.fetchval(
        "select count(*) from attempts a join facts f using (tenant_id, scoring_id)"
        " where tenant_id = $1 and (a.team_id is distinct from f.team_id or a.day <> f.day"
        " or a.person_id <> f.person_id)",
        tenant_id,
    )


class TestMemberships:
    async def test_a_membership_told_late(
        self, database: Database, world: World, people: tuple[UUID, UUID, UUID, UUID]
    ):
        tenant_id, team_id, _, _ = people
        late = await world.learner(tenant_id)
        await world.scoring(tenant_id, late, AT, {"empathy": 5})
        await folded(database, tenant_id)
        assert await world.rollups(tenant_id) == {}
        await world.member(tenant_id, late, team_id)
        assert await verify(database, tenant_id) == []  # only late
        await folded(database, tenant_id)
        assert await by_team(world, tenant_id) == {team_id: [5]}
        assert await world.marks(tenant_id) == []

    async def test_an_edit_of_the_past_re_attributes_from_that_day_on(
        self, database: Database, world: World, people: tuple[UUID, UUID, UUID, UUID]
    ):
        tenant_id, old, new, learner_id = people
        for day, score in ((-2, 1), (-1, 2), (0, 3), (1, 4)):
            at = AT + timedelta(days=day)
            await world.scoring(tenant_id, learner_id, at, {"empathy": score, "clarity": score})
        await folded(database, tenant_id)
        assert await by_team(world, tenant_id) == {old: [1, 1, 2, 2, 3, 3, 4, 4]}
        async with world.connection.transaction():
            await world.connection.execute(
                "update memberships set valid_to = $3 where tenant_id = $1 and learner_id = $2",
                tenant_id,
                learner_id,
                CHANGE,
            )
            await world.member(tenant_id, learner_id, new, CHANGE)
        await folded(database, tenant_id)
        assert await by_team(world, tenant_id) == {old: [1, 1, 2, 2], new: [3, 3, 4, 4]}
        await world.connection.execute(
            "delete from memberships where tenant_id = $1 and team_id = $2", tenant_id, new
        )
        await folded(database, tenant_id)
        assert await by_team(world, tenant_id) == {old: [1, 1, 2, 2]}
        assert await verify(database, tenant_id) == []
        people_of = await world.people(tenant_id, "empathy")
        assert [n for _, n, _ in people_of[old]] == [2]

    async def test_others_stay_where_they_are(
        self, database: Database, world: World, people: tuple[UUID, UUID, UUID, UUID]
    ):
        tenant_id, old, new, learner_id = people
        other = await world.learner(tenant_id)
        await world.member(tenant_id, other, old)
        for person in (learner_id, other):
            await world.scoring(tenant_id, person, AT, {"empathy": 9})
        await folded(database, tenant_id)
        await world.connection.execute(
            "update memberships set team_id = $3 where tenant_id = $1 and learner_id = $2",
            tenant_id,
            learner_id,
            new,
        )
        await folded(database, tenant_id)
        assert await by_team(world, tenant_id) == {old: [9], new: [9]}

    async def test_more_scorings_than_a_page(
        self,
        database: Database,
        world: World,
        people: tuple[UUID, UUID, UUID, UUID],
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setattr(folding, "PAGE_EVENTS", 3)
        tenant_id, old, new, learner_id = people
        for score in range(8):
            await world.scoring(tenant_id, learner_id, AT, {"empathy": score})
        await folded(database, tenant_id)
        assert await by_team(world, tenant_id) == {old: list(range(8))}
        await world.connection.execute(
            "update memberships set team_id = $2 where tenant_id = $1", tenant_id, new
        )
        await folded(database, tenant_id)
        assert await by_team(world, tenant_id) == {new: list(range(8))}

    async def test_more_marks_than_a_page(
        self,
        database: Database,
        world: World,
        people: tuple[UUID, UUID, UUID, UUID],
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setattr(folding, "PAGE_MARKS", 2)
        tenant_id, team_id, _, _ = people
        for _ in range(4):
            await world.member(tenant_id, await world.learner(tenant_id), team_id)
        pages = 0
        while (await folded(database, tenant_id)).has_more:
            pages += 1
        assert pages == 2
        assert await world.marks(tenant_id) == []

    async def test_marks_about_many_scorings_are_taken_up_page_by_page(
        self,
        database: Database,
        world: World,
        people: tuple[UUID, UUID, UUID, UUID],
        monkeypatch: pytest.MonkeyPatch,
    ):
        """A whole company that moves must not be one transaction."""
        tenant_id, old, new, learner_id = people
        learners = [learner_id, await world.learner(tenant_id), await world.learner(tenant_id)]
        for person in learners[1:]:
            await world.member(tenant_id, person, old)
        for score, person in enumerate(learners):
            await world.scoring(tenant_id, person, AT, {"empathy": score})
            await world.scoring(tenant_id, person, AT, {"empathy": score})
        await folded(database, tenant_id)
        monkeypatch.setattr(folding, "PAGE_EVENTS", 2)
        monkeypatch.setattr(folding, "SLICE_MARKS", 1)
        for person in learners:
            await world.connection.execute(
                "update memberships set team_id = $3 where tenant_id = $1 and learner_id = $2",
                tenant_id,
                person,
                new,
            )
        seen = []
        for _ in learners:
            more = (await folded(database, tenant_id)).has_more
            seen.append((more, len((await by_team(world, tenant_id))[new])))
        assert seen == [(True, 2), (True, 4), (False, 6)]
        assert await world.marks(tenant_id) == []

    async def test_a_fold_that_is_undone_keeps_the_mark(
        self,
        database: Database,
        world: World,
        people: tuple[UUID, UUID, UUID, UUID],
        monkeypatch: pytest.MonkeyPatch,
    ):
        tenant_id, _, _, learner_id = people

        async def crash(*_: object) -> None:
            raise ConnectionError

        await world.event(tenant_id, learner_id)
        with monkeypatch.context() as patch:
            patch.setattr(repository, "move_position", crash)
            with pytest.raises(ConnectionError):
                await fold_page(database, tenant_id)
        assert await world.marks(tenant_id) == ["learner"]


class TestTenants:
    async def test_another_time_zone_is_made_anew_by_the_service(
        self, database: Database, world: World, people: tuple[UUID, UUID, UUID, UUID]
    ):
        tenant_id, team_id, _, learner_id = people
        await world.scoring(tenant_id, learner_id, AT, {"empathy": 7})
        await folded(database, tenant_id)
        await world.connection.execute(
            "update tenants set time_zone = 'Pacific/Auckland' where tenant_id = $1", tenant_id
        )
        assert (await folded(database, tenant_id)).is_incomplete
        async with tenant_tx(database, tenant_id) as connection:
            assert await repository.is_rebuilding(connection, tenant_id)
        await self._serve(database, world, tenant_id)
        assert [fact[4] for fact in await world.facts(tenant_id)] == [date(2026, 10, 1)]
        assert list(await world.rollups(tenant_id)) == [
            (team_id, "empathy", "call", date(2026, 10, 1))
        ]
        assert await verify(database, tenant_id) == []
        async with tenant_tx(database, tenant_id) as connection:
            assert not await repository.is_rebuilding(connection, tenant_id)

    async def test_facts_of_before_become_attempts_and_rollups(
        self, database: Database, world: World, people: tuple[UUID, UUID, UUID, UUID]
    ):
        """As an upgrade leaves a tenant: facts, no attempts, no rollups, a mark."""
        tenant_id, team_id, _, learner_id = people
        await world.scoring(tenant_id, learner_id, AT, {"empathy": 7})
        await folded(database, tenant_id)
        for statement in (
            "delete from attempts where tenant_id = $1",
            "delete from rollups where tenant_id = $1",
            "insert into report_marks (tenant_id, kind) values ($1, 'tenant')",
        ):
            await world.connection.execute(statement, tenant_id)
        await self._serve(database, world, tenant_id)
        assert await world.rollups(tenant_id) == {(team_id, "empathy", "call", BUCKET): (1, [7])}
        assert await verify(database, tenant_id) == []

    async def test_what_somebody_else_made_anew_is_not_made_twice(
        self, database: Database, world: World, people: tuple[UUID, UUID, UUID, UUID]
    ):
        tenant_id, _, _, learner_id = people
        await world.scoring(tenant_id, learner_id, AT, {"empathy": 7})
        assert await rebuild(database, tenant_id, is_needed=False) == 0
        assert await world.facts(tenant_id) == []
        async with tenant_tx(database, tenant_id) as connection:
            await repository.mark_tenant(connection, tenant_id)
        assert await rebuild(database, tenant_id, is_needed=False) == 3

    @staticmethod
    async def _serve(database: Database, world: World, tenant_id: UUID) -> None:
        """Let a consumer work until no mark stands; its sweep finds the tenant by itself."""
        consumer = Consumer(database, sweep_s=0.05)
        task = asyncio.create_task(consumer.run())

        async def is_done() -> bool:
            return await world.marks(tenant_id) == []

        await eventually(is_done)
        consumer.close()
        await task


class TestVersion:
    async def test_it_counts_changes_of_what_is_counted_only(
        self, database: Database, world: World, people: tuple[UUID, UUID, UUID, UUID]
    ):
        tenant_id, _, _, learner_id = people

        async def version() -> int:
            await folded(database, tenant_id)
            async with tenant_tx(database, tenant_id) as connection:
                return (await state(connection, tenant_id, FixedClock(AT))).version

        assert await version() == 0
        scoring_id = await world.scoring(tenant_id, learner_id, AT, {"empathy": 7})
        assert await version() == 1
        await world.event(tenant_id, learner_id)
        await world.event(tenant_id, scoring_id, "scoring.completed")
        assert await version() == 1
        await world.connection.execute(
            "update memberships set valid_from = '2026-12-01' where tenant_id = $1", tenant_id
        )
        assert await version() == 2
