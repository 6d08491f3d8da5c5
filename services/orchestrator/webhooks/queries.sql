-- name: subscribed_tenants
-- System role: tenants with an enabled endpoint, and whether events wait for their fan-out.
select e.tenant_id,
       coalesce(max(h.position), 0) > greatest(coalesce(max(p.position), 0), min(e.after_position)) as is_behind
  from webhook_endpoints e
  left join event_heads h on h.tenant_id = e.tenant_id
  left join consumer_positions p on p.tenant_id = e.tenant_id and p.consumer = 'webhooks'
 where e.status = 'enabled'
 group by e.tenant_id

-- name: start_position
-- A tenant's first fan-out finds a row to lock.
insert into consumer_positions (tenant_id, consumer, position)
values ($1, 'webhooks', 0)
on conflict (tenant_id, consumer) do nothing

-- name: try_position
-- The row lock makes one process at a time fan out a tenant; another one does not wait for it.
select position from consumer_positions
 where tenant_id = $1 and consumer = 'webhooks'
   for update skip locked

-- name: move_position
-- In the transaction that writes the deliveries.
update consumer_positions set position = $2 where tenant_id = $1 and consumer = 'webhooks'

-- name: due_endpoints
-- System role: when each endpoint with waiting deliveries is due next. One look at the index per endpoint,
-- however many rows wait there.
with recursive waiting as (
  (select tenant_id, endpoint_id, coalesce(lease_until, next_attempt_at) as due_at
     from webhook_deliveries
    where status = 'pending'
    order by endpoint_id, coalesce(lease_until, next_attempt_at), delivery_id
    limit 1)
  union all
  select next.tenant_id, next.endpoint_id, next.due_at
    from waiting w
   cross join lateral (
     select d.tenant_id, d.endpoint_id, coalesce(d.lease_until, d.next_attempt_at) as due_at
       from webhook_deliveries d
      where d.status = 'pending' and d.endpoint_id > w.endpoint_id
      order by d.endpoint_id, coalesce(d.lease_until, d.next_attempt_at), d.delivery_id
      limit 1) as next
)
select w.tenant_id, w.endpoint_id, greatest(w.due_at, e.not_before, e.paced_until) as due_at,
       e.status = 'enabled' as is_enabled, e.failures > 0 as is_failing
  from waiting w
  join webhook_endpoints e on e.tenant_id = w.tenant_id and e.endpoint_id = w.endpoint_id

-- name: target
-- Where deliveries of an endpoint go now.
select url, status, rate_per_s, not_before, failures
  from webhook_endpoints
 where tenant_id = $1 and endpoint_id = $2

-- name: secrets
-- Secrets that sign now: the current one, and the one before it until it expires.
select secret_id, secret
  from webhook_secrets
 where tenant_id = $1 and endpoint_id = $2 and (expires_at is null or expires_at > $3)
 order by expires_at is not null, secret_id desc

-- name: lock_pace
-- Processes take from an endpoint with a rate of its own one after the other.
select paced_until from webhook_endpoints where tenant_id = $1 and endpoint_id = $2 for no key update

-- name: set_pace
-- When the next may be taken.
update webhook_endpoints set paced_until = $3 where tenant_id = $1 and endpoint_id = $2

-- name: take_due
-- Whoever takes a delivery has it until the lease ends; after that it is due again.
with due as materialized (
  select delivery_id
    from webhook_deliveries
   where tenant_id = $1 and endpoint_id = $2 and status = 'pending'
     and coalesce(lease_until, next_attempt_at) <= $3
   order by coalesce(lease_until, next_attempt_at), delivery_id
   limit $5
     for update skip locked
)
update webhook_deliveries d
   set lease_until = $4
  from due
 where d.tenant_id = $1 and d.delivery_id = due.delivery_id
returning d.delivery_id, d.event_id, d.event_type, d.attempt, d.learner_id, d.body, d.created_at,
          d.trigger = 'event' as is_event

-- name: traces
-- In which trace the events of deliveries came about.
select d.delivery_id, e.trace
  from webhook_deliveries d
  join events e on e.tenant_id = $1 and e.position = d.position
 where d.tenant_id = $1 and d.delivery_id = any ($2::uuid[]) and e.trace is not null

-- name: record_attempts
-- Whoever lost its lease meanwhile finds another number and records nothing. A delivery that was discarded in
-- between stays so.
with r as (
  select * from unnest($2::uuid[], $3::integer[], $4::timestamptz[], $5::integer[], $6::text[], $7::integer[],
                       $8::text[], $9::bytea[], $10::text[], $11::timestamptz[])
    as r (delivery_id, number, started_at, latency_ms, result, status_code, error, response, status,
          next_attempt_at)
), moved as (
  update webhook_deliveries d
     set attempt = r.number,
         lease_until = null,
         status = case when d.status = 'pending' then r.status else d.status end,
         next_attempt_at = case when d.status = 'pending' then r.next_attempt_at end,
         finished_at = case when d.status <> 'pending' then d.finished_at
                            when r.status <> 'pending' then $12 end
    from r
   where d.tenant_id = $1 and d.delivery_id = r.delivery_id and d.attempt = r.number - 1
  returning d.delivery_id
)
insert into webhook_attempts (tenant_id, delivery_id, number, started_at, latency_ms, result, status_code, error,
                              response, next_attempt_at)
select $1, r.delivery_id, r.number, r.started_at, r.latency_ms, r.result, r.status_code, r.error, r.response,
       r.next_attempt_at
  from r join moved m on m.delivery_id = r.delivery_id

-- name: note_success
-- The usual case costs no row lock that others wait for, and a write only every ten seconds.
update webhook_endpoints
   set failures = 0, failing_since = null, warned_at = null, last_success_at = $3
 where tenant_id = $1 and endpoint_id = $2
   and (failures > 0 or warned_at is not null or last_success_at is null
        or last_success_at < $3::timestamptz - interval '10 s')
returning old.warned_at is not null as is_news

-- name: lock_health
-- Results of one endpoint are counted one after the other.
select failures, failing_since, warned_at
  from webhook_endpoints
 where tenant_id = $1 and endpoint_id = $2
   for no key update

-- name: set_health
-- After failures; a pause only grows.
update webhook_endpoints
   set failures = $3, failing_since = $4, warned_at = $5,
       last_success_at = coalesce($6, last_success_at),
       not_before = greatest(not_before, $7)
 where tenant_id = $1 and endpoint_id = $2

-- name: disable
-- Once.
update webhook_endpoints
   set status = 'disabled', disabled_reason = $3, disabled_at = $4, updated_at = $4
 where tenant_id = $1 and endpoint_id = $2 and status = 'enabled'
returning endpoint_id

-- name: discard_waiting
-- What waits at a switched-off endpoint; bounded, so that no transaction is long.
with waiting as materialized (
  select d.delivery_id
    from webhook_deliveries d
    join webhook_endpoints e on e.tenant_id = $1 and e.endpoint_id = d.endpoint_id and e.status = 'disabled'
   where d.tenant_id = $1 and d.endpoint_id = $2 and d.status = 'pending'
   order by coalesce(d.lease_until, d.next_attempt_at), d.delivery_id
   limit $4
     for update of d skip locked
)
update webhook_deliveries d
   set status = 'discarded', finished_at = $3, next_attempt_at = null, lease_until = null
  from waiting
 where d.tenant_id = $1 and d.delivery_id = waiting.delivery_id
returning d.delivery_id

-- name: discard_one
-- Its words are gone with the person they are about.
update webhook_deliveries
   set status = 'discarded', finished_at = $3, next_attempt_at = null, lease_until = null
 where tenant_id = $1 and delivery_id = $2 and status = 'pending'

-- name: forget_deliveries
-- As old as events in the feed get; an id begins with the time it was made.
delete from webhook_deliveries
 where tenant_id = $1 and delivery_id in (
   select delivery_id from webhook_deliveries
    where tenant_id = $1 and delivery_id < $2 and status <> 'pending'
    order by delivery_id limit $3)
returning delivery_id
