-- name: find_ops_key
-- System role: every call of an operator. $1 is the key id.
select hash, scopes, expires_at from ops_keys where key_id = $1 and revoked_at is null

-- name: list_keys
-- System role: keys of operators, never their hashes.
select key_id, name, scopes, expires_at, revoked_at, created_at
  from ops_keys
 where $1::uuid is null or key_id > $1
 order by key_id
 limit $2

-- name: queues
-- System role: lanes of tenants that hold anything, the worst first. $3: what is the worst.
with lanes as (
  select tenant_id, kind,
         count(*) filter (where dead_at is null and (lease_until is null or lease_until <= $1)) as waiting,
         count(*) filter (where dead_at is null and lease_until > $1) as in_flight,
         count(*) filter (where dead_at is not null) as dead,
         coalesce(extract(epoch from $1 - min(created_at) filter (where dead_at is null)), 0)::float8 as oldest_age_s
    from jobs
   where ($2::uuid is null or tenant_id = $2) and ($4::text is null or kind = $4)
   group by tenant_id, kind
)
select *, count(*) over () as of
  from lanes
 order by case $3 when 'oldest_age' then oldest_age_s when 'waiting' then waiting
                  when 'in_flight' then in_flight when 'dead' then dead end desc nulls last,
       tenant_id, kind
 limit $5

-- name: lanes
-- System role: the same over all tenants.
select kind,
       count(*) filter (where dead_at is null and (lease_until is null or lease_until <= $1)) as waiting,
       count(*) filter (where dead_at is null and lease_until > $1) as in_flight,
       count(*) filter (where dead_at is not null) as dead,
       count(distinct tenant_id) filter (where dead_at is null) as tenants,
       coalesce(extract(epoch from $1 - min(created_at) filter (where dead_at is null)), 0)::float8 as oldest_age_s
  from jobs
 group by kind
 order by kind

-- name: load
-- System role: what ended since $1 by tenant and kind, and the buckets that hold the percentiles. $2: one tenant;
-- $3: one kind; $4: what comes first. Buckets are opened for the rows that are shown only, unless they decide which.
-- The rows of no tenant are the sums over all.
with counted as (
  select tenant_id, kind, sum(ok)::bigint as ok, sum(refused)::bigint as refused, sum(failed)::bigint as failed
    from load_minutes
   where minute >= $1 and ($2::uuid is null or tenant_id = $2) and ($3::text is null or kind = $3)
     and tenant_id <> '00000000-0000-0000-0000-000000000000'
   group by tenant_id, kind
), running as (
  select tenant_id, kind, place, sum(n) over (partition by tenant_id, kind order by place) as upto,
         sum(n) over (partition by tenant_id, kind) as total
    from (select m.tenant_id, m.kind, b.place, sum(b.n) as n
            from load_minutes m
           cross join unnest(m.buckets) with ordinality as b(n, place)
           where $4 = 'p95' and m.minute >= $1 and ($2::uuid is null or m.tenant_id = $2)
             and ($3::text is null or m.kind = $3) and b.n > 0
           group by m.tenant_id, m.kind, b.place) as cells
), slow as (
  select tenant_id, kind, min(place) filter (where upto >= ceil(total * 0.95)) as place from running
   group by tenant_id, kind
), chosen as (
  select c.*, count(*) over () as of,
         row_number() over (
           order by case $4 when 'count' then c.ok + c.refused + c.failed when 'failed' then c.failed
                            when 'refused' then c.refused when 'p95' then s.place end desc nulls last,
                    c.tenant_id, c.kind) as rank
    from counted c
    left join slow s on s.tenant_id = c.tenant_id and s.kind = c.kind
)
select c.*, p.p50, p.p95, p.p99
  from chosen c
 cross join lateral (
   select (min(place) filter (where upto >= ceil(total * 0.5)) - 1)::integer as p50,
          (min(place) filter (where upto >= ceil(total * 0.95)) - 1)::integer as p95,
          (min(place) filter (where upto >= ceil(total * 0.99)) - 1)::integer as p99
     from (select place, sum(sum(n)) over (order by place) as upto, sum(sum(n)) over () as total
             from load_minutes m
            cross join unnest(m.buckets) with ordinality as b(n, place)
            where m.tenant_id = c.tenant_id and m.kind = c.kind and m.minute >= $1 and b.n > 0
            group by place) as cells) as p
 where c.rank <= $5
 order by c.rank

-- name: fleet_load
-- System role: the same over all tenants, which processes sum up themselves in the rows of no tenant.
with counted as (
  select kind, sum(ok)::bigint as ok, sum(refused)::bigint as refused, sum(failed)::bigint as failed
    from load_minutes
   where tenant_id = '00000000-0000-0000-0000-000000000000' and minute >= $1
   group by kind
), people as (
  select kind, count(distinct tenant_id) - 1 as tenants from load_minutes where minute >= $1 group by kind
), running as (
  select kind, place, sum(n) over (partition by kind order by place) as upto, sum(n) over (partition by kind) as total
    from (select m.kind, b.place, sum(b.n) as n
            from load_minutes m
           cross join unnest(m.buckets) with ordinality as b(n, place)
           where m.tenant_id = '00000000-0000-0000-0000-000000000000' and m.minute >= $1 and b.n > 0
           group by m.kind, b.place) as cells
), placed as (
  select kind, (min(place) filter (where upto >= ceil(total * 0.5)) - 1)::integer as p50,
         (min(place) filter (where upto >= ceil(total * 0.95)) - 1)::integer as p95,
         (min(place) filter (where upto >= ceil(total * 0.99)) - 1)::integer as p99
    from running group by kind
)
select c.*, w.tenants, p.p50, p.p95, p.p99
  from counted c
  join people w using (kind)
  left join placed p using (kind)
 order by c.kind

-- name: busy_tenants
-- System role: tenants that hold or did anything lately, the worst first. $2: since when; $3: this month; $4: what the
-- worst is. Buckets as above.
with queue as (
  select tenant_id,
         count(*) filter (where dead_at is null and (lease_until is null or lease_until <= $1)) as waiting,
         count(*) filter (where dead_at is null and lease_until > $1) as in_flight,
         count(*) filter (where dead_at is not null) as dead,
         extract(epoch from $1 - min(created_at) filter (where dead_at is null))::float8 as oldest_age_s
    from jobs group by tenant_id
), done as (
  select tenant_id, sum(ok + refused + failed)::bigint as done, sum(failed)::bigint as failed,
         sum(refused)::bigint as refused
    from load_minutes where minute >= $2 group by tenant_id
), running as (
  select tenant_id, place, sum(n) over (partition by tenant_id order by place) as upto,
         sum(n) over (partition by tenant_id) as total
    from (select m.tenant_id, b.place, sum(b.n) as n
            from load_minutes m
           cross join unnest(m.buckets) with ordinality as b(n, place)
           where $4 = 'turn_p95' and m.minute >= $2 and m.kind = 'turn' and b.n > 0
           group by m.tenant_id, b.place) as cells
), slow as (
  select tenant_id, min(place) filter (where upto >= ceil(total * 0.95)) as place from running group by tenant_id
), busy as (
  select t.tenant_id, t.slug, t.status, coalesce(q.waiting, 0) as waiting, coalesce(q.in_flight, 0) as in_flight,
         coalesce(q.dead, 0) as dead, coalesce(q.oldest_age_s, 0)::float8 as oldest_age_s,
         coalesce(d.done, 0) as done, coalesce(d.failed, 0) as failed, coalesce(d.refused, 0) as refused,
         s.place, coalesce(c.spent_microusd, 0) as cost_microusd
    from tenants t
    left join queue q on q.tenant_id = t.tenant_id
    left join done d on d.tenant_id = t.tenant_id
    left join slow s on s.tenant_id = t.tenant_id
    left join llm_months c on c.tenant_id = t.tenant_id and c.month = $3
   where q.tenant_id is not null or d.tenant_id is not null or c.spent_microusd > 0
), chosen as (
  select *, count(*) over () as of,
         row_number() over (
           order by case $4 when 'oldest_age' then oldest_age_s when 'waiting' then waiting
                            when 'in_flight' then in_flight when 'dead' then dead when 'done' then done
                            when 'failed' then failed when 'turn_p95' then place
                            when 'cost' then cost_microusd end desc nulls last,
                    done desc, tenant_id) as rank
    from busy
)
select c.*, p.turn_p95
  from chosen c
 cross join lateral (
   select (min(place) filter (where upto >= ceil(total * 0.95)) - 1)::integer as turn_p95
     from (select b.place, sum(sum(b.n)) over (order by b.place) as upto, sum(sum(b.n)) over () as total
             from load_minutes m
            cross join unnest(m.buckets) with ordinality as b(n, place)
            where m.tenant_id = c.tenant_id and m.kind = 'turn' and m.minute >= $2 and b.n > 0
            group by b.place) as cells) as p
 where c.rank <= $5
 order by c.rank

-- name: tenants_by_status
-- System role: how many tenants there are.
select status, count(*) as tenants from tenants group by status order by status

-- name: cost
-- System role: what the model did cost in a month, of one tenant or of all.
select coalesce(sum(spent_microusd), 0)::bigint as spent_microusd,
       coalesce(sum(reserved_microusd), 0)::bigint as reserved_microusd,
       coalesce(sum(in_flight), 0)::bigint as in_flight
  from llm_months where month = $1 and ($2::uuid is null or tenant_id = $2)

-- name: processes
-- System role: what runs, and what was seen lately and is gone.
select process_id, service, version, started_at, seen_at, numbers from processes order by service, started_at, process_id

-- name: outbox
-- System role: events that the relay has not placed yet.
select count(*) as waiting, coalesce(extract(epoch from $1 - min(occurred_at)), 0)::float8 as oldest_age_s
  from events where position is null

-- name: consumer_lag
-- System role: how many placed events each consumer of the feed has still to read. The first event that waits is
-- the oldest of its tenant.
with behind as (
  select p.consumer, h.tenant_id, p.position as upto, h.position - p.position as events
    from consumer_positions p
    join event_heads h on h.tenant_id = p.tenant_id
   where h.position > p.position
)
select b.consumer, count(*) as tenants, sum(b.events)::bigint as events,
       coalesce(extract(epoch from $1 - min(e.occurred_at)), 0)::float8 as oldest_age_s
  from behind b
  left join events e on e.tenant_id = b.tenant_id and e.position = b.upto + 1
 group by b.consumer
 order by b.consumer

-- name: webhooks
-- System role: endpoints that are not well or hold anything, the worst first; with $2 all of one tenant. Latency and
-- last status are those of the last attempts at the newest deliveries.
with queue as (
  select tenant_id, endpoint_id, count(*) as waiting, min(created_at) as oldest
    from webhook_deliveries
   where status = 'pending' and ($2::uuid is null or tenant_id = $2)
   group by tenant_id, endpoint_id
), chosen as (
  select e.tenant_id, e.endpoint_id, e.status, e.disabled_reason, e.disabled_at, e.failing_since, e.failures,
         e.last_success_at, coalesce(q.waiting, 0) as waiting,
         coalesce(extract(epoch from $1 - q.oldest), 0)::float8 as oldest_age_s, count(*) over () as of
    from webhook_endpoints e
    left join queue q on q.tenant_id = e.tenant_id and q.endpoint_id = e.endpoint_id
   where e.tenant_id = $2
      or ($2::uuid is null and (q.waiting > 0 or e.failures > 0 or e.disabled_reason in ('failing', 'gone')))
   order by e.failing_since nulls last, oldest_age_s desc, e.tenant_id, e.endpoint_id
   limit $3
)
select c.*, seen.p95_ms, seen.last_status, seen.last_result, seen.attempts
  from chosen c
 cross join lateral (
   select percentile_disc(0.95) within group (order by a.latency_ms) as p95_ms, count(*) as attempts,
          (array_agg(a.status_code order by a.started_at desc))[1] as last_status,
          (array_agg(a.result order by a.started_at desc))[1] as last_result
     from (select delivery_id from webhook_deliveries d
            where d.tenant_id = c.tenant_id and d.endpoint_id = c.endpoint_id
            order by d.delivery_id desc limit 100) as newest
     join webhook_attempts a on a.tenant_id = c.tenant_id and a.delivery_id = newest.delivery_id) as seen
 order by c.failing_since nulls last, c.oldest_age_s desc, c.tenant_id, c.endpoint_id

-- name: fleet_storage
-- System role: bytes of the product's tables with their indexes.
select n.nspname || '.' || c.relname as name, pg_total_relation_size(c.oid) as bytes
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 where n.nspname in ('app', 'report') and c.relkind = 'r'
 order by bytes desc, name
