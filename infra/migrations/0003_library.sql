-- Scenarios and rubrics: a row for the thing, immutable rows for its versions.
create table app.scenarios (
  tenant_id   uuid not null references app.tenants,
  scenario_id uuid not null,
  slug        text not null,
  created_at  timestamptz not null,
  primary key (tenant_id, scenario_id),
  unique (tenant_id, slug)
);
call app.protect('app.scenarios', 'select, insert');

create table app.scenario_versions (
  tenant_id    uuid not null,
  scenario_id  uuid not null,
  version      integer not null check (version >= 1),
  content_hash bytea not null,
  spec         jsonb not null,
  created_at   timestamptz not null,
  primary key (tenant_id, scenario_id, version),
  foreign key (tenant_id, scenario_id) references app.scenarios
);
call app.protect('app.scenario_versions', 'select, insert');

create table app.rubrics (
  tenant_id  uuid not null references app.tenants,
  rubric_id  uuid not null,
  slug       text not null,
  created_at timestamptz not null,
  primary key (tenant_id, rubric_id),
  unique (tenant_id, slug)
);
call app.protect('app.rubrics', 'select, insert');

create table app.rubric_versions (
  tenant_id    uuid not null,
  rubric_id    uuid not null,
  version      integer not null check (version >= 1),
  content_hash bytea not null,
  spec         jsonb not null,
  created_at   timestamptz not null,
  primary key (tenant_id, rubric_id, version),
  foreign key (tenant_id, rubric_id) references app.rubrics
);
call app.protect('app.rubric_versions', 'select, insert');
