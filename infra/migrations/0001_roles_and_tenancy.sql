-- Roles, schemas, and the one way a table comes under row-level security.
-- rapport_app: every service, always inside one tenant. rapport_system: key lookup, relay, sweeps; ids only.
do $$
begin
  create role rapport_app nologin noinherit;
exception when duplicate_object then null;
end $$;
do $$
begin
  create role rapport_system nologin noinherit;
exception when duplicate_object then null;
end $$;

create schema app;
create schema report;
grant usage on schema app, report to rapport_app;
grant usage on schema app to rapport_system;

-- After one transaction-local set the setting stays as '' for the session, and a bare cast of '' raises:
-- nullif turns "no tenant" into null, and null equals nothing, so the answer is no rows.
create function app.current_tenant() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.tenant_id', true), '')::uuid;

create procedure app.protect(target regclass, privileges text default 'select, insert, update, delete')
  language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format(
    'create policy tenant on %s to rapport_app using (tenant_id = app.current_tenant()) '
    'with check (tenant_id = app.current_tenant())', target);
  execute format('grant %s on %s to rapport_app', privileges, target);
end $$;

create table app.tenants (
  tenant_id  uuid primary key,
  slug       text not null unique check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(slug) <= 60),
  status     text not null default 'active' check (status in ('active', 'suspended')),
  time_zone  text not null default 'UTC',
  created_at timestamptz not null
);
call app.protect('app.tenants', 'select');

create table app.tenant_keys (
  tenant_id  uuid not null references app.tenants,
  key_id     smallint not null,
  wrapped    bytea not null,
  created_at timestamptz not null,
  primary key (tenant_id, key_id)
);
call app.protect('app.tenant_keys', 'select, insert');

create table app.api_keys (
  tenant_id   uuid not null references app.tenants,
  key_id      uuid not null,
  hash        bytea not null check (length(hash) = 32),
  environment text not null check (environment in ('live', 'test')),
  scopes      text[] not null,
  team_ids    uuid[],
  learner_id  uuid,
  expires_at  timestamptz,
  revoked_at  timestamptz,
  created_at  timestamptz not null,
  primary key (tenant_id, key_id)
);
create unique index api_keys_lookup on app.api_keys (key_id);
call app.protect('app.api_keys', 'select, insert, update');

-- Keys of the operators: no tenant, so the app role never sees the table.
create table app.ops_keys (
  key_id     uuid primary key,
  hash       bytea not null check (length(hash) = 32),
  revoked_at timestamptz,
  created_at timestamptz not null
);
alter table app.ops_keys enable row level security;
alter table app.ops_keys force row level security;

create policy system on app.tenants to rapport_system using (true) with check (true);
create policy system on app.api_keys for select to rapport_system using (true);
create policy system on app.ops_keys to rapport_system using (true) with check (true);
grant select, insert, update on app.tenants to rapport_system;
grant select (tenant_id, key_id, hash, environment, scopes, team_ids, learner_id, expires_at, revoked_at)
  on app.api_keys to rapport_system;
grant select, insert, update on app.ops_keys to rapport_system;
