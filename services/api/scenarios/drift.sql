-- name: drift
-- By version, what a model made of customers' lines since a moment; branches count what is their own.
with said as (
  select s.scenario_version as version, t.wording, t.wording ->> 'engine' as engine, t.wording ->> 'why' as why,
         t.wording ? 'calls' or t.wording ->> 'engine' <> 'embedded'
         or coalesce(t.wording ->> 'why', 'no_model') not in ('no_model', 'test_key', 'disabled') as is_wanted
    from simulations s
    join turns t on t.tenant_id = $1 and t.simulation_id = s.simulation_id and t.wording is not null
     and t.seq > coalesce(s.branch_seq, 0)
   where s.tenant_id = $1 and s.scenario_id = $2 and s.created_at >= $3
), found as (
  select version, 'code' as kind, code as name, count(*) as turns
    from said, jsonb_array_elements_text(coalesce(wording -> 'drift', '[]')) as code group by version, code
  union all
  select version, 'why', why, count(*) from said where is_wanted and why is not null group by version, why
)
select said.version, count(*) as replies, count(*) filter (where is_wanted) as worded,
       count(*) filter (where engine = 'model') as by_model,
       count(*) filter (where engine = 'mixed') as mixed,
       count(*) filter (where wording ? 'drift') as drifted,
       count(*) filter (where (wording ->> 'is_regenerated')::boolean) as regenerated,
       coalesce((select jsonb_object_agg(name, turns order by name) from found
                  where found.version = said.version and kind = 'code'), '{}') as codes,
       coalesce((select jsonb_object_agg(name, turns order by name) from found
                  where found.version = said.version and kind = 'why'), '{}') as reasons
  from said
 group by said.version
 order by said.version
