-- How long a tenant keeps what, in days, and how far what is older is gone. Ids, numbers and times only.
create table app.retention (
  tenant_id                uuid primary key references app.tenants,
  revision                 integer not null check (revision >= 1),
  simulation_transcripts   integer check (simulation_transcripts between 7 and 3650),    -- null: as long as the person
  conversation_transcripts integer check (conversation_transcripts between 7 and 3650),  -- likewise
  score_details            integer check (score_details between 7 and 3650),             -- likewise
  webhook_payloads         integer not null check (webhook_payloads between 1 and 30),
  usage_details            integer not null check (usage_details between 30 and 3650),
  audit_log                integer not null check (audit_log between 365 and 3650),
  updated_at               timestamptz not null
);
call app.protect('app.retention', 'select, insert, update');

-- When there is something to do for a tenant again, and the last id of each kind that is dealt with: ids begin with
-- the time they were made. A tenant with nothing left costs nothing until its newest things are old.
create table app.retention_passes (
  tenant_id uuid primary key references app.tenants,
  due_at    timestamptz not null,
  dealt     jsonb not null default '{}'
);
call app.protect('app.retention_passes', 'select, insert, update');

create policy system on app.retention for select to rapport_system using (true);
create policy system on app.retention_passes for select to rapport_system using (true);
grant select (tenant_id, audit_log) on app.retention to rapport_system;
grant select (tenant_id, due_at) on app.retention_passes to rapport_system;

-- Since when a conversation has no words any more; what was scored stays.
-- A table of its own: a column more would break statements that processes of the last release have prepared.
create table app.removed_texts (
  tenant_id  uuid not null references app.tenants,
  thing_id   uuid not null,   -- a simulation, or a conversation that was handed in
  removed_at timestamptz not null,
  primary key (tenant_id, thing_id)
);
call app.protect('app.removed_texts', 'select, insert');
