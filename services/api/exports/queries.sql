-- name: rows
-- The revisions that count of some scorings, with everything that a file says; the team is that of the day.
select g.scoring_id, g.simulation_id, g.conversation_id, g.source, g.occurred_at, a.assessment_id, a.learner_id,
       a.revision, a.origin, a.overall, a.result, a.created_at, coalesce(a.rubric_version, g.rubric_version) as rubric_version,
       r.slug as rubric, n.slug as scenario, c.external_id as conversation_external_id, l.external_id, k.wrapped,
       m.team_id
  from scorings g
  join assessments a on a.tenant_id = $1 and a.assessment_id = g.assessment_id
  join rubrics r on r.tenant_id = $1 and r.rubric_id = coalesce(a.rubric_id, g.rubric_id)
  join learners l on l.tenant_id = $1 and l.learner_id = a.learner_id
  join tenants t on t.tenant_id = $1
  left join learner_keys k on k.tenant_id = $1 and k.learner_id = a.learner_id
  left join conversations c on c.tenant_id = $1 and c.conversation_id = g.conversation_id
  left join simulations s on s.tenant_id = $1 and s.simulation_id = g.simulation_id
  left join scenarios n on n.tenant_id = $1 and n.scenario_id = s.scenario_id
  left join lateral (
    select team_id from memberships
     where tenant_id = $1 and learner_id = a.learner_id
       and valid_from <= (g.occurred_at at time zone t.time_zone)::date
       and (valid_to is null or (g.occurred_at at time zone t.time_zone)::date < valid_to)
     order by valid_from desc
     limit 1) m on true
 where g.tenant_id = $1 and g.scoring_id = any ($2::uuid[])

-- name: insert_report_operation
-- The operation of a file of all counted scores; its total is counted when the writing begins.
insert into operations (tenant_id, operation_id, kind, status, is_scored, total, created_at, expires_at)
values ($1, $2, 'report_export', 'queued', false, 0, $3, $4)

-- name: insert_report_export
-- The file that reporting writes.
insert into report.exports (tenant_id, operation_id, format) values ($1, $2, $3)

-- name: get_report_export
-- How far a file is.
select e.operation_id, e.format, o.status, e.rows_done, e.size_bytes, o.created_at, o.ended_at, o.expires_at
  from report.exports e
  join operations o on o.tenant_id = $1 and o.operation_id = e.operation_id
 where e.tenant_id = $1 and e.operation_id = $2

-- name: report_export_part
-- One part of a file.
select content from report.export_parts where tenant_id = $1 and operation_id = $2 and part = $3
