-- name: insert_learner
-- A new person with the key that seals everything of theirs.
with person as (
  insert into learners (tenant_id, learner_id, person_id, name, external_id, external_id_hash, created_at,
                        metadata)
  values ($1, $2, $3, $4, $5, $6, $7, $9)
  returning learner_id
)
insert into learner_keys (tenant_id, learner_id, wrapped) select $1, learner_id, $8 from person

-- name: insert_membership
-- In which team from when to when; valid_to is the first day outside.
insert into memberships (tenant_id, learner_id, team_id, valid_from, valid_to)
values ($1, $2, $3, $4, $5)

-- name: drop_memberships
-- By their first days: a person has one membership that begins on a day.
delete from memberships where tenant_id = $1 and learner_id = $2 and valid_from = any ($3::date[])

-- name: find_teams
-- Which of these teams exist for the caller.
select t.team_id from teams t
 where t.tenant_id = $1 and t.team_id = any ($3) and ($2::uuid[] is null or t.team_id = any ($2))

-- name: get_learners
-- Some people, each with their key and memberships.
select l.learner_id, l.person_id, l.name, l.external_id, l.created_at, l.erased_at, l.metadata, k.wrapped,
       (select coalesce(jsonb_agg(jsonb_build_object('team_id', m.team_id, 'start', m.valid_from,
                                                     'end', m.valid_to) order by m.valid_from), '[]')
          from memberships m where m.tenant_id = $1 and m.learner_id = l.learner_id) as memberships
  from learners l
  join learner_keys k on k.tenant_id = $1 and k.learner_id = l.learner_id
 where l.tenant_id = $1 and l.learner_id = any ($5::uuid[])
   and ($2::uuid is null or l.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = l.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: lock_learner
-- Whoever changes their metadata waits for the one before.
select from learners where tenant_id = $1 and learner_id = $2 for no key update

-- name: set_metadata
-- The caller holds the row.
update learners set metadata = $3 where tenant_id = $1 and learner_id = $2

-- name: learner_key
-- What everything of theirs is sealed with; none once they were erased.
select wrapped from learner_keys where tenant_id = $1 and learner_id = $2

-- name: list_learners
-- One page in order of creation.
select l.learner_id, l.person_id, l.name, l.external_id, l.created_at, l.erased_at, l.metadata, k.wrapped,
       (select coalesce(jsonb_agg(jsonb_build_object('team_id', m.team_id, 'start', m.valid_from,
                                                     'end', m.valid_to) order by m.valid_from), '[]')
          from memberships m where m.tenant_id = $1 and m.learner_id = l.learner_id) as memberships
  from learners l
  join learner_keys k on k.tenant_id = $1 and k.learner_id = l.learner_id
 where l.tenant_id = $1
   and ($2::uuid is null or l.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = l.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
   and ($5::uuid is null or l.learner_id > $5)
   and ($6::bytea is null or l.external_id_hash = $6)
 order by l.learner_id
 limit $7
