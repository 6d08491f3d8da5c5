-- name: find_api_key
-- Every request: who holds this key. Runs as the system role, which may not read names. $1 is the key id.
-- A person's key has what the person may do, and nothing more once the person has left.
select k.tenant_id, k.hash, k.scopes, k.team_ids, k.learner_id, k.expires_at, k.networks,
       k.previous_hash, k.previous_expires_at, k.user_id, u.role, u.team_ids as user_team_ids,
       k.revoked_at is not null or u.active is false as revoked,
       t.status = 'suspended' as suspended, t.time_zone
  from api_keys k
  join tenants t on t.tenant_id = k.tenant_id
  left join users u on u.tenant_id = k.tenant_id and u.user_id = k.user_id
 where k.key_id = $1 and k.environment = $2

-- name: find_minting_key
-- Requests with a learner token: the key that made it, as it is now. Runs as the system role.
select k.tenant_id, k.environment, k.scopes, k.team_ids, k.learner_id, k.expires_at,
       k.user_id, u.role, u.team_ids as user_team_ids,
       k.revoked_at is not null or u.active is false as revoked,
       t.status = 'suspended' as suspended, t.time_zone
  from api_keys k
  join tenants t on t.tenant_id = k.tenant_id
  left join users u on u.tenant_id = k.tenant_id and u.user_id = k.user_id
 where k.key_id = $1

-- name: note_uses
-- When keys of any tenant were last used, at most once per key in $3. Runs as the system role. Two processes
-- never wait for each other: who finds a key taken leaves it to the other.
with due as (
  select k.key_id, used.at
    from unnest($1::uuid[], $2::timestamptz[]) as used (key_id, at)
    join api_keys k on k.key_id = used.key_id
   where k.last_used_at is null or k.last_used_at <= used.at - $3::interval
   order by k.key_id
     for no key update of k skip locked)
update api_keys k set last_used_at = due.at from due where k.key_id = due.key_id

-- name: insert_claim
-- The first request with a key wins; a concurrent twin waits here for its commit.
insert into idempotency_claims (tenant_id, claim_hash, fingerprint, resource_id, sequence, created_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (tenant_id, claim_hash) do nothing
returning true

-- name: find_claim
-- What the first request with this key made.
select fingerprint, resource_id, sequence
  from idempotency_claims where tenant_id = $1 and claim_hash = $2
