-- A tenant's identity provider, and what SCIM knows of users and groups beyond app.users and app.teams.

create table app.identity_settings (
  tenant_id  uuid primary key references app.tenants,
  revision   integer not null check (revision >= 1),
  pair_hash  bytea not null unique check (length(pair_hash) = 32),  -- of issuer and audience: whose a token is
  settings   bytea not null,                                        -- sealed with the tenant's key
  updated_at timestamptz not null
);
call app.protect('app.identity_settings');

-- Whose token is it: asked before the tenant is known.
create policy system on app.identity_settings for select to rapport_system using (true);
grant select (tenant_id, pair_hash) on app.identity_settings to rapport_system;

create table app.scim_users (
  tenant_id        uuid not null,
  user_id          uuid not null,
  document         bytea not null,  -- sealed with the tenant's key: what the provider wrote
  external_id_hash bytea check (length(external_id_hash) = 32),
  primary key (tenant_id, user_id),
  foreign key (tenant_id, user_id) references app.users on delete cascade
);
create index scim_users_external on app.scim_users (tenant_id, external_id_hash) where external_id_hash is not null;
call app.protect('app.scim_users');

create table app.scim_emails (
  tenant_id uuid not null,
  hash      bytea not null check (length(hash) = 32),  -- tenant-keyed, of the address in lower case
  user_id   uuid not null,
  primary key (tenant_id, hash, user_id),
  foreign key (tenant_id, user_id) references app.scim_users on delete cascade
);
create index scim_emails_user on app.scim_emails (tenant_id, user_id);
call app.protect('app.scim_emails', 'select, insert, delete');

-- Which groups a user is in by the provider's word, in the order of joining; the newest decides about the team.
create table app.scim_members (
  tenant_id uuid not null,
  team_id   uuid not null,
  user_id   uuid not null,
  number    bigint generated always as identity,
  primary key (tenant_id, team_id, user_id),
  foreign key (tenant_id, team_id) references app.teams,
  foreign key (tenant_id, user_id) references app.users on delete cascade
);
create index scim_members_user on app.scim_members (tenant_id, user_id, number);
call app.protect('app.scim_members', 'select, insert, delete');

-- Teams whose group the provider changed or removed: the team itself stays, for past reports.
create table app.scim_groups (
  tenant_id  uuid not null,
  team_id    uuid not null,
  is_gone    boolean not null default false,
  updated_at timestamptz not null,
  primary key (tenant_id, team_id),
  foreign key (tenant_id, team_id) references app.teams
);
call app.protect('app.scim_groups');
