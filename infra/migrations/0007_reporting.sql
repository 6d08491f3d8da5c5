-- Facts (one row per assessment and skill) and rollups (mergeable, exact quartiles: scores are 0..100).
create table report.facts (
  tenant_id     uuid not null references app.tenants,
  scoring_id    uuid not null,
  skill         text not null,
  revision      integer not null,
  team_id       uuid,              -- the team of that day; null when the person was in none
  person_id     uuid not null,
  source        text not null check (source in ('simulation', 'call', 'chat', 'email')),
  day           date not null,     -- in the tenant's time zone
  score         smallint not null check (score between 0 and 100),
  primary key (tenant_id, scoring_id, skill)
);
create index facts_team on report.facts (tenant_id, team_id, day) include (skill, source, person_id, score);
call app.protect('report.facts');

create table report.rollups (
  tenant_id uuid not null references app.tenants,
  team_id   uuid not null,
  skill     text not null,
  source    text not null,
  bucket    date not null,         -- first day of the ISO week, cut at month ends
  n         bigint not null check (n >= 0),
  total     bigint not null,
  squares   bigint not null,
  histogram integer[] not null check (array_length(histogram, 1) = 101 and 0 <= all (histogram)),
  primary key (tenant_id, team_id, skill, source, bucket)
);
call app.protect('report.rollups');
