-- outside a transaction
-- A tenant takes everything along before it leaves: one more kind of long work. New lists hold all of the old ones, so
-- there is nothing to validate.
alter table app.operations
  drop constraint if exists operations_kind_check,
  add constraint operations_kind_check check (kind in (
    'simulation_batch', 'scoring_batch', 'scenario_draft', 'scenario_trial', 'rubric_draft', 'report_export',
    'learner_erasure', 'learner_export', 'tenant_export')) not valid;
alter table app.privacy_tasks
  drop constraint if exists privacy_tasks_kind_check,
  drop constraint if exists privacy_tasks_check1,
  drop constraint if exists privacy_tasks_learner,
  add constraint privacy_tasks_kind_check check (
    kind in ('learner_erasure', 'learner_export', 'tenant_export', 'key_rotation', 'offboarding')) not valid,
  add constraint privacy_tasks_learner check (
    (learner_id is null) = (kind in ('tenant_export', 'key_rotation', 'offboarding'))) not valid;

-- One at a time: it reads everything. A build that broke off left an index that is not valid.
drop index concurrently if exists app.privacy_tasks_export;
create unique index concurrently privacy_tasks_export on app.privacy_tasks (tenant_id)
  where kind = 'tenant_export' and is_open;

-- Comments that were written long after the score go by their own time.
drop index concurrently if exists app.review_entries_commented;
create index concurrently review_entries_commented on app.review_entries (tenant_id, at) where comment is not null;
