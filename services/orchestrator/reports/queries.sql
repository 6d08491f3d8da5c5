-- name: due_tenants
-- Tenants whose day and hour have come and whose pages of the week before are not all made. Moved back by day and
-- hour, a tenant's clock is in the week of its newest page's making; in its own time zone, summer time included.
select t.tenant_id, due.week
  from report.settings s
  join tenants t on t.tenant_id = s.tenant_id and t.status = 'active'
 cross join lateral (
   select date_trunc('week', ($1::timestamptz at time zone t.time_zone)
                             - make_interval(days => s.weekly_weekday - 1, hours => s.weekly_hour))::date - 7 as week
 ) due
  left join report.weekly_runs r on r.tenant_id = s.tenant_id
 where s.is_weekly and (r.week is null or r.week < due.week)
 order by t.tenant_id
 limit $2
