-- Conversations in other languages than English, in which the scenarios are written.

-- The customer's first lines as a model said them in a language: each is made once.
create table app.opening_lines (
  tenant_id        uuid not null,
  scenario_id      uuid not null,
  scenario_version integer not null,
  language         text not null,
  line             bytea not null check (length(line) = 32),  -- keyed hash of the English line
  text             bytea not null,                            -- sealed with the tenant's key
  created_at       timestamptz not null,
  primary key (tenant_id, scenario_id, scenario_version, language, line),
  foreign key (tenant_id, scenario_id, scenario_version) references app.scenario_versions
);
call app.protect('app.opening_lines', 'select, insert');

-- Judged by what a model made of it in English, or not at all: never compared with what was said in English.
alter table app.scorings drop constraint scorings_excluded_check;
alter table app.scorings add constraint scorings_excluded_check
  check (excluded in ('simulator_fault', 'batch', 'other_language'));

-- Few conversations are in another language; lists that ask for one read only those.
create index simulations_language on app.simulations (tenant_id, language, created_at, simulation_id)
  where language <> 'en';
