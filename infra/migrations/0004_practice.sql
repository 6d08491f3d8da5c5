-- Simulations and their turns. One row per turn is the checkpoint; (simulation, seq) makes a repeat harmless.
create table app.simulations (
  tenant_id        uuid not null references app.tenants,
  simulation_id    uuid not null,
  learner_id       uuid not null,
  scenario_id      uuid not null,
  scenario_version integer not null,
  mode             text not null check (mode in ('interactive', 'autopilot')),
  profile          text,
  seed             bigint not null,
  status           text not null check (status in ('open', 'ended', 'scored')),
  end_reason       text check ((end_reason is null) = (status = 'open')),
  last_seq         integer not null check (last_seq >= 0),
  created_at       timestamptz not null,
  last_activity_at timestamptz not null,
  ended_at         timestamptz,
  primary key (tenant_id, simulation_id),
  foreign key (tenant_id, learner_id) references app.learners,
  foreign key (tenant_id, scenario_id, scenario_version) references app.scenario_versions
);
create index simulations_learner on app.simulations (tenant_id, learner_id, simulation_id);
call app.protect('app.simulations');

create table app.turns (
  tenant_id     uuid not null,
  simulation_id uuid not null,
  seq           integer not null check (seq >= 0),
  turn_id       uuid not null,
  role          text not null check (role in ('learner', 'customer')),
  text          bytea not null,
  state         jsonb,           -- customer turns: what the engine remembers, the mind included
  surface       text,            -- customer turns: what the customer visibly does
  acts          jsonb,           -- customer turns: acts found in the learner turn before, with spans
  causes        jsonb,           -- customer turns: every change of the mind and its rule
  engine        text,
  created_at    timestamptz not null,
  primary key (tenant_id, simulation_id, seq),
  foreign key (tenant_id, simulation_id) references app.simulations,
  check ((role = 'customer') = (seq % 2 = 0))
);
call app.protect('app.turns', 'select, insert');
