-- Plans, limits and states of tenants; requests counted over all processes; days of the language model; how fast a
-- tenant's queues are worked off; the check of new work in the transaction that accepts it.

-- active; paused: nothing new, and what is queued waits; draining: nothing new, what is queued is worked off;
-- suspended: every call is refused. What is in hand always goes on to its end.
alter table app.tenants drop constraint tenants_status_check;
alter table app.tenants add constraint tenants_status_check
  check (status in ('active', 'paused', 'draining', 'suspended')) not valid;
alter table app.tenants validate constraint tenants_status_check;
alter table app.tenants add column plan text not null default 'standard'
  check (plan ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(plan) <= 40);

-- What differs from a tenant's plan; a null value: no bound.
create table app.tenant_limits (
  tenant_id  uuid not null references app.tenants,
  name       text not null check (name in ('requests_per_minute', 'simulations', 'autopilot', 'scorings', 'backlog',
                                           'model_calls', 'tokens_per_day', 'microusd_per_day', 'weight')),
  value      bigint check (value >= 0),
  reason     text not null check (reason ~ '^[A-Za-z0-9][A-Za-z0-9 .,:#/_-]{0,119}$'),  -- a ticket, nobody's name
  changed_by uuid,                                -- the operator's key; null: the command line
  changed_at timestamptz not null,
  primary key (tenant_id, name),
  check (value is not null or name not in ('requests_per_minute', 'backlog', 'weight')),
  check (value >= 1 or name not in ('requests_per_minute', 'backlog', 'weight'))
);
call app.protect('app.tenant_limits', 'select');
create policy system on app.tenant_limits to rapport_system using (true) with check (true);
grant select (tenant_id, name, value, changed_by, changed_at), insert, update, delete
  on app.tenant_limits to rapport_system;

-- Requests of a tenant over all processes, by the generic cell rate algorithm; see docs/limits.md. Microseconds.
create table app.request_rates (
  tenant_id  uuid primary key references app.tenants,
  arrival_us bigint not null,   -- when all that was allowed would have arrived if it had come evenly
  epoch      bigint not null,   -- of 10 s: what was lent ahead in it may be used until its end
  held       integer not null check (held >= 0)
) with (fillfactor = 50);
call app.protect('app.request_rates', 'select, insert, update');

-- Allows up to p_wanted requests now, and lends up to p_ahead more, which may be used until lapse_us from now. What is
-- lent counts twice until it lapses, as used now and as used last thing: so never more requests than the quota
-- allows, whichever of the processes use what they hold, and when. p_now_us: null but in tests.
create function app.take_requests_v1(
  p_tenant uuid, p_quota integer, p_wanted integer, p_ahead integer, p_now_us bigint
) returns table (granted integer, ahead integer, room integer, whole_us bigint, lapse_us bigint, wait_us bigint)
language plpgsql as $$
declare
  epoch_us constant bigint := 10000000;
  step bigint := greatest(60000000 / p_quota, 1);
  span bigint := step * p_quota;
  at_us bigint;
  rate app.request_rates;
  free bigint;
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  -- A crash of the server may forget the last moments; no request waits for the disk.
  perform set_config('synchronous_commit', 'off', true);
  select * into rate from request_rates r where r.tenant_id = p_tenant for update;
  if not found then
    insert into request_rates (tenant_id, arrival_us, epoch, held) values (p_tenant, 0, 0, 0) on conflict do nothing;
    select * into rate from request_rates r where r.tenant_id = p_tenant for update;
  end if;
  at_us := coalesce(p_now_us, (extract(epoch from clock_timestamp()) * 1000000)::bigint);
  if rate.epoch < at_us / epoch_us then
    if rate.held > 0 then  -- all of it may have been used at the last moment
      rate.arrival_us := greatest(rate.arrival_us, (rate.epoch + 1) * epoch_us + rate.held * step);
    end if;
    rate.epoch := at_us / epoch_us;
    rate.held := 0;
  end if;
  rate.arrival_us := greatest(rate.arrival_us, at_us);
  free := greatest((span - (rate.arrival_us - at_us)) / step - rate.held, 0);
  granted := least(p_wanted, free);
  free := free - granted;
  ahead := 0;
  if granted = p_wanted then  -- a twentieth of the quota at most is lent
    ahead := greatest(least(p_ahead, free / 2, p_quota / 20 - rate.held), 0);
    free := free - 2 * ahead;
  end if;
  rate.arrival_us := rate.arrival_us + (granted + ahead) * step;
  rate.held := rate.held + ahead;
  update request_rates r set arrival_us = rate.arrival_us, epoch = rate.epoch, held = rate.held
   where r.tenant_id = p_tenant;
  room := free;
  whole_us := rate.arrival_us - at_us + rate.held * step;
  lapse_us := (rate.epoch + 1) * epoch_us - at_us;
  wait_us := greatest(whole_us + step - span, 0);
  return next;
end $$;

-- How many jobs of a tenant's lane ended: in the minute that runs since `since`, and in the one before.
create table app.lane_drains (
  tenant_id    uuid not null references app.tenants,
  kind         text not null check (kind in ('turn', 'score', 'batch', 'flow')),
  since        timestamptz not null,
  done         integer not null check (done >= 0),
  before_since timestamptz not null,
  before_done  integer not null check (before_done >= 0),
  primary key (tenant_id, kind)
) with (fillfactor = 70);
call app.protect('app.lane_drains', 'select');
create policy system on app.lane_drains to rapport_system using (true) with check (true);
grant select, insert, update on app.lane_drains to rapport_system;

-- Whether new work may begin, in the transaction that accepts it: null, or what stands against it (`paused`,
-- `draining`, `backlog`, `concurrency`), how many there are, and how many end per second (null: none did lately).
-- Lanes and their caps; then the kind of what begins (null: nothing that counts), how many, and its limit (null: none).
--
-- Who is near the limit takes the lock alone, so that two cannot both take the last place. Far from it many share it:
-- 200 places stay free for them, more than there are connections, and each of them takes one.
create function app.admit_v1(
  p_tenant uuid, p_lanes text[], p_caps integer[], p_kind text, p_wanted integer, p_limit integer
) returns table (refused text, lane text, held integer, done_per_s double precision)
language plpgsql as $$
declare
  near constant integer := 200;
  name bigint := hashtextextended('admit ' || p_kind || p_tenant::text, 0);
begin
  select case when t.status = 'active' then null else t.status end into refused
    from tenants t where t.tenant_id = p_tenant;
  if refused is not null then
    return next;
    return;
  end if;
  for i in 1 .. cardinality(p_lanes) loop
    select count(*) into held from (
      select from jobs j
       where j.tenant_id = p_tenant and j.kind = p_lanes[i] and j.dead_at is null limit p_caps[i]) as waiting;
    if held >= p_caps[i] then
      refused := 'backlog';
      lane := p_lanes[i];
      done_per_s := app.drain_v1(p_tenant, lane);
      return next;
      return;
    end if;
  end loop;
  if p_kind is not null and p_limit is not null and p_wanted > 0 then
    held := null;
    if p_wanted = 1 and p_limit > near then
      begin
        perform pg_advisory_xact_lock_shared(name);
        held := app.open_work_v1(p_tenant, p_kind, p_limit - near);
        if held < p_limit - near then
          return next;
          return;
        end if;
        raise sqlstate 'RPNEA';  -- gives the shared lock back: who waited for it alone with it would wait for ever
      exception when sqlstate 'RPNEA' then
        null;
      end;
    end if;
    perform pg_advisory_xact_lock(name);
    held := app.open_work_v1(p_tenant, p_kind, p_limit);
    if held + p_wanted > p_limit then
      refused := 'concurrency';
      lane := case p_kind when 'scoring' then 'score' when 'autopilot' then 'batch' end;
      done_per_s := app.drain_v1(p_tenant, lane);
    end if;
  end if;
  return next;
end $$;

-- What a tenant has begun of a kind and not ended; counted up to p_most.
create function app.open_work_v1(p_tenant uuid, p_kind text, p_most integer) returns integer
language plpgsql as $$
begin
  if p_kind = 'scoring' then
    return (select count(*) from (
      select from scorings s
       where s.tenant_id = p_tenant and s.status in ('queued', 'running') limit p_most) as counted);
  end if;
  return (select count(*) from (
    select from simulations s
     where s.tenant_id = p_tenant and s.status = 'open'
       and s.mode = case p_kind when 'autopilot' then 'autopilot' else 'interactive' end limit p_most) as counted);
end $$;

-- Jobs of a tenant's lane that end per second, over the last one to two minutes; null when none did.
create function app.drain_v1(p_tenant uuid, p_kind text) returns double precision
language sql stable as $$
  select case when since > now() - interval '2 minutes' and done + before_done > 0
         then (done + before_done) / greatest(extract(epoch from now() - before_since), 1)::float8 end
    from app.lane_drains where tenant_id = p_tenant and kind = p_kind
$$;

-- Money and tokens of a day (UTC), as llm_months has them of a month; the month's row is locked first.
create table app.llm_days (
  tenant_id         uuid not null references app.tenants,
  day               date not null,
  spent_microusd    bigint not null default 0 check (spent_microusd >= 0),
  reserved_microusd bigint not null default 0 check (reserved_microusd >= 0),
  spent_tokens      bigint not null default 0 check (spent_tokens >= 0),
  reserved_tokens   bigint not null default 0 check (reserved_tokens >= 0),
  primary key (tenant_id, day)
);
call app.protect('app.llm_days', 'select, insert, update');
alter table app.llm_calls
  add column reserved_tokens integer check (reserved_tokens >= 0),  -- null: counted in no day
  add column day date;

-- As reserve_calls_v1, with bounds of the day (UTC): `day` for money, `tokens` for tokens; and the plan's cap on calls
-- at once beside the tenant's own.
create function app.reserve_calls_v2(
  p_tenant uuid, p_now timestamptz, p_again boolean, p_calls uuid[], p_tasks text[], p_learners uuid[], p_simulations uuid[],
  p_seqs integer[], p_scorings uuid[], p_operations uuid[], p_numbers integer[], p_models text[], p_hosts text[],
  p_prompts text[], p_parameters jsonb[], p_most bigint[], p_started timestamptz[], p_expires timestamptz[],
  p_month_bounds bigint[], p_installation_bounds bigint[], p_simulation_bounds bigint[],
  p_scoring_bounds bigint[], p_in_flight_bounds integer[], p_tokens integer[], p_in_flight integer,
  p_day_microusd bigint, p_day_tokens bigint
) returns table (call_id uuid, refused text) language plpgsql as $$
#variable_conflict use_column
declare
  present date := date_trunc('month', p_now at time zone 'UTC')::date;
  today   date := (p_now at time zone 'UTC')::date;
  months  app.llm_months;
  days    app.llm_days;
  flying  bigint;
  before  bigint;
  used    bigint := 0;
  used_at_installation bigint := 0;
  used_tokens bigint := 0;
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
    returning month, day, reserved_microusd, reserved_tokens, is_installation
  ), kept as (
    select day, sum(reserved_microusd) as most, sum(reserved_tokens) as tokens
      from gone where reserved_tokens is not null group by day
  ), moved as (
    update llm_days d
       set reserved_microusd = d.reserved_microusd - kept.most, spent_microusd = d.spent_microusd + kept.most,
           reserved_tokens = d.reserved_tokens - kept.tokens, spent_tokens = d.spent_tokens + kept.tokens
      from kept where d.tenant_id = p_tenant and d.day = kept.day
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
  insert into llm_days (tenant_id, day) values (p_tenant, today) on conflict do nothing;
  select * into days from llm_days where tenant_id = p_tenant and day = today;
  select coalesce(sum(in_flight), 0) into flying from llm_months where tenant_id = p_tenant and in_flight > 0;
  for i in 1 .. cardinality(p_calls) loop
    call_id := p_calls[i];
    refused := null;
    if p_again and exists (select from llm_calls where tenant_id = p_tenant and call_id = p_calls[i]) then
      return next;
      continue;
    end if;
    refused := case
      when flying + taken >= least(p_in_flight_bounds[i], p_in_flight) then 'in_flight'
      when days.spent_tokens + days.reserved_tokens + used_tokens + p_tokens[i] > p_day_tokens then 'tokens'
      when p_most[i] = 0 then null
      when days.spent_microusd + days.reserved_microusd + used + p_most[i] > p_day_microusd then 'day'
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
                             reserved_microusd, expires_at, started_at, month, reserved_tokens, day)
      values (p_tenant, p_calls[i], 'reserved', p_tasks[i], p_learners[i], p_simulations[i], p_seqs[i],
              p_scorings[i], p_operations[i], p_numbers[i], p_models[i], p_hosts[i],
              p_installation_bounds[i] is not null, p_prompts[i], p_parameters[i], p_most[i], p_expires[i],
              p_started[i], present, p_tokens[i], today);
      taken := taken + 1;
      used := used + p_most[i];
      used_tokens := used_tokens + p_tokens[i];
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
    update llm_days set reserved_microusd = reserved_microusd + used, reserved_tokens = reserved_tokens + used_tokens
     where tenant_id = p_tenant and day = today;
  end if;
end $$;

-- As settle_calls_v1, with the day.
create function app.settle_calls_v2(
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
    returning c.call_id, c.month, c.day, c.is_installation, c.reserved_tokens,
              c.input_tokens + c.output_tokens as tokens, c.cost_microusd as cost,
              case old.status when 'reserved' then c.reserved_microusd else 0 end as freed,
              case old.status when 'expired' then c.reserved_microusd else 0 end as taken_back,
              case old.status when 'reserved' then 1 else 0 end as landed
  ), days as (
    select day, sum(cost - taken_back) as spent, sum(freed) as freed,
           sum(tokens - case landed when 1 then 0 else reserved_tokens end) as tokens,
           sum(case landed when 1 then reserved_tokens else 0 end) as freed_tokens
      from settled where reserved_tokens is not null group by day
  ), told as (
    update llm_days d
       set spent_microusd = d.spent_microusd + days.spent, reserved_microusd = d.reserved_microusd - days.freed,
           spent_tokens = d.spent_tokens + days.tokens, reserved_tokens = d.reserved_tokens - days.freed_tokens
      from days where d.tenant_id = p_tenant and d.day = days.day
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

grant execute on function app.take_requests_v1, app.admit_v1, app.open_work_v1, app.drain_v1, app.reserve_calls_v2,
  app.settle_calls_v2 to rapport_app;
