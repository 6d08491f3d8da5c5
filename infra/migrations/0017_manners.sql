-- The version of the API a tenant is pinned to: null until its first request. Tenants of before have used the
-- first version; the default gives it to them without touching their rows.
alter table app.tenants add column api_version text default '2026-09-01'
  check (api_version ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$');
alter table app.tenants alter column api_version drop default;
