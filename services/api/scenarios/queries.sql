-- name: get_scenarios
-- Some of them, each in its newest version.
select s.scenario_id, v.version, v.spec, s.created_at, s.metadata
  from scenarios s
  join lateral (
    select w.version, w.spec from scenario_versions w
     where w.tenant_id = $1 and w.scenario_id = s.scenario_id
     order by w.version desc limit 1) v on true
 where s.tenant_id = $1 and s.scenario_id = any ($2::uuid[])

-- name: list_scenarios
-- One page in order of creation, each in its newest version.
select s.scenario_id, v.version, v.spec, s.created_at, s.metadata
  from scenarios s
  join lateral (
    select w.version, w.spec from scenario_versions w
     where w.tenant_id = $1 and w.scenario_id = s.scenario_id
     order by w.version desc limit 1) v on true
 where s.tenant_id = $1 and ($2::uuid is null or s.scenario_id > $2) and ($3::text is null or s.slug = $3)
 order by s.scenario_id
 limit $4

-- name: insert_scenario
-- A tenant's own scenario, without any version; the slug is unique within the tenant.
insert into scenarios (tenant_id, scenario_id, slug, created_at, metadata) values ($1, $2, $3, $4, $5)

-- name: find_metadata
-- What is attached to it, held until it is changed.
select metadata from scenarios where tenant_id = $1 and scenario_id = $2 for no key update

-- name: set_metadata
-- The caller holds the row.
update scenarios set metadata = $3 where tenant_id = $1 and scenario_id = $2

-- name: find_slug
-- Which scenario has this slug.
select scenario_id from scenarios where tenant_id = $1 and slug = $2

-- name: get_draft
-- What an author sees: the draft, where there is none the newest version at revision 0.
select s.scenario_id, s.slug, s.metadata, v.version, coalesce(d.spec, v.spec) as spec,
       coalesce(d.revision, 0) as revision, coalesce(d.updated_at, v.created_at) as updated_at,
       coalesce(d.origin, 'author') as origin, d.trial_revision, d.trial
  from scenarios s
  left join scenario_drafts d on d.tenant_id = $1 and d.scenario_id = s.scenario_id
  left join lateral (
    select w.version, w.spec, w.created_at from scenario_versions w
     where w.tenant_id = $1 and w.scenario_id = s.scenario_id
     order by w.version desc limit 1) v on true
 where s.tenant_id = $1 and s.scenario_id = $2

-- name: lock_draft
-- Whoever replaces or publishes a draft waits for the one before.
select from scenario_drafts where tenant_id = $1 and scenario_id = $2 for update

-- name: insert_draft
-- The first revision; none when somebody was faster.
insert into scenario_drafts (tenant_id, scenario_id, revision, spec, updated_at)
values ($1, $2, 1, $3, $4)
on conflict (tenant_id, scenario_id) do nothing

-- name: replace_draft
-- The next revision; none when the author has not seen the present one.
update scenario_drafts set revision = revision + 1, spec = $4, updated_at = $5
 where tenant_id = $1 and scenario_id = $2 and revision = $3

-- name: insert_version
-- Immutable from here on; the tenant's own, so the built-in library does not replace it.
insert into scenario_versions (tenant_id, scenario_id, version, content_hash, spec, origin, created_at)
values ($1, $2, $3, $4, $5, 'tenant', $6)

-- name: get_version
-- One version, whole.
select version, spec, origin, created_at
  from scenario_versions where tenant_id = $1 and scenario_id = $2 and version = $3

-- name: list_versions
-- One page of a scenario's versions, oldest first.
select version, spec, origin, created_at
  from scenario_versions
 where tenant_id = $1 and scenario_id = $2 and version > $3
 order by version
 limit $4

-- name: rubric_slugs
-- What a scenario may be scored by: rubrics that can score.
select r.slug from rubrics r
 where r.tenant_id = $1 and r.archived_at is null
   and exists (select from rubric_versions v where v.tenant_id = $1 and v.rubric_id = r.rubric_id)
