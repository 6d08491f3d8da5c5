-- name: get_rubric
-- The newest version of one.
select s.rubric_id, v.version, v.spec, s.created_at
  from rubrics s
  join rubric_versions v on v.tenant_id = $1 and v.rubric_id = s.rubric_id
 where s.tenant_id = $1 and s.rubric_id = $2
 order by v.version desc
 limit 1

-- name: list_rubrics
-- One page in order of creation, each in its newest version.
select s.rubric_id, v.version, v.spec, s.created_at
  from rubrics s
  join lateral (
    select w.version, w.spec from rubric_versions w
     where w.tenant_id = $1 and w.rubric_id = s.rubric_id
     order by w.version desc limit 1) v on true
 where s.tenant_id = $1 and ($2::uuid is null or s.rubric_id > $2) and ($3::text is null or s.slug = $3)
 order by s.rubric_id
 limit $4
