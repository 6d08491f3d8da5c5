-- A rubric is written as a draft, which changes, and published as versions, which never do.
create table app.rubric_drafts (
  tenant_id  uuid not null,
  rubric_id  uuid not null,
  revision   integer not null check (revision >= 1),  -- what a writer must have seen to replace it
  spec       jsonb not null,
  updated_at timestamptz not null,
  primary key (tenant_id, rubric_id),
  foreign key (tenant_id, rubric_id) references app.rubrics
);
call app.protect('app.rubric_drafts', 'select, insert, update');

-- Who published a version: what a tenant has made its own, the built-in library no longer replaces.
alter table app.rubric_versions
  add column origin text not null default 'library' check (origin in ('library', 'tenant'));

-- An archived rubric scores nothing new; what it has scored keeps it.
alter table app.rubrics add column archived_at timestamptz;
grant update (archived_at) on app.rubrics to rapport_app;
