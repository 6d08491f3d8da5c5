-- What a tenant makes of the skill taxonomy: own keys under the nine roots, own names, keys it does not show.
create table app.tenant_skills (
  tenant_id  uuid not null references app.tenants,
  key        text not null check (key ~ '^[a-z]+\.[a-z][a-z0-9_]*$' and length(key) <= 80),
  is_own     boolean not null,  -- added by the tenant; else a key of the standard taxonomy
  name       text,
  code       text,              -- the tenant's own code for it
  definition text,
  good       text[] not null default '{}',
  bad        text[] not null default '{}',
  hidden     boolean not null default false,
  updated_at timestamptz not null,
  primary key (tenant_id, key),
  check (not is_own or (name is not null and definition is not null))
);
create unique index tenant_skills_code on app.tenant_skills (tenant_id, code) where code is not null;
call app.protect('app.tenant_skills');

-- Counts every change, so that a result can be related to what the taxonomy was.
create table app.tenant_taxonomies (
  tenant_id  uuid not null references app.tenants,
  version    integer not null check (version >= 1),
  updated_at timestamptz not null,
  primary key (tenant_id)
);
call app.protect('app.tenant_taxonomies', 'select, insert, update');
