-- name: find_pairs
-- Whose issuer and audience these are; one row at most for each hash.
select tenant_id, pair_hash from identity_settings where pair_hash = any ($1::bytea[])

-- name: get_settings
-- What is set.
select revision, settings, updated_at from identity_settings where tenant_id = $1

-- name: hold_settings
-- Writers come one after the other, also while there is no row.
select pg_advisory_xact_lock(hashtextextended('identity:' || $1::text, 0))

-- name: put_settings
-- In place of what was set.
insert into identity_settings (tenant_id, revision, pair_hash, settings, updated_at)
values ($1, 1, $2, $3, $4)
on conflict (tenant_id) do update
   set revision = identity_settings.revision + 1, pair_hash = excluded.pair_hash,
       settings = excluded.settings, updated_at = excluded.updated_at

-- name: delete_settings
-- Nobody signs in any more.
delete from identity_settings where tenant_id = $1

-- name: forget_subjects
-- Another issuer: whom it means by a subject has to be found out again.
update users set subject_hash = null, updated_at = $2 where tenant_id = $1 and subject_hash is not null

-- name: find_user
-- Who signs in: by the issuer's own name for them, else by user name for the first time.
select u.user_id, u.role, u.team_ids, u.learner_id, u.active, u.subject_hash,
       t.time_zone, t.status = 'suspended' as suspended
  from users u join tenants t on t.tenant_id = u.tenant_id
 where u.tenant_id = $1 and (u.subject_hash = $2 or (u.user_name_hash = $3 and u.subject_hash is null))
 order by u.subject_hash nulls last
 limit 1

-- name: hold_pair
-- Whether this pair is still trusted; it stays so until the transaction ends.
select true from identity_settings where tenant_id = $1 and pair_hash = $2 for share

-- name: bind_subject
-- From now on the issuer's name for them counts, and no longer the user name.
update users set subject_hash = $3, updated_at = $4
 where tenant_id = $1 and user_id = $2 and user_name_hash = $5 and subject_hash is null and active
returning user_id
