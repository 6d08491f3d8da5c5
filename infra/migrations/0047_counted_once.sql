-- As finish_batch_v1, but a job that was buried while a slow worker still had it is not counted again (its part would
-- end too early, and the last of it never), and its dead letter stays.
create function app.finish_batch_v2(
  p_tenant uuid, p_job uuid, p_operation uuid, p_part integer,
  p_flow_job uuid, p_flow_payload jsonb, p_now timestamptz, p_first_retry_s double precision
) returns boolean language plpgsql as $$
declare
  is_last boolean;
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  delete from jobs where tenant_id = p_tenant and job_id = p_job and dead_at is null;
  is_last := found;
  if is_last and p_operation is not null then
    update operation_parts set unplayed = unplayed - 1
     where tenant_id = p_tenant and operation_id = p_operation and part = p_part and unplayed > 0
    returning unplayed = 0 into is_last;
  end if;
  if is_last then
    insert into jobs (tenant_id, job_id, kind, payload, next_publish_at, created_at)
    values (p_tenant, p_flow_job, 'flow', p_flow_payload,
            p_now + make_interval(secs => p_first_retry_s), p_now);
  end if;
  return coalesce(is_last, false);
end $$;
grant execute on function app.finish_batch_v2 to rapport_app;
