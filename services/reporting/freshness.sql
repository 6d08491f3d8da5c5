-- name: state
-- What every answer needs of its tenant: how far the counting is and what waits, the choices, the calendar, skills.
select coalesce(c.position, 0) as position,
       coalesce(h.position, 0) - coalesce(c.position, 0) + u.amount + m.amount as behind,
       least(u.oldest, m.oldest,
             (select e.occurred_at
                from events e
               where e.tenant_id = $1 and e.position > coalesce(c.position, 0)
               order by e.position
               limit 1)) as waits_since,
       m.is_rebuilding, coalesce(v.version, 0) as version, t.time_zone, s.revision, s.min_people, s.rank_people, s.is_weekly,
       s.weekly_weekday, s.weekly_hour,
       (select json_agg(json_build_object('key', k.key, 'name', k.name, 'hidden', k.hidden))
          from tenant_skills k
         where k.tenant_id = $1 and (k.hidden or k.name is not null))::text as skills
  from tenants t
 cross join (select count(*) as amount, min(occurred_at) as oldest
               from events
              where tenant_id = $1 and position is null) u
 cross join (select count(*) as amount, min(marked_at) as oldest,
                    coalesce(bool_or(kind = 'tenant'), false) as is_rebuilding
               from report_marks
              where tenant_id = $1) m
  left join event_heads h on h.tenant_id = $1
  left join consumer_positions c on c.tenant_id = $1 and c.consumer = $2
  left join report.settings s on s.tenant_id = $1
  left join report.rollup_versions v on v.tenant_id = $1
 where t.tenant_id = $1

-- name: lag
-- How far the counting of all tenants is behind, events and marks: amounts and times only. Events without a place in
-- their feed count as well: what gives places may be what stands still.
with waiting as (
  select h.tenant_id, h.position - coalesce(c.position, 0) as amount, e.occurred_at as since
  from event_heads h
  left join consumer_positions c on c.tenant_id = h.tenant_id and c.consumer = $1
  left join lateral (select occurred_at
                       from events
                      where events.tenant_id = h.tenant_id
                        and events.position > coalesce(c.position, 0)
                      order by events.position
                      limit 1) e on true
 where h.position > coalesce(c.position, 0)
   union all
  select tenant_id, count(*), min(marked_at) from report_marks group by tenant_id
   union all
  select tenant_id, count(*), min(occurred_at) from events where position is null group by tenant_id
), tenants as (
  select sum(amount)::bigint as amount, min(since) as since from waiting group by tenant_id
)
select count(*) as tenants, coalesce(max(amount), 0) as behind, min(since) as waits_since from tenants
