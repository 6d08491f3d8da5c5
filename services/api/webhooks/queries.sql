-- name: lock_endpoints
-- One at a time makes an endpoint per tenant, else two may both be the sixteenth.
select pg_advisory_xact_lock(2003133544, hashtext($1::uuid::text))

-- name: count_endpoints
-- How many there are.
select count(*) from webhook_endpoints where tenant_id = $1

-- name: insert_endpoint
-- Events that have their position already are not for it.
insert into webhook_endpoints (tenant_id, endpoint_id, url, description, metadata, event_types, team_ids,
                               payload, rate_per_s, status, after_position, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'enabled',
        coalesce((select h.position from event_heads h where h.tenant_id = $1), 0), $10, $10)

-- name: get_endpoint
-- One endpoint.
select endpoint_id, url, description, metadata, event_types, team_ids, payload, rate_per_s, status, disabled_reason,
       disabled_at, failing_since, failures, last_success_at, recovered_at, recovery_position, created_at, updated_at
  from webhook_endpoints
 where tenant_id = $1 and endpoint_id = $2

-- name: list_endpoints
-- One page in order of creation.
select endpoint_id, url, description, metadata, event_types, team_ids, payload, rate_per_s, status, disabled_reason,
       disabled_at, failing_since, failures, last_success_at, recovered_at, recovery_position, created_at, updated_at
  from webhook_endpoints
 where tenant_id = $1 and ($2::uuid is null or endpoint_id > $2)
 order by endpoint_id
 limit $3

-- name: update_endpoint
-- What the caller decides; how it fares is the senders' business.
update webhook_endpoints
   set url = $3, description = $4, metadata = $5, event_types = $6, team_ids = $7, payload = $8,
       rate_per_s = $9, updated_at = $10
 where tenant_id = $1 and endpoint_id = $2

-- name: enable_endpoint
-- It starts healthy, with what happens from now on: what it missed is for `recover`. `warned_at` stays:
-- whoever was told that it fails is told that it works again.
update webhook_endpoints
   set status = 'enabled', disabled_reason = null, disabled_at = null, failing_since = null,
       failures = 0, not_before = null, updated_at = $3,
       after_position = greatest(
         after_position,
         coalesce((select h.position from event_heads h where h.tenant_id = $1), 0))
 where tenant_id = $1 and endpoint_id = $2 and status = 'disabled'

-- name: disable_endpoint
-- By its owner. What waits for it is discarded by the senders.
update webhook_endpoints
   set status = 'disabled', disabled_reason = 'caller', disabled_at = $3, updated_at = $3
 where tenant_id = $1 and endpoint_id = $2 and status = 'enabled'

-- name: delete_endpoint
-- With its secrets and its log.
delete from webhook_endpoints where tenant_id = $1 and endpoint_id = $2 returning endpoint_id

-- name: find_teams
-- Which of these teams exist.
select team_id from teams where tenant_id = $1 and team_id = any ($2)

-- name: insert_secret
-- The current one.
insert into webhook_secrets (tenant_id, endpoint_id, secret_id, secret, created_at)
values ($1, $2, $3, $4, $5)

-- name: hold_endpoint
-- Changes of one endpoint follow each other; deliveries to it are written meanwhile.
select endpoint_id from webhook_endpoints where tenant_id = $1 and endpoint_id = $2 for no key update

-- name: keep_endpoint
-- It cannot be deleted before the deliveries to it are written.
select endpoint_id from webhook_endpoints where tenant_id = $1 and endpoint_id = $2 for key share

-- name: recovered
-- When its owner last recovered a range, and where that goes on.
update webhook_endpoints set recovered_at = $3, recovery_position = $4
 where tenant_id = $1 and endpoint_id = $2

-- name: forget_secrets
-- What signs no more; $4 says that none but the next one shall.
delete from webhook_secrets
 where tenant_id = $1 and endpoint_id = $2 and (expires_at <= $3 or $4::boolean)

-- name: expire_secret
-- The current one signs for a while beside the next.
update webhook_secrets set expires_at = $3
 where tenant_id = $1 and endpoint_id = $2 and expires_at is null

-- name: count_secrets
-- How many sign.
select count(*) from webhook_secrets where tenant_id = $1 and endpoint_id = $2

-- name: current_secret
-- When the current one was made, and until when earlier ones sign.
select (select s.created_at from webhook_secrets s
         where s.tenant_id = $1 and s.endpoint_id = $2 and s.expires_at is null) as created_at,
       (select max(s.expires_at) from webhook_secrets s
         where s.tenant_id = $1 and s.endpoint_id = $2) as previous_expires_at

-- name: list_keys
-- Public halves that verify something, newest first.
select public_key, created_at, expires_at from webhook_keys
 where tenant_id = $1 and (expires_at is null or expires_at > $2)
 order by created_at desc, key_id desc
