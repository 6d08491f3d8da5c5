-- name: list_tenants
-- System role: tenants by their ids, which are by creation.
select tenant_id, slug, status, plan, time_zone, created_at
  from tenants
 where ($1::uuid is null or tenant_id > $1) and ($2::text is null or status = $2) and ($3::text is null or plan = $3)
   and ($4::text is null or slug = $4)
 order by tenant_id
 limit $5

-- name: get_tenant
-- System role: one of them, and what it has queued.
select t.tenant_id, t.slug, t.status, t.plan, t.time_zone, t.created_at, q.waiting, q.in_flight, q.dead
  from tenants t
 cross join lateral (
   select count(*) filter (where dead_at is null and (lease_until is null or lease_until <= $2)) as waiting,
          count(*) filter (where dead_at is null and lease_until > $2) as in_flight,
          count(*) filter (where dead_at is not null) as dead
     from jobs j where j.tenant_id = t.tenant_id) as q
 where t.tenant_id = $1

-- name: lock_first_key
-- Two who would make it, one after the other.
select pg_advisory_xact_lock(hashtextextended('first key ' || $1::uuid::text, 0))

-- name: has_key
-- Also a revoked one: the first key was made.
select exists (select from api_keys where tenant_id = $1)

-- name: is_creation_told
-- The tenant's own trail.
select exists (select from trail where tenant_id = $1 and action = 'tenant.created')

-- name: insert_first_key
-- The tenant's own transaction; only the hash is stored.
insert into api_keys (tenant_id, key_id, hash, environment, scopes, created_at) values ($1, $2, $3, 'live', $4, $5)

-- name: sizes
-- How much a tenant has, in its own transaction.
select (select count(*) from teams where tenant_id = $1) as teams,
       (select count(*) from learners where tenant_id = $1) as learners,
       (select count(*) from simulations where tenant_id = $1) as simulations,
       (select count(*) from simulations where tenant_id = $1 and status = 'open') as open_simulations,
       (select count(*) from scorings where tenant_id = $1) as scorings,
       (select count(*) from scorings where tenant_id = $1 and status in ('queued', 'running')) as unfinished_scorings,
       (select count(*) from webhook_endpoints where tenant_id = $1) as webhook_endpoints

-- name: storage
-- What a tenant takes on disk, about: its rows, times what a row of its newest takes, times what the indexes of the
-- table take for everybody. Tables that are always small are left out.
with counted(name, rows, row_bytes) as (
  select 'app.simulations', (select count(*) from simulations where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from simulations t where tenant_id = $1 limit 200) t)
  union all
  select 'app.turns', (select count(*) from turns where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from turns t where tenant_id = $1 limit 500) t)
  union all
  select 'app.conversations', (select count(*) from conversations where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from conversations t where tenant_id = $1 limit 200) t)
  union all
  select 'app.scorings', (select count(*) from scorings where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from scorings t where tenant_id = $1 limit 200) t)
  union all
  select 'app.assessments', (select count(*) from assessments where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from assessments t where tenant_id = $1 limit 200) t)
  union all
  select 'app.assessment_skills', (select count(*) from assessment_skills where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from assessment_skills t where tenant_id = $1 limit 200) t)
  union all
  select 'app.events', (select count(*) from events where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from events t where tenant_id = $1 limit 200) t)
  union all
  select 'app.jobs', (select count(*) from jobs where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from jobs t where tenant_id = $1 limit 200) t)
  union all
  select 'app.llm_calls', (select count(*) from llm_calls where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from llm_calls t where tenant_id = $1 limit 200) t)
  union all
  select 'app.llm_verdicts', (select count(*) from llm_verdicts where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from llm_verdicts t where tenant_id = $1 limit 200) t)
  union all
  select 'app.webhook_deliveries', (select count(*) from webhook_deliveries where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from webhook_deliveries t where tenant_id = $1 limit 200) t)
  union all
  select 'app.webhook_attempts', (select count(*) from webhook_attempts where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from webhook_attempts t where tenant_id = $1 limit 200) t)
  union all
  select 'report.attempts', (select count(*) from report.attempts where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from report.attempts t where tenant_id = $1 limit 200) t)
  union all
  select 'report.facts', (select count(*) from report.facts where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from report.facts t where tenant_id = $1 limit 200) t)
  union all
  select 'report.rollups', (select count(*) from report.rollups where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from report.rollups t where tenant_id = $1 limit 200) t)
  union all
  select 'report.export_parts', (select count(*) from report.export_parts where tenant_id = $1),
         (select avg(pg_column_size(v)) from (select t as v from report.export_parts t where tenant_id = $1 limit 50) t)
)
select k.name, k.rows, (k.rows * coalesce(k.row_bytes, 0) * least(greatest(
         pg_total_relation_size(c.oid)::float8 / nullif(pg_table_size(c.oid), 0), 1), 4))::bigint as bytes
  from counted k
  join pg_namespace n on n.nspname = split_part(k.name, '.', 1)
  join pg_class c on c.relnamespace = n.oid and c.relname = split_part(k.name, '.', 2)
 where k.rows > 0
 order by bytes desc, k.name
