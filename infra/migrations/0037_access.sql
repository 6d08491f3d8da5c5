-- People who sign in, with their roles; keys with names, networks, a second secret while they roll, and when they
-- were last used. Sealed columns, their row bytes and whose key: services/api/users, services/api/api_keys.
create table app.users (
  tenant_id      uuid not null references app.tenants,
  user_id        uuid not null,
  subject_hash   bytea check (length(subject_hash) = 32),  -- tenant-keyed hash of issuer|subject; null: never signed in
  user_name      bytea not null,        -- sealed with the tenant's key
  user_name_hash bytea not null check (length(user_name_hash) = 32),  -- tenant-keyed, of the name in lower case
  email          bytea,                 -- sealed
  display_name   bytea,                 -- sealed
  role           text check (role in ('owner', 'admin', 'coach', 'author', 'evaluator', 'viewer', 'auditor')),
  team_ids       uuid[],                -- null: all teams (a coach without teams sees none)
  learner_id     uuid,                  -- who the person is as a learner
  active         boolean not null default true,
  created_at     timestamptz not null,
  updated_at     timestamptz not null,
  primary key (tenant_id, user_id),
  unique (tenant_id, user_name_hash),
  foreign key (tenant_id, learner_id) references app.learners
);
create unique index users_subject on app.users (tenant_id, subject_hash) where subject_hash is not null;
create index users_learner on app.users (tenant_id, learner_id) where learner_id is not null;
call app.protect('app.users');

-- What bounds a key that belongs to a person: read with the key, before the tenant is known. No name, no address.
create policy system on app.users for select to rapport_system using (true);
grant select (tenant_id, user_id, role, team_ids, learner_id, active) on app.users to rapport_system;

alter table app.api_keys
  add column name                bytea,        -- sealed with the tenant's key
  add column user_id             uuid,         -- whose; the key dies with the person
  add column networks            cidr[],       -- null: from everywhere
  add column previous_hash       bytea check (length(previous_hash) = 32),
  add column previous_expires_at timestamptz,  -- until when the secret before the last roll is good
  add column rolled_at           timestamptz,
  add column last_used_at        timestamptz,  -- exact to a minute
  add column warnings            smallint not null default 0,  -- of the coming end, sent so far
  add constraint api_keys_previous check ((previous_hash is null) = (previous_expires_at is null)),
  add constraint api_keys_user foreign key (tenant_id, user_id)
    references app.users on delete cascade not valid;  -- new and empty: there is nothing to validate
create index api_keys_users on app.api_keys (tenant_id, user_id) where user_id is not null;

-- A sweep over all tenants looks for keys that end soon.
create index api_keys_ending on app.api_keys (expires_at)
  where expires_at is not null and revoked_at is null and warnings < 2;

grant select (user_id, networks, previous_hash, previous_expires_at, last_used_at, warnings)
  on app.api_keys to rapport_system;
-- Uses of all tenants' keys are noted together, one statement per process.
grant update (last_used_at) on app.api_keys to rapport_system;
create policy used on app.api_keys for update to rapport_system using (true) with check (true);
