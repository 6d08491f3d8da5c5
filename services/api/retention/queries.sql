-- name: hold_retention
-- One change at a time: the tenant's own row.
select pg_advisory_xact_lock(hashtextextended('retention ' || $1::uuid::text, 0))
-- name: retention_changed_at
-- Since when it is as it is.
select updated_at from retention where tenant_id = $1
-- name: put_retention
-- What is set from now on.
insert into retention (tenant_id, revision, simulation_transcripts, conversation_transcripts, score_details,
                       webhook_payloads, usage_details, audit_log, updated_at)
values ($1, 1, $2, $3, $4, $5, $6, $7, $8)
on conflict (tenant_id) do update
   set revision = retention.revision + 1, simulation_transcripts = $2, conversation_transcripts = $3,
       score_details = $4, webhook_payloads = $5, usage_details = $6, audit_log = $7, updated_at = $8
-- name: make_due
-- What is too old by the new times goes with the next pass.
insert into retention_passes (tenant_id, due_at) values ($1, $2)
on conflict (tenant_id) do update set due_at = least(retention_passes.due_at, excluded.due_at)
