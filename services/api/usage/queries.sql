-- name: list_groups
-- Calls that are over, by what was asked for; `place` orders the groups and is where a page goes on. What was
-- never settled counts as spent at its most from the moment it expired ($7 is now), as the ledger will book it with the
-- tenant's next call, if there is one.
with calls as (
  select case $4 when 'day' then (started_at at time zone 'UTC')::date::text
                 when 'month' then to_char(started_at at time zone 'UTC', 'YYYY-MM')
                 when 'task' then task
                 when 'model' then model
                 when 'simulation' then simulation_id::text
                 else scoring_id::text end as name,
         status, failure, input_tokens, cached_tokens, output_tokens, cost_microusd, reserved_microusd, latency_ms
    from llm_calls
   where tenant_id = $1 and started_at >= $2 and started_at < $3
     and (status <> 'reserved' or expires_at < $7)
), placed as (
  select case when $4 in ('task', 'model') then md5(name)::uuid
              when $4 in ('day', 'month') then lpad(replace(name, '-', ''), 32, '0')::uuid
              else name::uuid end as place,
         *
    from calls where name is not null
)
select place, min(name) as name, count(*) as calls,
       count(*) filter (where failure is not null or status <> 'settled') as failed_calls,
       coalesce(sum(input_tokens), 0)::bigint as input_tokens,
       coalesce(sum(cached_tokens), 0)::bigint as cached_tokens,
       coalesce(sum(output_tokens), 0)::bigint as output_tokens,
       sum(coalesce(cost_microusd, reserved_microusd))::bigint as cost_microusd,
       percentile_disc(0.5) within group (order by latency_ms) filter (where failure is null) as p50_ms,
       percentile_disc(0.95) within group (order by latency_ms) filter (where failure is null) as p95_ms
  from placed
 where $5::uuid is null or place > $5
 group by place
 order by place
 limit $6

-- name: total
-- The same over everything in a time, or over one simulation, or over one scoring.
select count(*) as calls,
       count(*) filter (where failure is not null or status <> 'settled') as failed_calls,
       coalesce(sum(input_tokens), 0)::bigint as input_tokens,
       coalesce(sum(cached_tokens), 0)::bigint as cached_tokens,
       coalesce(sum(output_tokens), 0)::bigint as output_tokens,
       coalesce(sum(coalesce(cost_microusd, reserved_microusd)), 0)::bigint as cost_microusd,
       percentile_disc(0.5) within group (order by latency_ms) filter (where failure is null) as p50_ms,
       percentile_disc(0.95) within group (order by latency_ms) filter (where failure is null) as p95_ms
  from llm_calls
 where tenant_id = $1 and (status <> 'reserved' or expires_at < $6)
   and ($2::timestamptz is null or started_at >= $2) and ($3::timestamptz is null or started_at < $3)
   and ($4::uuid is null or simulation_id = $4)
   and ($5::uuid is null or scoring_id = $5)

-- name: list_turns
-- The same for each turn of a simulation and task.
select seq, task, count(*) as calls,
       count(*) filter (where failure is not null or status <> 'settled') as failed_calls,
       coalesce(sum(input_tokens), 0)::bigint as input_tokens,
       coalesce(sum(cached_tokens), 0)::bigint as cached_tokens,
       coalesce(sum(output_tokens), 0)::bigint as output_tokens,
       sum(coalesce(cost_microusd, reserved_microusd))::bigint as cost_microusd,
       percentile_disc(0.5) within group (order by latency_ms) filter (where failure is null) as p50_ms,
       percentile_disc(0.95) within group (order by latency_ms) filter (where failure is null) as p95_ms
  from llm_calls
 where tenant_id = $1 and simulation_id = $2 and seq is not null
   and (status <> 'reserved' or expires_at < $4)
 group by seq, task
 order by seq, task
 limit $3

-- name: see_simulation
-- Whether the caller may see it.
select from simulations s
 where s.tenant_id = $1 and s.simulation_id = $5
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))

-- name: see_scoring
-- Whether the caller may see it.
select from scorings s
 where s.tenant_id = $1 and s.scoring_id = $5
   and ($2::uuid is null or s.learner_id = $2)
   and ($3::uuid[] is null or exists (
         select from memberships m
          where m.tenant_id = $1 and m.learner_id = s.learner_id and m.team_id = any ($3)
            and m.valid_from <= $4 and (m.valid_to is null or m.valid_to > $4)))
