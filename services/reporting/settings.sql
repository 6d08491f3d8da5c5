-- name: report_settings
-- What the tenant chose; no row where it chose nothing.
select revision, min_people, rank_people, is_weekly, weekly_weekday, weekly_hour
  from report.settings
 where tenant_id = $1
