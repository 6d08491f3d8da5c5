-- name: people
-- What reports know named learners by.
select learner_id, person_id from learners where tenant_id = $1 and learner_id = any ($2::uuid[])

-- name: teams_of_people
-- In which teams these people were when something of theirs counted.
select distinct team_id
  from attempts
 where tenant_id = $1 and person_id = any ($2::uuid[]) and day between $3 and $4 and team_id is not null

-- name: teams_of_learners
-- In which teams these learners were: what is not scored knows people by membership.
select distinct team_id
  from memberships
 where tenant_id = $1 and learner_id = any ($2::uuid[])
   and valid_from <= $4 and (valid_to is null or $3 < valid_to)

-- name: rollups
-- Everything that the teams did: blocks of enough people are made of whole teams.
select team_id, skill, source, bucket, people
  from rollups
 where tenant_id = $1 and team_id = any ($2::uuid[]) and bucket between $3 and $4

-- name: practice
-- How often people practiced.
select team_id, person_id, 'practice' as key, count(*) as n, 0::float8 as total,
       greatest(date_trunc('week', day::timestamp), date_trunc('month', day::timestamp))::date
         as bucket
  from attempts
 where tenant_id = $1 and team_id = any ($2::uuid[]) and day between $3 and $4
   and source = 'simulation'
 group by team_id, person_id, bucket

-- name: surveys
-- Answers of some forms: a satisfied customer counts 100, a promoter 100 and a detractor -100, and of an effort
-- score the native value. Each counts for the team of its day.
select m.team_id, p.person_id, s.form as key, count(*) as n,
       sum(case f.kind
             when 'ces' then s.score
             when 'nps' then case when s.score >= 9 then 100 when s.score <= 6 then -100 else 0 end
             else case when s.score = any (f.positive) then 100 else 0 end
           end)::float8 as total,
       greatest(date_trunc('week', d.day::timestamp), date_trunc('month', d.day::timestamp))::date
         as bucket
  from surveys s
  join survey_forms f on f.tenant_id = $1 and f.form = s.form and f.asked = $6
  join learners p on p.tenant_id = $1 and p.learner_id = s.learner_id
  join tenants t on t.tenant_id = $1
 cross join lateral (select (s.happened_at at time zone t.time_zone)::date as day) d
 cross join lateral (
    select team_id
      from memberships
     where tenant_id = $1 and learner_id = s.learner_id
       and valid_from <= d.day and (valid_to is null or d.day < valid_to)
     order by valid_from desc
     limit 1
  ) m
 where s.tenant_id = $1 and s.form = any ($5::text[]) and s.score is not null
   and s.learner_id in (select learner_id from memberships
                         where tenant_id = $1 and team_id = any ($2::uuid[]))
   and s.happened_at >= $3::date::timestamp at time zone t.time_zone
   and s.happened_at < ($4::date + 1)::timestamp at time zone t.time_zone
   and m.team_id = any ($2::uuid[])
 group by m.team_id, p.person_id, s.form, bucket

-- name: contacts
-- Handle times in seconds, and first contacts that were resolved (100) or not (0).
select m.team_id, p.person_id, k.key, count(k.value) as n, sum(k.value)::float8 as total,
       greatest(date_trunc('week', d.day::timestamp), date_trunc('month', d.day::timestamp))::date
         as bucket
  from contacts c
  join learners p on p.tenant_id = $1 and p.learner_id = c.learner_id
  join tenants t on t.tenant_id = $1
 cross join lateral (select (c.happened_at at time zone t.time_zone)::date as day) d
 cross join lateral (
    select team_id
      from memberships
     where tenant_id = $1 and learner_id = c.learner_id
       and valid_from <= d.day and (valid_to is null or d.day < valid_to)
     order by valid_from desc
     limit 1
  ) m
 cross join lateral (values
    ('handle_time', c.handle_time_s),
    ('first_contact_resolution', case when c.is_first_contact then c.is_resolved::integer * 100 end)
  ) as k (key, value)
 where c.tenant_id = $1 and k.key = any ($5::text[]) and k.value is not null
   and c.learner_id in (select learner_id from memberships
                         where tenant_id = $1 and team_id = any ($2::uuid[]))
   and c.happened_at >= $3::date::timestamp at time zone t.time_zone
   and c.happened_at < ($4::date + 1)::timestamp at time zone t.time_zone
   and m.team_id = any ($2::uuid[])
 group by m.team_id, p.person_id, k.key, bucket
