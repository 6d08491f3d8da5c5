-- name: insert_operation
-- Queued, about nobody in particular.
insert into operations (tenant_id, operation_id, kind, status, is_scored, total, created_at, expires_at)
values ($1, $2, $3, 'queued', false, 1, $4, $5)

-- name: insert_draft
-- What the operation is to do; the text is sealed.
insert into model_drafts (tenant_id, operation_id, wanted, scenario_id, revision) values ($1, $2, $3, $4, $5)

-- name: count_open
-- Operations of authors that have not ended.
select count(*) from operations
 where tenant_id = $1 and kind in ('scenario_draft', 'scenario_trial', 'rubric_draft')
   and status in ('queued', 'running')

-- name: begin
-- A second start leaves the first moment.
update operations set status = 'running', started_at = coalesce(started_at, $3)
 where tenant_id = $1 and operation_id = $2 and status in ('queued', 'running')
returning operation_id

-- name: find_draft
-- What is asked for, and what became of it.
select d.wanted, d.asked, d.scenario_id, d.rubric_id, d.revision, d.failure_code, d.report
  from model_drafts d
 where d.tenant_id = $1 and d.operation_id = $2

-- name: take_question
-- One more question to the model; none when there were enough, or nobody waits any more.
update model_drafts d set asked = d.asked + 1
  from operations o
 where d.tenant_id = $1 and d.operation_id = $2 and d.asked < $3
   and o.tenant_id = $1 and o.operation_id = $2 and o.status = 'running'
returning d.asked

-- name: end
-- Once: whoever comes second finds it ended, or canceled.
update operations set status = $3, ended_at = $4, started_at = coalesce(started_at, $4)
 where tenant_id = $1 and operation_id = $2 and status in ('queued', 'running')
returning operation_id

-- name: note_end
-- What became of it; the author's text is gone from here on.
update model_drafts
   set wanted = null, failure_code = $3, report = $4, scenario_id = $5, rubric_id = $6, revision = $7
 where tenant_id = $1 and operation_id = $2
