-- Replies that are read along, streams of a simulation's events, and the pages that may call the API.

-- As take_turn_v2, with the number of the try and whether somebody reads along.
create function app.take_turn_v3(
  p_tenant uuid, p_job uuid, p_lease_s double precision, p_max_starts integer
) returns table (
  simulation_id uuid, seq integer, status text, last_seq integer, seed bigint, learner_id uuid,
  scenario_id uuid, scenario_version integer, hints boolean, word_budget integer, wrapped bytea, learner_text bytea,
  previous_text bytea, state jsonb, starts integer, streamed boolean
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
         job.starts, job.streamed
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
grant execute on function app.take_turn_v3 to rapport_app;

-- How far a simulation is, for a caller who may see it: what every open stream asks every second. No row: not
-- for this caller. A simulation's scoring has the same id, so its events go on with the same sequence.
-- `settled`: nothing more will come by itself.
create function app.stream_head_v1(
  p_tenant uuid, p_learner uuid, p_teams uuid[], p_today date, p_simulation uuid
) returns table (
  learner_id uuid, wrapped bytea, status text, end_reason text, last_seq integer, sequence integer,
  settled boolean
) language plpgsql as $$
#variable_conflict use_column
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  return query
  select s.learner_id, k.wrapped, s.status, s.end_reason, s.last_seq,
         coalesce((select max(e.sequence) from events e
                    where e.tenant_id = p_tenant and e.resource_id = p_simulation), 0),
         s.status <> 'open'
         and (coalesce(g.status in ('completed', 'failed'), false)
              or s.end_reason in ('failed', 'cancelled')
              or coalesce((select not o.is_scored from operations o
                            where o.tenant_id = p_tenant and o.operation_id = s.operation_id), false))
    from simulations s
    join learner_keys k on k.tenant_id = p_tenant and k.learner_id = s.learner_id
    left join scorings g on g.tenant_id = p_tenant and g.simulation_id = s.simulation_id
   where s.tenant_id = p_tenant and s.simulation_id = p_simulation
     and (p_learner is null or s.learner_id = p_learner)
     and (p_teams is null or exists (
           select from memberships m
            where m.tenant_id = p_tenant and m.learner_id = s.learner_id
              and m.team_id = any (p_teams)
              and m.valid_from <= p_today and (m.valid_to is null or m.valid_to > p_today)));
end $$;
grant execute on function app.stream_head_v1 to rapport_app;

-- Pages in whose scripts browsers may read answers for the tenant. An origin is a URL: sealed, found by a hash
-- that is keyed for the installation.
create table app.allowed_origins (
  tenant_id   uuid not null references app.tenants,
  origin_hash bytea not null check (length(origin_hash) = 32),
  origin      bytea not null,  -- sealed with the tenant's key
  created_at  timestamptz not null,
  primary key (tenant_id, origin_hash)
);
call app.protect('app.allowed_origins', 'select, insert, delete');

-- A browser asks first, without a key: then any tenant's page will do.
create policy system on app.allowed_origins for select to rapport_system using (true);
grant select (tenant_id, origin_hash) on app.allowed_origins to rapport_system;
