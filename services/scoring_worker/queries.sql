-- name: scoring
-- Everything the judge needs about one scoring, in one round trip. $3 and $4: another rubric version than its own.
select s.learner_id, s.conversation_id, s.simulation_id, s.source, s.status, s.environment,
       k.wrapped, c.turns as conversation, c.language, c.roles, c.flags, v.spec as rubric, sv.spec as scenario, m.end_reason,
       m.language as spoken, m.seed,
       exists (select from removed_texts r
                where r.tenant_id = $1 and r.thing_id = coalesce(s.simulation_id, s.conversation_id)) as is_wordless
  from scorings s
  join rubric_versions v
    on v.tenant_id = s.tenant_id and v.rubric_id = coalesce($3, s.rubric_id)
   and v.version = coalesce($4, s.rubric_version)
  left join learner_keys k on k.tenant_id = s.tenant_id and k.learner_id = s.learner_id
  left join conversations c
    on c.tenant_id = s.tenant_id and c.conversation_id = s.conversation_id
  left join simulations m
    on m.tenant_id = s.tenant_id and m.simulation_id = s.simulation_id
  left join scenario_versions sv
    on sv.tenant_id = m.tenant_id and sv.scenario_id = m.scenario_id
   and sv.version = m.scenario_version
 where s.tenant_id = $1 and s.scoring_id = $2

-- name: turns
-- A finished simulation's turns, their words sealed, with what the engine decided.
select seq, role, text, state, surface, causes, appraisal, created_at from turns
 where tenant_id = $1 and simulation_id = $2 order by seq

-- name: complete
-- Moves the scoring on, once: no row means an earlier attempt did it. A reason to leave the result out of
-- trends that stands already stays.
update scorings set status = 'completed', assessment_id = $3, finished_at = $4, excluded = coalesce(excluded, $5),
       overall = $6
 where tenant_id = $1 and scoring_id = $2 and status in ('queued', 'running')
returning simulation_id, created_at

-- name: exclude_language
-- Judged again in another language than English; a reason that stands already stays.
update scorings set excluded = coalesce(excluded, 'other_language') where tenant_id = $1 and scoring_id = $2

-- name: fail_scoring
-- The visible end of one that cannot be judged; a finished one stays as it is.
update scorings set status = 'failed', failure_code = $3, finished_at = $4
 where tenant_id = $1 and scoring_id = $2 and status in ('queued', 'running')
returning scoring_id

-- name: insert_assessment
-- The immutable result. Without a rubric of its own, a revision has that of the scoring.
insert into assessments (tenant_id, assessment_id, scoring_id, learner_id, revision, overall, result,
                         engine, engine_version, created_at, cause, rubric_id, rubric_version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: lock_latest
-- The revision that counts; the row lock of the scoring orders revisions.
select a.revision, a.origin, exists (
         select from assessments where tenant_id = $1 and assessment_id = $3) as is_made
  from scorings s
  join assessments a on a.tenant_id = $1 and a.assessment_id = s.assessment_id
 where s.tenant_id = $1 and s.scoring_id = $2 and s.status = 'completed'
   for update of s

-- name: count_revision
-- From now on this revision counts.
update scorings set assessment_id = $3 where tenant_id = $1 and scoring_id = $2

-- name: insert_skills
-- The numbers that reports read, apart from the sealed text.
insert into assessment_skills (tenant_id, assessment_id, skill, status, score, opportunities)
select $1, $2, skill, status, score, opportunities
  from unnest($3::text[], $4::text[], $5::smallint[], $6::int[]) as s(skill, status, score, opportunities)

-- name: simulation_scored
-- The last step in a simulation's life, with what the audit found ([] for nothing).
update simulations set status = 'scored', faults = $3
 where tenant_id = $1 and simulation_id = $2 and status = 'ended'

-- name: find_verdicts
-- What the model said to these questions about this learner's conversations before.
select content, answer from llm_verdicts where tenant_id = $1 and learner_id = $2 and content = any($3::bytea[])

-- name: keep_verdict
-- Two workers may have asked the same: the first answer stays.
insert into llm_verdicts (tenant_id, learner_id, content, answer, created_at)
values ($1, $2, $3, $4, $5) on conflict do nothing

-- name: last_judged
-- The newest revision that no person made, and the rubric version it was judged by.
select a.assessment_id, a.result, a.learner_id, coalesce(a.rubric_id, s.rubric_id) as rubric_id,
       coalesce(a.rubric_version, s.rubric_version) as rubric_version
  from assessments a
  join scorings s on s.tenant_id = a.tenant_id and s.scoring_id = a.scoring_id
 where a.tenant_id = $1 and a.scoring_id = $2 and a.origin = 'judge'
 order by a.revision desc limit 1

-- name: recorded_answers
-- What the model said in these calls, word for word, sealed.
select call_id, answer from llm_calls where tenant_id = $1 and call_id = any($2::uuid[]) and answer is not null
