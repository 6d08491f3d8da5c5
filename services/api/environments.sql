-- name: mark_simulation
-- Of who may see it; the rest of the conversation and its scoring are without a model.
update simulations s set environment = 'test'
 where s.tenant_id = $1 and s.simulation_id = $5 and s.environment = 'live'
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: mark_batch
-- Every conversation of a batch of autopilot learners.
update simulations set environment = 'test' where tenant_id = $1 and operation_id = $2

-- name: mark_scoring
-- A conversation handed in.
update scorings set environment = 'test' where tenant_id = $1 and scoring_id = $2

-- name: mark_scoring_batch
-- Every conversation of a request.
update scorings set environment = 'test' where tenant_id = $1 and operation_id = $2
