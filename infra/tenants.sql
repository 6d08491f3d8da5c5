-- name: insert_tenant
-- System role.
-- The where clause fails on a time zone that the server does not know.
insert into tenants (tenant_id, slug, time_zone, created_at)
select $1, $2, $3, $4 where now() at time zone $3 is not null

-- name: insert_tenant_key
-- The tenant's own key, wrapped by the master key.
insert into tenant_keys (tenant_id, key_id, wrapped, created_at) values ($1, 1, $2, $3)
on conflict do nothing

-- name: insert_api_key
-- Only the hash is stored.
insert into api_keys (tenant_id, key_id, hash, environment, scopes, expires_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7)

-- name: revoke_api_key
-- Once; a second call changes nothing.
update api_keys set revoked_at = $3
 where tenant_id = $1 and key_id = $2 and revoked_at is null

-- name: insert_ops_key
-- System role.
insert into ops_keys (key_id, hash, created_at) values ($1, $2, $3)

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

-- name: insert_own_rubric_version
-- Immutable; the built-in library does not replace it.
insert into rubric_versions (tenant_id, rubric_id, version, content_hash, spec, created_at, origin)
values ($1, $2, $3, $4, $5, $6, 'tenant')

-- name: insert_own_scenario_version
-- Immutable; the built-in library does not replace it.
insert into scenario_versions (tenant_id, scenario_id, version, content_hash, spec, created_at, origin)
values ($1, $2, $3, $4, $5, $6, 'tenant')

-- name: list_scenarios
-- Every scenario with its newest version and its draft.
select s.slug, v.version, v.origin, d.revision
  from scenarios s
  left join lateral (
    select w.version, w.origin from scenario_versions w
     where w.tenant_id = $1 and w.scenario_id = s.scenario_id
     order by w.version desc limit 1) v on true
  left join scenario_drafts d on d.tenant_id = $1 and d.scenario_id = s.scenario_id
 where s.tenant_id = $1
 order by s.slug

-- name: list_rubrics
-- Every rubric with its newest version and its draft.
select r.slug, v.version, v.origin, d.revision, r.archived_at is not null as is_archived
  from rubrics r
  left join lateral (
    select w.version, w.origin from rubric_versions w
     where w.tenant_id = $1 and w.rubric_id = r.rubric_id
     order by w.version desc limit 1) v on true
  left join rubric_drafts d on d.tenant_id = $1 and d.rubric_id = r.rubric_id
 where r.tenant_id = $1
 order by r.slug

-- name: rubric_slugs
-- What a scenario may be scored by: rubrics that can score.
select r.slug from rubrics r
 where r.tenant_id = $1 and r.archived_at is null
   and exists (select from rubric_versions v where v.tenant_id = $1 and v.rubric_id = r.rubric_id)

-- name: hold_taxonomy
-- A skill that a rubric is about to name cannot be taken away meanwhile.
select from tenant_taxonomies where tenant_id = $1 for share

-- name: own_skills
-- Keys that the tenant has added to the taxonomy.
select key from tenant_skills where tenant_id = $1 and is_own
