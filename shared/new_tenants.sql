-- name: insert_tenant
-- System role.
-- The where clause fails on a time zone that the server does not know.
insert into tenants (tenant_id, slug, time_zone, created_at)
select $1, $2, $3, $4 where now() at time zone $3 is not null

-- name: insert_tenant_key
-- The tenant's own key, wrapped by the master key.
insert into tenant_keys (tenant_id, key_id, wrapped, created_at) values ($1, 1, $2, $3)
on conflict do nothing

-- name: insert_rubric
-- The thing; its versions follow.
insert into rubrics (tenant_id, rubric_id, slug, created_at) values ($1, $2, $3, $4)
on conflict (tenant_id, slug) do nothing

-- name: newest_rubric
-- To compare with the file; what a tenant has published or drafted itself stays its own.
select r.rubric_id as id, v.version, v.content_hash, r.archived_at,
       coalesce(v.origin = 'tenant', d.revision is not null) as is_own
  from rubrics r
  left join rubric_versions v on v.tenant_id = r.tenant_id and v.rubric_id = r.rubric_id
  left join rubric_drafts d on d.tenant_id = r.tenant_id and d.rubric_id = r.rubric_id
 where r.tenant_id = $1 and r.slug = $2
 order by v.version desc nulls last limit 1

-- name: insert_rubric_version
-- Immutable.
insert into rubric_versions (tenant_id, rubric_id, version, content_hash, spec, created_at)
values ($1, $2, $3, $4, $5, $6)

-- name: insert_scenario
-- The thing; its versions follow.
insert into scenarios (tenant_id, scenario_id, slug, created_at) values ($1, $2, $3, $4)
on conflict (tenant_id, slug) do nothing

-- name: newest_scenario
-- To compare with the file; what a tenant has published or drafted itself stays its own.
select s.scenario_id as id, v.version, v.content_hash,
       coalesce(v.origin = 'tenant', d.revision is not null) as is_own
  from scenarios s
  left join scenario_versions v on v.tenant_id = s.tenant_id and v.scenario_id = s.scenario_id
  left join scenario_drafts d on d.tenant_id = s.tenant_id and d.scenario_id = s.scenario_id
 where s.tenant_id = $1 and s.slug = $2
 order by v.version desc nulls last limit 1

-- name: insert_scenario_version
-- Immutable.
insert into scenario_versions (tenant_id, scenario_id, version, content_hash, spec, created_at)
values ($1, $2, $3, $4, $5, $6)
