-- External conversations, scorings (the request) and assessments (the result, immutable revisions).
create table app.conversations (
  tenant_id        uuid not null references app.tenants,
  conversation_id  uuid not null,
  learner_id       uuid not null,
  source           text not null check (source in ('call', 'chat', 'email')),
  external_id      bytea,
  external_id_hash bytea,
  turns            bytea not null,  -- sealed JSON list
  turn_count       integer not null,
  occurred_at      timestamptz not null,
  created_at       timestamptz not null,
  primary key (tenant_id, conversation_id),
  foreign key (tenant_id, learner_id) references app.learners
);
create index conversations_external on app.conversations (tenant_id, external_id_hash);
call app.protect('app.conversations', 'select, insert');

create table app.scorings (
  tenant_id       uuid not null references app.tenants,
  scoring_id      uuid not null,
  learner_id      uuid not null,
  conversation_id uuid,
  simulation_id   uuid,
  rubric_id       uuid not null,
  rubric_version  integer not null,
  source          text not null check (source in ('simulation', 'call', 'chat', 'email')),
  status          text not null check (status in ('queued', 'running', 'completed', 'failed')),
  workflow_id     text,
  failure_code    text check ((failure_code is not null) = (status = 'failed')),
  assessment_id   uuid check ((assessment_id is not null) = (status = 'completed')),
  occurred_at     timestamptz not null,
  created_at      timestamptz not null,
  finished_at     timestamptz,
  primary key (tenant_id, scoring_id),
  unique (tenant_id, simulation_id),
  check (num_nonnulls(conversation_id, simulation_id) = 1),
  foreign key (tenant_id, learner_id) references app.learners,
  foreign key (tenant_id, conversation_id) references app.conversations,
  foreign key (tenant_id, simulation_id) references app.simulations,
  foreign key (tenant_id, rubric_id, rubric_version) references app.rubric_versions
);
create index scorings_unstarted on app.scorings (tenant_id, scoring_id) where workflow_id is null;
create index scorings_workflow on app.scorings (tenant_id, workflow_id);
call app.protect('app.scorings', 'select, insert, update');

create table app.assessments (
  tenant_id      uuid not null,
  assessment_id  uuid not null,
  scoring_id     uuid not null,
  learner_id     uuid not null,
  revision       integer not null check (revision >= 1),
  overall        smallint check (overall between 0 and 100),
  result         bytea not null,  -- sealed JudgeResult: it holds quotes
  engine         text not null,
  engine_version text not null,
  created_at     timestamptz not null,
  primary key (tenant_id, assessment_id),
  unique (tenant_id, scoring_id, revision),
  foreign key (tenant_id, scoring_id) references app.scorings,
  foreign key (tenant_id, learner_id) references app.learners
);
call app.protect('app.assessments', 'select, insert');

create table app.assessment_skills (
  tenant_id     uuid not null,
  assessment_id uuid not null,
  skill         text not null,
  status        text not null check (status in ('scored', 'no_opportunity', 'insufficient_evidence')),
  score         smallint check (score between 0 and 100),
  opportunities integer not null check (opportunities >= 0),
  primary key (tenant_id, assessment_id, skill),
  foreign key (tenant_id, assessment_id) references app.assessments,
  check ((score is not null) = (status = 'scored'))
);
call app.protect('app.assessment_skills', 'select, insert');
