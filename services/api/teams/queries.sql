-- name: insert_team
-- A new team; the external id is unique within the tenant.
insert into teams (tenant_id, team_id, name, external_id, external_id_hash, created_at, metadata)
values ($1, $2, $3, $4, $5, $6, $7)

-- name: lock_team
-- Whoever changes its metadata waits for the one before.
select from teams where tenant_id = $1 and team_id = $2 for no key update

-- name: set_metadata
-- The caller holds the row.
update teams set metadata = $3 where tenant_id = $1 and team_id = $2

-- name: get_team
-- One team; a caller bound to a learner sees none.
select t.team_id, t.name, t.external_id, t.created_at, t.metadata
  from teams t
 where t.tenant_id = $1 and t.team_id = $4 and $2::uuid is null
   and ($3::uuid[] is null or t.team_id = any ($3))

-- name: list_teams
-- One page in order of creation.
select t.team_id, t.name, t.external_id, t.created_at, t.metadata
  from teams t
 where t.tenant_id = $1 and $2::uuid is null
   and ($3::uuid[] is null or t.team_id = any ($3))
   and ($4::uuid is null or t.team_id > $4)
   and ($5::bytea is null or t.external_id_hash = $5)
 order by t.team_id
 limit $6
