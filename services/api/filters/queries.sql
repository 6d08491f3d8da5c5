-- name: page_of_people
-- A page of what belongs to the people of some teams: each person's own page, merged. Few people have many rows, so
-- this reads a page per person where the plain walk would read most of the tenant.
select one.id, one.at
  from memberships p
 cross join lateral (
/*page*/
) as one
 where p.tenant_id = $1 /*people*/
 order by one.at, one.id
 limit /*limit*/

-- name: is_person
-- In the page of one person.
learner_id = p.learner_id

-- name: are_members
-- Whoever is in one of these teams today.
p.team_id = any (?::uuid[]) and p.valid_from <= ? and (p.valid_to is null or p.valid_to > ?)

-- name: is_member
-- Likewise, asked of a row.
exists (select from memberships b
         where b.tenant_id = $1 and b.learner_id = s.learner_id and b.team_id = any (?::uuid[])
           and b.valid_from <= ? and (b.valid_to is null or b.valid_to > ?))

-- name: is_on_the_team
-- Whoever was ever in this team.
p.team_id = ?

-- name: find_named
-- What the names in a query stand for.
select (select s.scenario_id from scenarios s
         where s.tenant_id = $1 and (s.slug = $2 or s.scenario_id = $3)) as scenario_id,
       (select r.rubric_id from rubrics r
         where r.tenant_id = $1 and (r.slug = $4 or r.rubric_id = $5)) as rubric_id,
       exists (select from teams t
                where t.tenant_id = $1 and t.team_id = $6 and $7::uuid is null
                  and ($8::uuid[] is null or t.team_id = any ($8))) as has_team

-- name: plan_anew
-- A page is planned for its own values: what is rare decides the way, and a plan for any value does not know. Compiling
-- the plan or starting helpers for it would take longer than the page.
select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true),
       set_config('max_parallel_workers_per_gather', '0', true)

-- name: plan_once
-- What is read by ids is always read the same way.
select set_config('plan_cache_mode', 'auto', true)
