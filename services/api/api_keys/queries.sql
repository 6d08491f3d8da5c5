-- name: insert_key
-- Only the hash of its text is stored.
insert into api_keys (tenant_id, key_id, hash, environment, scopes, team_ids, learner_id, user_id, networks,
                      expires_at, name, created_at, warnings)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: get_key
-- One key, for a caller who may be bound to a learner, to teams, or to test keys.
select key_id, name, environment, scopes, team_ids, learner_id, user_id, networks, expires_at, revoked_at, created_at,
       rolled_at, previous_expires_at, last_used_at
  from api_keys k
 where k.tenant_id = $1
   and ($2::uuid is null or k.learner_id = $2)
   and ($3::uuid[] is null or k.team_ids <@ $3)
   and (not $4::boolean or k.environment = 'test')
   and k.key_id = $5

-- name: lock_key
-- Changes of one key follow each other.
select from api_keys where tenant_id = $1 and key_id = $2 for no key update

-- name: list_keys
-- One page in order of creation; $7 says whether keys that have ended are left out.
select key_id, name, environment, scopes, team_ids, learner_id, user_id, networks, expires_at, revoked_at, created_at,
       rolled_at, previous_expires_at, last_used_at
  from api_keys k
 where k.tenant_id = $1
   and ($2::uuid is null or k.learner_id = $2)
   and ($3::uuid[] is null or k.team_ids <@ $3)
   and (not $4::boolean or k.environment = 'test')
   and ($5::uuid is null or k.key_id > $5)
   and ($6::uuid is null or k.user_id = $6)
   and (not $7::boolean
        or (k.revoked_at is null and (k.expires_at is null or k.expires_at > $8)))
 order by k.key_id
 limit $9

-- name: count_keys
-- Those that have not ended.
select count(*) from api_keys
 where tenant_id = $1 and revoked_at is null and (expires_at is null or expires_at > $2)

-- name: update_key
-- The caller holds the row. Another end is announced anew, as far as that lies ahead.
update api_keys
   set name = $3, networks = $4, expires_at = $5,
       warnings = case when expires_at is distinct from $5 then $6 else warnings end
 where tenant_id = $1 and key_id = $2

-- name: roll_key
-- The secret that was current stays good until $4; the one before it ends now.
update api_keys
   set previous_hash = hash, previous_expires_at = $4, hash = $3, rolled_at = $5
 where tenant_id = $1 and key_id = $2

-- name: revoke_key
-- Once; a second call changes nothing.
update api_keys set revoked_at = $3 where tenant_id = $1 and key_id = $2 and revoked_at is null

-- name: own_rights
-- What bounds the key that is asking, beyond its principal.
select networks, expires_at from api_keys where tenant_id = $1 and key_id = $2

-- name: find_teams
-- Which of these teams exist.
select team_id from teams where tenant_id = $1 and team_id = any ($2)

-- name: find_learner
-- Whether there is this learner.
select true from learners where tenant_id = $1 and learner_id = $2

-- name: find_user
-- The role of a user; one row without a role for who has none.
select role from users where tenant_id = $1 and user_id = $2
