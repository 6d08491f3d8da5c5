-- name: find_by_external_id
-- Who an account names.
select learner_id from learners where tenant_id = $1 and external_id_hash = $2
