-- Money of the language model: set aside before a call, settled after it. Each function takes the calls of one tenant
-- that came together, in one round trip. Whoever changes a month locks its row first (older months first), so the
-- sums in it are exact and no two reservations can pass the same last cent.

-- Sets aside what each call can cost at most, or says which bound refuses it: `month`, `installation`,
-- `simulation`, `scoring` or `in_flight`; null where it is reserved. Bounds are null where there is none. The commit
-- is durable: money is spent only after it. `p_again`: asked before, and nobody heard whether it was done.
create function app.reserve_calls_v1(
  p_tenant uuid, p_now timestamptz, p_again boolean, p_calls uuid[], p_tasks text[], p_learners uuid[], p_simulations uuid[],
  p_seqs integer[], p_scorings uuid[], p_operations uuid[], p_numbers integer[], p_models text[], p_hosts text[],
  p_prompts text[], p_parameters jsonb[], p_most bigint[], p_started timestamptz[], p_expires timestamptz[],
  p_month_bounds bigint[], p_installation_bounds bigint[], p_simulation_bounds bigint[],
  p_scoring_bounds bigint[], p_in_flight_bounds integer[]
) returns table (call_id uuid, refused text) language plpgsql as $$
#variable_conflict use_column
declare
  present date := date_trunc('month', p_now at time zone 'UTC')::date;
  months  app.llm_months;
  flying  bigint;
  before  bigint;
  used    bigint := 0;
  used_at_installation bigint := 0;
  taken   integer := 0;
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  perform from llm_months
    where tenant_id = p_tenant and (month = present or in_flight > 0) order by month for update;
  select * into months from llm_months where tenant_id = p_tenant and month = present;
  if not found then
    insert into llm_months (tenant_id, month) values (p_tenant, present) on conflict do nothing;
    perform from llm_months where tenant_id = p_tenant and month = present for update;
  end if;

  -- A call that nobody settled in time may have been made all the same: it counts as spent at its most.
  with gone as (
    update llm_calls set status = 'expired'
     where tenant_id = p_tenant and status = 'reserved' and expires_at < p_now
    returning month, reserved_microusd, is_installation
  ), sums as (
    select month, sum(reserved_microusd) as most, count(*) as calls,
           coalesce(sum(reserved_microusd) filter (where is_installation), 0) as installation
      from gone group by month
  )
  update llm_months m
     set reserved_microusd = m.reserved_microusd - sums.most, spent_microusd = m.spent_microusd + sums.most,
         installation_reserved_microusd = m.installation_reserved_microusd - sums.installation,
         installation_spent_microusd = m.installation_spent_microusd + sums.installation,
         in_flight = m.in_flight - sums.calls
    from sums where m.tenant_id = p_tenant and m.month = sums.month;

  select * into months from llm_months where tenant_id = p_tenant and month = present;
  select coalesce(sum(in_flight), 0) into flying from llm_months where tenant_id = p_tenant and in_flight > 0;
  for i in 1 .. cardinality(p_calls) loop
    call_id := p_calls[i];
    refused := null;
    if p_again and exists (select from llm_calls where tenant_id = p_tenant and call_id = p_calls[i]) then
      return next;
      continue;
    end if;
    refused := case
      when flying + taken >= p_in_flight_bounds[i] then 'in_flight'
      when p_most[i] = 0 then null
      when months.spent_microusd + months.reserved_microusd + used + p_most[i] > p_month_bounds[i] then 'month'
      when months.installation_spent_microusd + months.installation_reserved_microusd + used_at_installation
           + p_most[i] > p_installation_bounds[i] then 'installation'
    end;
    if refused is null and p_most[i] > 0 and p_simulation_bounds[i] is not null
       and p_simulations[i] is not null then
      select coalesce(sum(coalesce(cost_microusd, reserved_microusd)), 0) into before
        from llm_calls where tenant_id = p_tenant and simulation_id = p_simulations[i];
      if before + p_most[i] > p_simulation_bounds[i] then
        refused := 'simulation';
      end if;
    end if;
    if refused is null and p_most[i] > 0 and p_scoring_bounds[i] is not null and p_scorings[i] is not null then
      select coalesce(sum(coalesce(cost_microusd, reserved_microusd)), 0) into before
        from llm_calls where tenant_id = p_tenant and scoring_id = p_scorings[i];
      if before + p_most[i] > p_scoring_bounds[i] then
        refused := 'scoring';
      end if;
    end if;
    if refused is null then
      insert into llm_calls (tenant_id, call_id, status, task, learner_id, simulation_id, seq, scoring_id,
                             operation_id, number, model, host, is_installation, prompt_version, parameters,
                             reserved_microusd, expires_at, started_at, month)
      values (p_tenant, p_calls[i], 'reserved', p_tasks[i], p_learners[i], p_simulations[i], p_seqs[i],
              p_scorings[i], p_operations[i], p_numbers[i], p_models[i], p_hosts[i],
              p_installation_bounds[i] is not null, p_prompts[i], p_parameters[i], p_most[i], p_expires[i],
              p_started[i], present);
      taken := taken + 1;
      used := used + p_most[i];
      if p_installation_bounds[i] is not null then
        used_at_installation := used_at_installation + p_most[i];
      end if;
    end if;
    return next;
  end loop;
  if taken > 0 then
    update llm_months
       set reserved_microusd = reserved_microusd + used, in_flight = in_flight + taken,
           installation_reserved_microusd = installation_reserved_microusd + used_at_installation
     where tenant_id = p_tenant and month = present;
  end if;
end $$;

-- Puts what calls did cost in place of what was set aside, also after they expired; a second time changes nothing.
-- Returns those that were settled by this. What follows a call is committed later and durably, and with it this.
create function app.settle_calls_v1(
  p_tenant uuid, p_calls uuid[], p_inputs integer[], p_outputs integer[], p_cached integer[],
  p_estimated boolean[], p_costs bigint[], p_latencies integer[], p_first_deltas integer[],
  p_finish_reasons text[], p_failures text[], p_answers bytea[]
) returns table (call_id uuid) language plpgsql as $$
#variable_conflict use_column
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  perform set_config('synchronous_commit', 'off', true);
  perform from llm_months
    where tenant_id = p_tenant
      and month in (select c.month from llm_calls c where c.tenant_id = p_tenant and c.call_id = any (p_calls))
    order by month for update;
  return query
  with settled as (
    update llm_calls c
       set status = 'settled', input_tokens = g.input_tokens, output_tokens = g.output_tokens,
           cached_tokens = g.cached_tokens, is_estimated = g.is_estimated, cost_microusd = g.cost_microusd,
           latency_ms = g.latency_ms, first_delta_ms = g.first_delta_ms, finish_reason = g.finish_reason,
           failure = g.failure, answer = g.answer
      from unnest(p_calls, p_inputs, p_outputs, p_cached, p_estimated, p_costs, p_latencies, p_first_deltas,
                  p_finish_reasons, p_failures, p_answers)
             as g(call_id, input_tokens, output_tokens, cached_tokens, is_estimated, cost_microusd, latency_ms,
                  first_delta_ms, finish_reason, failure, answer)
     where c.tenant_id = p_tenant and c.call_id = g.call_id and c.status <> 'settled'
    returning c.call_id, c.month, c.is_installation, c.cost_microusd as cost,
              case old.status when 'reserved' then c.reserved_microusd else 0 end as freed,
              case old.status when 'expired' then c.reserved_microusd else 0 end as taken_back,
              case old.status when 'reserved' then 1 else 0 end as landed
  ), sums as (
    select month, sum(cost - taken_back) as spent, sum(freed) as freed, sum(landed) as landed,
           coalesce(sum(cost - taken_back) filter (where is_installation), 0) as installation_spent,
           coalesce(sum(freed) filter (where is_installation), 0) as installation_freed
      from settled group by month
  ), moved as (
    update llm_months m
       set spent_microusd = m.spent_microusd + sums.spent, reserved_microusd = m.reserved_microusd - sums.freed,
           installation_spent_microusd = m.installation_spent_microusd + sums.installation_spent,
           installation_reserved_microusd = m.installation_reserved_microusd - sums.installation_freed,
           in_flight = m.in_flight - sums.landed
      from sums where m.tenant_id = p_tenant and m.month = sums.month
  )
  select settled.call_id from settled;
end $$;

grant execute on function app.reserve_calls_v1, app.settle_calls_v1 to rapport_app;
