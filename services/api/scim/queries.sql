-- name: list_users
-- One page of people; every bound of it may be absent.
select u.user_id, u.user_name, u.email, u.display_name, u.role, u.team_ids, u.learner_id, u.active, u.created_at,
       u.updated_at, s.document
  from users u left join scim_users s on s.tenant_id = u.tenant_id and s.user_id = u.user_id
 where u.tenant_id = $1
   and ($2::uuid is null or u.user_id = $2)
   and ($3::bytea is null or u.user_name_hash = $3)
   and ($4::bytea is null or s.external_id_hash = $4)
   and ($5::bytea is null or exists (
         select from scim_emails e where e.tenant_id = $1 and e.hash = $5 and e.user_id = u.user_id))
 order by u.user_id
offset $6 limit $7

-- name: count_users
-- How many there are in all pages.
select count(*)
  from users u left join scim_users s on s.tenant_id = u.tenant_id and s.user_id = u.user_id
 where u.tenant_id = $1
   and ($2::uuid is null or u.user_id = $2)
   and ($3::bytea is null or u.user_name_hash = $3)
   and ($4::bytea is null or s.external_id_hash = $4)
   and ($5::bytea is null or exists (
         select from scim_emails e where e.tenant_id = $1 and e.hash = $5 and e.user_id = u.user_id))

-- name: has_signed_in
-- Whether the provider's own name for somebody is known: then their user name opens nothing any more.
select subject_hash is not null from users where tenant_id = $1 and user_id = $2

-- name: get_document
-- What the provider wrote about somebody.
select document from scim_users where tenant_id = $1 and user_id = $2

-- name: other_with_external_id
-- Whether the provider's own id is somebody else's.
select true from scim_users where tenant_id = $1 and external_id_hash = $2 and user_id <> $3 limit 1

-- name: put_document
-- In place of what the provider wrote before.
insert into scim_users (tenant_id, user_id, document, external_id_hash) values ($1, $2, $3, $4)
on conflict (tenant_id, user_id) do update
   set document = excluded.document, external_id_hash = excluded.external_id_hash

-- name: drop_emails
-- Addresses by which somebody is no longer found.
delete from scim_emails where tenant_id = $1 and user_id = $2

-- name: add_emails
-- Addresses by which somebody is found.
insert into scim_emails (tenant_id, hash, user_id) select $1, unnest($3::bytea[]), $2 on conflict do nothing

-- name: find_learner
-- A learner by the keyed hash of the external id.
select learner_id from learners where tenant_id = $1 and external_id_hash = $2

-- name: other_user_of_learner
-- Whether somebody else is this learner already.
select true from users where tenant_id = $1 and learner_id = $2 and user_id <> $3 limit 1

-- name: learner_key
-- What everything of a learner is sealed with; none once they were erased.
select wrapped from learner_keys where tenant_id = $1 and learner_id = $2

-- name: name_learner
-- The caller holds the learner's key.
update learners set name = $3 where tenant_id = $1 and learner_id = $2

-- name: lock_learners
-- In the order of their ids, as everybody does who needs several.
select from learners where tenant_id = $1 and learner_id = any ($2::uuid[]) order by learner_id for no key update

-- name: lock_users
-- In the order of their ids; whoever moves people between groups holds them.
select user_id, learner_id, active from users
 where tenant_id = $1 and user_id = any ($2::uuid[]) order by user_id for no key update

-- name: groups_of
-- The groups of some users in the order of joining.
select m.user_id, m.team_id, t.name
  from scim_members m
  join teams t on t.tenant_id = m.tenant_id and t.team_id = m.team_id
 where m.tenant_id = $1 and m.user_id = any ($2::uuid[])
 order by m.number

-- name: newest_groups
-- The group of each user that counts: the one that was joined last.
select distinct on (user_id) user_id, team_id from scim_members
 where tenant_id = $1 and user_id = any ($2::uuid[])
 order by user_id, number desc

-- name: list_groups
-- One page of teams that are groups.
select t.team_id, t.name, t.external_id, t.metadata, t.created_at,
       coalesce(g.updated_at, t.created_at) as updated_at
  from teams t left join scim_groups g on g.tenant_id = t.tenant_id and g.team_id = t.team_id
 where t.tenant_id = $1 and not coalesce(g.is_gone, false)
   and ($2::uuid[] is null or t.team_id = any ($2))
   and ($3::bytea is null or t.external_id_hash = $3)
 order by t.team_id
offset $4 limit $5

-- name: count_groups
-- How many there are in all pages.
select count(*)
  from teams t left join scim_groups g on g.tenant_id = t.tenant_id and g.team_id = t.team_id
 where t.tenant_id = $1 and not coalesce(g.is_gone, false)
   and ($2::uuid[] is null or t.team_id = any ($2))
   and ($3::bytea is null or t.external_id_hash = $3)

-- name: group_names
-- The sealed names of all groups: a name is found by opening them.
select t.team_id, t.name
  from teams t left join scim_groups g on g.tenant_id = t.tenant_id and g.team_id = t.team_id
 where t.tenant_id = $1 and not coalesce(g.is_gone, false)

-- name: lock_group
-- Changes of one group follow each other.
select from teams where tenant_id = $1 and team_id = $2 for no key update

-- name: update_group
-- The caller holds the row.
update teams set name = $3, external_id = $4, external_id_hash = $5 where tenant_id = $1 and team_id = $2

-- name: touch_group
-- When a group was changed, and whether it is gone.
insert into scim_groups (tenant_id, team_id, is_gone, updated_at) values ($1, $2, $3, $4)
on conflict (tenant_id, team_id) do update set is_gone = excluded.is_gone, updated_at = excluded.updated_at

-- name: members_of
-- Users in some groups, in the order of joining.
select team_id, user_id from scim_members where tenant_id = $1 and team_id = any ($2::uuid[]) order by number

-- name: add_members
-- Users who join, in this order.
insert into scim_members (tenant_id, team_id, user_id)
select $1, $2, joined.user_id from unnest($3::uuid[]) with ordinality as joined (user_id, place) order by place
on conflict do nothing

-- name: drop_members
-- Users who leave.
delete from scim_members where tenant_id = $1 and team_id = $2 and user_id = any ($3::uuid[])
