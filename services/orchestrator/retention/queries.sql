-- name: due_tenants
-- Tenants for whom there may be something to do; those never looked at first. Of one that has left (without keys)
-- only the audit trail is there, and nothing is written down of the next time: due when its oldest entry is older
-- than $3. The newest entry always stays.
select t.tenant_id
  from tenants t
  left join retention_passes p on p.tenant_id = t.tenant_id
 where case when exists (select from tenant_keys k where k.tenant_id = t.tenant_id)
       then p.due_at is null or p.due_at <= $1
       else exists (select from trail_heads h
                      join trail e on e.tenant_id = h.tenant_id and e.position = h.pruned_position + 1
                     where h.tenant_id = t.tenant_id and h.position > h.pruned_position + 1 and e.at < $1 - $3::interval)
       end
 order by p.due_at nulls first, t.tenant_id
 limit $2

-- name: has_left
-- Whether nothing of a tenant opens any more.
select not exists (select from tenant_keys where tenant_id = $1)

-- name: find_pass
-- How far each kind of a tenant is dealt with.
select dealt from retention_passes where tenant_id = $1

-- name: put_dealt
-- The last id of a kind that is dealt with; due at once until the pass is over.
insert into retention_passes (tenant_id, due_at, dealt) values ($1, $2, jsonb_build_object($3::text, $4::text))
on conflict (tenant_id) do update set dealt = retention_passes.dealt || excluded.dealt

-- name: put_due
-- The pass is over; when the next one is due.
insert into retention_passes (tenant_id, due_at) values ($1, $2)
on conflict (tenant_id) do update set due_at = excluded.due_at

-- name: next_simulations
-- The oldest practice that is not dealt with, with the key of whose it is.
select s.simulation_id as place, s.simulation_id as thing_id, s.learner_id, k.wrapped
  from simulations s
  left join learner_keys k on k.tenant_id = s.tenant_id and k.learner_id = s.learner_id
 where s.tenant_id = $1 and s.simulation_id > $2 and s.simulation_id < $3
   and not exists (select from removed_texts r where r.tenant_id = $1 and r.thing_id = s.simulation_id)
 order by s.simulation_id
 limit $4

-- name: next_conversations
-- The oldest conversations handed in that are not dealt with.
select c.conversation_id as place, c.conversation_id as thing_id, c.learner_id, k.wrapped, c.turns
  from conversations c
  left join learner_keys k on k.tenant_id = c.tenant_id and k.learner_id = c.learner_id
 where c.tenant_id = $1 and c.conversation_id > $2 and c.conversation_id < $3
   and not exists (select from removed_texts r where r.tenant_id = $1 and r.thing_id = c.conversation_id)
 order by c.conversation_id
 limit $4

-- name: next_scorings
-- The oldest scores that are not dealt with: as they were first made, and again what came later, by its own time: a
-- second judgment or somebody's override, and a dispute. Places are ids, which begin with the time they were made.
select p.place, s.scoring_id as thing_id, s.learner_id, k.wrapped
  from (
    (select scoring_id as place, scoring_id from scorings
      where tenant_id = $1 and scoring_id > $2 and scoring_id < $3 order by scoring_id limit $4)
    union all
    (select assessment_id, scoring_id from assessments
      where tenant_id = $1 and assessment_id > $2 and assessment_id < $3 and revision > 1
      order by assessment_id limit $4)
    union all
    (select dispute_id, scoring_id from disputes
      where tenant_id = $1 and dispute_id > $2 and dispute_id < $3 order by dispute_id limit $4)) as p
  join scorings s on s.tenant_id = $1 and s.scoring_id = p.scoring_id
  left join learner_keys k on k.tenant_id = s.tenant_id and k.learner_id = s.learner_id
 order by p.place
 limit $4

-- name: hold_scores
-- Until the batch is over nobody judges these, overrides or disputes them, or has them judged again.
select scoring_id from scorings
 where tenant_id = $1
   and (scoring_id = any($2::uuid[]) or simulation_id = any($2::uuid[]) or conversation_id = any($2::uuid[]))
 order by scoring_id
   for no key update

-- name: in_work
-- Which of them somebody works with: they are open, wait for a judgment, have a job, or a dispute may be answered yet.
with asked as materialized (
  select payload ->> 'scoring_id' as scoring_id, payload ->> 'simulation_id' as simulation_id
    from jobs where tenant_id = $1 and dead_at is null
)
select s.simulation_id as thing_id
  from simulations s
 where s.tenant_id = $1 and s.simulation_id = any($2::uuid[])
   and (s.status = 'open' or exists (select from asked a where a.simulation_id = s.simulation_id::text))
union
select thing_id
  from scorings s cross join lateral unnest(array[s.scoring_id, s.simulation_id, s.conversation_id]) as thing_id
 where s.tenant_id = $1 and thing_id = any($2::uuid[])
   and (s.scoring_id = any($2::uuid[]) or s.simulation_id = any($2::uuid[]) or s.conversation_id = any($2::uuid[]))
   and (s.status in ('held', 'queued', 'running')
        or exists (select from asked a where a.scoring_id = s.scoring_id::text)
        or exists (select from disputes d
                    where d.tenant_id = $1 and d.scoring_id = s.scoring_id and d.status = 'open' and d.due_at > $3))

-- name: oldest_simulation
-- The next one to become old.
select simulation_id from simulations where tenant_id = $1 and simulation_id > $2 order by simulation_id limit 1

-- name: oldest_conversation
-- The next one to become old.
select conversation_id from conversations where tenant_id = $1 and conversation_id > $2 order by conversation_id limit 1

-- name: oldest_scoring
-- The next one to become old, or what came to one later.
select place from (
  (select scoring_id as place from scorings where tenant_id = $1 and scoring_id > $2 order by scoring_id limit 1)
  union all
  (select assessment_id from assessments
    where tenant_id = $1 and assessment_id > $2 and revision > 1 order by assessment_id limit 1)
  union all
  (select dispute_id from disputes where tenant_id = $1 and dispute_id > $2 order by dispute_id limit 1)) as p
 order by place limit 1

-- name: oldest_comment
-- The next one to become old.
select at from review_entries where tenant_id = $1 and comment is not null order by at limit 1

-- name: oldest_refused
-- The next one to become old.
select operation_id from refused_conversations where tenant_id = $1 order by operation_id limit 1

-- name: oldest_delivery
-- The next one to become old.
select delivery_id from webhook_deliveries where tenant_id = $1 order by delivery_id limit 1

-- name: oldest_call
-- The next one to become old.
select started_at from llm_calls where tenant_id = $1 order by started_at limit 1

-- name: oldest_entry
-- The next one to become old.
select at from trail where tenant_id = $1 and position is not null order by position limit 1

-- name: turns_of
-- Which turns lose their words.
select simulation_id, seq from turns where tenant_id = $1 and simulation_id = any($2::uuid[])

-- name: blank_turns
-- A turn stays, with everything that was counted; its words go.
update turns t set text = s.text, appraisal = null
  from unnest($2::uuid[], $3::integer[], $4::bytea[]) as s (simulation_id, seq, text)
 where t.tenant_id = $1 and t.simulation_id = s.simulation_id and t.seq = s.seq

-- name: mark_simulations
-- Since when there are no words.
insert into removed_texts (tenant_id, thing_id, removed_at)
select $1, thing_id, $3 from unnest($2::uuid[]) as thing_id
on conflict (tenant_id, thing_id) do nothing

-- name: blank_conversations
-- A conversation keeps who spoke and when.
with blanked as (
  update conversations c set turns = s.turns
    from unnest($2::uuid[], $3::bytea[]) as s (conversation_id, turns)
   where c.tenant_id = $1 and c.conversation_id = s.conversation_id
  returning c.conversation_id
)
insert into removed_texts (tenant_id, thing_id, removed_at)
select $1, conversation_id, $4 from blanked
on conflict (tenant_id, thing_id) do nothing

-- name: scorings_of_simulations
-- What quotes them.
select scoring_id from scorings where tenant_id = $1 and simulation_id = any($2::uuid[])

-- name: scorings_of_conversations
-- What quotes them.
select scoring_id from scorings where tenant_id = $1 and conversation_id = any($2::uuid[])

-- name: results_of
-- Every revision of these scorings.
select a.assessment_id, a.learner_id, a.result
  from assessments a
 where a.tenant_id = $1 and a.scoring_id = any($2::uuid[])

-- name: put_results
-- The same results without words.
update assessments a set result = s.result
  from unnest($2::uuid[], $3::bytea[]) as s (assessment_id, result)
 where a.tenant_id = $1 and a.assessment_id = s.assessment_id

-- name: forget_answers_of_simulations
-- What a language model said in them.
update llm_calls set answer = null
 where tenant_id = $1 and simulation_id = any($2::uuid[]) and answer is not null

-- name: forget_answers_of_scorings
-- What a language model said about them, quotes included.
update llm_calls set answer = null
 where tenant_id = $1 and scoring_id = any($2::uuid[]) and answer is not null

-- name: forget_verdicts
-- What a language model said of these transcripts: of these people, until an hour after the last of these judgments (the
-- clocks of processes differ), and everything before that time. It is asked again where it is needed.
delete from llm_verdicts v
 using (select s.learner_id, max(greatest(s.finished_at, a.created_at)) + interval '1 hour' as judged_at
          from scorings s
          left join assessments a on a.tenant_id = $1 and a.scoring_id = s.scoring_id
         where s.tenant_id = $1 and s.scoring_id = any($2::uuid[])
         group by s.learner_id) as j
 where v.tenant_id = $1 and v.learner_id = j.learner_id and v.created_at < greatest(j.judged_at, $3)

-- name: comments_of_disputes
-- Which disputes lose their words.
select dispute_id, learner_id from disputes where tenant_id = $1 and scoring_id = any($2::uuid[])

-- name: blank_disputes
-- That there was a dispute, and how it ended, stays.
update disputes d set comment = s.comment
  from unnest($2::uuid[], $3::bytea[]) as s (dispute_id, comment)
 where d.tenant_id = $1 and d.dispute_id = s.dispute_id

-- name: blank_reviews
-- Who did what to a score, and when, stays; what they wrote goes.
update review_entries set comment = null
 where tenant_id = $1 and scoring_id = any($2::uuid[]) and comment is not null

-- name: forget_comments
-- What somebody wrote about a score long after it was made, unless somebody works with the score.
update review_entries set comment = null
 where tenant_id = $1 and (scoring_id, sequence) in (
   select e.scoring_id, e.sequence from review_entries e
     join scorings s on s.tenant_id = $1 and s.scoring_id = e.scoring_id and s.status in ('completed', 'failed')
    where e.tenant_id = $1 and e.comment is not null and e.at < $2
      and not exists (select from disputes d
                       where d.tenant_id = $1 and d.scoring_id = e.scoring_id and d.status = 'open' and d.due_at > $4)
    order by e.at limit $3)

-- name: forget_refused
-- Why conversations were refused: the names of unknown fields are the sender's words.
delete from refused_conversations
 where tenant_id = $1 and (operation_id, item) in (
   select operation_id, item from refused_conversations
    where tenant_id = $1 and operation_id < $2 order by operation_id, item limit $3)

-- name: forget_deliveries
-- Bodies that were sent, and the answers.
delete from webhook_deliveries
 where tenant_id = $1 and delivery_id in (
   select delivery_id from webhook_deliveries
    where tenant_id = $1 and delivery_id < $2 and status <> 'pending'
    order by delivery_id limit $3)

-- name: forget_calls
-- Single calls; their sums are in the months.
delete from llm_calls
 where tenant_id = $1 and call_id in (
   select call_id from llm_calls
    where tenant_id = $1 and started_at < $2 and status <> 'reserved'
    order by started_at limit $3)

-- name: hold_head
-- How far a chain is sealed and pruned.
select tenant_id, position, hash, pruned_position, pruned_hash from trail_heads where tenant_id = $1 for update

-- name: first_kept
-- The first entry that is not old; none: the newest stays, so that the chain goes on.
select coalesce(
  (select min(position) from trail where tenant_id = $1 and position is not null and at >= $2), $3)

-- name: last_pruned
-- The link that the first kept entry follows.
select hash from trail where tenant_id = $1 and position = $2

-- name: prune_trail
-- The oldest entries of a chain.
delete from trail where tenant_id = $1 and position <= $2

-- name: put_pruned
-- Where the chain begins now.
update trail_heads set pruned_position = $2, pruned_hash = $3, mac = $4 where tenant_id = $1
