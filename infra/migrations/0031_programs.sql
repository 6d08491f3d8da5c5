-- Training programs: who, when, and (sealed) what they are called, cost and should move.
create table app.programs (
  tenant_id           uuid not null references app.tenants,
  program_id          uuid not null,
  treated_teams       uuid[] not null,  -- of each cohort, teams or learners are filled
  treated_learners    uuid[] not null,
  comparison_teams    uuid[] not null,
  comparison_learners uuid[] not null,
  baseline_from       date not null,
  starts_on           date not null check (baseline_from < starts_on),
  ends_on             date not null check (starts_on <= ends_on),
  measured_to         date not null check (ends_on < measured_to),
  isolation           text not null check (isolation in ('comparison', 'trend_line', 'estimate')),
  reaction_form       text,
  worth               bytea not null,   -- sealed JSON: name, costs, metrics, intangibles, reaction
  created_at          timestamptz not null,
  updated_at          timestamptz not null,
  primary key (tenant_id, program_id),
  check ((treated_teams = '{}') <> (treated_learners = '{}')),
  check (comparison_teams = '{}' or comparison_learners = '{}')
);
call app.protect('app.programs', 'select, insert, update');
