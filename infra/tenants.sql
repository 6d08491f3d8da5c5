-- name: insert_api_key
-- Only the hash is stored.
insert into api_keys (tenant_id, key_id, hash, environment, scopes, expires_at, created_at, networks, warnings)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: revoke_api_key
-- Once; a second call changes nothing.
update api_keys set revoked_at = $3
 where tenant_id = $1 and key_id = $2 and revoked_at is null

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
