-- name: add_load
-- System role: what ended in this minute is added to what other processes counted.
insert into load_minutes as m (tenant_id, minute, kind, ok, refused, failed, buckets)
select tenant_id, $1, kind, ok, refused, failed, buckets::integer[]
  from unnest($2::uuid[], $3::text[], $4::integer[], $5::integer[], $6::integer[], $7::text[])
         as n(tenant_id, kind, ok, refused, failed, buckets)
on conflict (tenant_id, minute, kind) do update
   set ok = m.ok + excluded.ok, refused = m.refused + excluded.refused, failed = m.failed + excluded.failed,
       buckets = array(
         select coalesce(old.n, 0) + coalesce(new.n, 0)
           from unnest(m.buckets) with ordinality as old(n, place)
           full join unnest(excluded.buckets) with ordinality as new(n, place) using (place)
          order by place)

-- name: beat
-- System role: this process lives.
insert into processes (process_id, service, version, started_at, seen_at, numbers)
values ($1, $2, $3, $4, $5, $6)
on conflict (process_id) do update set seen_at = excluded.seen_at, numbers = excluded.numbers

-- name: end_process
-- System role: it has stopped as it should.
delete from processes where process_id = $1

-- name: forget_load
-- System role: minutes that are no longer kept.
delete from load_minutes where minute < $1

-- name: forget_processes
-- System role: processes that ended without a word long ago.
delete from processes where seen_at < $1
