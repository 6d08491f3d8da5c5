-- What partners attach to things, how they find them again, and where results go as xAPI statements.

-- The partner's own words, sealed JSON objects: with the tenant's key, or with the learner's where the row is about one.
alter table app.teams       add column metadata bytea;
alter table app.learners    add column metadata bytea;
alter table app.scenarios   add column metadata bytea;
alter table app.rubrics     add column metadata bytea;
alter table app.simulations add column metadata bytea;
alter table app.scorings    add column metadata bytea;
grant update (metadata) on app.scenarios, app.rubrics to rapport_app;

-- Lists are in order of time, and most filters leave few rows: each index holds its rows in that order.
create index simulations_created on app.simulations (tenant_id, created_at, simulation_id);
create index simulations_people on app.simulations (tenant_id, learner_id, created_at, simulation_id);
create index simulations_scenario on app.simulations (tenant_id, scenario_id, created_at, simulation_id);
create index simulations_status on app.simulations (tenant_id, status, created_at, simulation_id)
  where status <> 'scored';
drop index app.simulations_learner;  -- the one by people begins likewise

create index scorings_created on app.scorings (tenant_id, created_at, scoring_id);
create index scorings_occurred on app.scorings (tenant_id, occurred_at, scoring_id);
create index scorings_people on app.scorings (tenant_id, learner_id, created_at, scoring_id);
create index scorings_source on app.scorings (tenant_id, source, created_at, scoring_id);
create index scorings_status on app.scorings (tenant_id, status, created_at, scoring_id)
  where status <> 'completed';
create index scorings_conversation on app.scorings (tenant_id, conversation_id) where conversation_id is not null;

-- What the revision that counts says, beside the scoring that it counts for: a filter that looked into another table
-- for each row would read a million of them for a rare score.
alter table app.scorings
  add column overall   smallint check (overall between 0 and 100),
  add column judged_by uuid;  -- rubric of that revision; null: the scoring's own

-- The first assessment is written after its scoring is moved on: there the statement says the score itself.
create function app.note_revision() returns trigger language plpgsql as $$
declare
  counted record;
begin
  select a.overall, a.rubric_id into counted
    from app.assessments a
   where a.tenant_id = new.tenant_id and a.assessment_id = new.assessment_id;
  if found then
    new.overall := counted.overall;
    new.judged_by := counted.rubric_id;
  end if;
  return new;
end $$;
create trigger note_revision before insert or update of assessment_id on app.scorings
  for each row when (new.assessment_id is not null) execute function app.note_revision();

-- The owner of the tables sees their rows only while row security is not forced on it.
alter table app.scorings no force row level security;
alter table app.assessments no force row level security;
update app.scorings s set overall = a.overall, judged_by = a.rubric_id
  from app.assessments a
 where a.tenant_id = s.tenant_id and a.assessment_id = s.assessment_id;
alter table app.scorings force row level security;
alter table app.assessments force row level security;

create index scorings_overall on app.scorings (tenant_id, overall, created_at, scoring_id) where overall is not null;
-- Not coalesce: row security takes it for a function that might tell, and would not look into an index by it.
create index scorings_rubric
  on app.scorings (tenant_id, (case when judged_by is null then rubric_id else judged_by end), created_at, scoring_id);

-- What lists show of a scenario: a version's spec is large, and unpacking fifty of them takes longer than the list.
alter table app.scenario_versions
  add column title          text  generated always as (spec ->> 'title') stored,
  add column brief          text  generated always as (spec ->> 'brief') stored,
  add column goals          jsonb generated always as (spec -> 'goals') stored,
  add column case_slots     jsonb generated always as (spec -> 'case') stored,
  add column idle_lines     jsonb generated always as (spec #> '{voice,idle}') stored,
  add column cut_short_lines jsonb generated always as (spec #> '{voice,cut_short}') stored;

-- Events that become statements, in order of time.
create index events_stated on app.events (tenant_id, occurred_at, position)
  where type in ('simulation.started', 'simulation.ended', 'scoring.completed', 'scoring.revised');

-- The feed in its own order, without the many events that no statement is made of.
create index events_stated_feed on app.events (tenant_id, position)
  where type in ('simulation.started', 'simulation.ended', 'scoring.completed', 'scoring.revised');

-- Where the id of a statement that was shown leads back to: it is a hash.
create table app.xapi_statements (
  tenant_id    uuid not null references app.tenants,
  statement_id uuid not null,
  resource_id  uuid not null,
  sequence     integer not null check (sequence >= 1),
  primary key (tenant_id, statement_id)
);
call app.protect('app.xapi_statements', 'select, insert');

-- A tenant's learning record store, and how the sending goes. How far it has come is a row of consumer_positions ('xapi').
create table app.lrs (
  tenant_id       uuid not null references app.tenants,
  url             bytea not null,      -- sealed: it may carry a credential
  auth            bytea,               -- sealed JSON; null: none
  version         text not null check (version in ('1.0.3', '2.0.0')),
  actor           text not null check (actor in ('external_id', 'learner_id')),
  home_page       text,                -- of the actors' accounts; null: the installation's
  enabled         boolean not null,
  failures        integer not null default 0,  -- tries failed since the last success
  last_error      text,                -- class of the last failure
  last_success_at timestamptz,
  rejected        bigint not null default 0,   -- statements that the store refused for good
  next_attempt_at timestamptz not null,
  lease_until     timestamptz,         -- a sender is at work until then
  created_at      timestamptz not null,
  updated_at      timestamptz not null,
  primary key (tenant_id)
);
call app.protect('app.lrs');

-- The sender looks for stores that lack something: ids and times.
create policy system on app.lrs for select to rapport_system using (true);
grant select (tenant_id, enabled, next_attempt_at, lease_until) on app.lrs to rapport_system;
