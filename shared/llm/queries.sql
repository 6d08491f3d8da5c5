-- name: reserve
-- Sets money aside for calls that came together.
select * from app.reserve_calls_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                                   $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)

-- name: settle
-- Real costs in place of reserved ones.
select * from app.settle_calls_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)

-- name: find_settings
-- What a tenant has set; sealed parts as they are.
select revision, endpoint, api_key, policy, monthly_budget_microusd, simulation_budget_microusd,
       scoring_budget_microusd, max_in_flight, updated_at
  from llm_settings where tenant_id = $1

-- name: lock_settings
-- Two writers in turn, also where there is no row yet.
select pg_advisory_xact_lock(hashtextextended('llm_settings ' || $1::uuid::text, 0))

-- name: put_settings
-- In place of what was set.
insert into llm_settings (tenant_id, revision, endpoint, api_key, policy, monthly_budget_microusd,
                          simulation_budget_microusd, scoring_budget_microusd, max_in_flight, updated_at)
values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (tenant_id) do update
   set revision = llm_settings.revision + 1, endpoint = excluded.endpoint, api_key = excluded.api_key,
       policy = excluded.policy, monthly_budget_microusd = excluded.monthly_budget_microusd,
       simulation_budget_microusd = excluded.simulation_budget_microusd,
       scoring_budget_microusd = excluded.scoring_budget_microusd,
       max_in_flight = excluded.max_in_flight, updated_at = excluded.updated_at

-- name: delete_settings
-- The installation's endpoint, if there is one, from now on. The revision stays, and moves on: who read an earlier
-- one must not replace what somebody else sets later.
update llm_settings
   set revision = revision + 1, endpoint = null, api_key = null, policy = '{}', monthly_budget_microusd = null,
       simulation_budget_microusd = null, scoring_budget_microusd = null, max_in_flight = $2, updated_at = now()
 where tenant_id = $1 and policy <> '{}'

-- name: find_name
-- Of a learner, sealed.
select name from learners where tenant_id = $1 and learner_id = $2

-- name: find_month
-- What is spent and promised in a month.
select spent_microusd, reserved_microusd, installation_spent_microusd, installation_reserved_microusd,
       (select coalesce(sum(in_flight), 0) from llm_months where tenant_id = $1)::bigint as in_flight
  from (values (1)) as one(row)
  left join llm_months on tenant_id = $1 and month = $2
