-- name: free_slug
-- The wanted slug, or the first of it with a number that no rubric of the tenant has.
select candidate from (
  select 1 as number, $2::text as candidate
  union all
  select n, left($2::text, 74) || '-' || n from generate_series(2, 200) as n) as candidates
 where not exists (select from rubrics r where r.tenant_id = $1 and r.slug = candidate)
 order by number
 limit 1

-- name: insert_rubric
-- Without any version; none when somebody took the slug meanwhile.
insert into rubrics (tenant_id, rubric_id, slug, created_at) values ($1, $2, $3, $4)
on conflict (tenant_id, slug) do nothing

-- name: insert_draft
-- Made by a model; published like any other, once the linter finds no error.
insert into rubric_drafts (tenant_id, rubric_id, revision, spec, updated_at, origin)
values ($1, $2, 1, $3, $4, 'model')

-- name: own_skills
-- Keys that the tenant has added to the taxonomy.
select key from tenant_skills where tenant_id = $1 and is_own
