-- name: take_turn
-- Claims a turn job and reads all that the reply needs, in one round trip.
with job as (
  update jobs
     set starts = starts + 1,
         lease_until = now() + make_interval(secs => $3)
   where tenant_id = $1 and job_id = $2 and dead_at is null and starts < $4
     and (lease_until is null or lease_until < now())
  returning (payload ->> 'simulation_id')::uuid as simulation_id, (payload ->> 'seq')::int as seq
)
select job.simulation_id, job.seq, s.status, s.last_seq, s.seed, s.learner_id, s.scenario_id,
       s.scenario_version, k.wrapped, learner.text as learner_text, before.text as previous_text,
       before.state
  from job
  join simulations s on s.tenant_id = $1 and s.simulation_id = job.simulation_id
  join turns learner
    on learner.tenant_id = $1 and learner.simulation_id = job.simulation_id
   and learner.seq = job.seq - 1
  join turns before
    on before.tenant_id = $1 and before.simulation_id = job.simulation_id
   and before.seq = job.seq - 2
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id

-- name: simulation
-- An autopilot simulation, to go on from where it is.
select s.simulation_id, s.status, s.last_seq, s.seed, s.learner_id, s.scenario_id,
       s.scenario_version, s.profile, k.wrapped
  from simulations s
  left join learner_keys k on k.tenant_id = s.tenant_id and k.learner_id = s.learner_id
 where s.tenant_id = $1 and s.simulation_id = $2

-- name: turns
-- All turns so far.
select seq, role, text, state from turns
 where tenant_id = $1 and simulation_id = $2 order by seq

-- name: scenario
-- An immutable version; cached by the caller.
select spec from scenario_versions where tenant_id = $1 and scenario_id = $2 and version = $3

-- name: advance
-- Moves a simulation from $4 to $5 with its new turns, events, finished job and flow job: all or nothing,
-- and nothing at all when another worker was faster.
with moved as (
  update simulations
     set last_seq = $5, last_activity_at = $7,
         status = case when $6::text is null then status else 'ended' end,
         end_reason = $6,
         ended_at = case when $6::text is null then ended_at else $7 end
   where tenant_id = $1 and simulation_id = $2 and last_seq = $4 and status = 'open'
  returning simulation_id
), spoken as (
  insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, state, surface, acts, causes,
                     engine, created_at)
  select $1, $2, t.seq, t.turn_id, t.role, t.text, t.state, t.surface, t.acts, t.causes, t.engine, $7
    from moved,
         unnest($8::int[], $9::uuid[], $10::text[], $11::bytea[], $12::jsonb[], $13::text[],
                $14::jsonb[], $15::jsonb[], $16::text[])
           as t(seq, turn_id, role, text, state, surface, acts, causes, engine)
), told as (
  insert into events (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)
  select $1, e.event_id, e.type, $2,
         (select coalesce(max(sequence), 0) from events where tenant_id = $1 and resource_id = $2)
           + e.number,
         e.data, $7
    from moved,
         unnest($17::uuid[], $18::text[], $19::jsonb[]) with ordinality
           as e(event_id, type, data, number)
), flowing as (
  insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
  select $1, $20, 'flow', $21::jsonb, $7 + make_interval(secs => $22), $7
    from moved where $20::uuid is not null
), finished as (
  delete from jobs where tenant_id = $1 and job_id = $3 and $23::boolean
)
select exists (select 1 from moved)
