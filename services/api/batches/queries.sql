-- name: insert_parts
-- Each part is one workflow's share.
insert into operation_parts (tenant_id, operation_id, part, unplayed)
select $1, $2, number - 1, size from unnest($3::int[]) with ordinality as p(size, number)

-- name: insert_simulations
-- Every conversation with its opening line, which is turn 0.
with one as (
  select * from unnest($4::uuid[], $5::int[], $6::uuid[], $7::int[], $8::text[], $9::bigint[],
                       $10::uuid[], $11::bytea[], $12::jsonb[])
    as u(simulation_id, part, scenario_id, scenario_version, profile, seed, turn_id, opening, state)
), opened as (
  insert into simulations (tenant_id, simulation_id, learner_id, scenario_id, scenario_version, mode,
                           profile, seed, status, last_seq, created_at, last_activity_at,
                           operation_id, part, max_hostility)
  select $1, simulation_id, $3, scenario_id, scenario_version, 'autopilot', profile, seed, 'open', 0,
         $13, $13, $2, part,
         coalesce((select (policy ->> 'max_hostility')::smallint from llm_settings where tenant_id = $1), 3)
    from one
)
insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, state, acts, causes, created_at)
select $1, simulation_id, 0, turn_id, 'customer', opening, state, '[]', '[]', $13 from one

-- name: insert_starts
-- One start per part.
insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
select $1, job_id, 'flow', payload, $4, $5 from unnest($2::uuid[], $3::jsonb[]) as j(job_id, payload)

-- name: find_metadata
-- What is attached to a batch, with the key that opens it; nothing once the learner is erased.
select o.learner_id, o.metadata, k.wrapped
  from operations o
  join learner_keys k on k.tenant_id = $1 and k.learner_id = o.learner_id
 where o.tenant_id = $1 and o.operation_id = $2 and o.kind = 'simulation_batch'

-- name: lock_metadata
-- Likewise, held until it is changed.
select o.learner_id, o.metadata, k.wrapped
  from operations o
  join learner_keys k on k.tenant_id = $1 and k.learner_id = o.learner_id
 where o.tenant_id = $1 and o.operation_id = $2 and o.kind = 'simulation_batch'
   for no key update of o

-- name: set_metadata
-- At creation, or by who holds the row.
update operations set metadata = $3 where tenant_id = $1 and operation_id = $2

-- name: summarize
-- Per scenario and profile: how the conversations came out so far.
select c.slug as scenario, s.profile, count(*) as conversations,
       count(*) filter (where s.status <> 'open') as played,
       count(*) filter (where s.end_reason = 'goal_met') as goal_met,
       count(*) filter (where s.end_reason = 'out_of_policy') as out_of_policy,
       count(*) filter (where s.end_reason = 'failed') as failed,
       count(*) filter (where jsonb_array_length(s.faults) > 0) as simulator_faults,
       count(a.overall) as scored,
       round(avg(a.overall))::int as mean_score,
       min(a.overall) as min_score, max(a.overall) as max_score
  from simulations s
  join scenarios c on c.tenant_id = $1 and c.scenario_id = s.scenario_id
  left join scorings g on g.tenant_id = $1 and g.simulation_id = s.simulation_id
  left join assessments a on a.tenant_id = $1 and a.assessment_id = g.assessment_id
 where s.tenant_id = $1 and s.operation_id = $2
 group by c.slug, s.profile
 order by c.slug, s.profile
