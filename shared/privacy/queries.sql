-- name: due_tasks
-- Work of these kinds, of all tenants, that nobody has in hand, oldest first.
select tenant_id, operation_id from privacy_tasks
 where is_open and not_before <= $1 and (lease_until is null or lease_until < $1) and kind = any ($2::text[])
 order by operation_id
 limit 20

-- name: old_files
-- Files of all tenants whose time is over.
select tenant_id, operation_id from privacy_tasks where expires_at < $1 order by operation_id limit 20

-- name: ledger
-- Everybody who was or will be erased, and every tenant that has left: what a restored backup must be told again.
select tenant_id, kind, learner_id, operation_id, created_at from privacy_tasks
 where kind = 'learner_erasure' or (kind = 'offboarding' and stage <> '' and stage <> 'called off')
 order by operation_id

-- name: insert_operation
-- What whoever asked can follow.
insert into operations (tenant_id, operation_id, kind, status, learner_id, is_scored, total, created_at, expires_at)
values ($1, $2, $3, 'queued', $4, false, 1, $5, $6)

-- name: erased_at
-- Whether there is such a person, erased or not; nobody erases them meanwhile.
select erased_at from learners where tenant_id = $1 and learner_id = $2 for share

-- name: insert_task
-- Long work, to begin at once or later. No row: that is asked for already.
insert into privacy_tasks (tenant_id, operation_id, kind, learner_id, not_before, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
returning operation_id

-- name: open_task
-- Of a kind of which a tenant has one at a time.
select operation_id, not_before from privacy_tasks where tenant_id = $1 and kind = $2 and is_open

-- name: erasure_of
-- Whether a person was erased, or will be.
select operation_id from privacy_tasks where tenant_id = $1 and learner_id = $2 and kind = 'learner_erasure'

-- name: claim_task
-- Take what nobody has in hand; who holds the row has it, however old the lease looks from outside.
update privacy_tasks set lease_until = $4, starts = starts + 1
 where tenant_id = $1 and operation_id in (
   select operation_id from privacy_tasks
    where tenant_id = $1 and operation_id = $2 and is_open and not_before <= $3
      and (lease_until is null or lease_until < $3)
      for update skip locked)
returning kind, learner_id, stage, starts, created_at

-- name: begin_operation
-- It runs from now on.
update operations set status = 'running', started_at = coalesce(started_at, $3)
 where tenant_id = $1 and operation_id = $2 and status = 'queued'

-- name: keep_task
-- How far it is, with the rows of one store. No row: somebody else has it now.
update privacy_tasks
   set lease_until = $4, stage = $5,
       counts = case when $7::bigint = 0 then counts
                else jsonb_set(counts, array[$6::text], to_jsonb(coalesce((counts ->> $6)::bigint, 0) + $7::bigint)) end
 where tenant_id = $1 and operation_id = $2 and is_open and starts = $3
returning operation_id

-- name: counts
-- Rows by store so far.
select counts from privacy_tasks where tenant_id = $1 and operation_id = $2

-- name: end_task
-- The last word. No row: somebody else has it now.
update privacy_tasks
   set is_open = false, lease_until = null, ended_at = $4, receipt = $5, signature = $6, size_bytes = $7,
       stage = 'ended'
 where tenant_id = $1 and operation_id = $2 and is_open and starts = $3
returning operation_id

-- name: end_operation
-- Likewise, for whoever asked.
update operations set status = $3, ended_at = $4
 where tenant_id = $1 and operation_id = $2 and status in ('queued', 'running')
returning operation_id

-- name: forget_file
-- What was taken out is gone after its time; that it was taken out stays known.
with gone as (
  delete from privacy_files where tenant_id = $1 and operation_id = $2
)
update privacy_tasks set expires_at = null where tenant_id = $1 and operation_id = $2

-- name: put_part
-- One part of a file.
insert into privacy_files (tenant_id, operation_id, part, content) values ($1, $2, $3, $4)

-- name: count_parts
-- How many there are.
select count(*) from privacy_files where tenant_id = $1 and operation_id = $2

-- name: drop_parts
-- What an earlier attempt wrote.
delete from privacy_files where tenant_id = $1 and operation_id = $2

-- name: begin_anew
-- Nothing of an earlier attempt counts.
update privacy_tasks set counts = '{}' where tenant_id = $1 and operation_id = $2

-- name: erased_people
-- How many people were erased: whoever reads everything looks whether somebody was meanwhile.
select count(*) from learners where tenant_id = $1 and erased_at is not null

-- name: is_erasing
-- Whether anybody's key is gone whose rows are not yet: some of them open with the tenant's key.
select exists (select from privacy_tasks
                where tenant_id = $1 and kind = 'learner_erasure' and is_open and stage <> '')

-- name: learner_keys
-- Of some people; none of who was erased.
select learner_id, wrapped from learner_keys where tenant_id = $1 and learner_id = any ($2::uuid[])

-- name: lock_learner
-- Nobody changes them meanwhile.
select person_id, erased_at from learners where tenant_id = $1 and learner_id = $2 for update

-- name: drop_learner_key
-- From this commit on nothing opens that was sealed with it.
delete from learner_keys where tenant_id = $1 and learner_id = $2

-- name: empty_learner
-- The row stays for what was counted; who it was is gone, and the external id is free.
update learners
   set name = null, metadata = null, external_id = ''::bytea, external_id_hash = sha256(uuid_send(gen_random_uuid())),
       erased_at = coalesce(erased_at, $3)
 where tenant_id = $1 and learner_id = $2

-- name: revoke_keys
-- Of keys that are bound to the person.
update api_keys set revoked_at = coalesce(revoked_at, $3), name = null
 where tenant_id = $1 and learner_id = $2 and (revoked_at is null or name is not null)

-- name: end_simulations
-- Conversations that were going on: nobody can go on with them.
update simulations
   set status = 'ended', end_reason = 'cancelled', ended_at = $3, last_activity_at = $3
 where tenant_id = $1 and learner_id = $2 and status = 'open'
returning simulation_id

-- name: tenant_keys
-- Every key of a tenant, the one that seals last.
select key_id, wrapped, active_from is null or active_from <= $2 as is_active, active_from
  from tenant_keys
 where tenant_id = $1
 order by active_from nulls first, key_id

-- name: lock_tenant_keys
-- One change of keys at a time.
select from tenant_keys where tenant_id = $1 for update

-- name: insert_tenant_key
-- A key that will seal from a moment on.
insert into tenant_keys (tenant_id, key_id, wrapped, created_at, active_from) values ($1, $2, $3, $4, $5)
on conflict (tenant_id, key_id) do nothing

-- name: drop_old_keys
-- Nothing is sealed with them any more.
delete from tenant_keys where tenant_id = $1 and key_id <> 0 and key_id < $2

-- name: set_wrapped
-- The same key under another master key.
update tenant_keys set wrapped = $4 where tenant_id = $1 and key_id = $2 and wrapped = $3

-- name: all_tenants
-- Ids of all tenants.
select tenant_id from tenants order by tenant_id

-- name: put_hash_key
-- What it was before the master key first changed; later only its wrapping changes.
insert into installation_keys (name, wrapped, created_at) values ('hashes', $1, $2)
on conflict (name) do update set wrapped = excluded.wrapped

-- name: suspend
-- Nobody calls in any more; the name is free for somebody else once the tenant has left.
update tenants set status = 'suspended' where tenant_id = $1 and status <> 'suspended'

-- name: status_of
-- Whether a tenant whose time has come is still closed; held, so that nobody opens it now.
select status from tenants where tenant_id = $1 for update

-- name: close
-- What stays of a tenant: an id, and when it began. Its name is free before its keys go: whoever makes a tenant of
-- that name meanwhile must not get this one.
update tenants set slug = $2, status = 'suspended' where tenant_id = $1

-- name: call_off
-- A departure whose time has not come; nothing was destroyed.
update privacy_tasks set is_open = false, ended_at = $2, stage = 'called off'
 where tenant_id = $1 and kind = 'offboarding' and is_open and starts = 0

-- name: stay
-- The time came, but somebody had opened the tenant again: nothing was destroyed.
update privacy_tasks set is_open = false, ended_at = $4, lease_until = null, stage = 'called off'
 where tenant_id = $1 and operation_id = $2 and is_open and starts = $3

-- name: end_others
-- What else was ordered of a tenant that leaves: all of it is destroyed now.
update privacy_tasks set is_open = false, ended_at = $3, lease_until = null, stage = 'ended'
 where tenant_id = $1 and operation_id <> $2 and is_open

-- name: drop_keys
-- From this commit on nothing of the tenant opens.
delete from tenant_keys where tenant_id = $1

-- name: newest_key
-- Whether a key is the one that was made last.
select max(key_id) from tenant_keys where tenant_id = $1

-- name: has_keys
-- Whether a tenant is there and has not left.
select exists (select from tenant_keys where tenant_id = $1)

-- name: receipt
-- What was destroyed, as it was signed.
select receipt, signature from privacy_tasks where tenant_id = $1 and operation_id = $2
