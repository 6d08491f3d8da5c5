-- name: all_chains
-- Every chain that has a head, or entries that ought to have one.
select tenant_id from trail_heads union select tenant_id from trail where position is not null order by tenant_id
-- name: find_head
-- How far the chain is sealed.
select tenant_id, position, hash, pruned_position, pruned_hash, sealed_at, mac from trail_heads where tenant_id = $1
-- name: sealed_entries
-- What is sealed, in its order, some at a time.
select actor_kind, actor_id, action, target, request_id, at, before_digest, after_digest, facts, about_tenant_id,
       entry_hash, position, hash
  from trail
 where tenant_id = $1 and position > $2
 order by position
 limit $3
-- name: matching_entries
-- What is sealed and fits the filters, the newest first.
select actor_kind, actor_id, action, target, request_id, at, before_digest, after_digest, facts, about_tenant_id,
       entry_hash, position, hash
  from trail
 where tenant_id = $1 and position is not null
   and ($2::bigint = 0 or position < $2)
   and ($3::text is null or action = $3 or action like $3 || '.%')
   and ($4::text is null or target = $4)
   and ($5::uuid is null or actor_id = $5)
   and ($6::timestamptz is null or at >= $6)
   and ($7::timestamptz is null or at < $7)
 order by position desc
 limit $8
