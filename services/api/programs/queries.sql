-- name: lock_programs
-- Programs of a tenant are made one after the other: each is compared with all others.
select pg_advisory_xact_lock(hashtextextended('programs ' || $1::uuid::text, 0))

-- name: insert_program
-- A new program.
insert into programs (tenant_id, program_id, treated_teams, treated_learners, comparison_teams, comparison_learners,
                      baseline_from, starts_on, ends_on, measured_to, isolation, reaction_form, worth,
                      created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)

-- name: update_program
-- The caller holds the row; its people never change.
update programs
   set baseline_from = $3, starts_on = $4, ends_on = $5, measured_to = $6, isolation = $7, reaction_form = $8,
       worth = $9, updated_at = $10
 where tenant_id = $1 and program_id = $2

-- name: hold_program
-- Whoever changes it waits for the one before.
select from programs where tenant_id = $1 and program_id = $2 for no key update

-- name: get_program
select program_id, treated_teams, treated_learners, comparison_teams, comparison_learners, baseline_from, starts_on,
       ends_on, measured_to, isolation, reaction_form, worth, created_at, updated_at
  from programs
 where tenant_id = $1 and program_id = $2

-- name: list_programs
-- One page in order of creation.
select program_id, treated_teams, treated_learners, comparison_teams, comparison_learners, baseline_from, starts_on,
       ends_on, measured_to, isolation, reaction_form, worth, created_at, updated_at
  from programs
 where tenant_id = $1 and ($2::uuid is null or program_id > $2)
 order by program_id
 limit $3

-- name: count_programs
select count(*) from programs where tenant_id = $1

-- name: find_teams
-- Those that exist.
select team_id as id from teams where tenant_id = $1 and team_id = any ($2::uuid[])

-- name: find_learners
-- Those that exist.
select learner_id as id from learners where tenant_id = $1 and learner_id = any ($2::uuid[])

-- name: find_forms
-- Those that exist, and whom they ask.
select form, kind, asked from survey_forms where tenant_id = $1 and form = any ($2::text[])

-- name: too_near
-- Whether the people of another program are almost these: from two answers one would learn about the difference.
select exists (
  select
    from programs p
   cross join lateral (values (p.treated_learners), (p.comparison_learners)) as l (list)
   cross join lateral (
      select count(*) as shared from unnest(l.list) as one where one = any ($2::uuid[])
   ) s
   where p.tenant_id = $1 and s.shared > 0
     and (s.shared < $3
          or cardinality(l.list) - s.shared between 1 and $3 - 1
          or cardinality($2::uuid[]) - s.shared between 1 and $3 - 1)
)
