"""A tenant with as many scored simulations and calls as a test asks for, made in the server."""

from uuid import UUID

import asyncpg

LEARNERS = 2000
TEAMS = 100

_STATEMENTS = (
    # Nothing here is under test that a foreign key protects, and a million checks take minutes.
    "set session_replication_role = replica",
    "set synchronous_commit = off",
    f"""
    insert into learners (tenant_id, learner_id, person_id, external_id, external_id_hash, created_at)
    select $1::uuid, md5($1::uuid::text || n)::uuid, md5($1::uuid::text || n)::uuid, 'x', decode(md5(n::text), 'hex'), now()
      from generate_series(1, {LEARNERS}) n
    """,
    f"""
    insert into teams (tenant_id, team_id, name, created_at)
    select $1::uuid, md5($1::uuid::text || 'team' || n)::uuid, 'x', now() from generate_series(0, {TEAMS} - 1) n
    """,
    f"""
    insert into memberships (tenant_id, learner_id, team_id, valid_from)
    select $1::uuid, md5($1::uuid::text || n)::uuid, md5($1::uuid::text || 'team' || n % {TEAMS})::uuid, '2020-01-01'
      from generate_series(1, {LEARNERS}) n
    """,
    # Half simulations, half calls with a few chats and fewer e-mails; one in a thousand failed.
    f"""
    insert into scorings (tenant_id, scoring_id, learner_id, conversation_id, simulation_id, rubric_id,
                          rubric_version, source, status, failure_code, assessment_id, workflow_id,
                          occurred_at, created_at)
    select $1::uuid, made.id, md5($1::uuid::text || 1 + abs(hashint4(n)) % {LEARNERS})::uuid,
           case when n % 2 = 1 then made.id end, case when n % 2 = 0 then made.id end,
           (select rubric_id from rubrics where tenant_id = $1 order by slug offset n % 50 / 49 limit 1), 1,
           case when n % 2 = 0 then 'simulation' when n % 1001 = 0 then 'email'
                when n % 21 = 0 then 'chat' else 'call' end,
           case when n % 1000 = 999 then 'failed' else 'completed' end,
           case when n % 1000 = 999 then 'timeout' end,
           case when n % 1000 <> 999 then made.id end, 'x', made.at, made.at
      from generate_series(1, $2::int) n
     cross join lateral (
       select timestamptz '2026-01-01' + n * interval '20 seconds' as at,
              overlay(md5($1::uuid::text || 's' || n) placing
                      lpad(to_hex(1767225600000 + n * 20000::bigint), 12, '0') from 1 for 12)::uuid as id) made
    """,
    """
    insert into conversations (tenant_id, conversation_id, learner_id, source, external_id_hash, turns,
                               turn_count, occurred_at, created_at)
    select $1::uuid, conversation_id, learner_id, 'call', decode(md5(scoring_id::text), 'hex'), 'x', 1, occurred_at,
           created_at
      from scorings where tenant_id = $1 and conversation_id is not null
    """,
    """
    insert into simulations (tenant_id, simulation_id, learner_id, scenario_id, scenario_version, mode, seed,
                             status, end_reason, last_seq, created_at, last_activity_at)
    select $1::uuid, simulation_id, learner_id,
           (select scenario_id from scenarios where tenant_id = $1 order by slug
            offset hashtext(simulation_id::text) & 7 limit 1),
           1, 'interactive', 1, 'scored', 'goal_met', 0, created_at, created_at
      from scorings where tenant_id = $1 and simulation_id is not null
    """,
    """
    insert into assessments (tenant_id, assessment_id, scoring_id, learner_id, revision, overall, result, engine,
                             engine_version, created_at)
    select $1::uuid, scoring_id, scoring_id, learner_id, 1,
           (hashtext(scoring_id::text) & 31) + (hashtext('b' || scoring_id) & 31) + (hashtext('c' || scoring_id) & 31),
           'x', 'embedded', '1', created_at
      from scorings where tenant_id = $1 and status = 'completed'
    """,
)

TABLES = ("learners", "memberships", "scorings", "conversations", "simulations", "assessments")


async def fill(owner_url: str, tenant_id: UUID, scorings: int) -> None:
    """Write the rows of one tenant, as the superuser; `analyze` afterwards."""
    connection = await asyncpg.connect(owner_url, server_settings={"search_path": "app"})
    try:
        for statement in _STATEMENTS:
            values = [tenant_id] if "$1" in statement else []
            values += [scorings] if "$2" in statement else []
            await connection.execute(statement, *values, timeout=600)
    finally:
        await connection.close()


async def analyze(owner_url: str) -> None:
    """Let the planner know the rows, as the server does by itself after a while."""
    connection = await asyncpg.connect(owner_url)
    try:
        for table in TABLES:
            await connection.execute(f"vacuum analyze app.{table}", timeout=600)
    finally:
        await connection.close()
