-- name: take_turn
-- Claims a turn job and reads all that the reply needs.
select * from app.take_turn_v4($1, $2, $3, $4)

-- name: said
-- The conversation before a turn, for the model that words it.
select * from app.said_v1($1, $2, $3)

-- name: take_autopilot
-- Claims an autopilot job and reads the conversation as far as it was played, a row per turn.
select * from app.take_batch_v2($1, $2, $3, $4)

-- name: finish_autopilot
-- Finishes the job; the last one that a workflow waits for reports.
select * from app.finish_batch_v2($1, $2, $3, $4, $5, $6, $7, $8) as is_last

-- name: status
-- Whether somebody ended it meanwhile.
select status from simulations where tenant_id = $1 and simulation_id = $2

-- name: scenario
-- An immutable version; cached by the caller.
select spec from scenario_versions where tenant_id = $1 and scenario_id = $2 and version = $3

-- name: advance
-- Stores a step of a simulation, once.
select * from app.advance_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                             $18, $19, $20, $21, $22, $23, $24, $25) as moved

-- name: replay_simulation
-- What a conversation was made of, for whoever makes it again.
select s.simulation_id, s.learner_id, s.seed, s.word_budget, s.language, s.max_hostility, v.spec
  from simulations s
  join scenario_versions v
    on v.tenant_id = $1 and v.scenario_id = s.scenario_id and v.version = s.scenario_version
 where s.tenant_id = $1 and s.simulation_id = $2

-- name: replay_turns
-- The whole conversation with what was decided.
select seq, role, text, state, surface, wording, appraisal
  from turns where tenant_id = $1 and simulation_id = $2 order by seq

-- name: replay_answers
-- What the model said in these calls.
select call_id, answer from llm_calls
 where tenant_id = $1 and call_id = any ($2::uuid[]) and answer is not null
