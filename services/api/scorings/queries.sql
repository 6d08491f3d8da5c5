-- name: find_learners
-- Who is scored, as far as the caller may see them; with the keys that seal the conversations.
select l.learner_id, k.wrapped
  from learners l
  join learner_keys k on k.tenant_id = $1 and k.learner_id = l.learner_id
 where l.tenant_id = $1 and l.learner_id = any ($5)
   and ($2::uuid is null or l.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = l.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: find_rubrics
-- The newest version of each rubric in use: a scoring is judged by it, whatever comes later.
select distinct on (r.slug) r.slug, v.rubric_id, v.version
  from rubrics r
  join rubric_versions v on v.tenant_id = $1 and v.rubric_id = r.rubric_id
 where r.tenant_id = $1 and r.slug = any ($2) and r.archived_at is null
 order by r.slug, v.version desc

-- name: insert_scorings
-- Conversations, sealed, and the requests to score them.
with one as (
  select * from unnest($2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[], $8::int[],
                       $9::text[], $10::jsonb[], $11::timestamptz[], $12::timestamptz[], $13::uuid[],
                       $14::uuid[], $15::int[], $16::text[], $17::text[], $18::uuid[], $19::int[], $20::bytea[])
    as u(conversation_id, learner_id, source, external_id, external_id_hash, turns, turn_count,
         language, flags, occurred_at, created_at, scoring_id,
         rubric_id, rubric_version, status, workflow_id, operation_id, item, metadata)
), heard as (
  insert into conversations (tenant_id, conversation_id, learner_id, source, external_id, external_id_hash,
                             turns, turn_count, language, flags, occurred_at, created_at)
  select $1, conversation_id, learner_id, source, external_id, external_id_hash,
         turns, turn_count, language, flags, occurred_at, created_at
    from one
)
insert into scorings (tenant_id, scoring_id, learner_id, conversation_id, rubric_id, rubric_version,
                      source, status, workflow_id, operation_id, item, occurred_at, created_at, metadata)
select $1, scoring_id, learner_id, conversation_id, rubric_id, rubric_version,
       source, status, workflow_id, operation_id, item, occurred_at, created_at, metadata
  from one

-- name: put_contact
-- How a conversation went by the partner's own counting, in place of what was said before.
insert into contacts (tenant_id, conversation_id, learner_id, happened_at, talk_s, hold_s, after_work_s, handle_time_s,
                      is_first_contact, is_resolved, is_transferred)
select $1, $2, learner_id, occurred_at, $3, $4, $5, $6, $7, $8, $9
  from conversations
 where tenant_id = $1 and conversation_id = $2
on conflict (tenant_id, conversation_id) do update
   set talk_s = excluded.talk_s, hold_s = excluded.hold_s, after_work_s = excluded.after_work_s,
       handle_time_s = excluded.handle_time_s, is_first_contact = excluded.is_first_contact,
       is_resolved = excluded.is_resolved, is_transferred = excluded.is_transferred

-- name: get_scorings
-- Some requests, each with what it is about.
select s.metadata, s.scoring_id, s.learner_id, s.conversation_id, s.simulation_id, s.rubric_id,
       s.workflow_id, s.assessment_id, s.operation_id, s.judged_by, s.rubric_version, s.source, s.status,
       s.failure_code, s.occurred_at, s.created_at, s.finished_at, s.item, s.overall, s.environment, r.slug,
       c.turn_count, c.external_id, c.language, c.roles, c.flags, k.wrapped, to_jsonb(x) as contact
  from scorings s
  join rubrics r on r.tenant_id = $1 and r.rubric_id = s.rubric_id
  left join conversations c on c.tenant_id = $1 and c.conversation_id = s.conversation_id
  left join contacts x on x.tenant_id = $1 and x.conversation_id = s.conversation_id
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
 where s.tenant_id = $1 and s.scoring_id = any ($5::uuid[])
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: page
-- Ids of one page in order of time.
select s.scoring_id as id, /*at*/ as at
  from scorings s
 /*joins*/
 where s.tenant_id = $1 /*conditions*/
 order by /*at*/, s.scoring_id
 limit /*limit*/

-- name: created_at
-- The order where nobody asks for times of conversations.
s.created_at

-- name: occurred_at
-- The order where somebody does.
s.occurred_at

-- name: place
-- Where the page before ended.
select /*at*/ as at from scorings s where s.tenant_id = $1 and s.scoring_id = $2

-- name: after
-- What comes behind it.
(/*at*/, s.scoring_id) > (?::timestamptz, ?::uuid)

-- name: in_team_period
-- It happened while the person was in the team.
s.occurred_at >= p.valid_from::timestamp at time zone ?
   and (p.valid_to is null or s.occurred_at < p.valid_to::timestamp at time zone ?)

-- name: if_learner_id
-- Of one person.
s.learner_id = ?

-- name: join_scenario_id
-- The simulation that is scored.
join simulations m on m.tenant_id = $1 and m.simulation_id = s.simulation_id

-- name: if_scenario_id
-- On one scenario.
m.scenario_id = ?

-- name: if_rubric_id
-- Judged by one rubric, or to be judged by it.
(case when s.judged_by is null then s.rubric_id else s.judged_by end) = ?

-- name: if_is_assessed
-- With a revision that counts.
(s.assessment_id is not null) = ?

-- name: if_operation_id
-- Of one request with many.
s.operation_id = ?

-- name: if_status
-- At one place in its life.
s.status = ?

-- name: if_source
-- Of one kind of conversation.
s.source = ?

-- name: if_external_id
-- With this id of the partner's: of the conversation, or of the person.
s.scoring_id in (
     select x.scoring_id
       from conversations c
       join scorings x on x.tenant_id = $1 and x.conversation_id = c.conversation_id
      where c.tenant_id = $1 and c.external_id_hash = ?
      union all
     select x.scoring_id
       from learners l
       join scorings x on x.tenant_id = $1 and x.learner_id = l.learner_id
      where l.tenant_id = $1 and l.external_id_hash = ?)

-- name: if_created_after
-- From this time on.
s.created_at >= ?

-- name: if_created_before
-- Up to this time.
s.created_at < ?

-- name: if_occurred_after
-- From this time on.
s.occurred_at >= ?

-- name: if_occurred_before
-- Up to this time.
s.occurred_at < ?

-- name: if_score_min
-- So good at least.
s.overall >= ?

-- name: if_score_max
-- So good at most.
s.overall <= ?

-- name: find_metadata
-- What is attached to it, held until it is changed; with the key that opens it.
select s.scoring_id, s.learner_id, s.metadata, k.wrapped
  from scorings s
  join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
 where s.tenant_id = $1 and s.scoring_id = $5
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
   for no key update of s

-- name: set_metadata
-- The caller holds the row.
update scorings set metadata = $3 where tenant_id = $1 and scoring_id = $2

-- name: lock_scoring
-- One at a time says who is who.
select from scorings where tenant_id = $1 and scoring_id = $2 for update

-- name: settle_roles
-- Who is who; the judge reads the turns by it.
update conversations set roles = $3 where tenant_id = $1 and conversation_id = $2

-- name: release_scoring
-- A held one goes the way of those that were taken at once.
update scorings set status = 'queued' where tenant_id = $1 and scoring_id = $2 and status = 'held'

-- name: insert_operation
-- Many conversations in one request. With nothing to score it has ended already.
insert into operations (tenant_id, operation_id, kind, status, is_scored, total, created_at, started_at,
                        ended_at, expires_at)
values ($1, $2, 'scoring_batch', $3, true, $4, $5, $5, $6, $7)

-- name: insert_part
-- What is left to do; reaches zero once.
insert into operation_parts (tenant_id, operation_id, part, unplayed) values ($1, $2, 0, $3)

-- name: insert_refused
-- What could not be taken, and why.
insert into refused_conversations (tenant_id, operation_id, item, errors)
select $1, $2, item, errors from unnest($3::int[], $4::bytea[]) as r(item, errors)

-- name: insert_jobs
-- One job per conversation, in the order of the request; a job's id is its scoring's. The later ones are due later:
-- until their turn comes, nobody need publish them again.
insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
select $1, job_id, 'score', payload, due, $5
  from unnest($2::uuid[], $3::jsonb[], $4::timestamptz[]) as j(job_id, payload, due)

-- name: batch_refused
-- What a request held that could not be taken.
select item, errors from refused_conversations where tenant_id = $1 and operation_id = $2

-- name: batch_scorings
-- What became of the others.
select s.item, s.scoring_id, s.status, s.failure_code, s.assessment_id, s.overall, c.flags,
       s.workflow_id = $3 as was_accepted
  from scorings s
  join conversations c on c.tenant_id = $1 and c.conversation_id = s.conversation_id
  left join assessments a on a.tenant_id = $1 and a.assessment_id = s.assessment_id
 where s.tenant_id = $1 and s.operation_id = $2
