-- The statements of a turn on its usual way, each one round trip. A function sets its tenant itself (local to
-- the statement's own transaction) and runs with the caller's rights, so row security holds inside.
-- Changed behavior is a new function with the next number: old and new workers run side by side.

create function app.take_turn_v1(
  p_tenant uuid, p_job uuid, p_lease_s double precision, p_max_starts integer
) returns table (
  simulation_id uuid, seq integer, status text, last_seq integer, seed bigint, learner_id uuid,
  scenario_id uuid, scenario_version integer, wrapped bytea, learner_text bytea,
  previous_text bytea, state jsonb
) language plpgsql as $$
#variable_conflict use_column
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  -- A claim that a crash of the server forgets only means that somebody takes the job sooner.
  perform set_config('synchronous_commit', 'off', true);
  return query
  with job as (
    update jobs
       set starts = starts + 1, lease_until = now() + make_interval(secs => p_lease_s)
     where tenant_id = p_tenant and job_id = p_job and dead_at is null and starts < p_max_starts
       and (lease_until is null or lease_until < now())
    returning (payload ->> 'simulation_id')::uuid as simulation_id, (payload ->> 'seq')::int as seq
  )
  select job.simulation_id, job.seq, s.status, s.last_seq, s.seed, s.learner_id, s.scenario_id,
         s.scenario_version, k.wrapped, learner.text, before.text, before.state
    from job
    join simulations s on s.tenant_id = p_tenant and s.simulation_id = job.simulation_id
    join turns learner
      on learner.tenant_id = p_tenant and learner.simulation_id = job.simulation_id
     and learner.seq = job.seq - 1
    join turns before
      on before.tenant_id = p_tenant and before.simulation_id = job.simulation_id
     and before.seq = job.seq - 2
    left join learner_keys k on k.tenant_id = p_tenant and k.learner_id = s.learner_id;
end $$;

-- Moves a simulation from p_from to p_to with its new turns, events, finished job and flow job: all or
-- nothing, and nothing but the finished job when another worker was faster.
create function app.advance_v1(
  p_tenant uuid, p_simulation uuid, p_job uuid, p_is_last boolean, p_from integer, p_to integer,
  p_end_reason text, p_now timestamptz,
  p_seqs integer[], p_turn_ids uuid[], p_roles text[], p_texts bytea[], p_states jsonb[],
  p_surfaces text[], p_acts jsonb[], p_causes jsonb[], p_engines text[],
  p_event_ids uuid[], p_event_types text[], p_event_data jsonb[],
  p_flow_job uuid, p_flow_payload jsonb, p_first_retry_s double precision
) returns boolean language plpgsql as $$
declare
  moved boolean;
  told integer;
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  update simulations
     set last_seq = p_to, last_activity_at = p_now,
         status = case when p_end_reason is null then status else 'ended' end,
         end_reason = p_end_reason,
         ended_at = case when p_end_reason is null then ended_at else p_now end
   where tenant_id = p_tenant and simulation_id = p_simulation and last_seq = p_from
     and status = 'open';
  moved := found;
  if moved then
    insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, state, surface, acts,
                       causes, engine, created_at)
    select p_tenant, p_simulation, t.seq, t.turn_id, t.role, t.text, t.state, t.surface, t.acts,
           t.causes, t.engine, p_now
      from unnest(p_seqs, p_turn_ids, p_roles, p_texts, p_states, p_surfaces, p_acts, p_causes,
                  p_engines)
             as t(seq, turn_id, role, text, state, surface, acts, causes, engine);
    select coalesce(max(sequence), 0) into told
      from events where tenant_id = p_tenant and resource_id = p_simulation;
    insert into events (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)
    select p_tenant, e.event_id, e.type, p_simulation, told + e.number, e.data, p_now
      from unnest(p_event_ids, p_event_types, p_event_data) with ordinality
             as e(event_id, type, data, number);
    if p_flow_job is not null then
      insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
      values (p_tenant, p_flow_job, 'flow', p_flow_payload,
              p_now + make_interval(secs => p_first_retry_s), p_now);
    end if;
  end if;
  if p_is_last then
    delete from jobs where tenant_id = p_tenant and job_id = p_job;
  end if;
  return moved;
end $$;

-- Takes a learner's turn when nothing stands against it: the simulation is open and where the client thinks
-- it is, the caller may see it, the text was sealed with the key it has now, the idempotency key is new.
-- False, and nothing changed, otherwise: then the caller finds out why, step by step.
create function app.say_v1(
  p_tenant uuid, p_learner uuid, p_teams uuid[], p_today date, p_simulation uuid, p_expected integer,
  p_wrapped bytea, p_claim bytea, p_fingerprint bytea, p_turn uuid, p_text bytea, p_job uuid,
  p_payload jsonb, p_now timestamptz, p_retry_at timestamptz
) returns boolean language plpgsql as $$
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  perform 1
     from simulations s
     join learner_keys k on k.tenant_id = p_tenant and k.learner_id = s.learner_id
    where s.tenant_id = p_tenant and s.simulation_id = p_simulation
      and s.status = 'open' and s.mode = 'interactive' and s.last_seq = p_expected
      and k.wrapped = p_wrapped
      and (p_learner is null or s.learner_id = p_learner)
      and (p_teams is null or exists (
            select from memberships m
             where m.tenant_id = p_tenant and m.learner_id = s.learner_id
               and m.team_id = any (p_teams)
               and m.valid_from <= p_today and (m.valid_to is null or m.valid_to > p_today)))
      for no key update of s;
  if not found then
    return false;
  end if;
  insert into idempotency_claims (tenant_id, claim_hash, fingerprint, resource_id, sequence, created_at)
  values (p_tenant, p_claim, p_fingerprint, p_simulation, p_expected + 1, p_now)
  on conflict do nothing;
  if not found then
    return false;
  end if;
  insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, created_at)
  values (p_tenant, p_simulation, p_expected + 1, p_turn, 'learner', p_text, p_now);
  insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
  values (p_tenant, p_job, 'turn', p_payload, p_retry_at, p_now);
  update simulations set last_seq = p_expected + 1, last_activity_at = p_now
   where tenant_id = p_tenant and simulation_id = p_simulation;
  return true;
end $$;
