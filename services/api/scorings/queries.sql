-- name: find_learner
-- Who is scored, if the caller may see them; with the key that seals the conversation.
select k.wrapped
  from learners l
  join learner_keys k on k.tenant_id = $1 and k.learner_id = l.learner_id
 where l.tenant_id = $1 and l.learner_id = $5
   and ($2::uuid is null or l.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = l.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: find_rubric
-- The newest version of a rubric: a scoring is judged by it, whatever comes later.
select v.rubric_id, v.version
  from rubrics r
  join rubric_versions v on v.tenant_id = $1 and v.rubric_id = r.rubric_id
 where r.tenant_id = $1 and r.slug = $2
 order by v.version desc
 limit 1

-- name: insert_scoring
-- The conversation, sealed, and the request to score it.
with heard as (
  insert into conversations (tenant_id, conversation_id, learner_id, source, external_id,
                             external_id_hash, turns, turn_count, occurred_at, created_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
)
insert into scorings (tenant_id, scoring_id, learner_id, conversation_id, rubric_id, rubric_version,
                      source, status, occurred_at, created_at)
values ($1, $11, $3, $2, $12, $13, $4, 'queued', $9, $10)

-- name: get_scoring
-- One request with what it is about.
select s.*, r.slug, c.turn_count, c.external_id, k.wrapped
  from scorings s
  join rubrics r on r.tenant_id = $1 and r.rubric_id = s.rubric_id
  left join conversations c on c.tenant_id = $1 and c.conversation_id = s.conversation_id
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
 where s.tenant_id = $1 and s.scoring_id = $5
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: list_scorings
-- One page in order of creation.
select s.*, r.slug, c.turn_count, c.external_id, k.wrapped
  from scorings s
  join rubrics r on r.tenant_id = $1 and r.rubric_id = s.rubric_id
  left join conversations c on c.tenant_id = $1 and c.conversation_id = s.conversation_id
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
 where s.tenant_id = $1
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
   and ($5::uuid is null or s.scoring_id > $5)
   and ($6::uuid is null or s.learner_id = $6)
   and ($7::text is null or s.status = $7)
 order by s.scoring_id
 limit $8

-- name: get_assessment
-- One result with everything that says where it comes from.
select a.*, s.simulation_id, s.conversation_id, s.source, s.occurred_at, s.rubric_id, s.rubric_version,
       r.slug, k.wrapped
  from assessments a
  join scorings s on s.tenant_id = $1 and s.scoring_id = a.scoring_id
  join rubrics r on r.tenant_id = $1 and r.rubric_id = s.rubric_id
  join learner_keys k on k.tenant_id = $1 and k.learner_id = a.learner_id
 where a.tenant_id = $1 and a.assessment_id = $5
   and ($2::uuid is null or a.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = a.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
