-- outside a transaction
-- Revisions after the first, of a tenant, by their ids: retention walks them one by one, and without this through all
-- first ones as well. A build that broke off left an index that is not valid, so it is dropped first.
drop index concurrently if exists app.assessments_later;
create index concurrently assessments_later on app.assessments (tenant_id, assessment_id) where revision > 1;
