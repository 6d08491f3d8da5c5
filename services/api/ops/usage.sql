-- name: tenants_of_period
-- System role: who existed before the end of a period, or used something in it and is gone.
select tenant_id from (
  select tenant_id from tenants where created_at < $3
  union
  select tenant_id from usage_periods where first_day = $4 and end_day = $5
) as everybody
 where ($1::uuid is null or tenant_id > $1) and ($2::uuid is null or tenant_id = $2)
 order by tenant_id
 limit $6

-- name: told
-- System role: what was told of a period before.
select tenant_id, simulations, turns, scorings, model_calls, input_tokens, cached_tokens, output_tokens, cost_microusd
  from usage_periods where first_day = $2 and end_day = $3 and tenant_id = any ($1) order by tenant_id

-- name: keep
-- System role: the first telling of a closed period stays.
insert into usage_periods (tenant_id, first_day, end_day, simulations, turns, scorings, model_calls, input_tokens,
                           cached_tokens, output_tokens, cost_microusd, counted_at)
select tenant_id, $1, $2, simulations, turns, scorings, model_calls, input_tokens, cached_tokens, output_tokens,
       cost_microusd, $3
  from unnest($4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
              $11::bigint[], $12::bigint[])
         as u(tenant_id, simulations, turns, scorings, model_calls, input_tokens, cached_tokens, output_tokens,
              cost_microusd)
on conflict do nothing

-- name: used
-- System role: what some tenants used from $2 to $3. Turns are what learners said, in conversations with live keys;
-- a branch's copied turns are its parent's. The model's calls are those of the ledger: under way is not yet used,
-- never settled counts at its most from the moment it expired ($4 is now), whether or not the ledger has booked it.
select t.tenant_id, s.simulations, u.turns, c.scorings, l.model_calls, l.input_tokens, l.cached_tokens,
       l.output_tokens, l.cost_microusd
  from unnest($1::uuid[]) as t(tenant_id)
 cross join lateral (
   select count(*) as simulations from simulations m
    where m.tenant_id = t.tenant_id and m.environment = 'live' and m.created_at >= $2 and m.created_at < $3) as s
 cross join lateral (
   select count(*) as turns
     from simulations m
     join turns n on n.tenant_id = t.tenant_id and n.simulation_id = m.simulation_id
    where m.tenant_id = t.tenant_id and m.environment = 'live' and m.created_at < $3
      and m.last_activity_at >= $2::timestamptz - interval '1 day'
      and n.role = 'learner' and n.seq > coalesce(m.branch_seq, -1) and n.created_at >= $2 and n.created_at < $3) as u
 cross join lateral (
   select count(*) as scorings from scorings g
    where g.tenant_id = t.tenant_id and g.environment = 'live' and g.created_at >= $2 and g.created_at < $3) as c
 cross join lateral (
   select count(*) as model_calls, coalesce(sum(input_tokens), 0)::bigint as input_tokens,
          coalesce(sum(cached_tokens), 0)::bigint as cached_tokens,
          coalesce(sum(output_tokens), 0)::bigint as output_tokens,
          coalesce(sum(coalesce(cost_microusd, reserved_microusd)), 0)::bigint as cost_microusd
     from llm_calls k
    where k.tenant_id = t.tenant_id and (k.status <> 'reserved' or k.expires_at < $4)
      and k.started_at >= $2 and k.started_at < $3) as l
 order by t.tenant_id
