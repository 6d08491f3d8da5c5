-- name: list_forms
-- What the tenant has stored; the standard forms are stored when they are first used.
select form, kind, asked, low, high, positive from survey_forms where tenant_id = $1 order by form

-- name: lock_forms
-- One change of the forms at a time.
select pg_advisory_xact_lock(hashtextextended('survey_forms ' || $1::uuid, 0))

-- name: put_form
-- A new form, or other positive values.
insert into survey_forms (tenant_id, form, kind, asked, low, high, positive, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (tenant_id, form) do update set positive = excluded.positive, updated_at = excluded.updated_at

-- name: keep_forms
-- The standard forms that surveys name from now on.
insert into survey_forms (tenant_id, form, kind, asked, low, high, positive, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (tenant_id, form) do nothing

-- name: find_learners
-- Whom surveys are about, as far as the caller may see them; with the keys that seal what is theirs.
select l.learner_id, k.wrapped
  from learners l
  join learner_keys k on k.tenant_id = $1 and k.learner_id = l.learner_id
 where l.tenant_id = $1 and l.learner_id = any ($5)
   and ($2::uuid is null or l.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = l.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: find_conversations
-- Whose conversations these were, and when; who may not see the learner is stopped by `find_learners`.
select conversation_id, learner_id, occurred_at
  from conversations
 where tenant_id = $1 and conversation_id = any ($2)

-- name: put_surveys
-- New ones, and answers to those that waited. One that says something else is not among what is returned.
insert into surveys as s (tenant_id, survey_id, form, learner_id, conversation_id, external_id, external_id_hash,
                          score, delivered_at, answered_at, happened_at, created_at)
select $1, u.*, $12
  from unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::bytea[], $7::bytea[], $8::smallint[],
              $9::timestamptz[], $10::timestamptz[], $11::timestamptz[])
       as u (survey_id, form, learner_id, conversation_id, external_id, external_id_hash, score, delivered_at,
             answered_at, happened_at)
 order by u.external_id_hash
on conflict (tenant_id, external_id_hash) do update
   set score = coalesce(s.score, excluded.score),
       answered_at = coalesce(s.answered_at, case when excluded.score is not null  -- greatest() skips nulls
                                                  then greatest(excluded.answered_at, s.delivered_at) end)
 where s.tenant_id = $1 and s.form = excluded.form and s.learner_id = excluded.learner_id
   and s.conversation_id is not distinct from excluded.conversation_id
   and (s.score is null or excluded.score is null or s.score = excluded.score)
returning survey_id, external_id_hash

-- name: find_by_external_id
-- What a repeat finds.
select survey_id from surveys where tenant_id = $1 and external_id_hash = $2

-- name: get_surveys
-- Some surveys of people whom the caller may see.
select s.survey_id, s.form, s.learner_id, s.conversation_id, s.external_id, s.score, s.delivered_at, s.answered_at,
       s.happened_at, s.created_at, f.kind, f.asked, f.low, f.high, f.positive, k.wrapped
  from surveys s
  join survey_forms f on f.tenant_id = $1 and f.form = s.form
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
 where s.tenant_id = $1 and s.survey_id = any ($5::uuid[])
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: list_surveys
-- One page in order of creation.
select s.survey_id, s.form, s.learner_id, s.conversation_id, s.external_id, s.score, s.delivered_at, s.answered_at,
       s.happened_at, s.created_at, f.kind, f.asked, f.low, f.high, f.positive, k.wrapped
  from surveys s
  join survey_forms f on f.tenant_id = $1 and f.form = s.form
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
 where s.tenant_id = $1
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
   and ($5::uuid is null or s.survey_id > $5)
   and ($6::uuid is null or s.learner_id = $6)
   and ($7::uuid is null or s.conversation_id = $7)
   and ($8::text is null or s.form = $8)
   and ($9::bytea is null or s.external_id_hash = $9)
 order by s.survey_id
 limit $10
