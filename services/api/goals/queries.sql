-- name: hold_learner
-- A learner that the caller may see; whoever adds a goal for them waits for the one before.
select l.learner_id from learners l
 where l.tenant_id = $1 and l.learner_id = $5
   and ($2::uuid is null or l.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = l.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
   for no key update

-- name: count_goals
-- How many a learner has.
select count(*) from goals where tenant_id = $1 and learner_id = $2

-- name: insert_goal
-- A new one.
insert into goals (tenant_id, goal_id, learner_id, kind, skill, target, starts_on, due_on, created_at, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)

-- name: get_goal
-- One of somebody whom the caller may see.
select g.goal_id, g.learner_id, g.kind, g.skill, g.target, g.starts_on, g.due_on, g.created_at, g.updated_at
  from goals g
 where g.tenant_id = $1 and g.goal_id = $5
   and ($2::uuid is null or g.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = g.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: lock_goal
-- Changes of one goal follow each other.
select from goals where tenant_id = $1 and goal_id = $2 for update

-- name: list_goals
-- One page in order of creation.
select g.goal_id, g.learner_id, g.kind, g.skill, g.target, g.starts_on, g.due_on, g.created_at, g.updated_at
  from goals g
 where g.tenant_id = $1
   and ($2::uuid is null or g.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = g.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
   and ($5::uuid is null or g.goal_id > $5)
   and ($6::uuid is null or g.learner_id = $6)
 order by g.goal_id
 limit $7

-- name: change_goal
-- The caller holds the row.
update goals set target = $3, due_on = $4, updated_at = $5 where tenant_id = $1 and goal_id = $2

-- name: delete_goal
-- The caller holds the row.
delete from goals where tenant_id = $1 and goal_id = $2
