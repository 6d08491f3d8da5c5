-- name: insert_operation
-- Long work, queued.
insert into operations (tenant_id, operation_id, kind, status, learner_id, is_scored, total, created_at,
                        expires_at)
values ($1, $2, $3, 'queued', $4, $5, $6, $7, $8)

-- name: get_operation
-- One operation with how far it is.
select o.operation_id, o.kind, o.status, o.learner_id, o.is_scored, o.total, o.created_at, o.started_at, o.ended_at,
       o.expires_at, o.metadata, progress.played, progress.scored, progress.failed
  from operations o
 cross join lateral (
   select count(*) filter (where s.status <> 'open') as played,
          count(*) filter (where s.status = 'scored') as scored,
          count(*) filter (where s.end_reason = 'failed') as failed
     from simulations s
    where s.tenant_id = $1 and s.operation_id = o.operation_id and o.kind = 'simulation_batch'
   having o.kind = 'simulation_batch'
    union all
   select count(*) filter (where g.status in ('completed', 'failed')),
          count(*) filter (where g.status = 'completed'),
          count(*) filter (where g.status = 'failed')
     from scorings g
    where g.tenant_id = $1 and g.operation_id = o.operation_id and o.kind = 'scoring_batch'
      and g.workflow_id like 'op\_%'  -- those that were held come later, if at all
   having o.kind = 'scoring_batch'
    union all
   select (o.ended_at is not null)::int, 0, (o.status = 'failed')::int
    where o.kind in ('scenario_draft', 'scenario_trial', 'rubric_draft', 'learner_erasure', 'learner_export',
                     'tenant_export')
    union all
   select coalesce(max(e.rows_done), 0), 0, 0
     from report.exports e
    where e.tenant_id = $1 and e.operation_id = o.operation_id and o.kind = 'report_export'
   having o.kind = 'report_export') as progress
 where o.tenant_id = $1 and o.operation_id = $5
   and (($2::uuid is null and $3::uuid[] is null)
        or (o.kind = 'simulation_batch' and ($2::uuid is null or o.learner_id = $2)
            and ($3::uuid[] is null or exists (
                  select from memberships m
                   where m.tenant_id = $1 and m.learner_id = o.learner_id and m.team_id = any ($3)
                     and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4))))
        -- about many learners: who may see all of them may see it
        or (o.kind = 'scoring_batch'
            and exists (select from scorings g where g.tenant_id = $1 and g.operation_id = o.operation_id)
            and not exists (
                  select from scorings g
                   where g.tenant_id = $1 and g.operation_id = o.operation_id
                     and (g.learner_id <> $2
                          or ($3::uuid[] is not null and not exists (
                                select from memberships m
                                 where m.tenant_id = $1 and m.learner_id = g.learner_id and m.team_id = any ($3)
                                   and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))))))

-- name: list_operations
-- One page in order of creation.
select o.operation_id, o.kind, o.status, o.learner_id, o.is_scored, o.total, o.created_at, o.started_at, o.ended_at,
       o.expires_at, o.metadata, progress.played, progress.scored, progress.failed
  from operations o
 cross join lateral (
   select count(*) filter (where s.status <> 'open') as played,
          count(*) filter (where s.status = 'scored') as scored,
          count(*) filter (where s.end_reason = 'failed') as failed
     from simulations s
    where s.tenant_id = $1 and s.operation_id = o.operation_id and o.kind = 'simulation_batch'
   having o.kind = 'simulation_batch'
    union all
   select count(*) filter (where g.status in ('completed', 'failed')),
          count(*) filter (where g.status = 'completed'),
          count(*) filter (where g.status = 'failed')
     from scorings g
    where g.tenant_id = $1 and g.operation_id = o.operation_id and o.kind = 'scoring_batch'
      and g.workflow_id like 'op\_%'  -- those that were held come later, if at all
   having o.kind = 'scoring_batch'
    union all
   select (o.ended_at is not null)::int, 0, (o.status = 'failed')::int
    where o.kind in ('scenario_draft', 'scenario_trial', 'rubric_draft', 'learner_erasure', 'learner_export',
                     'tenant_export')
    union all
   select coalesce(max(e.rows_done), 0), 0, 0
     from report.exports e
    where e.tenant_id = $1 and e.operation_id = o.operation_id and o.kind = 'report_export'
   having o.kind = 'report_export') as progress
 where o.tenant_id = $1
   and (($2::uuid is null and $3::uuid[] is null)
        or (o.kind = 'simulation_batch' and ($2::uuid is null or o.learner_id = $2)
            and ($3::uuid[] is null or exists (
                  select from memberships m
                   where m.tenant_id = $1 and m.learner_id = o.learner_id and m.team_id = any ($3)
                     and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4))))
        -- about many learners: who may see all of them may see it
        or (o.kind = 'scoring_batch'
            and exists (select from scorings g where g.tenant_id = $1 and g.operation_id = o.operation_id)
            and not exists (
                  select from scorings g
                   where g.tenant_id = $1 and g.operation_id = o.operation_id
                     and (g.learner_id <> $2
                          or ($3::uuid[] is not null and not exists (
                                select from memberships m
                                 where m.tenant_id = $1 and m.learner_id = g.learner_id and m.team_id = any ($3)
                                   and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))))))
   and ($5::uuid is null or o.operation_id > $5)
   and ($6::text is null or o.status = $6)
 order by o.operation_id
 limit $7

-- name: cancel_operation
-- An ended one stays as it is, and so does work on somebody's data: half an erasure helps nobody.
update operations set status = 'canceled', ended_at = $3
 where tenant_id = $1 and operation_id = $2 and status in ('queued', 'running')
   and kind not in ('learner_erasure', 'learner_export', 'tenant_export')
returning operation_id

-- name: cancel_simulations
-- A worker that plays one of them finds it closed at its next checkpoint.
update simulations
   set status = 'ended', end_reason = 'cancelled', ended_at = $3, last_activity_at = $3
 where tenant_id = $1 and operation_id = $2 and status = 'open'

-- name: forget_draft
-- Nobody waits for a draft any more: the author's text and the job go.
with forgotten as (
  update model_drafts set wanted = null where tenant_id = $1 and operation_id = $2
  returning operation_id
)
delete from jobs where tenant_id = $1 and job_id in (select operation_id from forgotten)

-- name: cancel_scorings
-- What is not scored yet of a request with many conversations. A worker that has one of them finds it failed.
with stopped as (
  update scorings set status = 'failed', failure_code = $5, finished_at = $3
   where tenant_id = $1 and operation_id = $2 and workflow_id = $4 and status in ('queued', 'running')
  returning scoring_id
)
delete from jobs where tenant_id = $1 and job_id in (select scoring_id from stopped)
