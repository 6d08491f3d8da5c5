"""What an attempt says: scenario, rubric, judge, and whether the target was reached."""

import json
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from services.reporting.folding import fold_page
from shared.db.pool import Database
from tests.integration.reporting.reporting_world import NOW, World, ids

AT = datetime(2026, 9, 30, 12, tzinfo=UTC)
TARGET = 70


class Practice:
    """One learner who plays one scenario, judged with one rubric of two versions."""

    def __init__(self, world: World, tenant_id: UUID, learner_id: UUID) -> None:
        self._world = world
        self.tenant_id = tenant_id
        self._learner_id = learner_id
        self.scenario_id, self.rubric_id = ids.new(), ids.new()

    async def prepare(self) -> None:
        execute = self._world.connection.execute
        await execute("set session_replication_role = replica")
        for version, target in ((1, TARGET), (2, 20)):
            await execute(
                "insert into rubric_versions (tenant_id, rubric_id, version, content_hash, spec,"
                " created_at) values ($1, $2, $3, '', $4, $5)",
                self.tenant_id,
                self.rubric_id,
                version,
                json.dumps({"target": target}),
                NOW,
            )
        await execute("set session_replication_role = origin")

    async def simulated(self, overall: int | None) -> UUID:
        """A simulation that was scored."""
        simulation_id = ids.new()
        execute = self._world.connection.execute
        await execute("set session_replication_role = replica")
        await execute(
            "insert into simulations (tenant_id, simulation_id, learner_id, scenario_id,"
            " scenario_version, mode, seed, status, end_reason, last_seq, created_at,"
            " last_activity_at) values ($1, $2, $3, $4, 3, 'interactive', 1, 'scored', 'goal', 4,"
            " $5, $5)",
            self.tenant_id,
            simulation_id,
            self._learner_id,
            self.scenario_id,
            AT,
        )
        await execute(
            "insert into scorings (tenant_id, scoring_id, learner_id, simulation_id, rubric_id,"
            " rubric_version, source, status, assessment_id, occurred_at, created_at)"
            " values ($1, $2, $3, $2, $4, 1, 'simulation', 'completed', $2, $5, $5)",
            self.tenant_id,
            simulation_id,
            self._learner_id,
            self.rubric_id,
            AT,
        )
        await execute("set session_replication_role = origin")
        await self.assess(simulation_id, 1, overall)
        return simulation_id

    async def assess(
        self,
        scoring_id: UUID,
        revision: int,
        overall: int | None,
        *,
        rubric_version: int | None = None,
        engine: tuple[str, str] = ("embedded", "embedded-2+abc"),
    ) -> None:
        """A revision, with its event; with a rubric of its own where a version is given."""
        await self._world.connection.execute("set session_replication_role = replica")
        await self._world.connection.execute(
            "insert into assessments (tenant_id, assessment_id, scoring_id, learner_id, revision,"
            " overall, result, engine, engine_version, created_at, rubric_id, rubric_version)"
            " values ($1, $2, $3, $4, $5, $6, '', $7, $8, $9, $10, $11)",
            self.tenant_id,
            ids.new(),
            scoring_id,
            self._learner_id,
            revision,
            overall,
            *engine,
            NOW,
            None if rubric_version is None else self.rubric_id,
            rubric_version,
        )
        await self._world.connection.execute("set session_replication_role = origin")
        await self._world.event(self.tenant_id, scoring_id, "scoring.revised")


@pytest.fixture
async def practice(world: World) -> Practice:
    tenant_id = await world.tenant()
    made = Practice(world, tenant_id, await world.learner(tenant_id))
    await made.prepare()
    return made


async def attempt(world: World, scoring_id: UUID) -> dict[str, object]:
    row = await world.connection.fetchrow(
        "select * from attempts where scoring_id = $1", scoring_id
    )
    assert row is not None
    return dict(row)


async def test_a_simulation_says_its_scenario(
    database: Database, world: World, practice: Practice
) -> None:
    simulation_id = await practice.simulated(TARGET)
    await fold_page(database, practice.tenant_id)
    found = await attempt(world, simulation_id)
    assert (found["simulation_id"], found["conversation_id"]) == (simulation_id, None)
    assert (found["scenario_id"], found["scenario_version"]) == (practice.scenario_id, 3)
    assert (found["rubric_id"], found["rubric_version"]) == (practice.rubric_id, 1)
    assert (found["engine"], found["overall"], found["passed"]) == ("embedded-2", TARGET, True)
    assert (found["source"], found["day"], found["team_id"]) == (
        "simulation",
        date(2026, 9, 30),
        None,
    )


@pytest.mark.parametrize(
    ("overall", "expected"), [(TARGET - 1, False), (TARGET, True), (100, True), (0, False)]
)
async def test_the_target_is_the_pass_mark(
    database: Database, world: World, practice: Practice, overall: int, expected: object
) -> None:
    simulation_id = await practice.simulated(overall)
    await fold_page(database, practice.tenant_id)
    assert (await attempt(world, simulation_id))["passed"] is expected


async def test_without_an_overall_score_nobody_passed_or_failed(
    database: Database, world: World, practice: Practice
) -> None:
    """It still counts as practice."""
    simulation_id = await practice.simulated(None)
    await fold_page(database, practice.tenant_id)
    found = await attempt(world, simulation_id)
    assert (found["overall"], found["passed"]) == (None, None)


async def test_a_revision_brings_its_own_rubric_and_judge(
    database: Database, world: World, practice: Practice
) -> None:
    simulation_id = await practice.simulated(30)
    await fold_page(database, practice.tenant_id)
    before = await attempt(world, simulation_id)
    model = ("cascade", "embedded-3+def")
    await practice.assess(simulation_id, 2, 30, rubric_version=2, engine=model)
    await fold_page(database, practice.tenant_id)
    after = await attempt(world, simulation_id)
    assert (before["rubric_version"], before["passed"], before["engine"]) == (
        1,
        False,
        "embedded-2",
    )
    assert (after["rubric_version"], after["passed"], after["engine"]) == (
        2,
        True,
        "cascade embedded-3",
    )
    assert after["assessment_id"] != before["assessment_id"]
    assert await world.rollups(practice.tenant_id) == {}
