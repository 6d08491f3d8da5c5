-- name: get_rubrics
-- Some of them, each in its newest version, archived or not.
select s.rubric_id, v.version, v.origin, v.spec, s.created_at, s.archived_at, s.metadata
  from rubrics s
  join lateral (
    select w.version, w.origin, w.spec from rubric_versions w
     where w.tenant_id = $1 and w.rubric_id = s.rubric_id
     order by w.version desc limit 1) v on true
 where s.tenant_id = $1 and s.rubric_id = any ($2::uuid[])

-- name: list_rubrics
-- One page in order of creation, each in its newest version; $5 asks for the archived ones, or for the others.
select s.rubric_id, v.version, v.origin, v.spec, s.created_at, s.archived_at, s.metadata
  from rubrics s
  join lateral (
    select w.version, w.origin, w.spec from rubric_versions w
     where w.tenant_id = $1 and w.rubric_id = s.rubric_id
     order by w.version desc limit 1) v on true
 where s.tenant_id = $1 and ($2::uuid is null or s.rubric_id > $2) and ($3::text is null or s.slug = $3)
   and ($5::boolean is null or (s.archived_at is not null) = $5)
 order by s.rubric_id
 limit $4

-- name: insert_rubric
-- A tenant's own rubric, without any version; the slug is unique within the tenant.
insert into rubrics (tenant_id, rubric_id, slug, created_at, metadata) values ($1, $2, $3, $4, $5)

-- name: find_metadata
-- What is attached to it, held until it is changed.
select metadata from rubrics where tenant_id = $1 and rubric_id = $2 for no key update

-- name: set_metadata
-- The caller holds the row.
update rubrics set metadata = $3 where tenant_id = $1 and rubric_id = $2

-- name: find_slug
-- Which rubric has this slug.
select rubric_id from rubrics where tenant_id = $1 and slug = $2

-- name: lock_rubric
-- Whoever replaces, publishes or archives waits for the one before.
select from rubrics where tenant_id = $1 and rubric_id = $2 for no key update

-- name: get_draft
-- What an author sees: the draft, where there is none the newest version at revision 0.
select s.rubric_id, s.slug, s.archived_at, s.metadata, v.version, coalesce(d.spec, v.spec) as spec,
       coalesce(d.revision, 0) as revision, coalesce(d.updated_at, v.created_at) as updated_at
  from rubrics s
  left join rubric_drafts d on d.tenant_id = $1 and d.rubric_id = s.rubric_id
  left join lateral (
    select w.version, w.spec, w.created_at from rubric_versions w
     where w.tenant_id = $1 and w.rubric_id = s.rubric_id
     order by w.version desc limit 1) v on true
 where s.tenant_id = $1 and s.rubric_id = $2

-- name: insert_draft
-- The first revision; none when somebody was faster.
insert into rubric_drafts (tenant_id, rubric_id, revision, spec, updated_at)
values ($1, $2, 1, $3, $4)
on conflict (tenant_id, rubric_id) do nothing

-- name: replace_draft
-- The next revision; none when the author has not seen the present one.
update rubric_drafts set revision = revision + 1, spec = $4, updated_at = $5
 where tenant_id = $1 and rubric_id = $2 and revision = $3

-- name: insert_version
-- Immutable from here on; the tenant's own, so the built-in library does not replace it.
insert into rubric_versions (tenant_id, rubric_id, version, content_hash, spec, origin, created_at)
values ($1, $2, $3, $4, $5, 'tenant', $6)

-- name: get_version
-- One version, whole.
select version, spec, origin, created_at
  from rubric_versions where tenant_id = $1 and rubric_id = $2 and version = $3

-- name: list_versions
-- One page of a rubric's versions, oldest first.
select version, spec, origin, created_at
  from rubric_versions
 where tenant_id = $1 and rubric_id = $2 and version > $3
 order by version
 limit $4

-- name: archive
-- From now on, or still since the first time.
update rubrics set archived_at = coalesce(archived_at, $3) where tenant_id = $1 and rubric_id = $2

-- name: restore
-- It may score again.
update rubrics set archived_at = null where tenant_id = $1 and rubric_id = $2

-- name: scenarios_with
-- Scenarios whose simulations would be scored by a rubric from now on.
select s.slug
  from rubrics r
  join scenarios s on s.tenant_id = $1
 cross join lateral (
    select v.spec ->> 'rubric' as rubric from scenario_versions v
     where v.tenant_id = $1 and v.scenario_id = s.scenario_id
     order by v.version desc limit 1) newest
 where r.tenant_id = $1 and r.rubric_id = $2 and newest.rubric = r.slug
 order by s.slug

-- name: hold_taxonomy
-- A skill that a rubric is about to name cannot be taken away meanwhile.
select from tenant_taxonomies where tenant_id = $1 for share

-- name: own_skills
-- Keys that the tenant has added to the taxonomy.
select key from tenant_skills where tenant_id = $1 and is_own
