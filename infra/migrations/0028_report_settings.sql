-- What a tenant chooses about its reports.

create table report.settings (
  tenant_id       uuid primary key references app.tenants,
  revision        integer not null check (revision >= 1),  -- what a writer must have seen to replace it
  min_people      smallint not null check (min_people between 5 and 100),
  rank_people     boolean not null,   -- whether lists may order people by their scores
  is_weekly       boolean not null,   -- whether a page per team is made each week
  weekly_weekday  smallint not null check (weekly_weekday between 1 and 7),  -- ISO: 1 is Monday
  weekly_hour     smallint not null check (weekly_hour between 0 and 23),    -- in the tenant's time zone
  updated_at      timestamptz not null
);
call app.protect('report.settings', 'select, insert, update');
