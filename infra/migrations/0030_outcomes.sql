-- What customers said and how real contacts went: surveys on their native scales, and handle times.

-- A kind of survey with its scale; what counts as positive can be changed, and then counts for all answers.
create table app.survey_forms (
  tenant_id  uuid not null references app.tenants,
  form       text not null check (form ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(form) <= 80),
  kind       text not null check (kind in ('csat', 'nps', 'ces')),
  asked      text not null check (asked in ('customer', 'learner')),
  low        smallint not null check (low >= 0),
  high       smallint not null check (high > low and high <= 100),
  positive   smallint[] not null,  -- values that count as positive
  updated_at timestamptz not null,
  primary key (tenant_id, form)
);
call app.protect('app.survey_forms', 'select, insert, update');

-- A survey that was delivered, and its answer once there is one. No words of customers.
create table app.surveys (
  tenant_id        uuid not null references app.tenants,
  survey_id        uuid not null,
  form             text not null,
  learner_id       uuid not null,
  conversation_id  uuid,
  external_id      bytea,  -- sealed
  external_id_hash bytea,
  score            smallint check (score >= 0),
  delivered_at     timestamptz not null,
  answered_at      timestamptz check ((answered_at is null) = (score is null)),
  happened_at      timestamptz not null,  -- of the conversation, else the delivery: the day it counts on
  created_at       timestamptz not null,
  primary key (tenant_id, survey_id),
  foreign key (tenant_id, form) references app.survey_forms,
  foreign key (tenant_id, learner_id) references app.learners,
  foreign key (tenant_id, conversation_id) references app.conversations,
  check ((external_id is null) = (external_id_hash is null))
);
create unique index surveys_external on app.surveys (tenant_id, external_id_hash);
create index surveys_learner on app.surveys (tenant_id, learner_id, happened_at);
create index surveys_conversation on app.surveys (tenant_id, conversation_id) where conversation_id is not null;
call app.protect('app.surveys', 'select, insert, update, delete');

-- How a real conversation went by the partner's own counting. Who and when are copied from the conversation.
create table app.contacts (
  tenant_id        uuid not null references app.tenants,
  conversation_id  uuid not null,
  learner_id       uuid not null,
  happened_at      timestamptz not null,
  talk_s           integer check (talk_s >= 0),
  hold_s           integer check (hold_s >= 0),
  after_work_s     integer check (after_work_s >= 0),
  handle_time_s    integer check (handle_time_s >= 0),  -- as handed in, else talk + hold + after-work
  is_first_contact boolean,
  is_resolved      boolean,
  is_transferred   boolean,
  primary key (tenant_id, conversation_id),
  foreign key (tenant_id, conversation_id) references app.conversations,
  foreign key (tenant_id, learner_id) references app.learners
);
create index contacts_learner on app.contacts (tenant_id, learner_id, happened_at);
call app.protect('app.contacts', 'select, insert, update, delete');
