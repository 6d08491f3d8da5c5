-- name: events_after
-- A page of the feed, in its order.
select event_id, type, resource_id, sequence, position, data, occurred_at
  from events
 where tenant_id = $1 and position > $2 and position <= $3
 order by position
 limit $4

-- name: subscribers
-- Enabled endpoints, kept from deletion until the deliveries for them are written.
select endpoint_id, event_types, team_ids, payload, after_position, failures > 0 as is_failing
  from webhook_endpoints
 where tenant_id = $1 and status = 'enabled'
 order by endpoint_id
   for key share

-- name: teams_of_events
-- Who the resource of each event is about, and the team of that person on the day of the event.
with e as (
  select e.place, (e.at at time zone t.time_zone)::date as day,
         coalesce(s.learner_id, g.learner_id, o.learner_id) as learner_id, d.team_id as own_team_id
    from unnest($2::uuid[], $3::text[], $4::timestamptz[]) with ordinality
         as e (resource_id, resource, at, place)
    join tenants t on t.tenant_id = $1
    left join simulations s
      on e.resource = 'simulation' and s.tenant_id = $1 and s.simulation_id = e.resource_id
    left join scorings g
      on e.resource = 'scoring' and g.tenant_id = $1 and g.scoring_id = e.resource_id
    left join operations o
      on e.resource = 'operation' and o.tenant_id = $1 and o.operation_id = e.resource_id
    left join report.documents d
      on e.resource = 'report' and d.tenant_id = $1 and d.document_id = e.resource_id
)
select coalesce(m.team_id, e.own_team_id) as team_id
  from e
  left join lateral (
    select team_id
      from memberships
     where tenant_id = $1 and learner_id = e.learner_id
       and valid_from <= e.day and (valid_to is null or e.day < valid_to)
     order by valid_from desc
     limit 1
  ) m on true
 order by e.place

-- name: insert_deliveries
-- Due at once. An event reaches an endpoint once by itself, however often this runs.
insert into webhook_deliveries (tenant_id, delivery_id, endpoint_id, event_id, event_type, position, learner_id, body,
                                trigger, status, next_attempt_at, created_at)
select $1, d.*, $9, 'pending', $10, $10
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::uuid[], $8::bytea[]) as d
on conflict (tenant_id, endpoint_id, event_id) where trigger = 'event' do nothing

-- name: simulation_facts
-- What a fat event says of simulations.
select s.simulation_id as resource_id, s.learner_id, s.status, s.end_reason, s.mode, c.slug as scenario,
       s.last_seq, s.created_at, s.ended_at
  from simulations s
  join scenarios c on c.tenant_id = $1 and c.scenario_id = s.scenario_id
 where s.tenant_id = $1 and s.simulation_id = any ($2::uuid[])

-- name: turn_texts
-- What the customer said.
select t.simulation_id, t.seq, t.text
  from unnest($2::uuid[], $3::integer[]) as w (simulation_id, seq)
  join turns t on t.tenant_id = $1 and t.simulation_id = w.simulation_id and t.seq = w.seq

-- name: scoring_facts
-- What a fat event says of scorings: the revision that counts now, with its numbers.
select g.scoring_id as resource_id, g.learner_id, g.status, g.failure_code, g.source, g.occurred_at, g.created_at,
       g.finished_at, a.assessment_id, a.revision, a.overall,
       (select jsonb_agg(jsonb_build_object('skill', k.skill, 'status', k.status, 'score', k.score) order by k.skill)
          from assessment_skills k
         where k.tenant_id = $1 and k.assessment_id = a.assessment_id) as skills
  from scorings g
  left join assessments a on a.tenant_id = $1 and a.assessment_id = g.assessment_id
 where g.tenant_id = $1 and g.scoring_id = any ($2::uuid[])

-- name: operation_facts
-- What a fat event says of operations.
select operation_id as resource_id, learner_id, kind, status, total, created_at, started_at, ended_at
  from operations
 where tenant_id = $1 and operation_id = any ($2::uuid[])

-- name: learners
-- Whom fat events are about; no key: erased.
select l.learner_id, l.external_id, k.wrapped
  from learners l
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = l.learner_id
 where l.tenant_id = $1 and l.learner_id = any ($2::uuid[])

-- name: live_keys
-- Keys that sign now: the current one, and those before it until they expire.
select key_id, private_key
  from webhook_keys
 where tenant_id = $1 and (expires_at is null or expires_at > $2)
 order by expires_at is not null, key_id desc

-- name: insert_key
-- The first pair of a tenant; of two at once, one wins.
insert into webhook_keys (tenant_id, key_id, public_key, private_key, created_at)
values ($1, $2, $3, $4, $5)
on conflict (tenant_id) where expires_at is null do nothing
