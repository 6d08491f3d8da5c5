-- name: team_name
-- What a team is called, sealed.
select name from teams where tenant_id = $1 and team_id = $2

-- name: team_names
-- What teams are called, sealed.
select team_id, name from teams where tenant_id = $1 and team_id = any ($2)

-- name: waiting_teams
-- Teams that scored in the weeks of a page and have none for the week; in order, so that a restart goes on.
select a.team_id
  from (select distinct team_id from report.attempts
         where tenant_id = $1 and team_id is not null and day between $3 and $4) a
 where not exists (select from report.documents d
                    where d.tenant_id = $1 and d.team_id = a.team_id and d.week = $2)
 order by a.team_id
 limit $5

-- name: insert_document
-- A page; a repeat (another pass, or a second process) writes nothing.
insert into report.documents (tenant_id, document_id, team_id, week, content, created_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (tenant_id, team_id, week) do nothing
returning document_id

-- name: end_week
-- All pages of a week are made; it never goes back.
insert into report.weekly_runs (tenant_id, week) values ($1, $2)
on conflict (tenant_id) do update set week = greatest(weekly_runs.week, excluded.week)

-- name: get_document
-- A page by its id.
select content from report.documents where tenant_id = $1 and document_id = $2

-- name: open_exports
-- Files that nobody writes now, of all tenants.
select tenant_id, operation_id from report.exports
 where is_open and (lease_until is null or lease_until < $1)
 order by operation_id
 limit 20

-- name: old_exports
-- Files whose time is over, of all tenants: ids are in order of time.
select tenant_id, operation_id from report.exports where operation_id < $1 order by operation_id limit 20

-- name: drop_export
-- A file that is too old, with its parts.
delete from report.exports where tenant_id = $1 and operation_id = $2

-- name: claim_export
-- Take a file that nobody writes; the operation runs from now on. No row: it is done, or in other hands.
with taken as (
  update report.exports set lease_until = $4, starts = starts + 1, rows_done = 0, size_bytes = 0
   where tenant_id = $1 and operation_id = $2 and is_open and (lease_until is null or lease_until < $3)
  returning format, starts
), rows as (
  select count(*) as total from report.facts where tenant_id = $1
), begun as (
  update operations set status = 'running', started_at = coalesce(started_at, $3), total = (select total from rows)
   where tenant_id = $1 and operation_id = $2 and status in ('queued', 'running')
     and exists (select from taken)
  returning operation_id
)
select taken.format, taken.starts, exists (select from begun) as is_wanted from taken

-- name: drop_parts
-- What an earlier attempt wrote.
delete from report.export_parts where tenant_id = $1 and operation_id = $2

-- name: facts_after
-- Counted scores in the order of their key, with what they belong to.
select f.scoring_id, a.assessment_id, f.revision, l.learner_id, f.team_id, f.source, f.day, f.skill, f.score,
       a.rubric_id, a.rubric_version, a.engine, a.scenario_id, a.scenario_version
  from report.facts f
  join report.attempts a on a.tenant_id = $1 and a.scoring_id = f.scoring_id
  left join learners l on l.tenant_id = $1 and l.person_id = f.person_id
 where f.tenant_id = $1 and (f.scoring_id, f.skill) > ($2, $3)
 order by f.scoring_id, f.skill
 limit $4

-- name: put_part
-- One part of a file.
insert into report.export_parts (tenant_id, operation_id, part, content) values ($1, $2, $3, $4)

-- name: keep_export
-- How far the file is; no row: it is no longer wanted, or somebody else has it.
update report.exports e
   set rows_done = $4, size_bytes = $5, lease_until = $6
  from operations o
 where e.tenant_id = $1 and e.operation_id = $2 and e.is_open and e.starts = $3
   and o.tenant_id = $1 and o.operation_id = $2 and o.status = 'running'
returning e.operation_id

-- name: end_export
-- Nobody writes it any more.
update report.exports set is_open = false, lease_until = null
 where tenant_id = $1 and operation_id = $2 and starts = $3

-- name: end_operation
-- The last word, unless it was canceled.
update operations set status = $3, ended_at = $4
 where tenant_id = $1 and operation_id = $2 and status in ('queued', 'running')
returning operation_id

-- name: hidden_skills
-- What the tenant does not show.
select key from tenant_skills where tenant_id = $1 and hidden
