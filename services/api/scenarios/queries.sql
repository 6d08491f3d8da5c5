-- name: get_scenario
-- The newest version of one.
select s.scenario_id, v.version, v.spec, s.created_at
  from scenarios s
  join scenario_versions v on v.tenant_id = $1 and v.scenario_id = s.scenario_id
 where s.tenant_id = $1 and s.scenario_id = $2
 order by v.version desc
 limit 1

-- name: list_scenarios
-- One page in order of creation, each in its newest version.
select s.scenario_id, v.version, v.spec, s.created_at
  from scenarios s
  join lateral (
    select w.version, w.spec from scenario_versions w
     where w.tenant_id = $1 and w.scenario_id = s.scenario_id
     order by w.version desc limit 1) v on true
 where s.tenant_id = $1 and ($2::uuid is null or s.scenario_id > $2) and ($3::text is null or s.slug = $3)
 order by s.scenario_id
 limit $4
