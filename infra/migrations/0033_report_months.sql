-- What may be shown of months that are over: made from rollups when somebody asks, gone when those rollups change.

create table report.months (
  tenant_id  uuid not null,
  team_id    uuid not null,
  level      text not null check (level in ('skill', 'root')),
  month      date not null check (extract(day from month) = 1),
  form       smallint not null,  -- of the columns below and of the rules they were made by
  min_people smallint not null,  -- what they were made with
  groups     text not null,      -- JSON: [[skill or root, kind], ..]; empty: nobody scored
  amounts    bytea not null,     -- per group, how many cells it has: int32, little-endian; 0: too few people
  people     bytea not null,     -- ids, 16 bytes each
  cells      bytea not null,     -- group by group, per person: place in people, n, total; int32, little-endian
  primary key (tenant_id, level, team_id, month)
) with (toast_tuple_target = 8160);
alter table report.months alter column people set storage external;
alter table report.months alter column cells set storage external;
call app.protect('report.months');

-- Whoever makes a month holds the version for share while it stores it. So the version is taken first: what was made
-- from rollups of before is then there to be deleted, or is not stored at all.
create function app.drop_report_months() returns trigger language plpgsql as $$
begin
  perform 1 from report.rollup_versions v where v.tenant_id in (select c.tenant_id from changed c) for update;
  delete from report.months m
   using (select distinct c.tenant_id, c.team_id, date_trunc('month', c.bucket::timestamp)::date as month
            from changed c) as touched
   where m.tenant_id = touched.tenant_id and m.level in ('skill', 'root') and m.team_id = touched.team_id
     and m.month = touched.month;
  return null;
end $$;
create trigger drop_months_insert after insert on report.rollups referencing new table as changed
  for each statement execute function app.drop_report_months();
create trigger drop_months_update after update on report.rollups referencing new table as changed
  for each statement execute function app.drop_report_months();
create trigger drop_months_delete after delete on report.rollups referencing old table as changed
  for each statement execute function app.drop_report_months();
