-- From which levels a team was last told of a skill: an answer that would differ by a few people is not given.
create table report.told_levels (
  tenant_id uuid not null references app.tenants,
  team_id   uuid not null,
  skill     text not null,
  until     date not null,    -- scores and memberships counted up to the end of this day
  levels    bytea not null,   -- per person, by id: 16 bytes id, 2 bytes level in tenths
  primary key (tenant_id, team_id, skill),
  foreign key (tenant_id, team_id) references app.teams
);
call app.protect('report.told_levels');
