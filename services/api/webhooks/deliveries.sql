-- name: insert_deliveries
-- Due at once.
insert into webhook_deliveries (tenant_id, delivery_id, endpoint_id, event_id, event_type, position, trigger,
                                learner_id, body, status, next_attempt_at, created_at)
select $1, made.delivery_id, made.endpoint_id, made.event_id, made.event_type, made.position, made.trigger,
       made.learner_id, made.body, 'pending', $10, $10
  from unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::text[], $8::uuid[], $9::bytea[])
       as made (delivery_id, endpoint_id, event_id, event_type, position, trigger, learner_id, body)

-- name: get_delivery
-- One delivery, with the key of the person it is about.
select d.delivery_id, d.endpoint_id, d.event_id, d.event_type, d.position, d.trigger, d.learner_id, d.body, d.status,
       d.attempt, d.next_attempt_at, d.created_at, d.finished_at, k.wrapped
  from webhook_deliveries d
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = d.learner_id
 where d.tenant_id = $1 and d.delivery_id = $2

-- name: list_deliveries
-- One page of the log, newest first: that is what one looks for.
select d.tenant_id, d.delivery_id, d.endpoint_id, d.event_id, d.event_type, d.position, d.trigger, d.learner_id,
       d.status, d.attempt, d.next_attempt_at, d.created_at, d.finished_at, k.wrapped
  from webhook_deliveries d
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = d.learner_id
 where d.tenant_id = $1 and d.endpoint_id = $2
   and ($3::uuid is null or d.delivery_id < $3)
   and ($4::text is null or d.status = $4)
   and ($5::text is null or d.event_type = $5)
 order by d.delivery_id desc
 limit $6

-- name: list_attempts
-- Of a page of deliveries at once.
select delivery_id, number, started_at, latency_ms, result, status_code, error, response, next_attempt_at
  from webhook_attempts
 where tenant_id = $1 and delivery_id = any ($2)
 order by delivery_id, number

-- name: learner_key
-- Destroyed with the person.
select wrapped from learner_keys where tenant_id = $1 and learner_id = $2

-- name: lock_recovery
-- One recovery at a time per endpoint; its row stays free for the senders.
select pg_advisory_xact_lock(2003133554, hashtext($1::uuid::text || $2::uuid::text))

-- name: out_of_reach
-- Which of these events need no recovery: one is on its way, or, when $4, one arrived.
select d.event_id from webhook_deliveries d
 where d.tenant_id = $1 and d.endpoint_id = $2 and d.event_id = any ($3) and d.trigger = 'event'
   and (d.status = 'pending' or ($4 and d.status = 'succeeded'))
union
select d.event_id from webhook_deliveries d
 where d.tenant_id = $1 and d.endpoint_id = $2 and d.event_id = any ($3) and d.trigger <> 'event'
   and (d.status = 'pending' or ($4 and d.status = 'succeeded'))

-- name: earliest
-- When the earliest of some events happened.
select min(occurred_at) from events where tenant_id = $1 and position > $2 and position <= $3
