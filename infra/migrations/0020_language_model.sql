-- A tenant's language model, every call with what it cost, and what simulations and scorings note about it.

create table app.llm_settings (
  tenant_id               uuid primary key references app.tenants,
  revision                integer not null check (revision >= 1),  -- what a writer must have seen to replace it
  endpoint                bytea,          -- sealed JSON: base URL, API version, extra headers; null: the installation's
  api_key                 bytea,          -- sealed; written, never read back
  policy                  jsonb not null, -- ModelPolicy: nothing secret
  monthly_budget_microusd bigint check (monthly_budget_microusd >= 0),     -- null: no bound of the tenant's own
  simulation_budget_microusd bigint check (simulation_budget_microusd >= 0),
  scoring_budget_microusd bigint check (scoring_budget_microusd >= 0),
  max_in_flight           integer not null default 50 check (max_in_flight between 1 and 10000),
  updated_at              timestamptz not null
);
call app.protect('app.llm_settings');

-- What a tenant spent in a month (UTC) and what is promised to calls under way: the row that a reservation locks.
-- `installation_*`: the part of it at the installation's endpoint, which the installation bounds.
create table app.llm_months (
  tenant_id         uuid not null references app.tenants,
  month             date not null check (extract(day from month) = 1),
  spent_microusd    bigint not null default 0 check (spent_microusd >= 0),
  reserved_microusd bigint not null default 0 check (reserved_microusd >= 0),
  installation_spent_microusd    bigint not null default 0 check (installation_spent_microusd >= 0),
  installation_reserved_microusd bigint not null default 0 check (installation_reserved_microusd >= 0),
  in_flight         integer not null default 0 check (in_flight >= 0),
  primary key (tenant_id, month)
);
call app.protect('app.llm_months', 'select, insert, update');

-- Every call: reserved before it is made, settled when it is over. An answer is kept sealed so that what was made
-- of it can be made again, byte for byte; the question is not kept, it follows from what is stored elsewhere.
create table app.llm_calls (
  tenant_id         uuid not null references app.tenants,
  call_id           uuid not null,
  status            text not null check (status in ('reserved', 'settled', 'expired')),
  task              text not null check (task in ('wording', 'appraisal', 'judging', 'authoring')),
  learner_id        uuid,
  simulation_id     uuid,
  seq               integer,
  scoring_id        uuid,
  operation_id      uuid,
  number            integer not null default 0,
  model             text not null,
  host              text not null,
  is_installation   boolean not null,  -- made at the installation's endpoint
  prompt_version    text not null,
  parameters        jsonb not null,  -- temperature, max_output_tokens, seed
  reserved_microusd bigint not null check (reserved_microusd >= 0),
  expires_at        timestamptz not null,
  started_at        timestamptz not null,
  month             date not null,
  input_tokens      integer,
  output_tokens     integer,
  cached_tokens     integer,
  is_estimated      boolean,
  cost_microusd     bigint check (cost_microusd >= 0),
  latency_ms        integer,
  first_delta_ms    integer,
  finish_reason     text,
  failure           text,
  answer            bytea,           -- sealed with the learner's key, or the tenant's without a learner
  primary key (tenant_id, call_id)
);
create index llm_calls_reserved on app.llm_calls (tenant_id, expires_at) where status = 'reserved';
create index llm_calls_started on app.llm_calls (tenant_id, started_at);
create index llm_calls_simulation on app.llm_calls (tenant_id, simulation_id, seq) where simulation_id is not null;
create index llm_calls_scoring on app.llm_calls (tenant_id, scoring_id) where scoring_id is not null;
call app.protect('app.llm_calls', 'select, insert, update');

-- What the model said about one transcript before; gone with the learner.
create table app.llm_verdicts (
  tenant_id   uuid not null,
  learner_id  uuid not null,
  content     bytea not null check (length(content) = 32),  -- keyed hash of everything that decides the answer
  answer      bytea not null,                               -- sealed with the learner's key
  created_at  timestamptz not null,
  primary key (tenant_id, learner_id, content),
  foreign key (tenant_id, learner_id) references app.learners
);
call app.protect('app.llm_verdicts', 'select, insert, delete');

alter table app.simulations
  add column environment   text not null default 'live' check (environment in ('live', 'test')),
  add column language      text not null default 'en',  -- what is spoken; the scenario itself is written in English
  add column max_hostility smallint not null default 3 check (max_hostility between 0 and 3);
alter table app.scorings
  add column environment text not null default 'live' check (environment in ('live', 'test'));
alter table app.turns
  add column wording   jsonb,   -- customer turns: WordingNote
  add column appraisal bytea;   -- customer turns in other languages: sealed, what the learner's turn was read as
