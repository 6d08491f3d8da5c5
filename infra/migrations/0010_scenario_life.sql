-- A scenario is written as a draft, which changes, and published as versions, which never do.
create table app.scenario_drafts (
  tenant_id   uuid not null,
  scenario_id uuid not null,
  revision    integer not null check (revision >= 1),  -- what a writer must have seen to replace it
  spec        jsonb not null,
  updated_at  timestamptz not null,
  primary key (tenant_id, scenario_id),
  foreign key (tenant_id, scenario_id) references app.scenarios
);
call app.protect('app.scenario_drafts', 'select, insert, update');

-- Who published a version: what a tenant has made its own, the built-in library no longer replaces.
alter table app.scenario_versions
  add column origin text not null default 'library' check (origin in ('library', 'tenant'));
