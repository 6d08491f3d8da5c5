-- name: hold_settings
-- Two writers in turn, also where there is no row yet.
select pg_advisory_xact_lock(hashtextextended('report_settings ' || $1::uuid::text, 0))

-- name: find_settings
-- What the tenant chose.
select revision, min_people, rank_people, is_weekly, weekly_weekday, weekly_hour, updated_at
  from report.settings
 where tenant_id = $1

-- name: put_settings
-- In place of what it chose before.
insert into report.settings (tenant_id, revision, min_people, rank_people, is_weekly, weekly_weekday, weekly_hour,
                             updated_at)
values ($1, 1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id) do update
   set revision = settings.revision + 1, min_people = excluded.min_people,
       rank_people = excluded.rank_people, is_weekly = excluded.is_weekly,
       weekly_weekday = excluded.weekly_weekday, weekly_hour = excluded.weekly_hour,
       updated_at = excluded.updated_at
