-- outside a transaction
-- What has begun and is not over, of all tenants: operators look for what is stuck. Simulations that failed or are not
-- scored stay `ended`: those are looked through by their ids, which begin with their time. A build that broke off left an
-- index that is not valid, so each is dropped first.
drop index concurrently if exists app.scorings_unfinished;
create index concurrently scorings_unfinished on app.scorings (tenant_id, scoring_id)
  where status in ('queued', 'running');
drop index concurrently if exists app.simulations_unfinished;
create index concurrently simulations_unfinished on app.simulations (tenant_id, simulation_id)
  where status in ('open', 'ended');
drop index concurrently if exists app.operations_unfinished;
create index concurrently operations_unfinished on app.operations (tenant_id, operation_id)
  where status in ('queued', 'running');
drop index concurrently if exists app.jobs_dead;
create index concurrently jobs_dead on app.jobs (tenant_id, job_id) where dead_at is not null;
