-- name: unsealed_entries
-- The oldest entries that have no place yet, of all chains; digests only.
select tenant_id, number, entry_hash from trail where position is null order by number limit $1
-- name: heads_of
-- How far their chains are sealed.
select tenant_id, position, hash, pruned_position, pruned_hash, sealed_at from trail_heads
 where tenant_id = any($1::uuid[])
-- name: seal_entries
-- Give entries their places; what is sealed already is out of reach.
update trail t set position = s.position, hash = s.hash
  from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[]) as s (tenant_id, number, position, hash)
 where t.tenant_id = s.tenant_id and t.number = s.number and t.position is null
-- name: put_heads
-- The heads of these chains, with their signatures.
insert into trail_heads (tenant_id, position, hash, sealed_at, mac)
select s.tenant_id, s.position, s.hash, $5, s.mac
  from unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[]) as s (tenant_id, position, hash, mac)
on conflict (tenant_id) do update
   set position = excluded.position, hash = excluded.hash, sealed_at = excluded.sealed_at, mac = excluded.mac
-- name: forget_marks
-- Marks of days that are over: they are not asked for again.
delete from trail_marks where at < $1
