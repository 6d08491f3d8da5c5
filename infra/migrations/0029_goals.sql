-- What learners want to reach: a proficiency in a skill, or so many attempts every week. No words of anybody.
create table app.goals (
  tenant_id  uuid not null references app.tenants,
  goal_id    uuid not null,
  learner_id uuid not null,
  kind       text not null check (kind in ('score', 'attempts')),
  skill      text check (length(skill) <= 80),  -- of attempts: only those that show it; null: all
  target     smallint not null check (target between 1 and 100),
  starts_on  date not null,                     -- days of the tenant
  due_on     date not null check (due_on >= starts_on),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, goal_id),
  check (kind = 'attempts' or skill is not null),
  foreign key (tenant_id, learner_id) references app.learners
);
create index goals_learner on app.goals (tenant_id, learner_id, goal_id);
call app.protect('app.goals');
