-- Alerts, their versions, and what was submitted for approval.
create schema alerts;
grant usage on schema alerts to tocsin_web, tocsin_worker;

create table alerts.alert (
  id uuid primary key,
  -- The number readers see: on texts, pages and the phone.
  number integer generated always as identity (start with 4901) unique,
  -- Rehearsed, not meant: chosen when it is begun, for ever (P11).
  exercise boolean not null default false,
  created_at timestamptz not null default now(),
  created_by text not null
);

create function alerts.guard_exercise() returns trigger language plpgsql as $$
begin
  raise exception 'an exercise stays an exercise, and a live alert a live alert'
    using errcode = 'restrict_violation';
end $$;
create trigger guard_exercise before update on alerts.alert for each row
  when (old.exercise is distinct from new.exercise)
  execute function alerts.guard_exercise();

-- One wording of an alert: all but its words. Only a draft may be changed.
create table alerts.version (
  id uuid primary key,
  alert_id uuid not null references alerts.alert,
  number smallint not null check (number >= 1),
  kind text not null check (kind in ('first', 'update', 'correction', 'withdrawal')),
  state text not null default 'draft'
    check (state in ('draft', 'submitted', 'released', 'superseded', 'closed', 'abandoned')),
  -- Raised by every save: two tabs cannot silently win over one another.
  revision integer not null default 1,
  severity text not null,
  marking text not null check (marking in ('CLEAR', 'GREEN', 'AMBER', 'AMBER+STRICT', 'RED')),
  -- What to do now in words marked CLEAR: it goes into texts that may not carry the rest.
  clear_line text not null default '',
  next_update_at timestamptz,
  audience jsonb not null,
  -- Whether who answered an earlier version has to answer this one too.
  asks_again boolean not null default true,
  -- The operating model it began under (SHA-256 of the file).
  model_version text not null,
  updated_at timestamptz not null default now(),
  released_at timestamptz,
  -- Answers from then on count: the release of the newest version that asked.
  asked_at timestamptz,
  closed_at timestamptz,
  -- Who reads it beside the centre, once it is out.
  reader_set_id uuid references identity.reader_set,
  unique (alert_id, number),
  check ((number = 1) = (kind = 'first')),
  check (kind in ('update', 'withdrawal') or asks_again),
  check ((state in ('released', 'superseded', 'closed')) = (released_at is not null)),
  check ((released_at is null) = (asked_at is null)),
  check ((released_at is null) = (reader_set_id is null)),
  check ((state = 'closed') = (closed_at is not null))
);
create unique index version_at_work on alerts.version (alert_id)
  where state in ('draft', 'submitted');
-- One wording of an alert is out at a time: a correction supersedes the one before it.
create unique index version_out on alerts.version (alert_id) where state in ('released', 'closed');
create index version_live on alerts.version (released_at desc) where state = 'released';
create index version_of_readers on alerts.version (reader_set_id);

-- The words of a version, as a row of their own: who may know of an alert may not yet read it.
create table alerts.words (
  version_id uuid primary key references alerts.version,
  title text not null default '',
  what text not null default '',
  do_now text not null default '',
  -- Of a correction: what to do for whoever acted on the words that it corrects.
  if_acted text not null default '',
  not_known text not null default '',
  body text not null default '',
  -- The author's own wording of the text; null: the usual wording of the operating model.
  own_text text,
  -- What readers of other kinds are told in texts: `ReaderWords` in src/alerts/readers/model.ts.
  reader_words jsonb not null default '{}',
  -- What is known of the threat and what to do about it: `Content` in src/alerts/content/model.ts.
  content jsonb not null,
  -- What the catalogue said of its CVEs when it was frozen: `KevSaid` in src/alerts/kev/model.ts.
  kev jsonb
);

-- Everybody who shaped a version; none of them may approve it (P5).
create table alerts.editor (
  version_id uuid not null references alerts.version,
  person_id text not null,
  first_edited_at timestamptz not null default now(),
  last_edited_at timestamptz not null default now(),
  -- Which parts of it they changed, by the names of `changedParts`.
  parts text[] not null,
  primary key (version_id, person_id)
);

-- A version as it was frozen: its audience, its rendered texts (a dispatch), and who is to approve.
create table alerts.submission (
  id uuid primary key,
  version_id uuid not null references alerts.version,
  dispatch_id uuid not null unique,
  -- Of a correction: the dispatch to those who had the version before, while dispatch_id goes to
  -- those who had nothing.
  correction_dispatch_id uuid unique,
  -- What told its readers that it is over.
  closing_dispatch_id uuid unique,
  -- That of a withdrawal is the one under which its words were approved along.
  approval_id uuid not null,
  content_hash text not null,
  -- So long after everybody is asked, whoever was reached and is silent is to be rung; null: as
  -- soon as nobody of their chain is left to be told.
  call_list_after interval,
  -- What goes, should it be withdrawn or closed: approved along, and so never changed.
  along jsonb not null,
  -- The organisations of the frozen audience.
  reader_set_id uuid not null references identity.reader_set,
  state text not null default 'waiting'
    check (state in ('waiting', 'returned', 'withdrawn', 'released', 'recalled')),
  submitted_by text not null,
  submitted_by_name text not null,
  submitted_at timestamptz not null default now(),
  -- Whoever owes the next update once it is out: who submitted it, or took that over since.
  owned_by text not null,
  owned_by_name text not null,
  decided_at timestamptz,
  decided_by text,
  decided_by_name text,
  return_reason text,
  -- The words and the audience that were sent back, for whoever decides over the next ones to see
  -- what changed: `ReturnedWords` in src/alerts/store-submission.ts.
  returned_words jsonb,
  unique (approval_id, version_id),
  check ((state = 'waiting') = (decided_at is null)),
  check ((state = 'returned') = (return_reason is not null)),
  check ((state = 'returned') = (returned_words is not null))
);

-- The dispatches of an exercise are in the lane of exercises, those of a live alert never (P11).
-- Of a dispatch both are fixed: no role may change them, and its lane is bound to its flag.
create function alerts.guard_lane() returns trigger language plpgsql as $$
begin
  if exists (
    select from alerts.version version
    join alerts.alert alert on alert.id = version.alert_id
    cross join lateral (values (new.dispatch_id), (new.correction_dispatch_id)) as sent (id)
    left join dispatch.v_dispatch dispatch on dispatch.id = sent.id
    where version.id = new.version_id and sent.id is not null
      and dispatch.exercise is distinct from alert.exercise)
  then
    raise exception 'a dispatch of an exercise belongs to an exercise, and to nothing else'
      using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger guard_lane before insert or update of version_id, dispatch_id, correction_dispatch_id
  on alerts.submission for each row execute function alerts.guard_lane();

create trigger submission_told after insert or update on alerts.submission
  for each statement execute function kernel.tell_desk();
create trigger version_told after update of state on alerts.version
  for each statement execute function kernel.tell_desk();
create index submission_of_readers on alerts.submission (reader_set_id);
create unique index submission_open on alerts.submission (version_id)
  where state in ('waiting', 'released');

-- The frozen audience. The code is what the organisation's people text back.
create table alerts.recipient (
  -- No foreign key: the audience is frozen before its hash, and so the submission, can be written.
  submission_id uuid not null,
  organisation_id uuid not null,
  code text not null check (code ~ '^[1-9][0-9]{3}$'),
  short_name text not null,
  must_answer boolean not null,
  primary key (submission_id, organisation_id)
);
create index recipient_of_organisation on alerts.recipient (organisation_id);

-- What somebody did to an alert that was out, for all officers to know (P5).
create table alerts.announcement (
  id uuid primary key,
  alert_id uuid not null references alerts.alert,
  what text not null check (what in ('sent_alone', 'corrected', 'withdrawn', 'closed')),
  at timestamptz not null default now(),
  by text not null,
  by_name text not null
);
create index announcement_at on alerts.announcement (at);
create trigger announcement_told after insert on alerts.announcement
  for each statement execute function kernel.tell_desk();

-- A saved text that one person let go (P5), and what somebody else found when they looked at it.
create table alerts.alone (
  alert_id uuid primary key references alerts.alert,
  at timestamptz not null default now(),
  by uuid not null,
  by_name text not null,
  review_due_at timestamptz not null,
  reviewed_at timestamptz,
  reviewed_by uuid,
  reviewed_by_name text,
  finding text check (finding in ('right', 'wrong')),
  remark text not null default '',
  constraint review_by_another check (reviewed_by <> by),
  check ((reviewed_at is null) = (reviewed_by is null)),
  check ((reviewed_at is null) = (reviewed_by_name is null)),
  check ((reviewed_at is null) = (finding is null)),
  check (finding is distinct from 'wrong' or remark <> '')
);
create index alone_at on alerts.alone (at);
create index alone_unreviewed on alerts.alone (review_due_at) where reviewed_at is null;
create trigger alone_told after insert or update on alerts.alone
  for each statement execute function kernel.tell_desk();

-- That a version that is out was moved to other rules: what happened before, happened under these.
create table alerts.rules_move (
  version_id uuid not null references alerts.version,
  moved_at timestamptz not null default clock_timestamp(),
  model_version_before text not null,
  primary key (version_id, moved_at)
);

-- Only a draft may be changed, whoever asks.
create function alerts.guard_version() returns trigger language plpgsql as $$
begin
  raise exception 'only the words of a draft may be changed';
end $$;
create trigger guard_version before update on alerts.version for each row
  when (old.state <> 'draft' and (old.severity, old.marking, old.clear_line, old.next_update_at,
      old.audience, old.asks_again)
    is distinct from (new.severity, new.marking, new.clear_line, new.next_update_at, new.audience,
      new.asks_again))
  execute function alerts.guard_version();

-- Stable: it sees the version as it is before the statement, and so the words of a draft may be
-- completed by the statement that freezes it.
create function alerts.guard_words() returns trigger language plpgsql stable as $$
begin
  if not exists (select from alerts.version version
    where version.id = new.version_id and version.state = 'draft'
      and (version.kind = 'correction' or new.if_acted = ''))
  then
    raise exception 'only the words of a draft may be changed';
  end if;
  return new;
end $$;
create trigger guard_words before insert or update on alerts.words for each row
  execute function alerts.guard_words();

-- What upper slices and boards read.
-- Versions with their words, where the actor may read those; else why not, where the title stands.
create view alerts.v_words with (security_invoker = true) as
  select version.id, version.alert_id, version.number, version.kind, version.state,
    version.revision, version.severity, version.marking, version.clear_line,
    version.next_update_at, version.audience, version.asks_again, version.model_version,
    version.updated_at, version.released_at, version.asked_at, version.closed_at,
    coalesce(words.title, 'Words marked TLP:' || version.marking || ' need a passkey') as title,
    coalesce(words.what, '') as what, coalesce(words.do_now, '') as do_now,
    coalesce(words.if_acted, '') as if_acted, coalesce(words.not_known, '') as not_known,
    coalesce(words.body, '') as body, words.own_text,
    coalesce(words.reader_words, '{}') as reader_words, coalesce(words.content, '{}') as content,
    words.kev
  from alerts.version version
  left join alerts.words words on words.version_id = version.id;

create view alerts.v_live with (security_invoker = true) as
  select alert.id as alert_id, alert.number, version.id as version_id, version.severity,
    version.marking, version.next_update_at, version.model_version, version.state,
    version.released_at, version.closed_at, submission.id as submission_id, submission.dispatch_id,
    submission.correction_dispatch_id, version.number as version_number, version.kind,
    version.asks_again, version.asked_at, version.clear_line, submission.owned_by_name,
    submission.submitted_at, submission.submitted_by_name, submission.decided_at,
    submission.decided_by_name,
    alert.exercise, version.asked_at + submission.call_list_after as call_list_at
  from alerts.alert alert
  join alerts.version version on version.alert_id = alert.id
    and version.state in ('released', 'closed')
  join alerts.submission submission on submission.version_id = version.id
    and submission.state = 'released';

-- Every version that was ever out, as far as the reader may see it.
create view alerts.v_version with (security_invoker = true) as
  select version.alert_id, alert.number as alert_number, version.id as version_id, version.number,
    version.kind, version.severity, version.marking, version.next_update_at, version.asks_again,
    version.state, version.released_at, version.closed_at, submission.dispatch_id,
    submission.correction_dispatch_id, alert.exercise
  from alerts.version version
  join alerts.alert alert on alert.id = version.alert_id
  join alerts.submission submission on submission.version_id = version.id
    and submission.state = 'released'
  where version.released_at is not null;

-- Every dispatch of an alert, of earlier versions too: to which alert an answer belongs.
create view alerts.v_sent with (security_invoker = true) as
  select version.alert_id, sent.dispatch_id
  from alerts.submission submission
  join alerts.version version on version.id = submission.version_id
  cross join lateral (values (submission.dispatch_id), (submission.correction_dispatch_id))
    as sent (dispatch_id)
  where submission.state = 'released' and sent.dispatch_id is not null;

-- What each dispatch of an alert is to its readers: a first alert with its rounds, or what tells
-- those who had one what became of it.
create view alerts.v_dispatched with (security_invoker = true) as
  select version.alert_id, version.id as version_id, sent.dispatch_id, sent.kind, version.marking,
    version.asks_again, version.severity, version.model_version, version.released_at
  from alerts.submission submission
  join alerts.version version on version.id = submission.version_id
  cross join lateral (values
    (submission.dispatch_id,
      case version.kind when 'withdrawal' then version.kind else 'first' end),
    (submission.correction_dispatch_id, version.kind),
    (submission.closing_dispatch_id, 'closing')) as sent (dispatch_id, kind)
  where submission.state = 'released' and sent.dispatch_id is not null;

create view alerts.v_recipient with (security_invoker = true) as
  select submission.dispatch_id, submission.correction_dispatch_id, version.alert_id,
    recipient.organisation_id, recipient.code, recipient.short_name, recipient.must_answer
  from alerts.recipient recipient
  join alerts.submission submission on submission.id = recipient.submission_id
    and submission.state = 'released'
  join alerts.version version on version.id = submission.version_id
    and version.state in ('released', 'closed');

create view alerts.v_waiting with (security_invoker = true) as
  select alert.id as alert_id, alert.number as alert_number, version.title, version.severity,
    submission.submitted_by_name, submission.submitted_at, alert.exercise
  from alerts.submission submission
  join alerts.v_words version on version.id = submission.version_id
  join alerts.alert alert on alert.id = version.alert_id
  where submission.state = 'waiting';

-- Sent back by who was asked, and not submitted again since: its author has to know.
create view alerts.v_returned with (security_invoker = true) as
  select alert.id as alert_id, alert.number as alert_number, version.title, alert.exercise,
    submission.decided_by_name, submission.decided_at,
    case when version.marking = any (kernel.actor_markings())
      then submission.return_reason else '' end
      as return_reason
  from alerts.submission submission
  join alerts.v_words version on version.id = submission.version_id and version.state = 'draft'
  join alerts.alert alert on alert.id = version.alert_id
  where submission.state = 'returned' and not exists (
    select from alerts.submission later
    where later.version_id = version.id and later.submitted_at > submission.submitted_at);

create view alerts.v_announcement with (security_invoker = true) as
  select announcement.id, announcement.alert_id, alert.number as alert_number, version.title,
    announcement.what, announcement.at, announcement.by_name, alert.exercise
  from alerts.announcement announcement
  join alerts.alert alert on alert.id = announcement.alert_id
  join alerts.v_words version on version.alert_id = alert.id
    and version.state in ('released', 'closed');

create view alerts.v_alone with (security_invoker = true) as
  select alone.alert_id, alert.number as alert_number, version.title, alone.at, alone.by_name,
    alone.review_due_at, alone.reviewed_at, alone.reviewed_by_name, alone.finding
  from alerts.alone alone
  join alerts.alert alert on alert.id = alone.alert_id
  join alerts.v_words version on version.alert_id = alert.id
    and version.state in ('released', 'closed');

create view alerts.v_rules_move with (security_invoker = true) as
  select version.alert_id, move.version_id, move.moved_at, move.model_version_before
  from alerts.rules_move move
  join alerts.version version on version.id = move.version_id;

-- What a marking protects (P8): the centre knows of all; whoever is in its reader set what was
-- released; a visitor released versions marked CLEAR. Those that another one took the place of
-- too: pages show them where the one that took it may be read. `readsVersion` of
-- src/alerts/policy.ts is the same rule.
alter table alerts.version enable row level security;
alter table alerts.version force row level security;
create policy centre on alerts.version
  using ((select kernel.reach() = 'centre'))
  with check ((select kernel.reach() = 'centre')
    and marking = any ((select kernel.actor_markings())::text[]));
create policy public_clear on alerts.version for select
  using (state in ('released', 'superseded', 'closed') and marking = 'CLEAR');
create policy addressed on alerts.version for select
  using (state in ('released', 'superseded', 'closed') and marking in ('GREEN', 'AMBER')
    and reader_set_id = any ((select identity.readable_sets())::uuid[]));

-- Its words: whoever reads the version and has proved enough for its marking (ADR 0041).
alter table alerts.words enable row level security;
alter table alerts.words force row level security;
create policy proved on alerts.words using (exists (
  select from alerts.version version where version.id = words.version_id
    and version.marking = any ((select kernel.actor_markings())::text[])));

alter table alerts.recipient enable row level security;
alter table alerts.recipient force row level security;
create policy centre on alerts.recipient
  using ((select kernel.reach() = 'centre' and kernel.actor_regions() is null))
  with check ((select kernel.reach() = 'centre'));
-- Whoever reads for some regions: every list of an alert begins here.
create policy of_region on alerts.recipient for select
  using ((select kernel.reach() = 'centre') and organisation_id in (
    select organisation.organisation_id from organisations.v_organisation organisation
    where organisation.region_code = any ((select kernel.actor_regions())::text[])));
create policy own on alerts.recipient for select
  using (organisation_id = any ((select kernel.actor_organisations())::uuid[]));

alter table alerts.submission enable row level security;
alter table alerts.submission force row level security;
create policy centre on alerts.submission
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
create policy own on alerts.submission for select
  using (state = 'released' and reader_set_id = any ((select identity.readable_sets())::uuid[]));

alter table alerts.announcement enable row level security;
alter table alerts.announcement force row level security;
create policy centre on alerts.announcement
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));

-- Anybody may know that it was one person, and that nobody has looked at it in time.
alter table alerts.alone enable row level security;
alter table alerts.alone force row level security;
create policy centre on alerts.alone
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
create policy overdue on alerts.alone for select
  using (reviewed_at is null and review_due_at < now());

grant select, insert on alerts.alone to tocsin_web;
grant update (reviewed_at, reviewed_by, reviewed_by_name, finding, remark)
  on alerts.alone to tocsin_web;
grant select on alerts.alone to tocsin_worker;

alter table alerts.rules_move enable row level security;
alter table alerts.rules_move force row level security;
create policy centre on alerts.rules_move
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
grant select, insert on alerts.rules_move to tocsin_web;
grant select on alerts.rules_move to tocsin_worker;
grant select on alerts.v_rules_move to tocsin_web, tocsin_worker;

grant select, insert on alerts.announcement to tocsin_web;
grant select on alerts.announcement to tocsin_worker;
grant select on alerts.editor to tocsin_worker;
grant select, insert on alerts.alert, alerts.editor, alerts.submission, alerts.recipient
  to tocsin_web;
grant select, insert on alerts.version to tocsin_web;
grant update (state, revision, severity, marking, clear_line, next_update_at, audience, asks_again,
  model_version, updated_at, released_at, asked_at, closed_at, reader_set_id)
  on alerts.version to tocsin_web;
grant select, insert on alerts.words to tocsin_web;
grant update (title, what, do_now, if_acted, not_known, body, own_text, reader_words, content, kev)
  on alerts.words to tocsin_web;
grant update (last_edited_at, parts) on alerts.editor to tocsin_web;
grant update (state, decided_at, decided_by, decided_by_name, return_reason, returned_words,
  owned_by, owned_by_name, closing_dispatch_id, call_list_after) on alerts.submission to tocsin_web;
grant select on alerts.alert, alerts.version, alerts.words, alerts.submission, alerts.recipient
  to tocsin_worker;
grant select on alerts.v_words, alerts.v_live, alerts.v_version, alerts.v_sent, alerts.v_dispatched,
  alerts.v_recipient,
  alerts.v_waiting, alerts.v_returned, alerts.v_announcement, alerts.v_alone
  to tocsin_web, tocsin_worker;
