-- name: find
-- A tenant's state and plan, and what differs from the plan; no row without the tenant.
select t.status, t.plan,
       (select jsonb_object_agg(l.name, l.value) from tenant_limits l where l.tenant_id = $1) as overrides
  from tenants t where t.tenant_id = $1

-- name: lock_tenant
-- System role. Before a change; slug and time zone play no part in it.
select plan, status from tenants where tenant_id = $1 for no key update

-- name: overrides
-- What differs from the plan, without the reasons.
select name, value, changed_by, changed_at from tenant_limits where tenant_id = $1 order by name

-- name: overrides_with_reasons
-- In the tenant's own transaction only.
select name, value, reason, changed_by, changed_at from tenant_limits where tenant_id = $1 order by name

-- name: set_plan
-- System role.
update tenants set plan = $2 where tenant_id = $1

-- name: set_status
-- System role.
update tenants set status = $2 where tenant_id = $1

-- name: update_override
-- System role, which may not read reasons: so no upsert. The tenant's row is locked.
update tenant_limits set value = $3, reason = $4, changed_by = $5, changed_at = $6 where tenant_id = $1 and name = $2

-- name: insert_override
-- System role.
insert into tenant_limits (tenant_id, name, value, reason, changed_by, changed_at) values ($1, $2, $3, $4, $5, $6)

-- name: clear_override
-- System role.
delete from tenant_limits where tenant_id = $1 and name = $2

-- name: admit
-- See the function's migration.
select refused, lane, held, done_per_s from app.admit_v1($1, $2, $3, $4, $5, $6)

-- name: drain
-- Jobs of a lane that end per second; null when none did lately.
select app.drain_v1($1, $2)

-- name: take_requests
-- Requests of a tenant over all processes.
select * from app.take_requests_v1($1, $2, $3, $4, $5)

-- name: add_drains
-- System role. Adds what ended to the minute that runs; a minute that is over becomes the one before. $4: now.
insert into lane_drains as d (tenant_id, kind, since, done, before_since, before_done)
select tenant_id, kind, $4, done, $4, 0 from unnest($1::uuid[], $2::text[], $3::integer[]) as t(tenant_id, kind, done)
on conflict (tenant_id, kind) do update
   set before_since = case when $4 - d.since < interval '1 minute' then d.before_since
                           when $4 - d.since < interval '2 minutes' then d.since else $4 end,
       before_done = case when $4 - d.since < interval '1 minute' then d.before_done
                          when $4 - d.since < interval '2 minutes' then d.done else 0 end,
       since = case when $4 - d.since < interval '1 minute' then d.since else $4 end,
       done = case when $4 - d.since < interval '1 minute' then d.done else 0 end + excluded.done

-- name: used_now
-- What counts against a tenant's limits. $2: today in UTC.
select (select count(*) from simulations
         where tenant_id = $1 and status = 'open' and mode <> 'autopilot') as simulations,
       (select count(*) from simulations
         where tenant_id = $1 and status = 'open' and mode = 'autopilot') as autopilot,
       (select count(*) from scorings where tenant_id = $1 and status in ('queued', 'running')) as scorings,
       (select coalesce(max(waiting), 0)
          from (select count(*) as waiting from jobs
                 where tenant_id = $1 and dead_at is null group by kind) as lanes) as waiting_jobs,
       (select coalesce(sum(in_flight), 0)::bigint from llm_months
         where tenant_id = $1 and in_flight > 0) as model_calls,
       coalesce((select spent_tokens + reserved_tokens from llm_days
                  where tenant_id = $1 and day = $2), 0) as tokens_today,
       coalesce((select spent_microusd + reserved_microusd from llm_days
                  where tenant_id = $1 and day = $2), 0) as microusd_today
