-- name: stated_after
-- A page of the feed, in its order: what may become statements, and how far the page reaches.
select event_id, type, resource_id, sequence, position, data, occurred_at
  from events
 where tenant_id = $1 and position > $2
   and type in ('simulation.started', 'simulation.ended', 'scoring.completed', 'scoring.revised')
 order by position
 limit $3

-- name: stated_between
-- A page in order of time, oldest first, behind a place.
select event_id, type, resource_id, sequence, position, data, occurred_at
  from events
 where tenant_id = $1 and position is not null
   and type in ('simulation.started', 'simulation.ended', 'scoring.completed', 'scoring.revised')
   and type = any ($2::text[])
   and ($3::timestamptz is null or occurred_at > $3)
   and ($4::timestamptz is null or occurred_at <= $4)
   and ($5::timestamptz is null or (occurred_at, position) > ($5, $6))
   and ($7::uuid is null or resource_id in (
         select simulation_id from simulations where tenant_id = $1 and learner_id = $7
         union all
         select scoring_id from scorings where tenant_id = $1 and learner_id = $7))
   and ($8::uuid is null or resource_id = $8)
 order by occurred_at, position
 limit $9

-- name: stated_before
-- Likewise, newest first.
select event_id, type, resource_id, sequence, position, data, occurred_at
  from events
 where tenant_id = $1 and position is not null
   and type in ('simulation.started', 'simulation.ended', 'scoring.completed', 'scoring.revised')
   and type = any ($2::text[])
   and ($3::timestamptz is null or occurred_at > $3)
   and ($4::timestamptz is null or occurred_at <= $4)
   and ($5::timestamptz is null or (occurred_at, position) < ($5, $6))
   and ($7::uuid is null or resource_id in (
         select simulation_id from simulations where tenant_id = $1 and learner_id = $7
         union all
         select scoring_id from scorings where tenant_id = $1 and learner_id = $7))
   and ($8::uuid is null or resource_id = $8)
 order by occurred_at desc, position desc
 limit $9

-- name: shown_event
-- What a statement that was shown before is about.
select e.event_id, e.type, e.resource_id, e.sequence, e.position, e.data, e.occurred_at
  from xapi_statements x
  join events e on e.tenant_id = $1 and e.resource_id = x.resource_id and e.sequence = x.sequence
 where x.tenant_id = $1 and x.statement_id = $2

-- name: note_shown
-- Ids lead one way only, so where they lead back to is written down when they are shown.
insert into xapi_statements (tenant_id, statement_id, resource_id, sequence)
select $1, s.* from unnest($2::uuid[], $3::uuid[], $4::int[]) as s
on conflict do nothing

-- name: simulations
-- What statements say of simulations. Nobody practices in one that plays itself.
select s.simulation_id, s.learner_id, s.scenario_id, s.scenario_version, s.end_reason, s.created_at, s.ended_at,
       v.title, v.spec ->> 'language' as language, l.external_id, k.wrapped
  from simulations s
  join scenario_versions v
    on v.tenant_id = $1 and v.scenario_id = s.scenario_id and v.version = s.scenario_version
  join learners l on l.tenant_id = $1 and l.learner_id = s.learner_id
  join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
 where s.tenant_id = $1 and s.simulation_id = any ($5::uuid[]) and s.mode = 'interactive'
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: assessments
-- What statements say of revisions. What is left out of trends is left out here.
select a.assessment_id, a.learner_id, a.revision, a.result, g.scoring_id, g.simulation_id, g.source,
       coalesce(a.rubric_id, g.rubric_id) as rubric_id, coalesce(a.rubric_version, g.rubric_version) as rubric_version,
       r.spec ->> 'title' as rubric_title, s.scenario_id, s.scenario_version, v.title,
       v.spec ->> 'language' as language, l.external_id, k.wrapped
  from assessments a
  join scorings g on g.tenant_id = $1 and g.scoring_id = a.scoring_id and g.excluded is null
  join rubric_versions r
    on r.tenant_id = $1 and r.rubric_id = coalesce(a.rubric_id, g.rubric_id)
   and r.version = coalesce(a.rubric_version, g.rubric_version)
  left join simulations s on s.tenant_id = $1 and s.simulation_id = g.simulation_id
  left join scenario_versions v
    on v.tenant_id = $1 and v.scenario_id = s.scenario_id and v.version = s.scenario_version
  join learners l on l.tenant_id = $1 and l.learner_id = a.learner_id
  join learner_keys k on k.tenant_id = $1 and k.learner_id = a.learner_id
 where a.tenant_id = $1 and a.assessment_id = any ($5::uuid[])
   and ($2::uuid is null or a.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = a.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: get_lrs
-- A tenant's store, and how the sending goes.
select url, auth, version, actor, home_page, enabled, failures, last_error, last_success_at, rejected,
       next_attempt_at, created_at, updated_at
  from lrs where tenant_id = $1

-- name: put_lrs
-- A new or another store. What stands between the sender and it is forgotten, and it is tried at once.
insert into lrs (tenant_id, url, auth, version, actor, home_page, enabled, next_attempt_at, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $8)
on conflict (tenant_id) do update
   set url = excluded.url, auth = excluded.auth, version = excluded.version, actor = excluded.actor,
       home_page = excluded.home_page, enabled = excluded.enabled, failures = 0, last_error = null,
       next_attempt_at = excluded.next_attempt_at, updated_at = excluded.updated_at

-- name: start_position
-- A new store gets what happens from now on.
insert into consumer_positions (tenant_id, consumer, position)
select $1, 'xapi', coalesce((select position from event_heads where tenant_id = $1), 0)
on conflict (tenant_id, consumer) do nothing

-- name: delete_lrs
-- Nothing is sent any more.
delete from lrs where tenant_id = $1

-- name: forget_position
-- A later store starts anew.
delete from consumer_positions where tenant_id = $1 and consumer = 'xapi'
