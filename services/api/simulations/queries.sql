-- name: find_learner
-- Who practices, if the caller may see them; with the key that seals what they say.
select l.learner_id, k.wrapped
  from learners l
  join learner_keys k on k.tenant_id = $1 and k.learner_id = l.learner_id
 where l.tenant_id = $1 and l.learner_id = $5
   and ($2::uuid is null or l.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = l.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: find_scenario
-- The newest version of a scenario, by slug or by id: a simulation runs on it to its end.
select v.scenario_id, v.version, v.spec
  from scenarios s
  join scenario_versions v on v.tenant_id = $1 and v.scenario_id = s.scenario_id
 where s.tenant_id = $1 and (s.slug = $2 or s.scenario_id = $3)
 order by v.version desc
 limit 1

-- name: insert_simulation
-- The simulation and the customer's opening line, which is turn 0.
with opened as (
  insert into simulations (tenant_id, simulation_id, learner_id, scenario_id, scenario_version, mode,
                           profile, seed, status, last_seq, created_at, last_activity_at, hints,
                           word_budget, metadata, language, max_hostility)
  values ($1, $2, $3, $4, $5, $6, $7, $8, 'open', 0, $12, $12, $13, $14, $15, $16,
          coalesce((select (policy ->> 'max_hostility')::smallint from llm_settings where tenant_id = $1), 3))
)
insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, state, acts, causes, created_at)
values ($1, $2, 0, $9, 'customer', $10, $11, '[]', '[]', $12)

-- name: get_simulations
-- Some simulations, each with what the learner reads before the start, and its scoring.
select s.metadata, s.simulation_id, s.learner_id, s.scenario_id, s.operation_id, s.parent_id,
       s.scenario_version, s.mode, s.profile, s.seed, s.status, s.end_reason, s.last_seq, s.created_at,
       s.last_activity_at, s.ended_at, s.part, s.hints, s.word_budget, s.branch_seq, s.faults, s.environment,
       s.language, s.max_hostility, c.slug, v.title, v.brief, v.goals, v.case_slots,
       coalesce(case s.end_reason when 'idle' then v.idle_lines
                                  when 'learner_ended' then v.cut_short_lines end,
                '[]'::jsonb) as closing_lines,
       (select t.surface from turns t
         where t.tenant_id = $1 and t.simulation_id = s.simulation_id and t.seq = s.last_seq) as last_surface,
       (select r.removed_at from removed_texts r
         where r.tenant_id = $1 and r.thing_id = s.simulation_id) as text_removed_at,
       g.scoring_id, g.assessment_id, k.wrapped
  from simulations s
  join scenarios c on c.tenant_id = $1 and c.scenario_id = s.scenario_id
  join scenario_versions v
    on v.tenant_id = $1 and v.scenario_id = s.scenario_id and v.version = s.scenario_version
  left join scorings g on g.tenant_id = $1 and g.simulation_id = s.simulation_id
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
 where s.tenant_id = $1 and s.simulation_id = any ($5::uuid[])
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: page
-- Ids of one page in order of time.
select s.simulation_id as id, /*at*/ as at
  from simulations s
 /*joins*/
 where s.tenant_id = $1 /*conditions*/
 order by /*at*/, s.simulation_id
 limit /*limit*/

-- name: created_at
-- The order where nobody asks for times of conversations.
s.created_at

-- name: place
-- Where the page before ended.
select /*at*/ as at from simulations s where s.tenant_id = $1 and s.simulation_id = $2

-- name: after
-- What comes behind it.
(/*at*/, s.simulation_id) > (?::timestamptz, ?::uuid)

-- name: in_team_period
-- It began while the person was in the team.
s.created_at >= p.valid_from::timestamp at time zone ?
   and (p.valid_to is null or s.created_at < p.valid_to::timestamp at time zone ?)

-- name: if_learner_id
-- Of one person.
s.learner_id = ?

-- name: if_scenario_id
-- On one scenario.
s.scenario_id = ?

-- name: if_operation_id
-- Of one batch.
s.operation_id = ?

-- name: if_status
-- At one place in its life.
s.status = ?

-- name: if_language
-- Spoken in one language.
s.language = ?

-- name: if_external_id
-- Of the person with this id of the partner's.
s.learner_id = (select l.learner_id from learners l where l.tenant_id = $1 and l.external_id_hash = ?)

-- name: if_created_after
-- From this time on.
s.created_at >= ?

-- name: if_created_before
-- Up to this time.
s.created_at < ?

-- name: join_score_min
-- The revision that counts.
join scorings g on g.tenant_id = $1 and g.simulation_id = s.simulation_id

-- name: if_score_min
-- So good at least.
g.overall >= ?

-- name: join_score_max
-- The revision that counts.
join scorings g on g.tenant_id = $1 and g.simulation_id = s.simulation_id

-- name: if_score_max
-- So good at most.
g.overall <= ?

-- name: find_metadata
-- What is attached to it, held until it is changed; with the key that opens it.
select s.simulation_id, s.learner_id, s.metadata, k.wrapped
  from simulations s
  join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
 where s.tenant_id = $1 and s.simulation_id = $5
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
   for no key update of s

-- name: set_metadata
-- The caller holds the row.
update simulations set metadata = $3 where tenant_id = $1 and simulation_id = $2

-- name: lock_to_end
-- Ending waits for a turn that is being stored, and the other way round.
select s.status, s.last_seq
  from simulations s
 where s.tenant_id = $1 and s.simulation_id = $5
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
   for no key update of s

-- name: end_simulation
-- The learner is done.
update simulations
   set status = 'ended', end_reason = 'learner_ended', ended_at = $3, last_activity_at = $3
 where tenant_id = $1 and simulation_id = $2

-- name: open_gate
-- Everything that decides about a learner's turn, in one round trip; holds the simulation's row lock.
select s.status, s.mode, s.last_seq, s.learner_id, k.wrapped, c.fingerprint, c.resource_id, c.sequence,
       (select count(*) from (
          select from jobs j
           where j.tenant_id = $1 and j.kind = 'turn' and j.dead_at is null limit $7) as w) as waiting
  from simulations s
  join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
  left join idempotency_claims c on c.tenant_id = $1 and c.claim_hash = $6
 where s.tenant_id = $1 and s.simulation_id = $5
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
   for no key update of s

-- name: insert_learner_turn
-- The claim, the sealed turn, the job that makes the reply, and the simulation's new state: one round trip.
with claimed as (
  insert into idempotency_claims (tenant_id, claim_hash, fingerprint, resource_id, sequence, created_at)
  values ($1, $3, $4, $2, $5, $8)
), told as (
  insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, created_at)
  values ($1, $2, $5, $6, 'learner', $7, $8)
), queued as (
  insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
  values ($1, $9, 'turn', $10, $11, $8)
)
update simulations set last_seq = $5, last_activity_at = $8
 where tenant_id = $1 and simulation_id = $2

-- name: get_exchange
-- A learner's turn, the reply once it exists, and where the simulation stands.
select t.tenant_id, t.text, t.appraisal, t.simulation_id, t.turn_id, t.seq, t.role, t.state, t.surface, t.acts,
       t.causes, t.engine, t.created_at, t.wording, s.status, s.end_reason, s.last_seq, s.hints
  from simulations s
  join turns t on t.tenant_id = $1 and t.simulation_id = s.simulation_id and t.seq in ($3, $3 + 1)
 where s.tenant_id = $1 and s.simulation_id = $2
 order by t.seq

-- name: list_turns
-- The conversation after a turn, in order, with the key that opens it.
select t.tenant_id, t.text, t.appraisal, t.simulation_id, t.turn_id, t.seq, t.role, t.state, t.surface, t.acts,
       t.causes, t.engine, t.created_at, t.wording, k.wrapped, s.learner_id, s.status, s.end_reason, s.last_seq,
       s.hints
  from simulations s
  join learner_keys k on k.tenant_id = $1 and k.learner_id = s.learner_id
  join turns t on t.tenant_id = $1 and t.simulation_id = s.simulation_id and t.seq > $6
 where s.tenant_id = $1 and s.simulation_id = $5
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
 order by t.seq
 limit $7

-- name: say
-- A learner's turn on its usual way, in one round trip; see app.say_v1.
select * from app.say_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) as is_taken

-- name: practice_result
-- What a simulation came to: its last state, the vault it had, the audit.
select t.state, v.spec, s.faults,
       (select count(*) from turns h
         where h.tenant_id = $1 and h.simulation_id = s.simulation_id and s.hints
           and h.surface is not null and h.surface not in ('farewell', 'hang_up')
           and h.state ->> 'hint' <> '') as hints_given
  from simulations s
  join turns t on t.tenant_id = $1 and t.simulation_id = s.simulation_id
   and t.seq = s.last_seq - s.last_seq % 2
  join scenario_versions v
    on v.tenant_id = $1 and v.scenario_id = s.scenario_id and v.version = s.scenario_version
 where s.tenant_id = $1 and s.simulation_id = $2

-- name: skill_scores
-- The numbers of an assessment.
select k.skill, k.score, a.overall
  from assessments a
  join assessment_skills k on k.tenant_id = $1 and k.assessment_id = a.assessment_id
 where a.tenant_id = $1 and a.assessment_id = $2 and k.score is not null
 order by k.skill

-- name: insert_branch
-- A new simulation on the same scenario version and seed, with the turns before it copied: sealed anew, for
-- a sealed text is bound to its row.
with told as (
  select * from unnest($9::int[], $10::uuid[], $11::bytea[], $12::bytea[]) as u(seq, turn_id, text, appraisal)
), opened as (
  insert into simulations (tenant_id, simulation_id, learner_id, scenario_id, scenario_version, mode,
                           seed, status, last_seq, created_at, last_activity_at, hints, word_budget,
                           parent_id, branch_seq, language, max_hostility)
  select $1, $3, p.learner_id, p.scenario_id, p.scenario_version, 'interactive', p.seed, 'open', $4, $5, $5,
         $6, $7, $2, $4, p.language, p.max_hostility
    from simulations p where p.tenant_id = $1 and p.simulation_id = $2
)
insert into turns (tenant_id, simulation_id, seq, turn_id, role, text, state, surface, acts, causes, engine,
                   wording, appraisal, created_at)
select $1, $3, told.seq, told.turn_id, o.role, told.text, o.state, o.surface, o.acts, o.causes, o.engine,
       o.wording, told.appraisal, $5
  from told
  join turns o on o.tenant_id = $1 and o.simulation_id = $2 and o.seq = told.seq
 where $8::int = (select count(*) from told)

-- name: find_opening
-- A first line in another language, if it was made before.
select text from opening_lines
 where tenant_id = $1 and scenario_id = $2 and scenario_version = $3 and language = $4 and line = $5

-- name: insert_opening
-- The first one that was made stays.
insert into opening_lines (tenant_id, scenario_id, scenario_version, language, line, text, created_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing

-- name: list_appraisals
-- What turns in another language were read as, up to a turn.
select seq, appraisal from turns
 where tenant_id = $1 and simulation_id = $2 and seq <= $3 and appraisal is not null
