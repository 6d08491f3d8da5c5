-- The statements of a turn where a model may word the customer, and other languages may be spoken.

-- As take_turn_v3, with the environment, the language and the bound of hostility.
create function app.take_turn_v4(
  p_tenant uuid, p_job uuid, p_lease_s double precision, p_max_starts integer
) returns table (
  simulation_id uuid, seq integer, status text, last_seq integer, seed bigint, learner_id uuid,
  scenario_id uuid, scenario_version integer, hints boolean, word_budget integer, wrapped bytea, learner_text bytea,
  previous_text bytea, state jsonb, starts integer, streamed boolean, environment text, language text,
  max_hostility smallint
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
    returning (payload ->> 'simulation_id')::uuid as simulation_id, (payload ->> 'seq')::int as seq,
              starts, coalesce((payload ->> 'streamed')::boolean, false) as streamed
  )
  select job.simulation_id, job.seq, s.status, s.last_seq, s.seed, s.learner_id, s.scenario_id,
         s.scenario_version, s.hints, s.word_budget, k.wrapped, learner.text, before.text, before.state,
         job.starts, job.streamed, s.environment, s.language, s.max_hostility
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

-- The conversation before a turn: read only when a model words that turn.
create function app.said_v1(p_tenant uuid, p_simulation uuid, p_before integer) returns table (
  seq integer, role text, text bytea
) language plpgsql as $$
#variable_conflict use_column
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  return query
  select t.seq, t.role, t.text
    from turns t
   where t.tenant_id = p_tenant and t.simulation_id = p_simulation and t.seq < p_before
   order by t.seq;
end $$;

-- As take_batch_v1, with the environment, the language and the bound of hostility.
create function app.take_batch_v2(
  p_tenant uuid, p_job uuid, p_lease_s double precision, p_max_starts integer
) returns table (
  payload jsonb, simulation_id uuid, status text, seed bigint, learner_id uuid, scenario_id uuid,
  scenario_version integer, profile text, word_budget integer, operation_id uuid, wrapped bytea,
  environment text, language text, max_hostility smallint, seq integer, role text, text bytea, state jsonb
) language plpgsql as $$
#variable_conflict use_column
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  perform set_config('synchronous_commit', 'off', true);
  return query
  with job as (
    update jobs
       set starts = starts + 1, lease_until = now() + make_interval(secs => p_lease_s)
     where tenant_id = p_tenant and job_id = p_job and dead_at is null and starts < p_max_starts
       and (lease_until is null or lease_until < now())
    returning payload
  )
  select job.payload, s.simulation_id, s.status, s.seed, s.learner_id, s.scenario_id,
         s.scenario_version, s.profile, s.word_budget, s.operation_id, k.wrapped,
         s.environment, s.language, s.max_hostility, t.seq, t.role, t.text, t.state
    from job
    left join simulations s
      on s.tenant_id = p_tenant and s.simulation_id = (job.payload ->> 'simulation_id')::uuid
    left join learner_keys k on k.tenant_id = p_tenant and k.learner_id = s.learner_id
    left join turns t on t.tenant_id = p_tenant and t.simulation_id = s.simulation_id
   order by t.seq;
end $$;

-- As advance_v1, with how the customer's lines got their words, and what the learner's were read as.
create function app.advance_v2(
  p_tenant uuid, p_simulation uuid, p_job uuid, p_is_last boolean, p_from integer, p_to integer,
  p_end_reason text, p_now timestamptz,
  p_seqs integer[], p_turn_ids uuid[], p_roles text[], p_texts bytea[], p_states jsonb[],
  p_surfaces text[], p_acts jsonb[], p_causes jsonb[], p_engines text[], p_wordings jsonb[], p_appraisals bytea[],
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
                       causes, engine, wording, appraisal, created_at)
    select p_tenant, p_simulation, t.seq, t.turn_id, t.role, t.text, t.state, t.surface, t.acts,
           t.causes, t.engine, t.wording, t.appraisal, p_now
      from unnest(p_seqs, p_turn_ids, p_roles, p_texts, p_states, p_surfaces, p_acts, p_causes,
                  p_engines, p_wordings, p_appraisals)
             as t(seq, turn_id, role, text, state, surface, acts, causes, engine, wording, appraisal);
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

grant execute on function app.take_turn_v4, app.said_v1, app.take_batch_v2, app.advance_v2 to rapport_app;
