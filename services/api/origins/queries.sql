-- name: all_origins
-- The whole list for a process to remember; runs as the system role, which may read hashes only.
select tenant_id, origin_hash from allowed_origins

-- name: list_origins
-- What a tenant has listed.
select origin_hash, origin from allowed_origins where tenant_id = $1 order by created_at, origin_hash

-- name: drop_origins
-- Those that a new list leaves out.
delete from allowed_origins where tenant_id = $1 and origin_hash <> all ($2::bytea[])

-- name: add_origins
-- Those that a new list brings.
insert into allowed_origins (tenant_id, origin_hash, origin, created_at)
select $1, o.hash, o.sealed, $4 from unnest($2::bytea[], $3::bytea[]) as o(hash, sealed)
on conflict do nothing
