-- name: ending_keys
-- Keys of all tenants whose end has come nearer than the next warning. Runs as the system role: ids only.
select tenant_id, key_id from api_keys
 where revoked_at is null and warnings < 2
   and expires_at > $1
   and expires_at <= $1 + case warnings when 0 then $2::interval else $3::interval end
 order by expires_at
 limit $4

-- name: warn_key
-- Once per warning, whichever process comes first: no row when another one did it, or the key has ended.
update api_keys set warnings = case when expires_at <= $3 + $5::interval then 2 else 1 end
 where tenant_id = $1 and key_id = $2 and revoked_at is null and warnings < 2
   and expires_at > $3
   and expires_at <= $3 + case warnings when 0 then $4::interval else $5::interval end
returning expires_at
