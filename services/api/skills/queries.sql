-- name: lock_taxonomy
-- Counts a change; the row lock puts changes of one tenant in an order.
insert into tenant_taxonomies (tenant_id, version, updated_at) values ($1, 1, $2)
on conflict (tenant_id) do update set version = tenant_taxonomies.version + 1, updated_at = excluded.updated_at
returning version

-- name: version
-- How often a tenant has changed its taxonomy; no row: never.
select version from tenant_taxonomies where tenant_id = $1

-- name: list_skills
-- Everything a tenant has said about skills.
select key, is_own, name, code, definition, good, bad, hidden from tenant_skills where tenant_id = $1 order by key

-- name: hidden
-- What the tenant does not show.
select key from tenant_skills where tenant_id = $1 and hidden

-- name: put_skill
-- What the tenant says about one key, in place of what it said before.
insert into tenant_skills (tenant_id, key, is_own, name, code, definition, good, bad, hidden, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (tenant_id, key) do update
   set name = excluded.name, code = excluded.code, definition = excluded.definition, good = excluded.good,
       bad = excluded.bad, hidden = excluded.hidden, updated_at = excluded.updated_at

-- name: drop_skill
-- The standard answer again, or no such key any more.
delete from tenant_skills where tenant_id = $1 and key = $2

-- name: rubrics_with
-- Rubrics whose newest version names a key.
select r.slug
  from rubrics r
 cross join lateral (select v.spec from rubric_versions v
                      where v.tenant_id = $1 and v.rubric_id = r.rubric_id
                      order by v.version desc limit 1) newest
 where r.tenant_id = $1 and strpos(newest.spec::text, to_json($2::text)::text) > 0
 order by r.slug
