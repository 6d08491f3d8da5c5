-- name: take_turn
-- Claims a turn job and reads all that the reply needs.
select * from app.take_turn_v1($1, $2, $3, $4)

-- name: simulation
-- An autopilot simulation, to go on from where it is.
select s.simulation_id, s.status, s.last_seq, s.seed, s.learner_id, s.scenario_id,
       s.scenario_version, s.profile, k.wrapped
  from simulations s
  left join learner_keys k on k.tenant_id = s.tenant_id and k.learner_id = s.learner_id
 where s.tenant_id = $1 and s.simulation_id = $2

-- name: turns
-- All turns so far.
select seq, role, text, state from turns
 where tenant_id = $1 and simulation_id = $2 order by seq

-- name: scenario
-- An immutable version; cached by the caller.
select spec from scenario_versions where tenant_id = $1 and scenario_id = $2 and version = $3

-- name: advance
-- Stores a step of a simulation, once.
select * from app.advance_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                             $18, $19, $20, $21, $22, $23) as moved
