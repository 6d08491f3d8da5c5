-- The human side of scoring: revisions that people make, disputes, and who did what when.
alter table app.tenants
  add column dispute_window_h integer not null default 48 check (dispute_window_h between 1 and 2160),
  add column dispute_answer_h integer not null default 120 check (dispute_answer_h between 1 and 2160);

-- What made a revision. A null rubric is that of the scoring: revisions of before say no more.
alter table app.assessments
  add column origin         text not null default 'judge' check (origin in ('judge', 'human')),
  add column cause          text not null default 'scoring'
    check (cause in ('scoring', 'rescore', 'override', 'resolution')),
  add column rubric_id      uuid,
  add column rubric_version integer,
  add check ((rubric_id is null) = (rubric_version is null)),
  add foreign key (tenant_id, rubric_id, rubric_version) references app.rubric_versions;

-- One dispute of one scoring; what people wrote is sealed with the learner's key.
create table app.disputes (
  tenant_id     uuid not null,
  dispute_id    uuid not null,
  scoring_id    uuid not null,
  learner_id    uuid not null,
  assessment_id uuid not null,  -- the revision that is disputed
  status        text not null check (status in ('open', 'upheld', 'changed')),
  reason_code   text not null,
  criteria      text[] not null,
  comment       bytea not null,
  key_id        uuid not null,
  actor_hash    bytea,          -- keyed hash of who disputed; null: only the key is known
  opened_at     timestamptz not null,
  due_at        timestamptz not null,
  resolved_at   timestamptz check ((resolved_at is not null) = (status <> 'open')),
  result_id     uuid,           -- the revision after the resolution
  primary key (tenant_id, dispute_id),
  foreign key (tenant_id, scoring_id) references app.scorings,
  foreign key (tenant_id, learner_id) references app.learners,
  foreign key (tenant_id, assessment_id) references app.assessments,
  foreign key (tenant_id, result_id) references app.assessments
);
create unique index disputes_open on app.disputes (tenant_id, scoring_id) where status = 'open';
call app.protect('app.disputes', 'select, insert, update');

-- The audit timeline of a scoring; never changed afterwards.
create table app.review_entries (
  tenant_id     uuid not null,
  scoring_id    uuid not null,
  sequence      integer not null check (sequence >= 1),
  kind          text not null check (kind in ('overridden', 'acknowledged', 'disputed', 'resolved', 'rescore_requested',
                                              'rescore_failed')),
  assessment_id uuid not null,  -- the revision that was made, or that it is about
  dispute_id    uuid,
  codes         text[] not null default '{}',
  key_id        uuid,           -- null: the system itself
  actor         bytea,          -- sealed: who the caller says it was
  actor_hash    bytea,
  comment       bytea,          -- sealed
  at            timestamptz not null,
  primary key (tenant_id, scoring_id, sequence),
  foreign key (tenant_id, scoring_id) references app.scorings,
  foreign key (tenant_id, dispute_id) references app.disputes
);
call app.protect('app.review_entries', 'select, insert');

-- One transcript cannot show every skill.
alter table app.assessment_skills drop constraint assessment_skills_status_check;
alter table app.assessment_skills add constraint assessment_skills_status_check
  check (status in ('scored', 'no_opportunity', 'insufficient_evidence', 'not_observable'));
