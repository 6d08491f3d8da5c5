-- Scenarios and rubrics that a language model drafts, and what scripted learners made of a scenario's draft.

alter table app.operations drop constraint operations_kind_check;
alter table app.operations add constraint operations_kind_check check (kind in (
  'simulation_batch', 'scoring_batch', 'scenario_draft', 'scenario_trial', 'rubric_draft'));

-- What an operation of these kinds was asked for, and what became of it.
create table app.model_drafts (
  tenant_id    uuid not null,
  operation_id uuid not null,
  wanted       bytea,              -- sealed JSON with the author's text; null once the operation has ended
  asked        integer not null default 0 check (asked >= 0),  -- questions to the model, over all tries
  scenario_id  uuid,
  rubric_id    uuid,
  revision     integer check (revision >= 1),                  -- of the draft that was made or tried
  failure_code text,
  report       bytea,              -- sealed JSON: findings, trial, what could not be mapped, what was spent
  primary key (tenant_id, operation_id),
  foreign key (tenant_id, operation_id) references app.operations,
  foreign key (tenant_id, scenario_id) references app.scenarios,
  foreign key (tenant_id, rubric_id) references app.rubrics
);
call app.protect('app.model_drafts', 'select, insert, update');

-- A draft by a model is published only when the trial of its present revision was passed. Counts and codes, no words
-- of anybody.
alter table app.scenario_drafts
  add column origin         text not null default 'author' check (origin in ('author', 'model')),
  add column trial_revision integer check (trial_revision >= 1),
  add column trial          jsonb,
  add check ((trial_revision is null) = (trial is null));
alter table app.rubric_drafts
  add column origin text not null default 'author' check (origin in ('author', 'model'));
