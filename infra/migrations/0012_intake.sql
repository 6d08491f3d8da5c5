-- Conversations handed in: what was found odd about them, which side is which, and a thousand in one request.
alter table app.conversations
  add column language text  not null default 'en',
  add column flags    jsonb not null default '[]',  -- codes with a sentence of ours each; never words of the turns
  add column roles    text  not null default 'as_sent' check (roles in ('as_sent', 'kept', 'swapped'));
grant update (roles) on app.conversations to rapport_app;

-- Held: somebody must say who is who before it is scored.
alter table app.scorings drop constraint scorings_status_check;
alter table app.scorings add constraint scorings_status_check
  check (status in ('held', 'queued', 'running', 'completed', 'failed'));

-- An operation may be about many learners, or have nothing left to do from the start.
alter table app.operations drop constraint operations_kind_check;
alter table app.operations add constraint operations_kind_check
  check (kind in ('simulation_batch', 'scoring_batch'));
alter table app.operations drop constraint operations_total_check;
alter table app.operations add constraint operations_total_check check (total >= 0);
alter table app.operations alter column learner_id drop not null;

-- Which request a scoring came with, and its place there. The workflow_id of those that the operation waits for is
-- the operation's own id: no workflow takes them, their jobs lead straight to a worker.
alter table app.scorings
  add column operation_id uuid,
  add column item         integer check (item >= 0),
  add check ((operation_id is null) = (item is null)),
  add foreign key (tenant_id, operation_id) references app.operations;
create unique index scorings_operation on app.scorings (tenant_id, operation_id, item) where operation_id is not null;

-- What a request held that could not be taken.
create table app.refused_conversations (
  tenant_id    uuid not null,
  operation_id uuid not null,
  item         integer not null check (item >= 0),
  errors       bytea not null,  -- sealed JSON list: names of unknown fields are the sender's words
  primary key (tenant_id, operation_id, item),
  foreign key (tenant_id, operation_id) references app.operations
);
call app.protect('app.refused_conversations', 'select, insert');

-- A table that was never analyzed is planned for without knowing that a tenant's rows are many and an id is one row:
-- the check of a foreign key then walks all rows of the tenant, by whichever index begins with it. What the planner
-- should believe until the first analyze knows better: one tenant, ids that are rarely repeated, and jobs that live.
do $$
declare
  one record;
begin
  for one in
    select n.nspname::text as room, c.relname::text as name, a.attname::text as col,
           case when a.attname = 'tenant_id' then 1 when a.attname = 'dead_at' then 0
                when i.indnkeyatts = 2 then -1 else -0.05 end::real as n_distinct,
           case when a.attname = 'dead_at' then 0.99 else 0 end::real as null_frac
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace and n.nspname in ('app', 'report')
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_index i on i.indrelid = c.oid and i.indisprimary and i.indnkeyatts > 1 and a.attnum = i.indkey[1]
     where c.relkind = 'r' and (a.attname in ('tenant_id', 'dead_at') or i.indrelid is not null)
       and not exists (select from pg_stats s
                        where s.schemaname = n.nspname and s.tablename = c.relname and s.attname = a.attname)
  loop
    perform pg_restore_attribute_stats('schemaname', one.room, 'relname', one.name, 'attname', one.col,
                                       'inherited', false, 'null_frac', one.null_frac, 'avg_width', 16,
                                       'n_distinct', one.n_distinct);
  end loop;
end $$;
