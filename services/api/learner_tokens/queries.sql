-- name: find_learner
-- Whether a person is there to make a token for, and the caller may see them.
select l.learner_id
  from learners l
  join learner_keys k on k.tenant_id = $1 and k.learner_id = l.learner_id
 where l.tenant_id = $1 and l.learner_id = $5
   and ($2::uuid is null or l.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = l.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: find_simulation
-- Whether a conversation is this person's.
select true from simulations where tenant_id = $1 and simulation_id = $2 and learner_id = $3

-- name: find_scenario
-- A scenario by slug or by id.
select scenario_id, slug from scenarios where tenant_id = $1 and (slug = $2 or scenario_id = $3)

-- name: simulation_of
-- Which conversation an assessment is about.
select g.simulation_id
  from assessments a
  join scorings g on g.tenant_id = $1 and g.scoring_id = a.scoring_id
 where a.tenant_id = $1 and a.assessment_id = $2
