-- name: team_rollups
-- All of one team in whole months; the primary key holds its rows together, and the blocks need every skill. One row
-- per skill and source, its rollups side by side as bytes: a tenth of the cost of a row each in the driver, and no sort,
-- for this is the order of the key.
select team_id, skill, source = 'simulation' as is_practice,
       string_agg(int4send(bucket - date '2000-01-01'), ''::bytea) as days,
       string_agg(int4send(length(people) / 24), ''::bytea) as amounts,
       string_agg(people, ''::bytea) as people,
       string_agg(histogram, ''::bytea) as histograms
  from rollups
 where tenant_id = $1 and team_id = $2 and bucket between $3 and $4
 group by team_id, skill, source

-- name: tenant_rollups
-- The same of all teams, or of some; without histograms, for tables of means.
select team_id, skill, source = 'simulation' as is_practice,
       string_agg(int4send(bucket - date '2000-01-01'), ''::bytea) as days,
       string_agg(int4send(length(people) / 24), ''::bytea) as amounts,
       string_agg(people, ''::bytea) as people,
       ''::bytea as histograms
  from rollups
 where tenant_id = $1 and bucket between $2 and $3 and ($4::uuid[] is null or team_id = any ($4))
 group by team_id, skill, source

-- name: kept_months
-- What is kept of the months of each team that has rollups at all; without it, the rest of a row is null. From team to
-- team by the index: there may be many rollups.
select t.team_id, w.month, k.groups, k.amounts, k.people, k.cells
  from (with recursive known as (
          (select team_id from rollups where tenant_id = $1 order by team_id limit 1)
          union all
          select (select team_id from rollups where tenant_id = $1 and team_id > known.team_id order by team_id limit 1)
            from known
           where known.team_id is not null)
        select team_id from known where team_id is not null and ($2::uuid[] is null or team_id = any ($2))) as t
 cross join unnest($3::date[]) as w (month)
  left join lateral (
    select m.groups, m.amounts, m.people, m.cells
      from months m
     where m.tenant_id = $1 and m.level = $4 and m.team_id = t.team_id and m.month = w.month
       and m.form = $5 and m.min_people = $6
    offset 0) as k on true

-- name: version_stands
-- Whoever changes rollups takes this row too, before what is kept of them is dropped: held, nothing changes meanwhile.
select 1 from rollup_versions where tenant_id = $1 and version = $2 for share

-- name: keep_months
-- What was counted of a month that is over; of another form or minimum, it takes the place of what stood there.
insert into months (tenant_id, level, month, form, min_people, team_id, groups, amounts, people, cells)
select $1, $2, $3, $4, $5, k.*
  from unnest($6::uuid[], $7::text[], $8::bytea[], $9::bytea[], $10::bytea[]) as k
on conflict (tenant_id, level, team_id, month)
   do update set form = excluded.form, min_people = excluded.min_people, groups = excluded.groups,
                 amounts = excluded.amounts, people = excluded.people, cells = excluded.cells

-- name: team_versions
-- What a team's attempts were scored with, and since when.
select rubric_id, rubric_version, engine, min(day) as first
  from report.attempts
 where tenant_id = $1 and team_id = $2 and day between $3 and $4
 group by rubric_id, rubric_version, engine

-- name: rubric_specs
-- Which skills a version scores: asked only where versions changed.
select rubric_id, version, spec::text
  from rubric_versions
 where tenant_id = $1 and rubric_id = any ($2::uuid[])

-- name: team_examples
-- Per skill the assessments nearest to its mean, the newest of those first: typical ones, not the extremes.
select w.skill, e.assessment_id, e.day
  from unnest($6::text[], $7::float8[]) as w (skill, mean)
 cross join lateral (
   select a.assessment_id, f.day
     from facts f
     join report.attempts a on a.tenant_id = $1 and a.scoring_id = f.scoring_id
    where f.tenant_id = $1 and f.team_id = $2 and f.day between $3 and $4
      and f.source = any ($5::text[]) and f.skill = w.skill
    order by abs(f.score - w.mean), f.day desc, a.assessment_id
    limit $8) e

-- name: learner_scores
-- One learner's own scores.
select f.skill, f.score, f.day, a.assessment_id
  from learners l
  join report.attempts a on a.tenant_id = $1 and a.person_id = l.person_id and a.day between $3 and $4
                        and a.source = any ($5::text[])
  join facts f on f.tenant_id = $1 and f.scoring_id = a.scoring_id
 where l.tenant_id = $1 and l.learner_id = $2
 order by f.day, a.assessment_id, f.skill
