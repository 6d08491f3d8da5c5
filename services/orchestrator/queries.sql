-- name: lock_starts
-- One start at a time per tenant: else two take each other's leads, and nobody starts what they took.
select pg_advisory_xact_lock(1936024434, hashtext($1::uuid::text))

-- name: unstarted_scorings
-- Takes up to $3 scorings of the tenant for one workflow, the asking one first; none at all when another
-- workflow has the asking one already: its own would never be started, and the others would be lost in it.
with leader as materialized (
  select scoring_id from scorings
   where tenant_id = $1 and scoring_id = $2
     and workflow_id is null and status = 'queued' and simulation_id is null
     for update  -- waits for whoever is taking it right now
), others as (
  select scoring_id from scorings
   where tenant_id = $1 and scoring_id <> $2 and exists (select from leader)
     and workflow_id is null and status = 'queued' and simulation_id is null
   order by scoring_id
   limit $3 - 1
     for update skip locked
)
update scorings set workflow_id = $4, status = 'running'
 where tenant_id = $1
   and scoring_id in (select scoring_id from leader union all select scoring_id from others)
returning scoring_id

-- name: scoring_workflow
-- Which workflow a scoring belongs to, if any yet.
select workflow_id from scorings where tenant_id = $1 and scoring_id = $2

-- name: scorings_of_workflow
-- Everything one workflow was given.
select scoring_id from scorings where tenant_id = $1 and workflow_id = $2 order by scoring_id

-- name: scoring_status
-- Whether a scoring still needs its judge.
select status from scorings where tenant_id = $1 and scoring_id = $2

-- name: fail_scoring
-- The visible end of a scoring that could not be judged; a finished one stays as it is.
update scorings set status = 'failed', failure_code = $3, finished_at = $4
 where tenant_id = $1 and scoring_id = $2 and status in ('queued', 'running')
returning simulation_id

-- name: simulation
-- What the workflow needs to know of a simulation; locked, because the caller may end it.
select s.status, s.end_reason, s.mode, s.last_activity_at, s.last_seq, s.created_at, s.ended_at, s.learner_id,
       (v.spec ->> 'idle_timeout_s')::int as idle_timeout_s, v.spec ->> 'rubric' as rubric
  from simulations s
  join scenario_versions v
    on v.tenant_id = s.tenant_id and v.scenario_id = s.scenario_id and v.version = s.scenario_version
 where s.tenant_id = $1 and s.simulation_id = $2
   for update of s

-- name: end_simulation
-- Ends an open simulation.
update simulations set status = 'ended', end_reason = $3, ended_at = $4
 where tenant_id = $1 and simulation_id = $2 and status = 'open'
returning last_seq

-- name: create_simulation_scoring
-- One scoring per simulation; its id is the simulation's, so a repeat finds it.
insert into scorings (tenant_id, scoring_id, learner_id, simulation_id, rubric_id, rubric_version,
                      source, status, workflow_id, occurred_at, created_at, environment)
select $1, $3, $4, $2, r.rubric_id, max(v.version), 'simulation', 'running', $6, $7, $8,
       (select s.environment from simulations s where s.tenant_id = $1 and s.simulation_id = $2)
  from rubrics r
  join rubric_versions v on v.tenant_id = r.tenant_id and v.rubric_id = r.rubric_id
 where r.tenant_id = $1 and r.slug = $5
 group by r.rubric_id
on conflict (tenant_id, simulation_id) do nothing

-- name: scoring_of_simulation
-- The scoring made for a simulation.
select scoring_id from scorings where tenant_id = $1 and simulation_id = $2

-- name: place_events
-- Gives committed events their position within the tenant. An event never gets one before an earlier
-- event of its resource: those are pulled in even when the limit left them out.
with picked as (
  select tenant_id, resource_id, max(sequence) as upto
    from (select tenant_id, resource_id, sequence from events
           where position is null order by event_id limit $1) as first
   group by tenant_id, resource_id
), waiting as (
  select e.tenant_id, e.resource_id, e.sequence,
         min(e.event_id::text) over (partition by e.tenant_id, e.resource_id) as resource_order
    from events e join picked p
      on e.tenant_id = p.tenant_id and e.resource_id = p.resource_id and e.sequence <= p.upto
   where e.position is null
), heads as (
  insert into event_heads (tenant_id, position)
  select tenant_id, count(*) from waiting group by tenant_id
  on conflict (tenant_id) do update set position = event_heads.position + excluded.position
  returning tenant_id, position
), places as (
  select w.tenant_id, w.resource_id, w.sequence,
         h.position - count(*) over (partition by w.tenant_id)
         + row_number() over (partition by w.tenant_id order by w.resource_order, w.sequence) as place
    from waiting w join heads h on h.tenant_id = w.tenant_id
)
update events e set position = p.place
  from places p
 where e.tenant_id = p.tenant_id and e.resource_id = p.resource_id and e.sequence = p.sequence
returning e.tenant_id, e.event_id, e.type, e.resource_id, e.sequence, e.position, e.trace

-- name: republish_jobs
-- Due jobs that a worker may still take, with the next attempt number and a growing wait. Those that rest with their
-- paused tenant stay where they are: told of again and again they would fill the stream.
with due as materialized (
  select tenant_id, job_id from jobs
   where dead_at is null and next_publish_at <= now()
     and (lease_until is null or lease_until <= now()) and starts < $3
     and (kind not in ('score', 'batch') or tenant_id not in (select tenant_id from tenants where status = 'paused'))
   order by next_publish_at limit $1
   for update skip locked
)
update jobs j
   set attempt = j.attempt + 1,
       next_publish_at = now() + make_interval(secs => least($2 * power(2, j.attempt), 60))
  from due
 where j.tenant_id = due.tenant_id and j.job_id = due.job_id
returning j.tenant_id, j.job_id, j.kind, j.attempt, j.payload ->> 'trace' as trace

-- name: dying_jobs
-- Jobs that five workers took and none finished.
select tenant_id, job_id, kind from jobs
 where dead_at is null and next_publish_at <= now()
   and (lease_until is null or lease_until <= now()) and starts >= $2
 order by next_publish_at limit $1

-- name: bury_job
-- After its end was made visible; the row stays as the dead letter.
update jobs set dead_at = $3, failure_code = $4
 where tenant_id = $1 and job_id = $2 and dead_at is null
returning job_id

-- name: give_back_job
-- Temporal was away, which is no fault of the job: this start does not count.
update jobs set starts = starts - 1, lease_until = null,
                next_publish_at = now() + make_interval(secs => $3)
 where tenant_id = $1 and job_id = $2

-- name: job_payload
-- What a dead job was about, read inside its tenant.
select payload from jobs where tenant_id = $1 and job_id = $2

-- name: job_death
-- Whether a job failed before anybody waited for it.
select failure_code from jobs where tenant_id = $1 and job_id = $2 and dead_at is not null

-- name: forget_claims
-- Idempotency keys are kept for 24 hours.
delete from idempotency_claims where created_at < $1

-- name: start_operation
-- The first part to start marks it; a canceled one stays canceled, and its parts end at once.
update operations
   set status = case when status = 'queued' then 'running' else status end,
       started_at = case when status = 'queued' then $3 else started_at end
 where tenant_id = $1 and operation_id = $2
returning is_scored

-- name: unplayed
-- What is left to play of a part; none of it ends before the caller is done: a job that is written for one whose job
-- was finished meanwhile would be counted twice.
select simulation_id from simulations
 where tenant_id = $1 and operation_id = $2 and part = $3 and status = 'open'
 order by simulation_id
   for no key update

-- name: insert_batch_jobs
-- One job per conversation; a repeat changes nothing.
insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
select $1, job_id, 'batch', payload, $4, $5
  from unnest($2::uuid[], $3::jsonb[]) as j(job_id, payload)
on conflict (tenant_id, job_id) do nothing

-- name: waiting_jobs
-- Jobs that nobody has finished or buried.
select j.job_id
  from simulations s
  join jobs j on j.tenant_id = $1 and j.job_id = s.simulation_id
 where s.tenant_id = $1 and s.operation_id = $2 and s.part = $3
   and j.kind = 'batch' and j.dead_at is null
 order by j.job_id

-- name: create_batch_scorings
-- One scoring per played conversation, its id the simulation's, so a repeat finds it. Nobody practiced: trends
-- leave these out.
insert into scorings (tenant_id, scoring_id, learner_id, simulation_id, rubric_id, rubric_version,
                      source, status, workflow_id, occurred_at, created_at, excluded, environment)
select $1, s.simulation_id, s.learner_id, s.simulation_id, r.rubric_id, newest.version, 'simulation',
       'running', $4, s.created_at, $5, 'batch', s.environment
  from simulations s
  join scenario_versions v
    on v.tenant_id = $1 and v.scenario_id = s.scenario_id and v.version = s.scenario_version
  join rubrics r on r.tenant_id = $1 and r.slug = v.spec ->> 'rubric'
 cross join lateral (
   select max(version) as version from rubric_versions
    where tenant_id = $1 and rubric_id = r.rubric_id) as newest
 where s.tenant_id = $1 and s.operation_id = $2 and s.part = $3
   and s.status = 'ended' and s.end_reason not in ('failed', 'cancelled')
   and newest.version is not null
on conflict (tenant_id, simulation_id) do nothing

-- name: scorings_of_part
-- Everything that is to be scored in a part.
select g.scoring_id
  from simulations s
  join scorings g on g.tenant_id = $1 and g.simulation_id = s.simulation_id
 where s.tenant_id = $1 and s.operation_id = $2 and s.part = $3
 order by g.scoring_id

-- name: lock_operation
-- Parts end one after the other, so that exactly one of them is the last.
select 1 from operations where tenant_id = $1 and operation_id = $2 for update

-- name: end_part
-- Once.
update operation_parts set ended_at = $4
 where tenant_id = $1 and operation_id = $2 and part = $3 and ended_at is null

-- name: end_operation
-- The last part ends a running operation; it failed when nothing at all could be played.
update operations o
   set ended_at = $3,
       status = case when exists (
         select from simulations s
          where s.tenant_id = $1 and s.operation_id = $2 and s.end_reason <> 'failed')
         then 'succeeded' else 'failed' end
 where tenant_id = $1 and operation_id = $2 and status = 'running'
   and not exists (
     select from operation_parts p
      where p.tenant_id = $1 and p.operation_id = $2 and p.ended_at is null)
returning status

-- name: lock_scoring
-- Entries of the timeline get their numbers one after the other.
select assessment_id from scorings where tenant_id = $1 and scoring_id = $2 for update

-- name: rescore_failed
-- The second judgment that was asked for will not come.
insert into review_entries (tenant_id, scoring_id, sequence, kind, assessment_id, codes, at)
select $1, $2, coalesce(max(sequence), 0) + 1, 'rescore_failed', $3, array[$4::text], $5
  from review_entries where tenant_id = $1 and scoring_id = $2

-- name: fleet_jobs
-- System role, for operators' numbers: every lane, ids and times only. There are rows only where there is work.
-- Dead ones count for a week: those that nobody can repeat stay, and must not keep an alert up for ever.
select kind,
       count(*) filter (where dead_at is null and (lease_until is null or lease_until <= now())) as waiting,
       count(*) filter (where dead_at is null and lease_until > now()) as in_flight,
       count(*) filter (where dead_at > now() - interval '7 days') as dead,
       coalesce(extract(epoch from now() - min(created_at) filter (
         where dead_at is null and (lease_until is null or lease_until <= now()))), 0)::float8 as oldest_s,
       count(*) filter (where dead_at is null and next_publish_at <= now()
                          and (lease_until is null or lease_until <= now())) as due,
       coalesce(extract(epoch from now() - min(next_publish_at) filter (
         where dead_at is null and (lease_until is null or lease_until <= now()))), 0)::float8 as due_s
  from jobs
 group by kind

-- name: fleet_shares
-- System role: who holds most of the work in hand, as a share of each lane.
with held as (
  select kind, tenant_id, count(*) as jobs
    from jobs where dead_at is null and lease_until > now() group by kind, tenant_id
)
select kind, (max(jobs) / sum(jobs))::float8 as share from held group by kind

-- name: fleet_tenants
-- System role: how many tenants have work that waits or is in hand.
select count(distinct tenant_id) from jobs where dead_at is null

-- name: fleet_events
-- System role: events without a position; the index holds only those.
select count(*) as waiting,
       coalesce(extract(epoch from now() - min(occurred_at)), 0)::float8 as oldest_s
  from (select occurred_at from events where position is null order by event_id limit 10000) as first

-- name: fleet_erasures
-- System role: since when the oldest erasure waits to be done.
select coalesce(extract(epoch from now() - min(created_at)), 0)::float8
  from privacy_tasks where is_open and kind = 'learner_erasure'

-- name: fleet_silent
-- System role: processes that said nothing for $1, but did within the last quarter of an hour; older ones are gone.
select service,
       count(*) filter (where seen_at < now() - $1::interval and seen_at > now() - interval '15 minutes') as silent
  from processes group by service

-- name: fleet_keys
-- System role: keys in use that expire soon.
select count(*) as keys, coalesce(extract(epoch from min(expires_at) - now()), 0)::float8 as next_s
  from api_keys
 where revoked_at is null and expires_at > now() and expires_at < now() + $1::interval
