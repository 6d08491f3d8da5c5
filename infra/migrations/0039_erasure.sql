-- What belongs to a person, or to a whole tenant, can be taken out, handed over and destroyed; keys can change.

-- A tenant's next key is announced before it seals, so that every process knows it by then. Key 0 keys lookups.
alter table app.tenant_keys add column active_from timestamptz;  -- null: from the start

-- Keys of the installation itself, wrapped by the master key. 'hashes': what it was before it first changed.
create table app.installation_keys (
  name       text primary key check (name in ('hashes')),
  wrapped    bytea not null,
  created_at timestamptz not null
);
alter table app.installation_keys enable row level security;
alter table app.installation_keys force row level security;
create policy system on app.installation_keys to rapport_system using (true) with check (true);
grant select, insert, update on app.installation_keys to rapport_system;

-- The row stays, empty: what was counted refers to it. Its learner_id and person_id are random.
alter table app.learners add column erased_at timestamptz;

-- The new list holds all of the old one, so there is nothing to validate.
alter table app.operations drop constraint operations_kind_check;
alter table app.operations add constraint operations_kind_check check (kind in (
  'simulation_batch', 'scoring_batch', 'scenario_draft', 'scenario_trial', 'rubric_draft', 'report_export',
  'learner_erasure', 'learner_export')) not valid;

-- Long work on somebody's data, in steps. Who has the lease works; after a crash another goes on at `stage`.
create table app.privacy_tasks (
  tenant_id    uuid not null references app.tenants,
  operation_id uuid not null,
  kind         text not null check (kind in ('learner_erasure', 'learner_export', 'key_rotation', 'offboarding')),
  learner_id   uuid,
  stage        text not null default '',      -- the table that is being worked on; '': not begun
  counts       jsonb not null default '{}',   -- rows by table
  not_before   timestamptz not null,
  lease_until  timestamptz,
  starts       integer not null default 0,
  is_open      boolean not null default true,
  created_at   timestamptz not null,
  ended_at     timestamptz check ((ended_at is null) = is_open),
  expires_at   timestamptz,                   -- of a file
  size_bytes   bigint not null default 0,     -- of a file
  receipt      text,                          -- JSON, signed: ids, counts and times
  signature    text,
  primary key (tenant_id, operation_id),
  check ((learner_id is null) = (kind in ('key_rotation', 'offboarding')))
);
-- A person is erased once; a tenant leaves once, and changes one key at a time.
create unique index privacy_tasks_erasure on app.privacy_tasks (tenant_id, learner_id) where kind = 'learner_erasure';
create unique index privacy_tasks_once on app.privacy_tasks (tenant_id, kind)
  where kind in ('key_rotation', 'offboarding') and is_open;
create index privacy_tasks_open on app.privacy_tasks (tenant_id, operation_id) where is_open;
create index privacy_tasks_expiring on app.privacy_tasks (tenant_id, expires_at) where expires_at is not null;
call app.protect('app.privacy_tasks', 'select, insert, update');
create policy system on app.privacy_tasks for select to rapport_system using (true);
grant select (tenant_id, operation_id, kind, learner_id, stage, not_before, lease_until, is_open, created_at, ended_at,
              expires_at)
  on app.privacy_tasks to rapport_system;

-- What was taken out for a person, sealed with that person's key: it goes with them.
create table app.privacy_files (
  tenant_id    uuid not null,
  operation_id uuid not null,
  part         integer not null check (part >= 0),
  content      bytea not null,
  primary key (tenant_id, operation_id, part),
  foreign key (tenant_id, operation_id) references app.privacy_tasks on delete cascade
);
call app.protect('app.privacy_files', 'select, insert, delete');

-- The eraser may change and delete every row of the one tenant that is set, and nothing else: what services only
-- add to stays out of their own reach. A service becomes it for one transaction (shared/privacy/rights.py).
do $$
begin
  create role rapport_eraser nologin noinherit;
exception when duplicate_object then null;
end $$;
do $$
begin
  if not pg_has_role('rapport_app', 'rapport_eraser', 'set') then
    grant rapport_eraser to rapport_app with inherit false, set true;
  end if;
end $$;
grant usage on schema app, report to rapport_eraser;
grant execute on function app.current_tenant to rapport_eraser;

-- Of tables to come as well. The audit trail is no table of the eraser's: it holds ids and digests, and stays.
create or replace procedure app.protect(target regclass, privileges text default 'select, insert, update, delete')
  language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format(
    'create policy tenant on %s to rapport_app using (tenant_id = app.current_tenant()) '
    'with check (tenant_id = app.current_tenant())', target);
  execute format('grant %s on %s to rapport_app', privileges, target);
  execute format(
    'create policy eraser on %s to rapport_eraser using (tenant_id = app.current_tenant()) '
    'with check (tenant_id = app.current_tenant())', target);
  execute format('grant select, insert, update, delete on %s to rapport_eraser', target);
end $$;

do $$
declare
  target regclass;
begin
  for target in
    select polrelid::regclass from pg_policy
     where polname = 'tenant' and polrelid not in ('app.trail'::regclass, 'app.trail_heads'::regclass)
  loop
    execute format(
      'create policy eraser on %s to rapport_eraser using (tenant_id = app.current_tenant()) '
      'with check (tenant_id = app.current_tenant())', target);
    execute format('grant select, insert, update, delete on %s to rapport_eraser', target);
  end loop;
end $$;
grant usage on all sequences in schema app to rapport_eraser;
create policy eraser on app.trail for insert to rapport_eraser with check (tenant_id = app.current_tenant());
grant insert (tenant_id, actor_kind, actor_id, action, target, request_id, at, before_digest, after_digest, facts,
              about_tenant_id, entry_hash)
  on app.trail to rapport_eraser;
