"""Events become facts and rollups exactly once, whatever happens on the way."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.reporting import attempt_repository, folding, repository, rollup_repository
from services.reporting.consumer import Consumer
from services.reporting.folding import Folded, fold_page, fold_scorings
from services.reporting.rebuild import rebuild, verify
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from tests.integration.reporting.reporting_world import World
from tests.support.waiting import eventually

AT = datetime(2026, 9, 30, 12, tzinfo=UTC)
BUCKET = date(2026, 9, 28)


async def one_person(world: World, time_zone: str = "UTC") -> tuple[UUID, UUID, UUID]:
    tenant_id = await world.tenant(time_zone)
    team_id = await world.team(tenant_id)
    learner_id = await world.learner(tenant_id)
    await world.member(tenant_id, learner_id, team_id)
    return tenant_id, team_id, learner_id


async def reaches(world: World, tenant_id: UUID, position: int) -> None:
    async def is_there() -> bool:
        return await world.position(tenant_id) == position

    await eventually(is_there)


class TestFoldPage:
    async def test_scored_skills_become_facts_and_rollups(self, database: Database, world: World):
        tenant_id, team_id, learner_id = await one_person(world)
        await world.scoring(tenant_id, learner_id, AT, {"empathy": 40, "clarity": None})
        await world.scoring(tenant_id, learner_id, AT, {"empathy": 90})
        await world.scoring(tenant_id, learner_id, AT, {"empathy": 70}, source="simulation")
        assert await fold_page(database, tenant_id) == Folded(position=3, has_more=False)
        assert await world.rollups(tenant_id) == {
            (team_id, "empathy", "call", BUCKET): (2, [40, 90]),
            (team_id, "empathy", "simulation", BUCKET): (1, [70]),
        }
        assert await world.facts(tenant_id) == [
            ("empathy", 1, team_id, source, AT.date(), score)
            for source, score in (("call", 40), ("simulation", 70), ("call", 90))
        ]

    async def test_folding_again_changes_nothing(self, database: Database, world: World):
        tenant_id, team_id, learner_id = await one_person(world)
        scoring_id = await world.scoring(tenant_id, learner_id, AT, {"empathy": 40})
        await fold_page(database, tenant_id)
        await world.event(tenant_id, scoring_id, "scoring.completed")
        assert await fold_page(database, tenant_id) == Folded(position=2, has_more=False)
        assert await fold_page(database, tenant_id) == Folded(position=2, has_more=False)
        await world.connection.execute(
            "update consumer_positions set position = 0 where tenant_id = $1", tenant_id
        )
        assert await fold_page(database, tenant_id) == Folded(position=2, has_more=False)
        expected = {(team_id, "empathy", "call", BUCKET): (1, [40])}
        assert await world.rollups(tenant_id) == expected

    async def test_other_events_only_move_the_position(self, database: Database, world: World):
        tenant_id, _, learner_id = await one_person(world)
        await world.event(tenant_id, learner_id)
        await world.event(tenant_id, learner_id)
        assert await fold_page(database, tenant_id, limit=1) == Folded(position=1, has_more=True)
        assert await fold_page(database, tenant_id) == Folded(position=2, has_more=False)
        assert await world.facts(tenant_id) == []

    async def test_an_event_without_a_position_waits(self, database: Database, world: World):
        tenant_id, _, learner_id = await one_person(world)
        await world.event(tenant_id, learner_id, place=False)
        assert await fold_page(database, tenant_id) == Folded(position=0, has_more=False)
        await world.place(tenant_id)
        assert await fold_page(database, tenant_id) == Folded(position=1, has_more=False)

    async def test_a_crash_before_the_commit_leaves_nothing(
        self, database: Database, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        tenant_id, team_id, learner_id = await one_person(world)
        await world.scoring(tenant_id, learner_id, AT, {"empathy": 40})

        async def crash(*_: object) -> None:
            raise ConnectionError

        with monkeypatch.context() as patch:
            patch.setattr(repository, "move_position", crash)
            with pytest.raises(ConnectionError):
                await fold_page(database, tenant_id)
        assert await world.facts(tenant_id) == []
        assert await world.rollups(tenant_id) == {}
        assert await world.position(tenant_id) is None
        await fold_page(database, tenant_id)
        expected = {(team_id, "empathy", "call", BUCKET): (1, [40])}
        assert await world.rollups(tenant_id) == expected

    async def test_a_second_process_does_not_wait(self, database: Database, world: World):
        tenant_id, _, learner_id = await one_person(world)
        await world.event(tenant_id, learner_id)
        await fold_page(database, tenant_id)
        async with tenant_tx(database, tenant_id) as connection:
            await repository.lock_position(connection, tenant_id)
            assert await fold_page(database, tenant_id) is None
        assert await fold_page(database, tenant_id) == Folded(position=1, has_more=False)


class TestRevisions:
    async def test_a_revision_replaces(self, database: Database, world: World):
        tenant_id, team_id, learner_id = await one_person(world)
        first = {"empathy": 40, "clarity": 50}
        scoring_id = await world.scoring(tenant_id, learner_id, AT, first)
        await fold_page(database, tenant_id)
        second = {"empathy": 60, "clarity": None, "patience": 10}
        await world.revision(tenant_id, scoring_id, learner_id, 2, second)
        await fold_page(database, tenant_id)
        assert await world.rollups(tenant_id) == {
            (team_id, "empathy", "call", BUCKET): (1, [60]),
            (team_id, "patience", "call", BUCKET): (1, [10]),
        }
        assert [fact[:2] for fact in await world.facts(tenant_id)] == [
            ("empathy", 2),
            ("patience", 2),
        ]

    async def test_a_late_lower_revision_is_ignored(self, database: Database, world: World):
        tenant_id, team_id, learner_id = await one_person(world)
        scoring_id = await world.scoring(tenant_id, learner_id, AT, {"empathy": 40})
        await world.revision(tenant_id, scoring_id, learner_id, 3, {"empathy": 60})
        await fold_page(database, tenant_id)
        await world.revision(tenant_id, scoring_id, learner_id, 2, {"empathy": 50, "clarity": 1})
        await fold_page(database, tenant_id)
        expected = {(team_id, "empathy", "call", BUCKET): (1, [60])}
        assert await world.rollups(tenant_id) == expected

    @pytest.mark.parametrize("table", ["rollups", "attempts"])
    async def test_what_cannot_be_right_stops_the_fold_and_asks_for_a_rebuild(
        self, database: Database, world: World, table: str
    ):
        tenant_id, team_id, learner_id = await one_person(world)
        scoring_id = await world.scoring(tenant_id, learner_id, AT, {"empathy": 40})
        await fold_page(database, tenant_id)
        await world.connection.execute(f"delete from {table} where tenant_id = $1", tenant_id)
        await world.revision(tenant_id, scoring_id, learner_id, 2, {"empathy": 50})
        stopped = Folded(position=1, has_more=False, is_incomplete=True)
        assert await fold_page(database, tenant_id) == stopped
        assert await world.marks(tenant_id) == ["tenant"]
        assert await fold_page(database, tenant_id) == stopped
        assert await rebuild(database, tenant_id) == 3  # an attempt, a fact, a rollup
        assert await fold_page(database, tenant_id) == Folded(position=2, has_more=False)
        assert await world.rollups(tenant_id) == {(team_id, "empathy", "call", BUCKET): (1, [50])}


class TestTeamOfTheDay:
    async def test_a_person_who_changed_team(self, database: Database, world: World):
        tenant_id = await world.tenant()
        old, new = await world.team(tenant_id), await world.team(tenant_id)
        learner_id = await world.learner(tenant_id)
        change, end = date(2026, 9, 30), date(2026, 10, 2)
        await world.member(tenant_id, learner_id, old, date(2026, 9, 1), change)
        await world.member(tenant_id, learner_id, new, change, end)
        for day, score in ((-40, 1), (-1, 2), (0, 3), (1, 4), (2, 5)):
            at = AT + timedelta(days=day)
            await world.scoring(tenant_id, learner_id, at, {"empathy": score})
        await fold_page(database, tenant_id)
        teams = {fact[5]: fact[2] for fact in await world.facts(tenant_id)}
        assert teams == {1: None, 2: old, 3: new, 4: new, 5: None}
        assert await world.rollups(tenant_id) == {
            (old, "empathy", "call", BUCKET): (1, [2]),
            (new, "empathy", "call", BUCKET): (1, [3]),
            (new, "empathy", "call", date(2026, 10, 1)): (1, [4]),
        }

    @pytest.mark.parametrize(
        ("time_zone", "day"),
        [("Pacific/Auckland", date(2026, 10, 1)), ("America/Los_Angeles", date(2026, 9, 30))],
    )
    async def test_the_day_is_the_tenant_s(
        self, database: Database, world: World, time_zone: str, day: date
    ):
        tenant_id, _, learner_id = await one_person(world, time_zone)
        await world.scoring(tenant_id, learner_id, AT, {"empathy": 1})
        await fold_page(database, tenant_id)
        assert [fact[4] for fact in await world.facts(tenant_id)] == [day]


class TestConsumers:
    async def test_many_folds_of_one_tenant_at_once_count_once(
        self, database: Database, world: World
    ):
        tenant_id, team_id, learner_id = await one_person(world)
        for score in range(60):
            await world.scoring(tenant_id, learner_id, AT, {"empathy": score})
        while await world.position(tenant_id) != 60:
            await asyncio.gather(*(fold_page(database, tenant_id, limit=9) for _ in range(6)))
        expected = {(team_id, "empathy", "call", BUCKET): (60, list(range(60)))}
        assert await world.rollups(tenant_id) == expected

    async def test_two_in_parallel_count_once(
        self, database: Database, world: World, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(folding.fold_page, "__kwdefaults__", {"limit": 7})
        rng = random.Random(7)
        tenants = [await one_person(world) for _ in range(2)]
        scores: dict[UUID, list[int]] = {tenant[0]: [] for tenant in tenants}
        for _ in range(60):
            tenant_id, _, learner_id = rng.choice(tenants)
            scores[tenant_id].append(rng.randint(0, 100))
            await world.scoring(tenant_id, learner_id, AT, {"empathy": scores[tenant_id][-1]})
        consumers = [Consumer(database, sweep_s=0.02) for _ in range(2)]
        tasks = [asyncio.create_task(consumer.run()) for consumer in consumers]
        for tenant_id, raw in scores.items():
            await reaches(world, tenant_id, len(raw))
        for consumer in consumers:
            consumer.close()
        await asyncio.gather(*tasks)
        for tenant_id, team_id, _ in tenants:
            assert await world.rollups(tenant_id) == {
                (team_id, "empathy", "call", BUCKET): (
                    len(scores[tenant_id]),
                    sorted(scores[tenant_id]),
                )
            }
            assert await verify(database, tenant_id) == []

    async def test_a_hint_is_enough_and_a_broken_tenant_holds_up_nobody(
        self, database: Database, world: World
    ):
        broken, _, broken_learner = await one_person(world)
        await world.connection.execute(
            "update tenants set time_zone = 'Nowhere/At_All' where tenant_id = $1", broken
        )
        tenant_id, _, learner_id = await one_person(world)
        consumer = Consumer(database, sweep_s=60)
        task = asyncio.create_task(consumer.run())
        await asyncio.sleep(0.2)  # its first sweep is over; only hints help now
        await world.scoring(broken, broken_learner, AT, {"empathy": 1})
        await world.scoring(tenant_id, learner_id, AT, {"empathy": 1})
        consumer.hint(broken)
        consumer.hint(tenant_id)
        await reaches(world, tenant_id, 1)
        consumer.close()
        await task
        assert await world.position(broken) == 0
        await world.connection.execute(
            "update tenants set time_zone = 'UTC' where tenant_id = $1", broken
        )

    async def test_the_lost_hint_is_made_up_by_the_sweep(self, database: Database, world: World):
        consumer = Consumer(database, sweep_s=0.05)
        task = asyncio.create_task(consumer.run())
        tenant_id, _, learner_id = await one_person(world)
        await world.scoring(tenant_id, learner_id, AT, {"empathy": 1})
        await reaches(world, tenant_id, 1)
        consumer.close()
        await task


class TestTenants:
    async def test_foreign_scorings_are_never_read(self, database: Database, world: World):
        mine, _, _ = await one_person(world)
        theirs, team_id, learner_id = await one_person(world)
        scoring_id = await world.scoring(theirs, learner_id, AT, {"empathy": 1})
        await fold_page(database, theirs)
        await world.event(mine, scoring_id, "scoring.completed")  # a forged event
        await fold_page(database, mine)
        async with tenant_tx(database, mine) as connection:
            await fold_scorings(connection, mine, [scoring_id])
            # Even with the other tenant named, row-level security gives nothing.
            assert await attempt_repository.wanted(connection, theirs, [scoring_id]) == {}
            assert await attempt_repository.stored(connection, theirs, [scoring_id]) == {}
            assert await attempt_repository.stored_facts(connection, theirs, [scoring_id]) == []
            assert await rollup_repository.of_team(connection, theirs, team_id) == {}
            assert await rollup_repository.teams(connection, theirs) == []
        assert await world.facts(mine) == []
        assert len(await world.facts(theirs)) == 1
