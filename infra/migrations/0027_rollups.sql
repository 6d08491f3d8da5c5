-- Rollups that say who is in them, one row per counted scoring, and marks for what was changed behind the scorings.

-- What reporting must look at again, written in the transaction of the change and deleted in that of the effect:
-- one scoring, everything of one learner, or (subject null) the whole tenant.
create table app.report_marks (
  tenant_id uuid not null,
  mark_id   bigint generated always as identity,
  kind      text not null check (kind in ('scoring', 'learner', 'tenant')),
  subject   uuid,
  marked_at timestamptz not null default now(),  -- when the change was begun: answers are as of before it
  primary key (tenant_id, mark_id),
  check ((subject is null) = (kind = 'tenant'))
);
call app.protect('app.report_marks', 'select, insert, delete');
create policy system on app.report_marks to rapport_system using (true) with check (true);
grant select (tenant_id, marked_at), insert (tenant_id, kind, subject) on app.report_marks to rapport_system;

create function app.mark_membership() returns trigger language plpgsql as $$
begin
  if tg_op <> 'INSERT' then
    insert into app.report_marks (tenant_id, kind, subject) values (old.tenant_id, 'learner', old.learner_id);
  end if;
  if tg_op = 'INSERT' or (tg_op = 'UPDATE' and new.learner_id <> old.learner_id) then
    insert into app.report_marks (tenant_id, kind, subject) values (new.tenant_id, 'learner', new.learner_id);
  end if;
  return null;
end $$;
create trigger mark_membership after insert or update or delete on app.memberships
  for each row execute function app.mark_membership();

-- Left out, or counted again, after it was completed: not every such change has an event.
create function app.mark_scoring() returns trigger language plpgsql as $$
begin
  insert into app.report_marks (tenant_id, kind, subject) values (new.tenant_id, 'scoring', new.scoring_id);
  return null;
end $$;
create trigger mark_scoring after update of excluded on app.scorings
  for each row when (old.status = 'completed' and old.excluded is distinct from new.excluded)
  execute function app.mark_scoring();

-- Another time zone is another day for some of everything.
create function app.mark_tenant() returns trigger language plpgsql as $$
begin
  insert into app.report_marks (tenant_id, kind) values (new.tenant_id, 'tenant');
  return null;
end $$;
create trigger mark_tenant after update of time_zone on app.tenants
  for each row when (old.time_zone <> new.time_zone) execute function app.mark_tenant();

-- One row per scoring that counts.
create table report.attempts (
  tenant_id        uuid not null,
  scoring_id       uuid not null,
  assessment_id    uuid not null,
  revision         integer not null,
  person_id        uuid not null,
  team_id          uuid,           -- the team of that day; null when the person was in none
  source           text not null check (source in ('simulation', 'call', 'chat', 'email')),
  day              date not null,  -- in the tenant's time zone
  rubric_id        uuid not null,
  rubric_version   integer not null,
  engine           text not null,  -- the judge's name and major version: where it changes, a trend breaks
  scenario_id      uuid,
  scenario_version integer,
  simulation_id    uuid,
  conversation_id  uuid,
  overall          smallint check (overall between 0 and 100),
  passed           boolean,        -- the overall score reaches the rubric's target; null without either
  primary key (tenant_id, scoring_id)
);
create index attempts_team on report.attempts (tenant_id, team_id, day);
create index attempts_person on report.attempts (tenant_id, person_id, day);
create index attempts_scenario on report.attempts (tenant_id, scenario_id, day) where scenario_id is not null;
call app.protect('report.attempts');

-- Twelve rows per scoring: the tenant is known (row security), so a check per row only costs time.
alter table report.facts drop constraint facts_tenant_id_fkey;

-- Of another form than before, so made anew; until the service has done so, the mark says that numbers are missing.
drop table report.rollups;
create table report.rollups (
  tenant_id uuid not null,
  team_id   uuid not null,
  skill     text not null,
  source    text not null,
  bucket    date not null,      -- first day of the ISO week, cut at month ends
  n         bigint not null check (n > 0),
  total     bigint not null check (total >= 0),
  squares   bigint not null check (squares >= 0),
  histogram bytea not null check (length(histogram) = 404),  -- 101 counts: int32, little-endian
  people    bytea not null      -- per person, by id: 16 bytes id, int32 n, int32 total, little-endian
            check (length(people) % 24 = 0 and length(people) > 0),
  primary key (tenant_id, team_id, skill, source, bucket)
) with (fillfactor = 85, toast_tuple_target = 4080);
call app.protect('report.rollups');

-- How often what is counted of a tenant has changed: answers may be kept as long as it stands.
create table report.rollup_versions (
  tenant_id uuid primary key,
  version   bigint not null
);
call app.protect('report.rollup_versions', 'select, insert, update');

alter table report.facts no force row level security;
alter table app.report_marks no force row level security;
insert into app.report_marks (tenant_id, kind) select distinct tenant_id, 'tenant' from report.facts;
alter table report.facts force row level security;
alter table app.report_marks force row level security;

-- What the planner should believe of these tables until the first analyze knows better (see 0012).
do $$
declare
  one record;
begin
  for one in
    select n.nspname::text as room, c.relname::text as name, a.attname::text as col,
           case when a.attname = 'tenant_id' then 1 when i.indnkeyatts = 2 then -1 else -0.05 end::real as n_distinct
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      join pg_index i on i.indrelid = c.oid and i.indisprimary
     where (n.nspname, c.relname) in (('report', 'attempts'), ('report', 'rollups'), ('app', 'report_marks'))
       and (a.attname = 'tenant_id' or a.attnum = i.indkey[1])
  loop
    perform pg_restore_attribute_stats('schemaname', one.room, 'relname', one.name, 'attname', one.col,
                                       'inherited', false, 'null_frac', 0::real, 'avg_width', 16,
                                       'n_distinct', one.n_distinct);
  end loop;
end $$;
