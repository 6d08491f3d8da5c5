-- name: get_task
-- How far an erasure or an export is.
select t.operation_id, t.kind, t.learner_id, o.status, t.counts, t.receipt, t.signature, t.size_bytes, t.created_at,
       t.ended_at, t.expires_at,
       (select coalesce(sum(c.value::bigint), 0)::bigint from jsonb_each_text(t.counts) as c) as rows_done,
       exists (select from privacy_files f where f.tenant_id = $1 and f.operation_id = $2 and f.part = 0) as has_file
  from privacy_tasks t
  join operations o on o.tenant_id = $1 and o.operation_id = t.operation_id
 where t.tenant_id = $1 and t.operation_id = $2 and t.kind = $3

-- name: file_key
-- What the parts of a file are sealed with; none once the person was erased.
select wrapped from learner_keys where tenant_id = $1 and learner_id = $2

-- name: file_part
-- One part of a file.
select content from privacy_files where tenant_id = $1 and operation_id = $2 and part = $3

-- name: join_claim
-- What was asked for is going on already: a repeat of the request finds that.
update idempotency_claims set resource_id = $3 where tenant_id = $1 and claim_hash = $2
