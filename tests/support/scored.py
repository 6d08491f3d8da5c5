"""Scorings with assessments, as a scoring worker would store them, with the numbers of a test's choice."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from shared.clock import SystemClock
from shared.contracts.events import EventType, ScoringCompleted
from shared.contracts.scoring import (
    FormResult,
    JudgeResult,
    Metrics,
    RootScore,
    SkillScore,
    SkillStatus,
)
from shared.db.keys import KeyRing
from shared.db.outbox import add_event
from shared.db.pool import Database
from shared.db.tx import tenant_tx
from shared.ids import Uuid7Maker

IDS = Uuid7Maker()


def judged(
    overall: int | None,
    skills: Mapping[str, int | None] | None = None,
    *,
    roots: Mapping[str, int | None] | None = None,
    passed: bool | None = None,
) -> JudgeResult:
    """What the judge says; a skill without a score had not enough evidence."""
    return JudgeResult(
        overall=overall,
        criteria=(),
        skills=tuple(
            SkillScore(
                skill=skill,
                status=SkillStatus.INSUFFICIENT_EVIDENCE if score is None else SkillStatus.SCORED,
                score=score,
                opportunities=1,
            )
            for skill, score in (skills or {}).items()
        ),
        roots=tuple(
            RootScore(root=root, score=score, skills=1) for root, score in (roots or {}).items()
        ),
        form=FormResult(base=overall, passed=passed),
        metrics=Metrics(
            handle_time_s=None, talk_share=None, question_rate=None, longest_monologue_words=0
        ),
        advice=(),
        engine="embedded",
        engine_version="1",
    )


async def assess(
    database: Database,
    keys: KeyRing,
    tenant_id: UUID,
    scoring_id: UUID,
    result: JudgeResult,
    *,
    revision: int = 1,
) -> UUID:
    """Store a revision that counts from now on, with its event; return its id."""
    assessment_id = IDS.new()
    now = SystemClock().now()
    async with tenant_tx(database, tenant_id) as connection:
        learner_id = await connection.fetchval(
            "select learner_id from scorings where tenant_id = $1 and scoring_id = $2",
            tenant_id,
            scoring_id,
        )
        key = await keys.learner(connection, tenant_id, learner_id)
        await connection.execute(
            "insert into assessments (tenant_id, assessment_id, scoring_id, learner_id, revision,"
            " overall, result, engine, engine_version, created_at)"
            " values ($1, $2, $3, $4, $5, $6, $7, 'embedded', '1', $8)",
            tenant_id,
            assessment_id,
            scoring_id,
            learner_id,
            revision,
            result.overall,
            key.seal(msgspec.json.encode(result), "assessments.result", assessment_id.bytes),
            now,
        )
        await connection.executemany(
            "insert into assessment_skills values ($1, $2, $3, $4, $5, 1)",
            [
                (tenant_id, assessment_id, each.skill, each.status.value, each.score)
                for each in result.skills
            ],
        )
        await connection.execute(
            "update scorings set status = 'completed', assessment_id = $3, finished_at = $4"
            " where tenant_id = $1 and scoring_id = $2",
            tenant_id,
            scoring_id,
            assessment_id,
            now,
        )
        await add_event(
            connection,
            tenant_id,
            IDS.new(),
            EventType.SCORING_COMPLETED if revision == 1 else EventType.SCORING_REVISED,
            scoring_id,
            ScoringCompleted(assessment_id=assessment_id, revision=revision),
            now=now,
        )
    return assessment_id


async def score_simulation(
    database: Database, keys: KeyRing, tenant_id: UUID, simulation_id: UUID, result: JudgeResult
) -> UUID:
    """End a simulation and score it; return the assessment's id."""
    async with tenant_tx(database, tenant_id) as connection:
        await connection.execute(
            "insert into scorings (tenant_id, scoring_id, learner_id, simulation_id, rubric_id,"
            " rubric_version, source, status, workflow_id, occurred_at, created_at)"
            " select $1, $2, s.learner_id, $2, r.rubric_id, 1, 'simulation', 'running', 'x',"
            "        s.created_at, now()"
            "   from simulations s"
            "   join scenario_versions v on v.tenant_id = $1 and v.scenario_id = s.scenario_id"
            "    and v.version = s.scenario_version"
            "   join rubrics r on r.tenant_id = $1 and r.slug = v.spec ->> 'rubric'"
            "  where s.tenant_id = $1 and s.simulation_id = $2",
            tenant_id,
            simulation_id,
        )
        await connection.execute(
            "update simulations set status = 'scored', end_reason = 'goal_met', ended_at = now()"
            " where tenant_id = $1 and simulation_id = $2",
            tenant_id,
            simulation_id,
        )
    return await assess(database, keys, tenant_id, simulation_id, result)
