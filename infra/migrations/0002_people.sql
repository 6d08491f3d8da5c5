-- Teams, learners, who was in which team when. Names and external ids are sealed; lookups use a keyed hash.
create table app.teams (
  tenant_id        uuid not null references app.tenants,
  team_id          uuid not null,
  name             bytea not null,
  external_id      bytea,
  external_id_hash bytea,
  created_at       timestamptz not null,
  primary key (tenant_id, team_id),
  unique (tenant_id, external_id_hash)
);
call app.protect('app.teams');

create table app.learners (
  tenant_id        uuid not null references app.tenants,
  learner_id       uuid not null,
  person_id        uuid not null,  -- what reports know the person by; survives erasure
  name             bytea,
  external_id      bytea not null,
  external_id_hash bytea not null,
  created_at       timestamptz not null,
  primary key (tenant_id, learner_id),
  unique (tenant_id, external_id_hash),
  unique (tenant_id, person_id)
);
call app.protect('app.learners');

-- Destroying this row erases the learner: everything sealed with the key is noise from then on.
create table app.learner_keys (
  tenant_id  uuid not null,
  learner_id uuid not null,
  wrapped    bytea not null,
  primary key (tenant_id, learner_id),
  foreign key (tenant_id, learner_id) references app.learners
);
call app.protect('app.learner_keys');

create table app.memberships (
  tenant_id  uuid not null,
  learner_id uuid not null,
  team_id    uuid not null,
  valid_from date not null,
  valid_to   date check (valid_to > valid_from),  -- first day outside the team; null while a member
  primary key (tenant_id, learner_id, valid_from),
  foreign key (tenant_id, learner_id) references app.learners,
  foreign key (tenant_id, team_id) references app.teams
);
create unique index memberships_current on app.memberships (tenant_id, learner_id) where valid_to is null;
create index memberships_team on app.memberships (tenant_id, team_id, valid_from);
call app.protect('app.memberships');
