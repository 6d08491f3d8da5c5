-- name: stuck
-- System role: what moves no more, the oldest first. $1: now; $2: one tenant or all; $3: how many; $4: the id that a
-- conversation of a week ago would have. A job that a worker has for the first time is at work, not stuck.
with waiting as materialized (
  select tenant_id, job_id, kind, payload ->> 'type' as type, starts, attempt, created_at, lease_until > $1 as is_taken,
         payload ->> 'scoring_id' as scoring_id, payload ->> 'simulation_id' as simulation_id,
         coalesce(payload ->> 'operation_id', payload -> 'part' ->> 'operation_id') as operation_id
    from jobs
   where dead_at is null and ($2::uuid is null or tenant_id = $2)
), found as (
  select tenant_id, job_id as id, 'job' as what, kind as detail, created_at as since, starts, attempt
    from waiting
   where created_at < $1 - case kind when 'turn' then interval '30 s' when 'flow' then interval '1 min'
                                     when 'score' then interval '15 min' else interval '30 min' end
     and (not coalesce(is_taken, false) or starts > 1)
  union all
  select s.tenant_id, s.scoring_id, 'scoring', s.status, s.created_at, null, null
    from scorings s
   where s.status in ('queued', 'running') and s.created_at < $1 - interval '15 min'
     and ($2::uuid is null or s.tenant_id = $2)
     and not exists (select from waiting w where w.tenant_id = s.tenant_id and w.job_id = s.scoring_id)
     and not exists (select from waiting w where w.tenant_id = s.tenant_id and w.scoring_id = s.scoring_id::text)
  union all
  select m.tenant_id, m.simulation_id, 'simulation',
         case when m.status = 'ended' then 'unscored' when m.mode = 'autopilot' then 'unplayed'
              when m.last_seq % 2 = 1 then 'unanswered' else 'idle' end,
         coalesce(m.ended_at, m.last_activity_at), null, null
    from simulations m
   where m.status in ('open', 'ended') and ($2::uuid is null or m.tenant_id = $2)
     and (m.status = 'open' or m.simulation_id > $4 and m.ended_at > $1 - interval '8 days')
     and case when m.status = 'ended' then m.end_reason not in ('failed', 'cancelled') and m.operation_id is null
                                           and m.ended_at < $1 - interval '15 min'
              when m.mode = 'autopilot' then m.last_activity_at < $1 - interval '30 min'
              when m.last_seq % 2 = 1 then m.last_activity_at < $1 - interval '5 min'
              else m.last_activity_at < $1 - interval '26 h' end
     and not exists (select from waiting w where w.tenant_id = m.tenant_id and w.simulation_id = m.simulation_id::text)
     and not exists (select from scorings s where s.tenant_id = m.tenant_id and s.simulation_id = m.simulation_id)
  union all
  select o.tenant_id, o.operation_id, 'operation', o.kind, coalesce(o.started_at, o.created_at), null, null
    from operations o
   where o.status in ('queued', 'running') and ($2::uuid is null or o.tenant_id = $2)
     and o.created_at < $1 - case when o.kind in ('simulation_batch', 'scoring_batch') then interval '2 h'
                                  else interval '30 min' end
     and not exists (
       select from waiting w where w.tenant_id = o.tenant_id and w.operation_id = o.operation_id::text)
)
select f.*, t.status as tenant_status, count(*) over () as of
  from found f
  left join tenants t on t.tenant_id = f.tenant_id
 order by f.since, f.tenant_id, f.id
 limit $3

-- name: tenant_job
-- A job that a retry is about.
select payload, dead_at from jobs where tenant_id = $1 and job_id = $2 for update

-- name: make_due
-- Unless a worker has it just now, the relay publishes it at its next look.
update jobs set next_publish_at = $3
 where tenant_id = $1 and job_id = $2 and dead_at is null and (lease_until is null or lease_until <= $3)
returning job_id

-- name: jobs_about
-- Living jobs that are about a thing.
select job_id from jobs
 where tenant_id = $1 and dead_at is null
   and (job_id = $2 or payload ->> 'scoring_id' = $2::uuid::text or payload ->> 'simulation_id' = $2::uuid::text
        or payload ->> 'operation_id' = $2::uuid::text or payload -> 'part' ->> 'operation_id' = $2::uuid::text)
 limit 1000

-- name: lock_scoring
-- Two retries, one after the other.
select status, workflow_id, operation_id from scorings where tenant_id = $1 and scoring_id = $2 for update

-- name: lock_simulation
-- Likewise.
select status, mode, last_seq, end_reason, operation_id,
       exists (select from scorings s where s.tenant_id = $1 and s.simulation_id = $2) as has_scoring
  from simulations where tenant_id = $1 and simulation_id = $2 for update

-- name: lock_operation
-- Likewise.
select status, kind from operations where tenant_id = $1 and operation_id = $2 for update

-- name: open_parts
-- Parts of a batch that no workflow has ended.
select part from operation_parts where tenant_id = $1 and operation_id = $2 and ended_at is null order by part

-- name: dead_letters
-- System role: jobs that failed for good; ids, kinds, codes and times. $2: one tenant, $3: one type, $4: one code.
select tenant_id, job_id, kind, payload ->> 'type' as type, starts, failure_code, created_at, dead_at
  from jobs
 where dead_at is not null and ($1::uuid is null or job_id > $1) and ($2::uuid is null or tenant_id = $2)
   and ($3::text[] is null or payload ->> 'type' = any ($3)) and ($4::text is null or failure_code = $4)
 order by job_id
 limit $5

-- name: dead_letter
-- One of them, with what it was about.
select tenant_id, job_id, kind, payload, payload ->> 'type' as type, starts, failure_code, created_at, dead_at
  from jobs where tenant_id = $1 and job_id = $2 and dead_at is not null

-- name: lock_dead
-- Two replays of one job: the second finds it alive.
select payload, dead_at from jobs where tenant_id = $1 and job_id = $2 for update

-- name: revive
-- Due at once, as new: it may fail five times again.
update jobs set dead_at = null, failure_code = null, starts = 0, lease_until = null, next_publish_at = $3,
                created_at = $3, payload = $4
 where tenant_id = $1 and job_id = $2 and dead_at is not null
returning job_id

-- name: drop_job
-- There is nothing left to do for it.
delete from jobs where tenant_id = $1 and job_id = $2 and dead_at is not null

-- name: unfail_scoring
-- A failed scoring is at work again; what was told of its failure stays told.
update scorings set status = $3, failure_code = null, finished_at = null
 where tenant_id = $1 and scoring_id = $2 and status = 'failed'
returning scoring_id

-- name: unfail_led
-- The same for all that one workflow was given.
update scorings set status = 'running', failure_code = null, finished_at = null
 where tenant_id = $1 and workflow_id = $2 and status = 'failed'
returning scoring_id
