-- name: measured
-- Per task: what the tenant's last calls were like, and how many one conversation needed.
with recent as (
  select task, coalesce(simulation_id, scoring_id) as thing, scoring_id, input_tokens, output_tokens, latency_ms
    from llm_calls
   where tenant_id = $1 and started_at >= $2 and status = 'settled' and failure is null
   order by started_at desc
   limit 5000
), things as (
  select task, thing, count(*) as calls from recent where thing is not null group by task, thing
)
select r.task, count(*) as calls, avg(r.input_tokens)::float8 as input_tokens,
       avg(r.output_tokens)::float8 as output_tokens, avg(r.latency_ms)::float8 as latency_ms,
       (select count(*) from things t where t.task = r.task) as things,
       (select percentile_cont(array[0.1, 0.5, 0.95]) within group (order by t.calls)
          from things t where t.task = r.task) as calls_per_thing
  from recent r
 group by r.task
