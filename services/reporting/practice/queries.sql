-- name: person
-- What reports know a learner by.
select person_id from learners where tenant_id = $1 and learner_id = $2

-- name: words
-- What the tenant calls its skills, and which it does not show.
select key, name, hidden, good, bad from tenant_skills where tenant_id = $1

-- name: person_moments
-- Sums for a person's proficiency per skill on a day ($3): 30 days older is half the weight.
select f.person_id, f.skill, count(*)::integer as n, max(f.day) as newest, sum(w.g) as weight,
       sum(w.g * w.g) as weight_squares, sum(w.g * f.score) as total, sum(w.g * f.score * f.score) as squares
  from attempts a
  join facts f on f.tenant_id = $1 and f.scoring_id = a.scoring_id
 cross join lateral (select power(0.5::float8, ($3 - f.day) / 30.0::float8) as g) w
 where a.tenant_id = $1 and a.person_id = $2 and a.day > $3::date - 365 and a.day <= $3
   and a.source = any ($4)
 group by f.person_id, f.skill
 order by f.skill

-- name: team_moments
-- The same for everybody who is in the team on that day, from what they did in this team.
select f.person_id, f.skill, count(*)::integer as n, max(f.day) as newest, sum(w.g) as weight,
       sum(w.g * w.g) as weight_squares, sum(w.g * f.score) as total, sum(w.g * f.score * f.score) as squares
  from facts f
 cross join lateral (select power(0.5::float8, ($3 - f.day) / 30.0::float8) as g) w
 where f.tenant_id = $1 and f.team_id = $2 and f.day > $3::date - 365 and f.day <= $3
   and f.person_id = any (array(
         select l.person_id from memberships m
           join learners l on l.tenant_id = $1 and l.learner_id = m.learner_id
          where m.tenant_id = $1 and m.team_id = $2 and m.valid_from <= $3
            and (m.valid_to is null or m.valid_to > $3)))
 group by f.person_id, f.skill

-- name: members
-- Who is in a team on a day.
select l.person_id, l.learner_id
  from memberships m
  join learners l on l.tenant_id = $1 and l.learner_id = m.learner_id
 where m.tenant_id = $1 and m.team_id = $2 and m.valid_from <= $3 and (m.valid_to is null or m.valid_to > $3)

-- name: telling
-- One answer about a team at a time decides what is told next.
select pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2::uuid::text, 0))

-- name: told_levels
-- What a team was last told of, by skill.
select skill, until, levels from told_levels where tenant_id = $1 and team_id = $2

-- name: tell_levels
-- What it is told of from now on.
insert into told_levels (tenant_id, team_id, skill, until, levels) values ($1, $2, $3, $4, $5)
on conflict (tenant_id, team_id, skill) do update set until = excluded.until, levels = excluded.levels

-- name: person_efforts
-- What a person did by day: a practice conversation lasts from its start to its last turn; of a real one the
-- partner may have said how long it took.
select a.person_id, case a.source when 'simulation' then 'practice' else 'real' end as kind, a.day,
       count(*)::integer as attempts, coalesce(sum(t.minutes), 0)::float8 as minutes,
       count(t.minutes)::integer as timed
  from attempts a
  left join simulations s on s.tenant_id = $1 and s.simulation_id = a.simulation_id
  left join contacts c on c.tenant_id = $1 and c.conversation_id = a.conversation_id
 cross join lateral (select coalesce(extract(epoch from s.last_activity_at - s.created_at),
                                     c.handle_time_s) / 60 as minutes) t
 where a.tenant_id = $1 and a.person_id = $2 and a.day between $3 and $4
 group by a.person_id, kind, a.day

-- name: team_efforts
-- The same by cut week for everybody who did it in this team.
select a.person_id, case a.source when 'simulation' then 'practice' else 'real' end as kind, b.day,
       count(*)::integer as attempts, coalesce(sum(t.minutes), 0)::float8 as minutes,
       count(t.minutes)::integer as timed
  from attempts a
  left join simulations s on s.tenant_id = $1 and s.simulation_id = a.simulation_id
  left join contacts c on c.tenant_id = $1 and c.conversation_id = a.conversation_id
 cross join lateral (select coalesce(extract(epoch from s.last_activity_at - s.created_at),
                                     c.handle_time_s) / 60 as minutes) t
 cross join lateral (select greatest(date_trunc('week', a.day::timestamp),
                                     date_trunc('month', a.day::timestamp))::date as day) b
 where a.tenant_id = $1 and a.team_id = $2 and a.day between $3 and $4
 group by a.person_id, kind, b.day

-- name: team_stays
-- Who was in the team when; valid_to is the first day outside.
select learner_id, valid_from, valid_to
  from memberships
 where tenant_id = $1 and team_id = $2 and valid_from <= $4 and (valid_to is null or valid_to > $3)

-- name: practice_days
-- On which days a person has ever practiced.
select distinct day from attempts
 where tenant_id = $1 and person_id = $2 and source = 'simulation' and day <= $3

-- name: goals
-- What a learner wants to reach.
select goal_id, kind, skill, target, starts_on, due_on
  from goals
 where tenant_id = $1 and learner_id = $2
 order by goal_id

-- name: skill_scores
-- Every score of some skills of a person since a day; of which is known whether it was practice.
select f.skill, f.day, f.score, f.source
  from attempts a
  join facts f on f.tenant_id = $1 and f.scoring_id = a.scoring_id and f.skill = any ($3)
 where a.tenant_id = $1 and a.person_id = $2 and a.day > $4::date - 365

-- name: practice_attempts
-- The day of every practice attempt of a person since a day.
select day from attempts
 where tenant_id = $1 and person_id = $2 and source = 'simulation' and day >= $3

-- name: scenario_weeks
-- In which cut weeks how many people played what; who they were, where fewer than $4 did.
select w.scenario_id, w.bucket, count(*)::integer as people,
       case when count(*) < $4 then array_agg(w.person_id) end as persons
  from (select distinct a.scenario_id, a.person_id,
               greatest(date_trunc('week', a.day::timestamp), date_trunc('month', a.day::timestamp))::date as bucket
          from attempts a
         where a.tenant_id = $1 and a.scenario_id is not null and a.overall is not null
           and a.day between $2 and $3) w
 group by w.scenario_id, w.bucket

-- name: scenario_players
-- Who has played what how well in some cut weeks; people are numbered by this answer.
select a.scenario_id, dense_rank() over (order by a.person_id)::integer as person, count(*)::integer as n,
       sum(a.overall)::integer as total, count(a.passed)::integer as graded,
       (count(*) filter (where a.passed))::integer as passed
  from attempts a
  join unnest($4::uuid[], $5::date[]) as w (scenario_id, bucket)
    on w.scenario_id = a.scenario_id
   and w.bucket = greatest(date_trunc('week', a.day::timestamp), date_trunc('month', a.day::timestamp))::date
 where a.tenant_id = $1 and a.scenario_id is not null and a.overall is not null and a.day between $2 and $3
 group by a.scenario_id, a.person_id

-- name: library
-- What can be played and scored: each scenario in its newest version with the newest version of its rubric.
select s.scenario_id, v.spec, r.spec as rubric
  from scenarios s
  join lateral (
    select w.spec from scenario_versions w
     where w.tenant_id = $1 and w.scenario_id = s.scenario_id
     order by w.version desc limit 1) v on true
  join rubrics u on u.tenant_id = $1 and u.slug = v.spec ->> 'rubric' and u.archived_at is null
  join lateral (
    select w.spec from rubric_versions w
     where w.tenant_id = $1 and w.rubric_id = u.rubric_id
     order by w.version desc limit 1) r on true
 where s.tenant_id = $1
 order by s.slug

-- name: person_plays
-- What a person has played in the last year: how well, how long ago it counts, and when last.
select scenario_id, day, overall
  from attempts
 where tenant_id = $1 and person_id = $2 and scenario_id is not null and day > $3::date - 365 and day <= $3
