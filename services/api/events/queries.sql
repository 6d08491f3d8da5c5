-- name: feed_head
-- Positions are given in one transaction per pass of the relay: everything up to here can be read.
select position from event_heads where tenant_id = $1

-- name: occurred_at
-- How old the event is at which a caller goes on.
select occurred_at from events where tenant_id = $1 and position = $2

-- name: feed_floor
-- The highest position older than $2, found by halving: positions grow with time, so some twenty
-- probes of the index do for any feed. What is missing was deleted for its age.
with recursive search (low, high) as (
  select 0::bigint, h.position from event_heads h where h.tenant_id = $1
   union all
  select case when probe.is_old then probe.mid else s.low end,
         case when probe.is_old then s.high else probe.mid - 1 end
    from search s
   cross join lateral (
     select middle.mid,
            coalesce((select e.occurred_at < $2 from events e
                       where e.tenant_id = $1 and e.position = middle.mid), true) as is_old
       from (select (s.low + s.high + 1) / 2 as mid) as middle) as probe
   where s.low < s.high
)
select low from search where low = high

-- name: is_visible
-- Part of the two lists: whether a caller may see event e. Whoever is bound to people sees what is about them only.
(($2::uuid is null and $3::uuid[] is null)
     or exists (
          select from (
            select s.learner_id from simulations s
             where s.tenant_id = $1 and s.simulation_id = e.resource_id
             union
            select g.learner_id from scorings g
             where g.tenant_id = $1 and g.scoring_id = e.resource_id
             union
            select o.learner_id from operations o
             where o.tenant_id = $1 and o.operation_id = e.resource_id and o.kind = 'simulation_batch'
          ) as about
           where ($2::uuid is null or about.learner_id = $2)
             and ($3::uuid[] is null or exists (
                   select from memberships m
                    where m.tenant_id = $1 and m.learner_id = about.learner_id and m.team_id = any ($3)
                      and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4))))
     -- about a team, and nobody in particular
     or ($2::uuid is null and exists (
           select from report.documents d
            where d.tenant_id = $1 and d.document_id = e.resource_id and d.team_id = any ($3)))
     -- about many learners: who may see all of them may see it
     or (e.type like 'operation.%'
         and exists (select from scorings g where g.tenant_id = $1 and g.operation_id = e.resource_id)
         and not exists (
               select from scorings g
                where g.tenant_id = $1 and g.operation_id = e.resource_id
                  and (g.learner_id <> $2
                       or ($3::uuid[] is not null and not exists (
                             select from memberships m
                              where m.tenant_id = $1 and m.learner_id = g.learner_id and m.team_id = any ($3)
                                and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))))))

-- name: list_events
-- A stretch of the feed.
select e.event_id, e.type, e.resource_id, e.sequence, e.position, e.data, e.occurred_at
  from events e
 where e.tenant_id = $1 and e.position > $5 and e.position <= $6
   and e.type = any ($7::text[])
   and {is_visible}
 order by e.position
 limit $8

-- name: list_events_of_resource
-- Likewise of one resource, over the primary key.
select e.event_id, e.type, e.resource_id, e.sequence, e.position, e.data, e.occurred_at
  from events e
 where e.tenant_id = $1 and e.resource_id = $9 and e.position > $5 and e.position <= $6
   and e.type = any ($7::text[])
   and {is_visible}
 order by e.sequence
 limit $8
