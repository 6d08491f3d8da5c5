-- name: get_assessment
-- One revision with everything that says where it comes from.
select a.result, a.assessment_id, a.scoring_id, a.learner_id, a.rubric_id, a.revision, a.overall,
       a.engine, a.engine_version, a.created_at, a.origin, a.cause, a.rubric_version, s.simulation_id,
       s.conversation_id, s.source, s.occurred_at,
       coalesce(a.rubric_id, s.rubric_id) as judged_by, coalesce(a.rubric_version, s.rubric_version) as judged_version,
       s.assessment_id = a.assessment_id as is_latest, r.slug, k.wrapped
  from assessments a
  join scorings s on s.tenant_id = $1 and s.scoring_id = a.scoring_id
  join rubrics r on r.tenant_id = $1 and r.rubric_id = coalesce(a.rubric_id, s.rubric_id)
  join learner_keys k on k.tenant_id = $1 and k.learner_id = a.learner_id
 where a.tenant_id = $1 and a.assessment_id = $5
   and ($2::uuid is null or a.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = a.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: find_scored
-- A scoring and what counts now. Whoever changes something adds LOCK: it puts revisions, disputes and entries of
-- one scoring in an order.
select s.scoring_id, s.learner_id, s.status, s.assessment_id, s.simulation_id, s.conversation_id,
       s.rubric_id, s.rubric_version, k.wrapped,
       t.dispute_window_h, t.dispute_answer_h
  from scorings s
  join tenants t on t.tenant_id = $1
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
 where s.tenant_id = $1 and s.scoring_id = $5
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: list_revisions
-- Every revision of a scoring, oldest first; there are few.
select a.assessment_id, a.revision, a.origin, a.cause, a.overall, a.engine_version, a.created_at,
       coalesce(a.rubric_id, s.rubric_id) as judged_by, coalesce(a.rubric_version, s.rubric_version) as judged_version,
       s.assessment_id = a.assessment_id as is_latest, r.slug
  from assessments a
  join scorings s on s.tenant_id = $1 and s.scoring_id = a.scoring_id
  join rubrics r on r.tenant_id = $1 and r.rubric_id = coalesce(a.rubric_id, s.rubric_id)
 where a.tenant_id = $1 and a.scoring_id = $2
 order by a.revision

-- name: rubric_spec
-- The form a revision was judged by.
select spec from rubric_versions where tenant_id = $1 and rubric_id = $2 and version = $3

-- name: find_rubric_version
-- A version of a rubric by its slug, the newest without a number; an archived one only where it scored before.
select v.rubric_id, v.version
  from rubrics r
  join rubric_versions v on v.tenant_id = $1 and v.rubric_id = r.rubric_id
 where r.tenant_id = $1 and r.slug = $2 and ($3::integer is null or v.version = $3)
   and (r.archived_at is null or r.rubric_id = $4)
 order by v.version desc
 limit 1

-- name: insert_revision
-- What a person made of the revision before.
insert into assessments (tenant_id, assessment_id, scoring_id, learner_id, revision, overall, result, engine,
                         engine_version, created_at, origin, cause, rubric_id, rubric_version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'human', $11, $12, $13)

-- name: insert_skills
-- The numbers that reports read.
insert into assessment_skills (tenant_id, assessment_id, skill, status, score, opportunities)
select $1, $2, skill, status, score, opportunities
  from unnest($3::text[], $4::text[], $5::smallint[], $6::int[]) as s(skill, status, score, opportunities)

-- name: count_revision
-- From now on this revision counts.
update scorings set assessment_id = $3 where tenant_id = $1 and scoring_id = $2

-- name: next_entry
-- The number of the next entry; under the row lock of the scoring.
select coalesce(max(sequence), 0) + 1 from review_entries where tenant_id = $1 and scoring_id = $2

-- name: insert_entry
-- What somebody did.
insert into review_entries (tenant_id, scoring_id, sequence, kind, assessment_id, dispute_id, codes, key_id, actor,
                            actor_hash, comment, at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: has_entry
-- Whether this was done to this revision already.
select exists (select from review_entries
                where tenant_id = $1 and scoring_id = $2 and kind = $3 and assessment_id = $4)

-- name: list_timeline
-- Revisions of the judge and everything that people did, oldest first.
select * from (
  select a.created_at as at, 0 as sequence, case when a.cause = 'rescore' then 'rescored' else 'scored' end as kind,
         a.assessment_id, a.revision, null::uuid as dispute_id, '{}'::text[] as codes, null::uuid as key_id,
         null::bytea as actor, null::bytea as comment
    from assessments a
   where a.tenant_id = $1 and a.scoring_id = $2 and a.origin = 'judge'
  union all
  select e.at, e.sequence, e.kind, e.assessment_id, a.revision, e.dispute_id, e.codes, e.key_id, e.actor, e.comment
    from review_entries e
    left join assessments a on a.tenant_id = $1 and a.assessment_id = e.assessment_id
   where e.tenant_id = $1 and e.scoring_id = $2
) as everything
 order by at, sequence
 limit $3

-- name: last_hand
-- Who made the revision that a dispute is about: null for the judge.
select key_id, actor_hash
  from review_entries
 where tenant_id = $1 and scoring_id = $2 and assessment_id = $3 and kind in ('overridden', 'resolved')
 order by sequence desc
 limit 1

-- name: insert_dispute
-- A dispute, open.
insert into disputes (tenant_id, dispute_id, scoring_id, learner_id, assessment_id, status, reason_code, criteria,
                      comment, key_id, actor_hash, opened_at, due_at)
values ($1, $2, $3, $4, $5, 'open', $6, $7, $8, $9, $10, $11, $12)

-- name: open_dispute
-- The one that waits for an answer.
select dispute_id from disputes where tenant_id = $1 and scoring_id = $2 and status = 'open'

-- name: get_dispute
-- One dispute.
select d.comment, d.actor_hash, d.dispute_id, d.scoring_id, d.learner_id, d.assessment_id, d.key_id,
       d.result_id, d.status, d.reason_code, d.criteria, d.opened_at, d.due_at, d.resolved_at, k.wrapped
  from disputes d
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = d.learner_id
 where d.tenant_id = $1 and d.dispute_id = $5
   and ($2::uuid is null or d.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = d.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: list_disputes
-- One page in order of opening.
select d.comment, d.actor_hash, d.dispute_id, d.scoring_id, d.learner_id, d.assessment_id, d.key_id,
       d.result_id, d.status, d.reason_code, d.criteria, d.opened_at, d.due_at, d.resolved_at, k.wrapped
  from disputes d
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = d.learner_id
 where d.tenant_id = $1
   and ($2::uuid is null or d.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = d.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
   and ($5::uuid is null or d.dispute_id > $5)
   and ($6::text is null or d.status = $6)
   and ($7::timestamptz is null or d.due_at < $7)
 order by d.dispute_id
 limit $8

-- name: resolve_dispute
-- The answer; an answered one stays as it is.
update disputes set status = $3, resolved_at = $4, result_id = $5
 where tenant_id = $1 and dispute_id = $2 and status = 'open'

-- name: get_items
-- Some revisions, with the numbers that reports read.
select a.assessment_id, a.scoring_id, a.learner_id, a.revision, a.origin, a.cause, a.overall, a.created_at,
       s.simulation_id, s.conversation_id, s.source, s.occurred_at, s.assessment_id = a.assessment_id as is_latest,
       coalesce(a.rubric_id, s.rubric_id) as judged_by, coalesce(a.rubric_version, s.rubric_version) as judged_version,
       r.slug, k.skills
  from assessments a
  join scorings s on s.tenant_id = $1 and s.scoring_id = a.scoring_id
  join rubrics r on r.tenant_id = $1 and r.rubric_id = coalesce(a.rubric_id, s.rubric_id)
 cross join lateral (
   select array_agg(n.skill || ' ' || n.status || ' ' || coalesce(n.score, -1) order by n.skill) as skills
     from assessment_skills n where n.tenant_id = $1 and n.assessment_id = a.assessment_id) k
 where a.tenant_id = $1 and a.assessment_id = any ($5::uuid[])
   and ($2::uuid is null or a.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = a.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: get_counting
-- The revisions that count of some scorings, with the numbers that reports read.
select a.assessment_id, a.scoring_id, a.learner_id, a.revision, a.origin, a.cause, a.overall, a.created_at,
       s.simulation_id, s.conversation_id, s.source, s.occurred_at, true as is_latest,
       coalesce(a.rubric_id, s.rubric_id) as judged_by, coalesce(a.rubric_version, s.rubric_version) as judged_version,
       r.slug, k.skills
  from scorings s
  join assessments a on a.tenant_id = $1 and a.assessment_id = s.assessment_id
  join rubrics r on r.tenant_id = $1 and r.rubric_id = coalesce(a.rubric_id, s.rubric_id)
 cross join lateral (
   select array_agg(n.skill || ' ' || n.status || ' ' || coalesce(n.score, -1) order by n.skill) as skills
     from assessment_skills n where n.tenant_id = $1 and n.assessment_id = a.assessment_id) k
 where s.tenant_id = $1 and s.scoring_id = any ($5::uuid[])
   and ($2::uuid is null or a.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = a.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
