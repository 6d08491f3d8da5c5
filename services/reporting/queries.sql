-- name: heads
-- Which tenants have events, and up to where; the system role sees positions only.
select tenant_id, position from event_heads

-- name: start_position
-- A tenant's first event finds a row to lock.
insert into consumer_positions (tenant_id, consumer, position)
values ($1, $2, 0)
on conflict (tenant_id, consumer) do nothing

-- name: try_position
-- The row lock makes one process at a time fold a tenant; another one does not wait for it.
select position from consumer_positions
 where tenant_id = $1 and consumer = $2
   for update skip locked

-- name: lock_position
-- Verify and rebuild wait until no fold is under way, and hold off the next one.
select position from consumer_positions
 where tenant_id = $1 and consumer = $2
   for update

-- name: next_events
-- One page of the feed: how far it reaches, how long it is, and which scorings it names.
select max(position) as last, count(*) as length,
       array_agg(distinct resource_id) filter (where type = any ($4)) as scoring_ids
  from (select position, type, resource_id
          from events
         where tenant_id = $1 and position > $2
         order by position
         limit $3) as page

-- name: move_position
-- In the transaction of the effect: that is what makes the effect exactly once.
update consumer_positions set position = $3 where tenant_id = $1 and consumer = $2

-- name: wanted_facts
-- What the facts of these scorings must be, from what is true now: latest revision, team of that day. What is
-- left out of trends (faults of the simulator, autopilot batches) has none.
with latest as (
  select distinct on (scoring_id) scoring_id, assessment_id, revision
    from assessments
   where tenant_id = $1 and scoring_id = any ($2::uuid[])
   order by scoring_id, revision desc
)
select l.scoring_id, k.skill, l.revision, m.team_id, p.person_id, s.source, d.day, k.score
  from latest l
  join scorings s on s.tenant_id = $1 and s.scoring_id = l.scoring_id and s.excluded is null
  join learners p on p.tenant_id = $1 and p.learner_id = s.learner_id
  join tenants t on t.tenant_id = $1
 cross join lateral (select (s.occurred_at at time zone t.time_zone)::date as day) d
  join assessment_skills k
    on k.tenant_id = $1 and k.assessment_id = l.assessment_id and k.status = 'scored'
  left join lateral (
    select team_id
      from memberships
     where tenant_id = $1 and learner_id = s.learner_id
       and valid_from <= d.day and (valid_to is null or d.day < valid_to)
     order by valid_from desc
     limit 1
  ) m on true

-- name: stored_facts
-- What is counted now for these scorings.
select scoring_id, skill, revision, team_id, person_id, source, day, score
  from facts
 where tenant_id = $1 and scoring_id = any ($2::uuid[])

-- name: drop_facts
-- Skills that the latest revision no longer scores.
delete from facts
 using unnest($2::uuid[], $3::text[]) as gone (scoring_id, skill)
 where facts.tenant_id = $1 and facts.scoring_id = gone.scoring_id and facts.skill = gone.skill

-- name: put_facts
-- New facts and changed ones in one statement.
insert into facts (tenant_id, scoring_id, skill, revision, team_id, person_id, source, day, score)
select $1, f.*
  from unnest($2::uuid[], $3::text[], $4::integer[], $5::uuid[], $6::uuid[], $7::text[],
              $8::date[], $9::smallint[]) as f
on conflict (tenant_id, scoring_id, skill) do update
   set revision = excluded.revision, team_id = excluded.team_id, person_id = excluded.person_id,
       source = excluded.source, day = excluded.day, score = excluded.score

-- name: move_rollups
-- Adds differences. Not `on conflict`: its check constraints see the bare difference, which may be negative.
-- Histograms travel as text, both ways: several times cheaper than arrays of numbers in the driver.
-- Materialized, else each text would be read anew for each of its 101 counts.
with d as materialized (
  select team_id, skill, source, bucket, n, total, squares, counts::integer[] as histogram
    from unnest($2::uuid[], $3::text[], $4::text[], $5::date[], $6::bigint[], $7::bigint[],
                $8::bigint[], $9::text[])
         as m (team_id, skill, source, bucket, n, total, squares, counts)
)
merge into rollups as r
using d
on r.tenant_id = $1 and r.team_id = d.team_id and r.skill = d.skill
   and r.source = d.source and r.bucket = d.bucket
when matched and r.n + d.n = 0 then delete
when matched then update
   set n = r.n + d.n, total = r.total + d.total, squares = r.squares + d.squares,
       histogram = array(select r.histogram[cell] + d.histogram[cell]
                           from generate_series(1, 101) as cell order by cell)
when not matched then
  insert (tenant_id, team_id, skill, source, bucket, n, total, squares, histogram)
  values ($1, d.team_id, d.skill, d.source, d.bucket, d.n, d.total, d.squares, d.histogram)

-- name: team_rollups
-- A team's trend; the primary key holds the rows of one team together.
select skill, bucket, n, total, squares, histogram::text
  from rollups
 where tenant_id = $1 and team_id = $2 and ($3::text is null or skill = $3)
   and source = any ($4::text[]) and bucket between $5 and $6

-- name: scoring_page
-- Verify and rebuild walk over everything that has, or should have, facts; pages keep memory flat.
select scoring_id
  from ((select scoring_id from scorings
          where tenant_id = $1 and scoring_id > $2 order by scoring_id limit $3)
        union
        (select distinct scoring_id from facts
          where tenant_id = $1 and scoring_id > $2 order by scoring_id limit $3)) as known
 order by scoring_id
 limit $3

-- name: pending_scorings
-- Scorings with an event that this consumer has not reached: no difference yet, only a delay.
select distinct resource_id
  from events
 where tenant_id = $1 and type = any ($3) and (position is null or position > $2)
   and resource_id = any ($4::uuid[])

-- name: rollup_teams
-- Verify and rebuild go team by team; pages keep memory flat.
select team_id from facts where tenant_id = $1 and team_id is not null
union
select team_id from rollups where tenant_id = $1

-- name: counted_facts
-- How often each score stands in each cell of a team, from the facts, with buckets by SQL's own calendar.
select skill, source, score, count(*) as amount,
       greatest(date_trunc('week', day::timestamp), date_trunc('month', day::timestamp))::date
         as bucket
  from facts
 where tenant_id = $1 and team_id = $2
 group by skill, source, score, bucket

-- name: stored_rollups
-- All rollups of a team as they stand.
select skill, source, bucket, n, total, squares, histogram::text
  from rollups
 where tenant_id = $1 and team_id = $2

-- name: drop_rollups
-- Rollups that count nothing that exists.
delete from rollups
 using unnest($2::uuid[], $3::text[], $4::text[], $5::date[]) as gone (team_id, skill, source, bucket)
 where rollups.tenant_id = $1 and rollups.team_id = gone.team_id and rollups.skill = gone.skill
   and rollups.source = gone.source and rollups.bucket = gone.bucket

-- name: set_rollups
-- Rebuild writes what is right, whatever stood there.
insert into rollups (tenant_id, team_id, skill, source, bucket, n, total, squares, histogram)
select $1, team_id, skill, source, bucket, n, total, squares, counts::integer[]
  from unnest($2::uuid[], $3::text[], $4::text[], $5::date[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::text[])
       as m (team_id, skill, source, bucket, n, total, squares, counts)
on conflict (tenant_id, team_id, skill, source, bucket) do update
   set n = excluded.n, total = excluded.total, squares = excluded.squares,
       histogram = excluded.histogram
