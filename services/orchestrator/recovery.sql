-- name: tenants
-- System role. Whose work is looked through.
select tenant_id from tenants order by tenant_id

-- name: lives
-- Simulations after $2 that somebody has to accompany to their end or their score, in order.
select s.simulation_id, s.status
  from simulations s
 where s.tenant_id = $1 and s.simulation_id > $2 and s.operation_id is null
   and (s.status = 'open' or (s.status = 'ended' and s.end_reason not in ('failed', 'cancelled')))
   and not exists (
     select from scorings g
      where g.tenant_id = $1 and g.simulation_id = s.simulation_id and g.status in ('completed', 'failed'))
 order by s.simulation_id limit $3

-- name: unfinished_scorings
-- Scorings of calls after $2 that have no end yet, with their workflow if they have one. Those that came in one
-- request have jobs and need no workflow.
select scoring_id, workflow_id
  from scorings
 where tenant_id = $1 and scoring_id > $2 and status in ('queued', 'running') and operation_id is null
   and simulation_id is null
 order by scoring_id limit $3

-- name: unfinished_parts
-- Parts of batches of simulations that have not ended.
select p.operation_id, p.part
  from operation_parts p
  join operations o on o.tenant_id = $1 and o.operation_id = p.operation_id
 where p.tenant_id = $1 and p.ended_at is null and o.status in ('queued', 'running') and o.kind = 'simulation_batch'

-- name: insert_flow_jobs
-- What the orchestrator shall do; the relay publishes it at once.
insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
select $1, job_id, 'flow', payload, $4, $4
  from unnest($2::uuid[], $3::jsonb[]) as j(job_id, payload)
