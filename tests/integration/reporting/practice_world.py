"""Counted attempts as the fold leaves them, written by hand, for a tenant with the library."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from shared.ids import Uuid7Maker
from tests.integration.reporting.reporting_world import World

TODAY = date(2026, 9, 30)  # a Wednesday
NOW = datetime(2026, 9, 30, 12, tzinfo=UTC)

ids = Uuid7Maker()


class Practice:
    """Writes attempts with their facts, and the conversations behind them where minutes count."""

    def __init__(self, world: World, tenant_id: UUID) -> None:
        self.world = world
        self.tenant_id = tenant_id
        self._connection = world.connection

    async def people(self, amount: int, team_id: UUID) -> list[UUID]:
        """New learners in a team."""
        learners = [await self.world.learner(self.tenant_id) for _ in range(amount)]
        for each in learners:
            await self.world.member(self.tenant_id, each, team_id)
        return learners

    async def scenario(self, slug: str) -> UUID:
        return await self._connection.fetchval(
            "select scenario_id from scenarios where tenant_id = $1 and slug = $2",
            self.tenant_id,
            slug,
        )

    async def attempt(
        self,
        learner_id: UUID,
        day: date,
        skills: Mapping[str, int],
        *,
        team_id: UUID | None = None,
        source: str = "simulation",
        scenario_id: UUID | None = None,
        overall: int | None = None,
        minutes: float | None = None,
    ) -> None:
        """One counted attempt; passed from 70 on."""
        scoring_id = ids.new()
        if minutes is not None:
            await self._talk(learner_id, scoring_id, day, minutes, source)
        await self._connection.execute(
            "insert into attempts (tenant_id, scoring_id, assessment_id, revision, person_id,"
            " team_id, source, day, rubric_id, rubric_version, engine, scenario_id, simulation_id,"
            " conversation_id, overall, passed)"
            " select $1, $2, $2, 1, person_id, $4, $5, $6, $2, 1, 'embedded 1', $7, $8, $9, $10::smallint,"
            " $10::smallint >= 70 from learners where tenant_id = $1 and learner_id = $3",
            self.tenant_id,
            scoring_id,
            learner_id,
            team_id,
            source,
            day,
            scenario_id,
            scoring_id if source == "simulation" else None,
            None if source == "simulation" else scoring_id,
            overall,
        )
        await self._connection.executemany(
            "insert into facts (tenant_id, scoring_id, skill, revision, team_id, person_id, source,"
            " day, score) select $1, $2, $3, 1, team_id, person_id, source, day, $4"
            " from attempts where tenant_id = $1 and scoring_id = $2",
            [(self.tenant_id, scoring_id, skill, score) for skill, score in skills.items()],
        )

    async def _talk(
        self, learner_id: UUID, talk_id: UUID, day: date, minutes: float, source: str
    ) -> None:
        start = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        async with self.world._without_foreign_keys():
            if source == "simulation":
                await self._connection.execute(
                    "insert into simulations (tenant_id, simulation_id, learner_id, scenario_id,"
                    " scenario_version, mode, seed, status, end_reason, last_seq, created_at,"
                    " last_activity_at, ended_at) values ($1, $2, $3, $2, 1, 'interactive', 1,"
                    " 'ended', 'resolved', 2, $4, $5, $6)",
                    self.tenant_id,
                    talk_id,
                    learner_id,
                    start,
                    start + timedelta(minutes=minutes),
                    start + timedelta(hours=1),
                )
            else:
                await self._connection.execute(
                    "insert into contacts (tenant_id, conversation_id, learner_id, happened_at,"
                    " handle_time_s) values ($1, $2, $3, $4, $5)",
                    self.tenant_id,
                    talk_id,
                    learner_id,
                    start,
                    round(minutes * 60),
                )
