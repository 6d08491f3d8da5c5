-- name: due_stores
-- Which tenants' stores lack something and may be tried now; the system role sees ids and times.
select l.tenant_id
  from lrs l
  join event_heads h on h.tenant_id = l.tenant_id
  join consumer_positions p on p.tenant_id = l.tenant_id and p.consumer = 'xapi'
 where l.enabled and l.next_attempt_at <= $1 and (l.lease_until is null or l.lease_until <= $1)
   and h.position > p.position
 order by l.next_attempt_at
 limit $2

-- name: take_store
-- Nobody else sends to it until the lease is over.
update lrs set lease_until = $3
 where tenant_id = $1 and enabled and next_attempt_at <= $2 and (lease_until is null or lease_until <= $2)
returning tenant_id

-- name: how_far
-- What was sent, and what there is.
select p.position, h.position as head
  from consumer_positions p
  join event_heads h on h.tenant_id = $1
 where p.tenant_id = $1 and p.consumer = 'xapi'

-- name: move_position
-- Never back: a sender whose lease ran out may come late.
update consumer_positions set position = greatest(position, $2) where tenant_id = $1 and consumer = 'xapi'

-- name: note_success
-- The next may be sent at once.
update lrs
   set lease_until = null, failures = 0, last_error = null, last_success_at = $2, rejected = rejected + $3
 where tenant_id = $1

-- name: note_failure
-- It is tried again later; in between it costs nothing.
update lrs
   set lease_until = null, failures = failures + 1, last_error = $2, next_attempt_at = $3, rejected = rejected + $4
 where tenant_id = $1

-- name: failures
-- How often it failed since the last success.
select failures from lrs where tenant_id = $1
