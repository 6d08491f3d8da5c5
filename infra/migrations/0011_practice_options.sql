-- What a simulation may bring beside its scenario, where it comes from, and whole batches of them.
create table app.operations (
  tenant_id    uuid not null references app.tenants,
  operation_id uuid not null,
  kind         text not null check (kind in ('simulation_batch')),
  status       text not null check (status in ('queued', 'running', 'succeeded', 'failed', 'canceled')),
  learner_id   uuid not null,
  is_scored    boolean not null,
  total        integer not null check (total >= 1),
  created_at   timestamptz not null,
  started_at   timestamptz,
  ended_at     timestamptz check ((ended_at is not null) = (status in ('succeeded', 'failed', 'canceled'))),
  expires_at   timestamptz not null,
  primary key (tenant_id, operation_id),
  foreign key (tenant_id, learner_id) references app.learners
);
call app.protect('app.operations', 'select, insert, update');

-- What one workflow drives: about fifty conversations. `unplayed` reaches zero once, in the transaction that
-- finishes the last of their jobs: that is what completes the workflow's activity.
create table app.operation_parts (
  tenant_id    uuid not null,
  operation_id uuid not null,
  part         integer not null check (part >= 0),
  unplayed     integer not null check (unplayed >= 0),
  ended_at     timestamptz,
  primary key (tenant_id, operation_id, part),
  foreign key (tenant_id, operation_id) references app.operations
);
call app.protect('app.operation_parts', 'select, insert, update');

alter table app.simulations
  add column operation_id uuid,
  add column part         integer,
  add column hints        boolean not null default false,
  add column word_budget  integer check (word_budget between 50 and 20000),
  add column parent_id    uuid,     -- branches: the simulation whose turns up to branch_seq were copied
  add column branch_seq   integer check (branch_seq % 2 = 0),
  add column faults       jsonb,    -- the simulator's own faults, found by the audit; null: not audited yet
  add check ((operation_id is null) = (part is null)),
  add check ((parent_id is null) = (branch_seq is null)),
  add foreign key (tenant_id, operation_id, part) references app.operation_parts,
  add foreign key (tenant_id, parent_id) references app.simulations;
create index simulations_operation on app.simulations (tenant_id, operation_id, part)
  where operation_id is not null;
create index simulations_parent on app.simulations (tenant_id, parent_id) where parent_id is not null;

-- Why a result is left out of trends: the simulator failed the learner, or nobody practiced.
alter table app.scorings add column excluded text check (excluded in ('simulator_fault', 'batch'));

-- As take_turn_v1, with what the simulation brings itself.
create function app.take_turn_v2(
  p_tenant uuid, p_job uuid, p_lease_s double precision, p_max_starts integer
) returns table (
  simulation_id uuid, seq integer, status text, last_seq integer, seed bigint, learner_id uuid,
  scenario_id uuid, scenario_version integer, hints boolean, word_budget integer, wrapped bytea, learner_text bytea,
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
         s.scenario_version, s.hints, s.word_budget, k.wrapped, learner.text, before.text, before.state
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
grant execute on function app.take_turn_v2 to rapport_app;

-- Claims the job of an autopilot conversation and reads it as far as it was played: a row per turn, in order.
create function app.take_batch_v1(
  p_tenant uuid, p_job uuid, p_lease_s double precision, p_max_starts integer
) returns table (
  payload jsonb, simulation_id uuid, status text, seed bigint, learner_id uuid, scenario_id uuid,
  scenario_version integer, profile text, word_budget integer, operation_id uuid, wrapped bytea,
  seq integer, role text, text bytea, state jsonb
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
         t.seq, t.role, t.text, t.state
    from job
    left join simulations s
      on s.tenant_id = p_tenant and s.simulation_id = (job.payload ->> 'simulation_id')::uuid
    left join learner_keys k on k.tenant_id = p_tenant and k.learner_id = s.learner_id
    left join turns t on t.tenant_id = p_tenant and t.simulation_id = s.simulation_id
   order by t.seq;
end $$;
grant execute on function app.take_batch_v1 to rapport_app;

-- Finishes the job of an autopilot conversation and, when it was all that its workflow waits for, writes the
-- flow job that says so. A conversation of a batch is counted down: the last one of its part reports.
create function app.finish_batch_v1(
  p_tenant uuid, p_job uuid, p_operation uuid, p_part integer,
  p_flow_job uuid, p_flow_payload jsonb, p_now timestamptz, p_first_retry_s double precision
) returns boolean language plpgsql as $$
declare
  is_last boolean;
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  delete from jobs where tenant_id = p_tenant and job_id = p_job;
  is_last := found;
  if is_last and p_operation is not null then
    update operation_parts set unplayed = unplayed - 1
     where tenant_id = p_tenant and operation_id = p_operation and part = p_part
    returning unplayed = 0 into is_last;
  end if;
  if is_last then
    insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
    values (p_tenant, p_flow_job, 'flow', p_flow_payload,
            p_now + make_interval(secs => p_first_retry_s), p_now);
  end if;
  return coalesce(is_last, false);
end $$;
grant execute on function app.finish_batch_v1 to rapport_app;
