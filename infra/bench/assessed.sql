-- name: tenant
-- One tenant, as the owner of the database.
insert into app.tenants (tenant_id, slug, created_at) values ($1, 't-' || replace($1::uuid::text, '-', ''), now())

-- name: teams
-- Teams 1..n; ids follow from the numbers everywhere here, so that no statement needs the answer of another.
insert into app.teams (tenant_id, team_id, name, created_at)
select $1, md5('team ' || i)::uuid, '', now() from generate_series(1, $2::integer) as i

-- name: learners
-- People 1..n.
insert into app.learners (tenant_id, learner_id, person_id, external_id, external_id_hash, created_at)
select $1, md5('learner ' || i)::uuid, md5('person ' || i)::uuid, '', decode(md5('learner ' || i), 'hex'), now()
  from generate_series(1, $2::integer) as i

-- name: memberships
-- Each in one team, the members spread evenly.
insert into app.memberships (tenant_id, learner_id, team_id, valid_from)
select $1, md5('learner ' || i)::uuid, md5('team ' || (i % $3::integer + 1))::uuid, '2020-01-01'
  from generate_series(1, $2::integer) as i

-- name: scorings
-- Scorings from..to, in the order of time as real ones are; ids begin with the number, as UUIDv7 with the time.
insert into app.scorings (tenant_id, scoring_id, learner_id, conversation_id, rubric_id, rubric_version, source,
                          status, assessment_id, occurred_at, created_at)
select $1, id, md5('learner ' || (hashint4(i) & 1073741823) % $4::integer + 1)::uuid, id, md5('rubric')::uuid, 1,
       (array['simulation', 'call', 'chat'])[i % 3 + 1], 'completed', id,
       $5::timestamptz + i * $6::interval, now()
  from generate_series($2::integer, $3::integer) as i
 cross join lateral (select (lpad(to_hex(i), 8, '0') || substr(md5(i::text), 9))::uuid as id) made

-- name: assessments
-- Their first revisions, or later ones.
insert into app.assessments (tenant_id, assessment_id, scoring_id, learner_id, revision, overall, result, engine,
                             engine_version, created_at)
select $1, case when $4::integer = 1 then scoring_id else md5(scoring_id::text || $4::integer)::uuid end, scoring_id, learner_id, $4::integer,
       hashint4(i * 7 + $4::integer) & 63, '', 'embedded', 'embedded-2+1', now()
  from generate_series($2::integer, $3::integer) as i
  join app.scorings
    on tenant_id = $1 and scoring_id = (lpad(to_hex(i), 8, '0') || substr(md5(i::text), 9))::uuid

-- name: skills
-- Scores of those revisions, `$5` skills each.
insert into app.assessment_skills (tenant_id, assessment_id, skill, status, score, opportunities)
select $1, case when $4::integer = 1 then id else md5(id::text || $4::integer)::uuid end, 'root' || k % 3 || '.skill' || k, 'scored',
       (hashint4(i * 31 + k + $4::integer * 1009) & 1073741823) % 101, 3
  from generate_series($2::integer, $3::integer) as i
 cross join lateral (select (lpad(to_hex(i), 8, '0') || substr(md5(i::text), 9))::uuid as id) made
 cross join generate_series(1, $5::integer) as k

-- name: events
-- An event of each scoring, without a position.
insert into app.events (tenant_id, event_id, type, resource_id, sequence, data, occurred_at)
select $1, md5('event ' || i || ' ' || $4::integer)::uuid, case when $4::integer = 1 then 'scoring.completed' else 'scoring.revised' end,
       (lpad(to_hex(i), 8, '0') || substr(md5(i::text), 9))::uuid, $4::integer, '{}', now()
  from generate_series($2::integer, $3::integer) as i

-- name: place
-- Positions, as the relay gives them.
with placed as (
  update app.events e set position = n.position
    from (select event_id, coalesce((select position from app.event_heads where tenant_id = $1), 0)
                           + row_number() over (order by sequence, resource_id) as position
            from app.events where tenant_id = $1 and position is null) n
   where e.tenant_id = $1 and e.event_id = n.event_id
  returning e.position
)
insert into app.event_heads (tenant_id, position)
select $1, max(position) from placed having count(*) > 0
on conflict (tenant_id) do update set position = excluded.position
