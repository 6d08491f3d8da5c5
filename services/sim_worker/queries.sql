-- name: take_turn
-- Claims a turn job and reads all that the reply needs.
select * from app.take_turn_v3($1, $2, $3, $4)

-- name: take_autopilot
-- Claims an autopilot job and reads the conversation as far as it was played, a row per turn.
select * from app.take_batch_v1($1, $2, $3, $4)

-- name: finish_autopilot
-- Finishes the job; the last one that a workflow waits for reports.
select * from app.finish_batch_v1($1, $2, $3, $4, $5, $6, $7, $8) as is_last

-- name: status
-- Whether somebody ended it meanwhile.
select status from simulations where tenant_id = $1 and simulation_id = $2

-- name: scenario
-- An immutable version; cached by the caller.
select spec from scenario_versions where tenant_id = $1 and scenario_id = $2 and version = $3

-- name: advance
-- Stores a step of a simulation, once.
select * from app.advance_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                             $18, $19, $20, $21, $22, $23) as moved
