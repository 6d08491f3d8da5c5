-- The operators' API: keys with scopes, how much is done and how long it takes, which processes live, closed
-- periods of usage; and the numbers, ids, times and codes that operators see across tenants.

-- Keys that exist keep every right: there was one kind of operator.
alter table app.ops_keys
  add column name       text not null default '' check (length(name) <= 80),
  add column scopes     text[] not null
    default '{ops:read,tenants:write,limits:write,work:write,usage:read}' check (cardinality(scopes) >= 1),
  add column expires_at timestamptz;

-- What ended in a minute, of one tenant and kind; the tenant 00000000-0000-0000-0000-000000000000 stands for all of
-- them together. `buckets` counts durations: the bounds are in
-- shared/load/histogram.py; trailing zeros are left out. Kept for seven days.
create table app.load_minutes (
  tenant_id uuid not null,
  minute    timestamptz not null,
  kind      text not null check (kind in ('request', 'turn', 'scoring', 'webhook', 'model_call', 'report')),
  ok        integer not null check (ok >= 0),
  refused   integer not null check (refused >= 0),
  failed    integer not null check (failed >= 0),
  buckets   integer[] not null,
  primary key (tenant_id, minute, kind)
);
create index load_minutes_recent on app.load_minutes (minute);
call app.protect('app.load_minutes', 'select');
create policy system on app.load_minutes to rapport_system using (true) with check (true);
grant select, insert, update, delete on app.load_minutes to rapport_system;

-- A row per running process, renewed every ten seconds; nothing of the machine it runs on.
create table app.processes (
  process_id uuid primary key,
  service    text not null check (length(service) <= 40),
  version    text not null check (length(version) <= 40),
  started_at timestamptz not null,
  seen_at    timestamptz not null,
  numbers    jsonb not null default '{}'  -- that only this process knows
);
alter table app.processes enable row level security;
alter table app.processes force row level security;
create policy system on app.processes to rapport_system using (true) with check (true);
grant select, insert, update, delete on app.processes to rapport_system;

-- Usage of a period that is over, as it was first told: what is deleted later changes no bill. Tenants that used
-- nothing have no row.
create table app.usage_periods (
  tenant_id     uuid not null,
  first_day     date not null,
  end_day       date not null check (end_day > first_day),  -- the first day after
  simulations   bigint not null,
  turns         bigint not null,
  scorings      bigint not null,
  model_calls   bigint not null,
  input_tokens  bigint not null,
  cached_tokens bigint not null,
  output_tokens bigint not null,
  cost_microusd bigint not null,
  counted_at    timestamptz not null,
  primary key (tenant_id, first_day, end_day)
);
call app.protect('app.usage_periods', 'select');
create policy system on app.usage_periods to rapport_system using (true) with check (true);
grant select, insert on app.usage_periods to rapport_system;

create policy ops on app.simulations for select to rapport_system using (true);
grant select (tenant_id, simulation_id, mode, status, end_reason, last_seq, created_at, last_activity_at, ended_at,
              operation_id, branch_seq, environment) on app.simulations to rapport_system;
create policy ops on app.turns for select to rapport_system using (true);
grant select (tenant_id, simulation_id, seq, role, created_at) on app.turns to rapport_system;
create policy ops on app.scorings for select to rapport_system using (true);
grant select (tenant_id, scoring_id, simulation_id, status, workflow_id, created_at, operation_id, environment)
  on app.scorings to rapport_system;
create policy ops on app.operations for select to rapport_system using (true);
grant select (tenant_id, operation_id, kind, status, created_at, started_at) on app.operations to rapport_system;
create policy ops on app.llm_months for select to rapport_system using (true);
grant select (tenant_id, month, spent_microusd, reserved_microusd, in_flight) on app.llm_months to rapport_system;
create policy ops on app.llm_calls for select to rapport_system using (true);
grant select (tenant_id, status, started_at, expires_at, input_tokens, cached_tokens, output_tokens,
              cost_microusd, reserved_microusd) on app.llm_calls to rapport_system;
create policy ops on app.webhook_attempts for select to rapport_system using (true);
grant select (tenant_id, delivery_id, number, started_at, latency_ms, result, status_code)
  on app.webhook_attempts to rapport_system;
grant select (disabled_reason, disabled_at, failing_since, last_success_at) on app.webhook_endpoints to rapport_system;
grant select (attempt, created_at) on app.webhook_deliveries to rapport_system;
