-- name: free_slug
-- The wanted slug, or the first of it with a number that no scenario of the tenant has.
select candidate from (
  select 1 as number, $2::text as candidate
  union all
  select n, left($2::text, 74) || '-' || n from generate_series(2, 200) as n) as candidates
 where not exists (select from scenarios s where s.tenant_id = $1 and s.slug = candidate)
 order by number
 limit 1

-- name: insert_scenario
-- Without any version; none when somebody took the slug meanwhile.
insert into scenarios (tenant_id, scenario_id, slug, created_at) values ($1, $2, $3, $4)
on conflict (tenant_id, slug) do nothing

-- name: insert_draft
-- Made by a model: published only when the trial of its revision was passed.
insert into scenario_drafts (tenant_id, scenario_id, revision, spec, updated_at, origin, trial_revision, trial)
values ($1, $2, 1, $3, $4, 'model', case when $5::jsonb is null then null else 1 end, $5)

-- name: get_draft
-- What is tried out: the draft, where there is none nothing.
select spec, revision from scenario_drafts where tenant_id = $1 and scenario_id = $2

-- name: note_trial
-- Only of the revision that was played; an author may have gone on meanwhile.
update scenario_drafts set trial_revision = $3, trial = $4
 where tenant_id = $1 and scenario_id = $2 and revision = $3

-- name: rubric_slugs
-- What a scenario may be scored by: rubrics that can score.
select r.slug from rubrics r
 where r.tenant_id = $1 and r.archived_at is null
   and exists (select from rubric_versions v where v.tenant_id = $1 and v.rubric_id = r.rubric_id)
