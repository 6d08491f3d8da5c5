-- name: insert_user
-- A person who can sign in.
insert into users (tenant_id, user_id, user_name, user_name_hash, email, display_name, role, team_ids, learner_id,
                   active, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)

-- name: get_user
-- One person.
select user_id, user_name, email, display_name, role, team_ids, learner_id, active, created_at, updated_at
  from users
 where tenant_id = $1 and user_id = $2

-- name: find_user
-- By the keyed hash of the name.
select user_id, user_name, email, display_name, role, team_ids, learner_id, active, created_at, updated_at
  from users
 where tenant_id = $1 and user_name_hash = $2

-- name: lock_user
-- Changes of one person follow each other.
select from users where tenant_id = $1 and user_id = $2 for no key update

-- name: list_users
-- One page in order of creation.
select user_id, user_name, email, display_name, role, team_ids, learner_id, active, created_at, updated_at
  from users
 where tenant_id = $1
   and ($2::uuid is null or user_id > $2)
   and ($3::bytea is null or user_name_hash = $3)
   and ($4::text is null or role = $4)
   and ($5::boolean is null or active = $5)
 order by user_id
 limit $6

-- name: update_user
-- The caller holds the row.
update users
   set user_name = $3, user_name_hash = $4, email = $5, display_name = $6, role = $7, team_ids = $8,
       learner_id = $9, active = $10, updated_at = $11
 where tenant_id = $1 and user_id = $2

-- name: delete_user
-- With the keys that are theirs.
delete from users where tenant_id = $1 and user_id = $2

-- name: lock_owners
-- One at a time takes an owner away, else two may both be the last.
select pg_advisory_xact_lock(2003133570, hashtext($1::uuid::text))

-- name: other_owner
-- Whether somebody else reigns.
select true from users
 where tenant_id = $1 and user_id <> $2 and role = 'owner' and active
 limit 1

-- name: find_teams
-- Which of these teams exist.
select team_id from teams where tenant_id = $1 and team_id = any ($2)

-- name: find_learner
-- Whether there is this learner.
select true from learners where tenant_id = $1 and learner_id = $2
