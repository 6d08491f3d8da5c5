-- Webhook endpoints, their secrets, what is delivered to them, and every attempt. The position of the fan-out is a
-- row of consumer_positions ('webhooks'). Sealed columns, their row bytes and whose key: shared/webhooks/sealing.py.
create table app.webhook_endpoints (
  tenant_id       uuid not null references app.tenants,
  endpoint_id     uuid not null,
  url             bytea not null,       -- sealed with the tenant's key: a URL may carry a credential
  description     bytea,                -- sealed
  metadata        bytea,                -- sealed JSON object
  event_types     text[],               -- null: all
  team_ids        uuid[],               -- null: all; else events about people who were in one of them
  payload         text not null check (payload in ('thin', 'fat')),
  rate_per_s      integer check (rate_per_s between 1 and 1000),  -- null: no limit of its own
  status          text not null check (status in ('enabled', 'disabled')),
  disabled_reason text check (disabled_reason in ('caller', 'failing', 'gone')),
  disabled_at     timestamptz,
  after_position  bigint not null,      -- events up to here are not for this endpoint
  failing_since   timestamptz,          -- first failure since the last success
  failures        integer not null default 0,  -- attempts failed since the last success
  warned_at       timestamptz,
  last_success_at timestamptz,
  not_before      timestamptz,          -- the receiver asked for a pause (Retry-After)
  paced_until     timestamptz,          -- rate_per_s: nothing more is taken before
  recovered_at    timestamptz,          -- last recovery of a range; one per minute
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  primary key (tenant_id, endpoint_id),
  check ((status = 'disabled') = (disabled_reason is not null)),
  check ((status = 'disabled') = (disabled_at is not null))
);
call app.protect('app.webhook_endpoints');

create table app.webhook_secrets (
  tenant_id   uuid not null,
  endpoint_id uuid not null,
  secret_id   uuid not null,
  secret      bytea not null,           -- sealed; 32 bytes inside
  created_at  timestamptz not null,
  expires_at  timestamptz,              -- null: the current one; else it signs until then
  primary key (tenant_id, endpoint_id, secret_id),
  foreign key (tenant_id, endpoint_id) references app.webhook_endpoints on delete cascade
);
create unique index webhook_secrets_current on app.webhook_secrets (tenant_id, endpoint_id)
  where expires_at is null;
call app.protect('app.webhook_secrets');

-- Ed25519 pairs of the tenant, for the signature v1a; public halves at /v1/webhook_keys.
create table app.webhook_keys (
  tenant_id   uuid not null references app.tenants,
  key_id      uuid not null,
  public_key  bytea not null check (length(public_key) = 32),
  private_key bytea not null,           -- sealed
  created_at  timestamptz not null,
  expires_at  timestamptz,              -- null: the current one
  primary key (tenant_id, key_id)
);
create unique index webhook_keys_current on app.webhook_keys (tenant_id) where expires_at is null;
call app.protect('app.webhook_keys');

create table app.webhook_deliveries (
  tenant_id       uuid not null,
  delivery_id     uuid not null,
  endpoint_id     uuid not null,
  event_id        uuid not null,        -- what the receiver sees as webhook-id: stable over retries and resends
  event_type      text not null,
  position        bigint,               -- null: a test
  trigger         text not null check (trigger in ('event', 'resend', 'recover', 'test')),
  learner_id      uuid,                 -- whose key seals body and responses; null: the tenant's
  body            bytea not null,       -- sealed; the bytes that are signed, sent and kept
  status          text not null check (status in ('pending', 'succeeded', 'failed', 'aborted', 'discarded')),
  attempt         integer not null default 0,   -- attempts made
  next_attempt_at timestamptz check ((next_attempt_at is not null) = (status = 'pending')),
  lease_until     timestamptz,          -- a sender has it until then
  created_at      timestamptz not null,
  finished_at     timestamptz check ((finished_at is null) = (status = 'pending')),
  primary key (tenant_id, delivery_id),
  foreign key (tenant_id, endpoint_id) references app.webhook_endpoints on delete cascade,
  foreign key (tenant_id, learner_id) references app.learners
);
-- An event reaches an endpoint once by itself, however often the fan-out runs.
create unique index webhook_deliveries_once on app.webhook_deliveries (tenant_id, endpoint_id, event_id)
  where trigger = 'event';
-- What was sent again of an event; few.
create index webhook_deliveries_again on app.webhook_deliveries (tenant_id, endpoint_id, event_id)
  where trigger <> 'event';
create index webhook_deliveries_log on app.webhook_deliveries (tenant_id, endpoint_id, delivery_id);
-- By endpoint first: however many rows wait at dead endpoints, finding what is due costs one look per endpoint.
create index webhook_deliveries_due
  on app.webhook_deliveries (endpoint_id, (coalesce(lease_until, next_attempt_at)), delivery_id)
  where status = 'pending';
call app.protect('app.webhook_deliveries');

create table app.webhook_attempts (
  tenant_id       uuid not null,
  delivery_id     uuid not null,
  number          integer not null check (number >= 1),
  started_at      timestamptz not null,
  latency_ms      integer not null check (latency_ms >= 0),
  result          text not null check (result in ('succeeded', 'failed', 'aborted')),
  status_code     integer,              -- null: no answer
  error           text,                 -- class of the failure: 'timeout', 'refused', 'blocked-address', ...
  response        bytea,                -- sealed; the first 2 KiB
  next_attempt_at timestamptz,
  primary key (tenant_id, delivery_id, number),
  foreign key (tenant_id, delivery_id) references app.webhook_deliveries on delete cascade
);
call app.protect('app.webhook_attempts', 'select, insert, delete');

-- The senders look for due deliveries of all tenants: ids and times, no URL, no body.
create policy system on app.webhook_endpoints for select to rapport_system using (true);
create policy system on app.webhook_deliveries for select to rapport_system using (true);
create policy system on app.consumer_positions for select to rapport_system using (true);
grant select (tenant_id, endpoint_id, status, not_before, paced_until, after_position, failures)
  on app.webhook_endpoints to rapport_system;
grant select (tenant_id, delivery_id, endpoint_id, status, next_attempt_at, lease_until)
  on app.webhook_deliveries to rapport_system;
grant select on app.consumer_positions to rapport_system;
