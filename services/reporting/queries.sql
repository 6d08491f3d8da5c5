-- name: unread
-- Which tenants have events that are not counted, or marks; the system role sees positions only. All others cost
-- this one join, however many they are.
select h.tenant_id
  from event_heads h
  left join consumer_positions c on c.tenant_id = h.tenant_id and c.consumer = $1
 where h.position > coalesce(c.position, 0)
 union
select tenant_id from report_marks

-- name: start_position
-- A tenant's first event finds a row to lock.
insert into consumer_positions (tenant_id, consumer, position)
values ($1, $2, 0)
on conflict (tenant_id, consumer) do nothing

-- name: try_position
-- The row lock makes one process at a time fold a tenant; another one does not wait for it.
select position from consumer_positions
 where tenant_id = $1 and consumer = $2
   for update skip locked

-- name: lock_position
-- Verify and rebuild wait until no fold is under way, and hold off the next one.
select position from consumer_positions
 where tenant_id = $1 and consumer = $2
   for update

-- name: next_events
-- One page of the feed: how far it reaches, how long it is, and which scorings it names.
select max(position) as last, count(*) as length,
       array_agg(distinct resource_id) filter (where type = any ($4)) as scoring_ids
  from (select position, type, resource_id
          from events
         where tenant_id = $1 and position > $2
         order by position
         limit $3) as page

-- name: move_position
-- In the transaction of the effect: that is what makes the effect exactly once.
update consumer_positions set position = $3 where tenant_id = $1 and consumer = $2

-- name: next_marks
-- What was changed behind the scorings: memberships, exclusions, the tenant's days.
select mark_id, kind, subject from report_marks where tenant_id = $1 order by mark_id limit $2

-- name: drop_marks
-- In the transaction of the effect, as with positions.
delete from report_marks where tenant_id = $1 and mark_id = any ($2::bigint[])

-- name: all_marks
-- What a rebuild takes up.
select mark_id from report_marks where tenant_id = $1

-- name: is_rebuilding
-- A mark asks for everything anew: until it is gone, numbers are missing.
select exists (select from report_marks where tenant_id = $1 and kind = 'tenant')

-- name: count_version
-- Answers are kept as long as it stands. Not the position: most events change nothing here, and marks have none.
insert into rollup_versions (tenant_id, version) values ($1, 1)
on conflict (tenant_id) do update set version = rollup_versions.version + 1

-- name: mark_tenant
-- The service asks itself for everything anew when it finds that a rollup cannot be right.
insert into report_marks (tenant_id, kind) values ($1, 'tenant')

-- name: scorings_of
-- Everything of some learners.
select scoring_id from scorings
 where tenant_id = $1 and learner_id = any ($2::uuid[]) and status = 'completed'
 order by scoring_id

-- name: wanted
-- What must be counted of these scorings, from what is true now: latest revision, team of that day. What is left
-- out of trends (faults of the simulator, autopilot batches, other languages) is not here.
with latest as (
  select distinct on (scoring_id) scoring_id, assessment_id, revision, overall, rubric_id, rubric_version,
         split_part(engine_version, '+', 1) as version, engine
    from assessments
   where tenant_id = $1 and scoring_id = any ($2::uuid[])
   order by scoring_id, revision desc
)
select l.scoring_id, l.assessment_id, l.revision, p.person_id, m.team_id, s.source, d.day,
       coalesce(l.rubric_id, s.rubric_id) as rubric_id,
       coalesce(l.rubric_version, s.rubric_version) as rubric_version,
       case when starts_with(l.version, l.engine) then l.version else l.engine || ' ' || l.version end as engine,
       u.scenario_id, u.scenario_version, s.simulation_id, s.conversation_id, l.overall, k.skills, k.scores
  from latest l
  join scorings s on s.tenant_id = $1 and s.scoring_id = l.scoring_id and s.excluded is null
  join learners p on p.tenant_id = $1 and p.learner_id = s.learner_id
  join tenants t on t.tenant_id = $1
 cross join lateral (select (s.occurred_at at time zone t.time_zone)::date as day) d
 cross join lateral (
    select coalesce(array_agg(skill), '{}') as skills, coalesce(array_agg(score), '{}') as scores
      from assessment_skills
     where tenant_id = $1 and assessment_id = l.assessment_id and status = 'scored'
  ) k
  left join simulations u on u.tenant_id = $1 and u.simulation_id = s.simulation_id
  left join lateral (
    select team_id
      from memberships
     where tenant_id = $1 and learner_id = s.learner_id
       and valid_from <= d.day and (valid_to is null or d.day < valid_to)
     order by valid_from desc
     limit 1
  ) m on true

-- name: targets
-- The pass marks of some versions of rubrics; a page of scorings has few.
select rubric_id, version, (spec ->> 'target')::integer as target
  from rubric_versions
 where tenant_id = $1 and (rubric_id, version) in (select * from unnest($2::uuid[], $3::integer[]))

-- name: stored
-- What is counted now of these scorings.
select a.scoring_id, a.assessment_id, a.revision, a.person_id, a.team_id, a.source, a.day, a.rubric_id,
       a.rubric_version, a.engine, a.scenario_id, a.scenario_version, a.simulation_id, a.conversation_id, a.overall,
       a.passed, k.skills, k.scores
  from attempts a
 cross join lateral (
    select coalesce(array_agg(skill), '{}') as skills, coalesce(array_agg(score), '{}') as scores
      from facts
     where tenant_id = $1 and scoring_id = a.scoring_id
  ) k
 where a.tenant_id = $1 and a.scoring_id = any ($2::uuid[])

-- name: stored_facts
-- The same, row by row: what verify and rebuild compare.
select scoring_id, skill, revision, team_id, person_id, source, day, score
  from facts
 where tenant_id = $1 and scoring_id = any ($2::uuid[])

-- name: drop_attempts
-- Scorings that no longer count.
delete from attempts where tenant_id = $1 and scoring_id = any ($2::uuid[])

-- name: put_attempts
-- New ones and changed ones in one statement.
insert into attempts (tenant_id, scoring_id, assessment_id, revision, person_id, team_id, source, day, rubric_id,
                      rubric_version, engine, scenario_id, scenario_version, simulation_id, conversation_id,
                      overall, passed)
select $1, a.*
  from unnest($2::uuid[], $3::uuid[], $4::integer[], $5::uuid[], $6::uuid[], $7::text[], $8::date[], $9::uuid[],
              $10::integer[], $11::text[], $12::uuid[], $13::integer[], $14::uuid[], $15::uuid[],
              $16::smallint[], $17::boolean[]) as a
on conflict (tenant_id, scoring_id) do update
   set assessment_id = excluded.assessment_id, revision = excluded.revision, person_id = excluded.person_id,
       team_id = excluded.team_id, source = excluded.source, day = excluded.day, rubric_id = excluded.rubric_id,
       rubric_version = excluded.rubric_version, engine = excluded.engine, scenario_id = excluded.scenario_id,
       scenario_version = excluded.scenario_version, simulation_id = excluded.simulation_id,
       conversation_id = excluded.conversation_id, overall = excluded.overall, passed = excluded.passed

-- name: insert_attempts
-- Of scorings that are not counted, as nearly all are: half the cost of asking for conflicts.
insert into attempts (tenant_id, scoring_id, assessment_id, revision, person_id, team_id, source, day, rubric_id,
                      rubric_version, engine, scenario_id, scenario_version, simulation_id, conversation_id,
                      overall, passed)
select $1, a.*
  from unnest($2::uuid[], $3::uuid[], $4::integer[], $5::uuid[], $6::uuid[], $7::text[], $8::date[], $9::uuid[],
              $10::integer[], $11::text[], $12::uuid[], $13::integer[], $14::uuid[], $15::uuid[],
              $16::smallint[], $17::boolean[]) as a

-- name: insert_facts
-- What was read as wanted, within the server: skills of an assessment never change, and they are many.
insert into facts (tenant_id, scoring_id, skill, revision, team_id, person_id, source, day, score)
select $1, a.scoring_id, k.skill, a.revision, a.team_id, a.person_id, a.source, a.day, k.score
  from attempts a
  join assessment_skills k on k.tenant_id = $1 and k.assessment_id = a.assessment_id and k.status = 'scored'
 where a.tenant_id = $1 and a.scoring_id = any ($2::uuid[])

-- name: drop_facts_of
-- Everything about some scorings; what counts is put in again.
delete from facts where tenant_id = $1 and scoring_id = any ($2::uuid[])

-- name: drop_facts
-- Skills that the latest revision no longer scores.
delete from facts
 using unnest($2::uuid[], $3::text[]) as gone (scoring_id, skill)
 where facts.tenant_id = $1 and facts.scoring_id = gone.scoring_id and facts.skill = gone.skill

-- name: put_facts
-- New facts and changed ones in one statement.
insert into facts (tenant_id, scoring_id, skill, revision, team_id, person_id, source, day, score)
select $1, f.*
  from unnest($2::uuid[], $3::text[], $4::integer[], $5::uuid[], $6::uuid[], $7::text[],
              $8::date[], $9::smallint[]) as f
on conflict (tenant_id, scoring_id, skill) do update
   set revision = excluded.revision, team_id = excluded.team_id, person_id = excluded.person_id,
       source = excluded.source, day = excluded.day, score = excluded.score

-- name: some_rollups
-- Those that a page moves, each found by its key: the fence keeps the planner from reading the tenant's all.
select r.team_id, r.skill, r.source, r.bucket, r.n, r.total, r.squares, r.histogram, r.people
  from unnest($2::uuid[], $3::text[], $4::text[], $5::date[]) as k (team_id, skill, source, bucket)
 cross join lateral (
    select team_id, skill, source, bucket, n, total, squares, histogram, people
      from rollups
     where tenant_id = $1 and team_id = k.team_id and skill = k.skill and source = k.source and bucket = k.bucket
    offset 0) as r

-- name: scoring_page
-- Verify and rebuild walk over everything that has, or should have, facts; pages keep memory flat.
select scoring_id
  from ((select scoring_id from scorings
          where tenant_id = $1 and scoring_id > $2 order by scoring_id limit $3)
        union
        (select scoring_id from attempts
          where tenant_id = $1 and scoring_id > $2 order by scoring_id limit $3)
        union
        (select distinct scoring_id from facts
          where tenant_id = $1 and scoring_id > $2 order by scoring_id limit $3)) as known
 order by scoring_id
 limit $3

-- name: pending_scorings
-- Scorings with an event or a mark that this consumer has not reached: no difference yet, only a delay.
select resource_id as scoring_id
  from events
 where tenant_id = $1 and type = any ($3) and (position is null or position > $2)
   and resource_id = any ($4::uuid[])
union
select s.scoring_id
  from scorings s
  join report_marks m on m.tenant_id = $1 and (m.subject is null or m.subject in (s.scoring_id, s.learner_id))
 where s.tenant_id = $1 and s.scoring_id = any ($4::uuid[])

-- name: rollup_teams
-- Verify and rebuild go team by team; from team to team by the index, for there may be millions of facts.
with recursive known as (
  (select team_id from facts where tenant_id = $1 and team_id is not null order by team_id limit 1)
  union all
  select (select team_id from facts where tenant_id = $1 and team_id > known.team_id order by team_id limit 1)
    from known
   where known.team_id is not null
)
select team_id from known where team_id is not null
union
select team_id from rollups where tenant_id = $1

-- name: counted_scores
-- How often each score stands in each cell of a team, from the facts, with buckets by SQL's own calendar.
select skill, source, score, count(*) as amount,
       greatest(date_trunc('week', day::timestamp), date_trunc('month', day::timestamp))::date
         as bucket
  from facts
 where tenant_id = $1 and team_id = $2
 group by skill, source, score, bucket

-- name: counted_people
-- The same by person, in the order in which they are stored.
select skill, source, person_id, count(*) as n, sum(score) as total,
       greatest(date_trunc('week', day::timestamp), date_trunc('month', day::timestamp))::date
         as bucket
  from facts
 where tenant_id = $1 and team_id = $2
 group by skill, source, person_id, bucket
 order by person_id

-- name: stored_rollups
-- All rollups of a team as they stand.
select team_id, skill, source, bucket, n, total, squares, histogram, people
  from rollups
 where tenant_id = $1 and team_id = $2

-- name: drop_rollups
-- Rollups that count nothing that exists.
delete from rollups
 using unnest($2::uuid[], $3::text[], $4::text[], $5::date[]) as gone (team_id, skill, source, bucket)
 where rollups.tenant_id = $1 and rollups.team_id = gone.team_id and rollups.skill = gone.skill
   and rollups.source = gone.source and rollups.bucket = gone.bucket

-- name: drop_months
-- What is kept of months, all of it.
delete from months where tenant_id = $1

-- name: change_rollups
-- Those that exist; no indexed column changes.
update rollups r
   set n = m.n, total = m.total, squares = m.squares, histogram = m.histogram, people = m.people
  from unnest($2::uuid[], $3::text[], $4::text[], $5::date[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::bytea[], $10::bytea[])
       as m (team_id, skill, source, bucket, n, total, squares, histogram, people)
 where r.tenant_id = $1 and r.team_id = m.team_id and r.skill = m.skill and r.source = m.source
   and r.bucket = m.bucket

-- name: insert_rollups
-- Those that do not.
insert into rollups (tenant_id, team_id, skill, source, bucket, n, total, squares, histogram, people)
select $1, m.*
  from unnest($2::uuid[], $3::text[], $4::text[], $5::date[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::bytea[], $10::bytea[]) as m
