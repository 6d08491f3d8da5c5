-- Weekly pages of teams, which week each tenant has, and files of all counted scores.

-- What a page says, as JSON sealed with the tenant's key; every form of it is drawn from that.
create table report.documents (
  tenant_id   uuid not null references app.tenants,
  document_id uuid not null,
  team_id     uuid not null,
  week        date not null,        -- Monday of the week that was over
  content     bytea not null,       -- sealed
  created_at  timestamptz not null,
  primary key (tenant_id, document_id),
  foreign key (tenant_id, team_id) references app.teams
);
-- A team has one page per week, however often it is asked for.
create unique index documents_once on report.documents (tenant_id, team_id, week);
call app.protect('report.documents');

-- The last week whose pages are all made; no row: none yet.
create table report.weekly_runs (
  tenant_id uuid primary key references app.tenants,
  week      date not null
);
call app.protect('report.weekly_runs');

-- The schedule looks for tenants that are due: ids, a time and switches.
create policy system on report.weekly_runs for select to rapport_system using (true);
create policy system on report.settings for select to rapport_system using (true);
grant usage on schema report to rapport_system;
grant select (tenant_id, week) on report.weekly_runs to rapport_system;
grant select (tenant_id, is_weekly, weekly_weekday, weekly_hour) on report.settings to rapport_system;

alter table app.operations drop constraint operations_kind_check;
alter table app.operations add constraint operations_kind_check check (kind in (
  'simulation_batch', 'scoring_batch', 'scenario_draft', 'scenario_trial', 'rubric_draft', 'report_export'));

-- A file of every counted score of a tenant, written in parts by whoever has the lease.
create table report.exports (
  tenant_id    uuid not null,
  operation_id uuid not null,
  format       text not null check (format in ('csv', 'ndjson', 'parquet')),
  lease_until  timestamptz,         -- somebody writes it until then
  starts       integer not null default 0,
  rows_done    bigint not null default 0,
  size_bytes   bigint not null default 0,
  is_open      boolean not null default true,  -- waits, or is written
  primary key (tenant_id, operation_id),
  foreign key (tenant_id, operation_id) references app.operations
);
create index exports_open on report.exports (tenant_id, lease_until) where is_open;  -- few; read whole
call app.protect('report.exports');
create policy system on report.exports for select to rapport_system using (true);
grant select (tenant_id, operation_id, lease_until, is_open) on report.exports to rapport_system;

create table report.export_parts (
  tenant_id    uuid not null,
  operation_id uuid not null,
  part         integer not null check (part >= 0),
  content      bytea not null,      -- sealed with the tenant's key
  primary key (tenant_id, operation_id, part),
  foreign key (tenant_id, operation_id) references report.exports on delete cascade
);
call app.protect('report.export_parts');
