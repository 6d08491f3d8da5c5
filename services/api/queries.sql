-- name: find_api_key
-- Every request: who holds this key. Runs as the system role, which may not read names. $1 is the key id.
select k.tenant_id, k.hash, k.scopes, k.team_ids, k.learner_id, k.expires_at,
       k.revoked_at is not null as revoked, t.status = 'suspended' as suspended, t.time_zone
  from api_keys k
  join tenants t on t.tenant_id = k.tenant_id
 where k.key_id = $1 and k.environment = $2

-- name: find_minting_key
-- Requests with a learner token: the key that made it, as it is now. Runs as the system role.
select k.tenant_id, k.environment, k.scopes, k.team_ids, k.learner_id, k.expires_at,
       k.revoked_at is not null as revoked, t.status = 'suspended' as suspended, t.time_zone
  from api_keys k
  join tenants t on t.tenant_id = k.tenant_id
 where k.key_id = $1

-- name: find_ops_key
-- Operators' requests. $1 is the key id.
select hash from ops_keys where key_id = $1 and revoked_at is null

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

-- name: workload
-- Operators' view of every tenant's queues; runs as the system role.
select j.tenant_id, j.kind,
       count(*) filter (where j.dead_at is null and (j.lease_until is null or j.lease_until <= $1)) as waiting,
       count(*) filter (where j.dead_at is null and j.lease_until > $1) as in_flight,
       count(*) filter (where j.dead_at is not null) as dead,
       coalesce(extract(epoch from $1 - min(j.created_at) filter (where j.dead_at is null)), 0)::float8
         as oldest_age_s
  from jobs j
 group by j.tenant_id, j.kind
 order by j.tenant_id, j.kind
