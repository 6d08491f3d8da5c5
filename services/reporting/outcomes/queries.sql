-- name: forms
-- Surveys that customers answer, and how each is read now.
select form, kind, low, high, positive
  from survey_forms
 where tenant_id = $1 and asked = 'customer'

-- name: team_surveys
-- What customers of a team's people answered while these were in it, by cut week, person and answer.
with spans as materialized (
  select m.learner_id, l.person_id, t.time_zone,
         greatest(m.valid_from, $3::date)::timestamp at time zone t.time_zone as since,
         least(m.valid_to, $4::date)::timestamp at time zone t.time_zone as until
    from memberships m
    join tenants t on t.tenant_id = $1
    join learners l on l.tenant_id = $1 and l.learner_id = m.learner_id
   where m.tenant_id = $1 and m.team_id = $2
)
select s.form, greatest(date_trunc('week', d.at), date_trunc('month', d.at))::date as bucket, p.person_id, s.score,
       count(*) as n
  from spans p
  join surveys s
    on s.tenant_id = $1 and s.learner_id = p.learner_id and s.happened_at >= p.since and s.happened_at < p.until
 cross join lateral (select s.happened_at at time zone p.time_zone as at) d
 group by 1, 2, 3, 4

-- name: team_contacts
-- How contacts of a team's people went while these were in it; times as big-endian integers in a row.
with spans as materialized (
  select m.learner_id, l.person_id, t.time_zone,
         greatest(m.valid_from, $3::date)::timestamp at time zone t.time_zone as since,
         least(m.valid_to, $4::date)::timestamp at time zone t.time_zone as until
    from memberships m
    join tenants t on t.tenant_id = $1
    join learners l on l.tenant_id = $1 and l.learner_id = m.learner_id
   where m.tenant_id = $1 and m.team_id = $2
)
select greatest(date_trunc('week', d.at), date_trunc('month', d.at))::date as bucket, p.person_id,
       coalesce(string_agg(int4send(c.handle_time_s), ''::bytea), ''::bytea) as handle_s,
       count(*) filter (where c.is_first_contact is not null and c.is_resolved is not null) as judged,
       count(*) filter (where c.is_first_contact and c.is_resolved is not null) as first,
       count(*) filter (where c.is_first_contact and c.is_resolved) as first_resolved,
       count(c.is_transferred) as transfers_known,
       count(*) filter (where c.is_transferred) as transferred
  from spans p
  join contacts c
    on c.tenant_id = $1 and c.learner_id = p.learner_id and c.happened_at >= p.since and c.happened_at < p.until
 cross join lateral (select c.happened_at at time zone p.time_zone as at) d
 group by 1, 2

-- name: person_surveys
-- Answers of each person's customers over a time, of everybody; the last day is not in it.
select s.form, l.person_id, count(*) as n, sum(s.score)::bigint as total,
       count(*) filter (where s.score = any (f.positive)) as positive,
       count(*) filter (where s.score <= 6) as detractors
  from surveys s
  join tenants t on t.tenant_id = $1
  join survey_forms f on f.tenant_id = $1 and f.form = s.form and f.asked = 'customer'
  join learners l on l.tenant_id = $1 and l.learner_id = s.learner_id
 where s.tenant_id = $1 and s.score is not null
   and s.happened_at >= $2::date::timestamp at time zone t.time_zone
   and s.happened_at < $3::date::timestamp at time zone t.time_zone
 group by s.form, l.person_id

-- name: teams_person_surveys
-- The same of people while they were in some teams.
with spans as materialized (
  select m.learner_id, l.person_id,
         greatest(m.valid_from, $2::date)::timestamp at time zone t.time_zone as since,
         least(m.valid_to, $3::date)::timestamp at time zone t.time_zone as until
    from memberships m
    join tenants t on t.tenant_id = $1
    join learners l on l.tenant_id = $1 and l.learner_id = m.learner_id
   where m.tenant_id = $1 and m.team_id = any ($4::uuid[])
)
select s.form, p.person_id, count(*) as n, sum(s.score)::bigint as total,
       count(*) filter (where s.score = any (f.positive)) as positive,
       count(*) filter (where s.score <= 6) as detractors
  from spans p
  join surveys s
    on s.tenant_id = $1 and s.learner_id = p.learner_id and s.happened_at >= p.since and s.happened_at < p.until
  join survey_forms f on f.tenant_id = $1 and f.form = s.form and f.asked = 'customer'
 where s.score is not null
 group by s.form, p.person_id

-- name: person_contacts
-- Contacts of each person over a time, of everybody.
select l.person_id, count(c.handle_time_s) as handled, coalesce(sum(c.handle_time_s), 0)::bigint as handle_s,
       count(*) filter (where c.is_first_contact is not null and c.is_resolved is not null) as judged,
       count(*) filter (where c.is_first_contact and c.is_resolved) as first_resolved,
       count(c.is_transferred) as transfers_known,
       count(*) filter (where c.is_transferred) as transferred
  from contacts c
  join tenants t on t.tenant_id = $1
  join learners l on l.tenant_id = $1 and l.learner_id = c.learner_id
 where c.tenant_id = $1
   and c.happened_at >= $2::date::timestamp at time zone t.time_zone
   and c.happened_at < $3::date::timestamp at time zone t.time_zone
 group by l.person_id

-- name: teams_person_contacts
-- The same of people while they were in some teams.
with spans as materialized (
  select m.learner_id, l.person_id,
         greatest(m.valid_from, $2::date)::timestamp at time zone t.time_zone as since,
         least(m.valid_to, $3::date)::timestamp at time zone t.time_zone as until
    from memberships m
    join tenants t on t.tenant_id = $1
    join learners l on l.tenant_id = $1 and l.learner_id = m.learner_id
   where m.tenant_id = $1 and m.team_id = any ($4::uuid[])
)
select p.person_id, count(c.handle_time_s) as handled, coalesce(sum(c.handle_time_s), 0)::bigint as handle_s,
       count(*) filter (where c.is_first_contact is not null and c.is_resolved is not null) as judged,
       count(*) filter (where c.is_first_contact and c.is_resolved) as first_resolved,
       count(c.is_transferred) as transfers_known,
       count(*) filter (where c.is_transferred) as transferred
  from spans p
  join contacts c
    on c.tenant_id = $1 and c.learner_id = p.learner_id and c.happened_at >= p.since and c.happened_at < p.until
 group by p.person_id

-- name: rollups
-- Who scored what, of all teams or of some; without histograms.
select team_id, skill, case source when 'simulation' then 'practice' else 'real' end as kind, bucket, people
  from rollups
 where tenant_id = $1 and bucket between $2 and $3 and ($4::uuid[] is null or team_id = any ($4))
