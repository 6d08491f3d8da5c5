-- Work to be done, things that happened, requests already answered. Ids and small facts only, never text.
-- No foreign keys to tenants here: every row is written beside a resource that has one, and these three
-- tables take several rows per turn.
create table app.jobs (
  tenant_id       uuid not null,
  job_id          uuid not null,
  kind            text not null check (kind in ('turn', 'score', 'batch', 'flow')),
  payload         jsonb not null,
  attempt         integer not null default 1,   -- publishes; part of the message id
  starts          integer not null default 0,   -- how often a worker took it; five is the end
  lease_until     timestamptz,                  -- a worker has it until then; no index: stays cheap
  next_publish_at timestamptz not null,
  dead_at         timestamptz,
  failure_code    text,
  created_at      timestamptz not null,
  primary key (tenant_id, job_id)
);
create index jobs_due on app.jobs (next_publish_at) where dead_at is null;
call app.protect('app.jobs');

create table app.events (
  tenant_id   uuid not null,
  event_id    uuid not null,
  type        text not null,
  resource_id uuid not null,
  sequence    integer not null check (sequence >= 1),  -- order within one resource
  position    bigint,                                  -- order within the tenant, given after commit
  data        jsonb not null,
  occurred_at timestamptz not null,
  primary key (tenant_id, resource_id, sequence),
  unique (tenant_id, position)
);
create index events_unplaced on app.events (event_id) where position is null;
call app.protect('app.events', 'select, insert');

-- The highest position of each tenant: what a consumer compares its own with.
create table app.event_heads (
  tenant_id uuid primary key references app.tenants,
  position  bigint not null
);
call app.protect('app.event_heads', 'select');

create table app.consumer_positions (
  tenant_id uuid not null references app.tenants,
  consumer  text not null,
  position  bigint not null,
  primary key (tenant_id, consumer)
);
call app.protect('app.consumer_positions');

-- A key, and the resource it made; never a body.
create table app.idempotency_claims (
  tenant_id   uuid not null,
  claim_hash  bytea not null check (length(claim_hash) = 32),
  fingerprint bytea not null check (length(fingerprint) = 32),
  resource_id uuid not null,
  sequence    integer,            -- turns: which seq of the simulation
  created_at  timestamptz not null,
  primary key (tenant_id, claim_hash)
);
create index idempotency_claims_age on app.idempotency_claims using brin (created_at);
call app.protect('app.idempotency_claims');

create policy system on app.jobs to rapport_system using (true) with check (true);
create policy system on app.events to rapport_system using (true) with check (true);
create policy system on app.event_heads to rapport_system using (true) with check (true);
create policy system on app.idempotency_claims to rapport_system using (true);
grant select, update on app.jobs to rapport_system;
grant select (tenant_id, event_id, type, resource_id, sequence, position, occurred_at), update (position)
  on app.events to rapport_system;
grant select, insert, update on app.event_heads to rapport_system;
grant select (tenant_id, claim_hash, created_at), delete on app.idempotency_claims to rapport_system;
