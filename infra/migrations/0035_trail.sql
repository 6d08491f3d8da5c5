-- The audit trail: who did what and when. Ids, numbers and digests only, never text. Rows are added by whoever
-- commits the change; the sealer gives each its position and the hash that chains it to the one before.
-- The operators' chain has the tenant 00000000-0000-0000-0000-000000000000, which no caller can be; so no foreign key.
create table app.trail (
  tenant_id       uuid not null,
  number          bigint generated always as identity,
  actor_kind      text not null check (actor_kind in ('key', 'user', 'operator', 'token', 'system')),
  actor_id        uuid,
  action          text not null check (action ~ '^[a-z_]+(\.[a-z_]+)+$' and length(action) <= 80),
  target          text not null check (target ~ '^[A-Za-z0-9_.:/+@-]{1,120}$'),
  request_id      text not null check (length(request_id) <= 80),
  at              timestamptz not null,
  before_digest   bytea check (length(before_digest) = 32),
  after_digest    bytea check (length(after_digest) = 32),
  facts           jsonb not null,
  about_tenant_id uuid,              -- the operators' chain: whose matter it was
  entry_hash      bytea not null check (length(entry_hash) = 32),  -- of all of the above
  position        bigint check (position >= 1),                     -- order within the chain, given after commit
  hash            bytea check (length(hash) = 32),                  -- chains entry_hash to the entry before
  primary key (tenant_id, number),
  unique (tenant_id, position),
  check ((position is null) = (hash is null))
);
create index trail_unsealed on app.trail (number) where position is null;
create index trail_target on app.trail (tenant_id, target, position);
call app.protect('app.trail', 'select');
grant insert (tenant_id, actor_kind, actor_id, action, target, request_id, at, before_digest, after_digest, facts,
              about_tenant_id, entry_hash)
  on app.trail to rapport_app;

-- How far each chain is sealed. What is no longer kept ends at pruned_position; the chain goes on from pruned_hash.
create table app.trail_heads (
  tenant_id       uuid primary key,
  position        bigint not null check (position >= 1),
  hash            bytea not null check (length(hash) = 32),
  pruned_position bigint not null default 0 check (pruned_position >= 0),
  pruned_hash     bytea check (length(pruned_hash) = 32),
  sealed_at       timestamptz not null,
  mac             bytea not null check (length(mac) = 32)  -- of the row, by a key that the database does not know
);
call app.protect('app.trail_heads', 'select');

-- What was noted once and need not be noted again: a key's first use of a day, somebody's reading of an hour.
create table app.trail_marks (
  tenant_id uuid not null,
  mark      bytea not null check (length(mark) = 16),
  at        timestamptz not null,
  primary key (tenant_id, mark)
);
create index trail_marks_age on app.trail_marks using brin (at);
call app.protect('app.trail_marks', 'select, insert');

-- A sealed entry is out of everybody's reach for most of a year (tenants keep a whole one); then the oldest may go.
create policy system_see on app.trail for select to rapport_system using (true);
create policy system_add on app.trail for insert to rapport_system with check (position is null);
create policy system_seal on app.trail for update to rapport_system using (position is null)
  with check (position is not null);
create policy system_prune on app.trail for delete to rapport_system
  using (position is not null and at < now() - interval '360 days');
create policy system on app.trail_heads to rapport_system using (true) with check (true);
create policy system on app.trail_marks to rapport_system using (true);
grant select (tenant_id, number, at, entry_hash, position, hash),
  insert (tenant_id, actor_kind, actor_id, action, target, request_id, at, before_digest, after_digest, facts,
          about_tenant_id, entry_hash),
  update (position, hash), delete
  on app.trail to rapport_system;
grant select, insert, update on app.trail_heads to rapport_system;
grant select (tenant_id, at), delete on app.trail_marks to rapport_system;
