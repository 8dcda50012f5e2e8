create schema alerts;
grant usage on schema alerts to tocsin_web;
grant usage on schema alerts to tocsin_worker;

create schema audit;
grant usage on schema audit to tocsin_sequencer;
grant usage on schema audit to tocsin_web;
grant usage on schema audit to tocsin_worker;

create schema dispatch;
grant usage on schema dispatch to tocsin_web;
grant usage on schema dispatch to tocsin_worker;

create schema identity;
grant usage on schema identity to tocsin_web;
grant usage on schema identity to tocsin_worker;

create schema kernel;
grant usage on schema kernel to tocsin_sequencer;
grant usage on schema kernel to tocsin_web;
grant usage on schema kernel to tocsin_worker;

create schema operating_model;
grant usage on schema operating_model to tocsin_web;
grant usage on schema operating_model to tocsin_worker;

create schema organisations;
grant usage on schema organisations to tocsin_web;
grant usage on schema organisations to tocsin_worker;

create schema responses;
grant usage on schema responses to tocsin_web;
grant usage on schema responses to tocsin_worker;

create type organisations.id_range as range (subtype = uuid);

create sequence alerts.alert_number_seq as integer;

create sequence kernel.sealing_key_id_seq as smallint;

create sequence operating_model.adoption_number_seq as bigint;

create table alerts.alert (
  id uuid not null,
  number integer generated always as identity not null,
  exercise boolean default false not null,
  created_at timestamp with time zone default now() not null,
  created_by text not null,
  constraint alert_pkey PRIMARY KEY (id),
  constraint alert_number_key UNIQUE (number)
);
CREATE TRIGGER guard_exercise BEFORE UPDATE ON alerts.alert FOR EACH ROW WHEN ((old.exercise IS DISTINCT FROM new.exercise)) EXECUTE FUNCTION alerts.guard_exercise();
grant insert, select on alerts.alert to tocsin_web;
grant select on alerts.alert to tocsin_worker;

create table alerts.alone (
  alert_id uuid not null,
  at timestamp with time zone default now() not null,
  by uuid not null,
  by_name text not null,
  review_due_at timestamp with time zone not null,
  reviewed_at timestamp with time zone,
  reviewed_by uuid,
  reviewed_by_name text,
  finding text,
  remark text default ''::text not null,
  constraint alone_check CHECK (((reviewed_at IS NULL) = (reviewed_by IS NULL))),
  constraint alone_check1 CHECK (((reviewed_at IS NULL) = (reviewed_by_name IS NULL))),
  constraint alone_check2 CHECK (((reviewed_at IS NULL) = (finding IS NULL))),
  constraint alone_check3 CHECK (((finding IS DISTINCT FROM 'wrong'::text) OR (remark <> ''::text))),
  constraint alone_finding_check CHECK ((finding = ANY (ARRAY['right'::text, 'wrong'::text]))),
  constraint review_by_another CHECK ((reviewed_by <> by)),
  constraint alone_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES alerts.alert(id),
  constraint alone_pkey PRIMARY KEY (alert_id)
);
CREATE INDEX alone_at ON alerts.alone USING btree (at);
CREATE INDEX alone_unreviewed ON alerts.alone USING btree (review_due_at) WHERE (reviewed_at IS NULL);
alter table alerts.alone enable row level security;
alter table alerts.alone force row level security;
create policy centre on alerts.alone as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy overdue on alerts.alone as permissive for select to public using (((reviewed_at IS NULL) AND (review_due_at < now())));
CREATE TRIGGER alone_told AFTER INSERT OR UPDATE ON alerts.alone FOR EACH STATEMENT EXECUTE FUNCTION kernel.tell_desk();
grant insert, select on alerts.alone to tocsin_web;
grant select on alerts.alone to tocsin_worker;
grant update (reviewed_at, reviewed_by, reviewed_by_name, finding, remark) on alerts.alone to tocsin_web;

create table alerts.announcement (
  id uuid not null,
  alert_id uuid not null,
  what text not null,
  at timestamp with time zone default now() not null,
  by text not null,
  by_name text not null,
  constraint announcement_what_check CHECK ((what = ANY (ARRAY['sent_alone'::text, 'corrected'::text, 'withdrawn'::text, 'closed'::text]))),
  constraint announcement_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES alerts.alert(id),
  constraint announcement_pkey PRIMARY KEY (id)
);
CREATE INDEX announcement_at ON alerts.announcement USING btree (at);
alter table alerts.announcement enable row level security;
alter table alerts.announcement force row level security;
create policy centre on alerts.announcement as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
CREATE TRIGGER announcement_told AFTER INSERT ON alerts.announcement FOR EACH STATEMENT EXECUTE FUNCTION kernel.tell_desk();
grant insert, select on alerts.announcement to tocsin_web;
grant select on alerts.announcement to tocsin_worker;

create table alerts.editor (
  version_id uuid not null,
  person_id text not null,
  first_edited_at timestamp with time zone default now() not null,
  last_edited_at timestamp with time zone default now() not null,
  parts text[] not null,
  constraint editor_version_id_fkey FOREIGN KEY (version_id) REFERENCES alerts.version(id),
  constraint editor_pkey PRIMARY KEY (version_id, person_id)
);
grant insert, select on alerts.editor to tocsin_web;
grant select on alerts.editor to tocsin_worker;
grant update (last_edited_at, parts) on alerts.editor to tocsin_web;

create table alerts.kev_entry (
  cve text not null,
  vendor text not null,
  product text not null,
  name text not null,
  added_on date not null,
  description text not null,
  required_action text not null,
  due_on date,
  ransomware boolean not null,
  links text[] not null,
  constraint kev_entry_cve_check CHECK ((cve ~ '^CVE-[0-9]{4}-[0-9]{4,19}$'::text)),
  constraint kev_entry_pkey PRIMARY KEY (cve)
);
CREATE INDEX kev_entry_newest ON alerts.kev_entry USING btree (added_on DESC, cve);
grant delete, insert, select, update on alerts.kev_entry to tocsin_web;

create table alerts.kev_import (
  id uuid not null,
  catalogue_version text not null,
  catalogue_released_at timestamp with time zone not null,
  entries integer not null,
  added integer not null,
  changed integer not null,
  removed integer not null,
  imported_at timestamp with time zone default now() not null,
  imported_by_name text not null,
  constraint kev_import_entries_check CHECK ((entries > 0)),
  constraint kev_import_pkey PRIMARY KEY (id)
);
CREATE INDEX kev_import_newest ON alerts.kev_import USING btree (imported_at DESC);
grant insert, select on alerts.kev_import to tocsin_web;

create table alerts.recipient (
  submission_id uuid not null,
  organisation_id uuid not null,
  code text not null,
  short_name text not null,
  must_answer boolean not null,
  constraint recipient_code_check CHECK ((code ~ '^[1-9][0-9]{3}$'::text)),
  constraint recipient_pkey PRIMARY KEY (submission_id, organisation_id)
);
CREATE INDEX recipient_of_organisation ON alerts.recipient USING btree (organisation_id);
alter table alerts.recipient enable row level security;
alter table alerts.recipient force row level security;
create policy centre on alerts.recipient as permissive for all to public using (( SELECT ((kernel.reach() = 'centre'::text) AND (kernel.actor_regions() IS NULL)))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy of_region on alerts.recipient as permissive for select to public using ((( SELECT (kernel.reach() = 'centre'::text)) AND (organisation_id IN ( SELECT organisation.organisation_id
   FROM organisations.v_organisation organisation
  WHERE (organisation.region_code = ANY (( SELECT kernel.actor_regions() AS actor_regions)::text[]))))));
create policy own on alerts.recipient as permissive for select to public using ((organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[])));
grant insert, select on alerts.recipient to tocsin_web;
grant select on alerts.recipient to tocsin_worker;

create table alerts.rules_move (
  version_id uuid not null,
  moved_at timestamp with time zone default clock_timestamp() not null,
  model_version_before text not null,
  constraint rules_move_version_id_fkey FOREIGN KEY (version_id) REFERENCES alerts.version(id),
  constraint rules_move_pkey PRIMARY KEY (version_id, moved_at)
);
alter table alerts.rules_move enable row level security;
alter table alerts.rules_move force row level security;
create policy centre on alerts.rules_move as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on alerts.rules_move to tocsin_web;
grant select on alerts.rules_move to tocsin_worker;

create table alerts.submission (
  id uuid not null,
  version_id uuid not null,
  dispatch_id uuid not null,
  correction_dispatch_id uuid,
  closing_dispatch_id uuid,
  approval_id uuid not null,
  content_hash text not null,
  call_list_after interval,
  along jsonb not null,
  reader_set_id uuid not null,
  state text default 'waiting'::text not null,
  submitted_by text not null,
  submitted_by_name text not null,
  submitted_at timestamp with time zone default now() not null,
  owned_by text not null,
  owned_by_name text not null,
  decided_at timestamp with time zone,
  decided_by text,
  decided_by_name text,
  return_reason text,
  returned_words jsonb,
  constraint submission_check CHECK (((state = 'waiting'::text) = (decided_at IS NULL))),
  constraint submission_check1 CHECK (((state = 'returned'::text) = (return_reason IS NOT NULL))),
  constraint submission_check2 CHECK (((state = 'returned'::text) = (returned_words IS NOT NULL))),
  constraint submission_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'returned'::text, 'withdrawn'::text, 'released'::text, 'recalled'::text]))),
  constraint submission_reader_set_id_fkey FOREIGN KEY (reader_set_id) REFERENCES identity.reader_set(id),
  constraint submission_version_id_fkey FOREIGN KEY (version_id) REFERENCES alerts.version(id),
  constraint submission_pkey PRIMARY KEY (id),
  constraint submission_approval_id_version_id_key UNIQUE (approval_id, version_id),
  constraint submission_closing_dispatch_id_key UNIQUE (closing_dispatch_id),
  constraint submission_correction_dispatch_id_key UNIQUE (correction_dispatch_id),
  constraint submission_dispatch_id_key UNIQUE (dispatch_id)
);
CREATE INDEX submission_of_readers ON alerts.submission USING btree (reader_set_id);
CREATE UNIQUE INDEX submission_open ON alerts.submission USING btree (version_id) WHERE (state = ANY (ARRAY['waiting'::text, 'released'::text]));
alter table alerts.submission enable row level security;
alter table alerts.submission force row level security;
create policy centre on alerts.submission as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy own on alerts.submission as permissive for select to public using (((state = 'released'::text) AND (reader_set_id = ANY (( SELECT identity.readable_sets() AS readable_sets)::uuid[]))));
CREATE TRIGGER guard_lane BEFORE INSERT OR UPDATE OF version_id, dispatch_id, correction_dispatch_id ON alerts.submission FOR EACH ROW EXECUTE FUNCTION alerts.guard_lane();
CREATE TRIGGER submission_told AFTER INSERT OR UPDATE ON alerts.submission FOR EACH STATEMENT EXECUTE FUNCTION kernel.tell_desk();
grant insert, select on alerts.submission to tocsin_web;
grant select on alerts.submission to tocsin_worker;
grant update (closing_dispatch_id, call_list_after, state, owned_by, owned_by_name, decided_at, decided_by, decided_by_name, return_reason, returned_words) on alerts.submission to tocsin_web;

create table alerts.version (
  id uuid not null,
  alert_id uuid not null,
  number smallint not null,
  kind text not null,
  state text default 'draft'::text not null,
  revision integer default 1 not null,
  severity text not null,
  marking text not null,
  clear_line text default ''::text not null,
  next_update_at timestamp with time zone,
  audience jsonb not null,
  asks_again boolean default true not null,
  model_version text not null,
  updated_at timestamp with time zone default now() not null,
  released_at timestamp with time zone,
  asked_at timestamp with time zone,
  closed_at timestamp with time zone,
  reader_set_id uuid,
  constraint version_check CHECK (((number = 1) = (kind = 'first'::text))),
  constraint version_check1 CHECK (((kind = ANY (ARRAY['update'::text, 'withdrawal'::text])) OR asks_again)),
  constraint version_check2 CHECK (((state = ANY (ARRAY['released'::text, 'superseded'::text, 'closed'::text])) = (released_at IS NOT NULL))),
  constraint version_check3 CHECK (((released_at IS NULL) = (asked_at IS NULL))),
  constraint version_check4 CHECK (((released_at IS NULL) = (reader_set_id IS NULL))),
  constraint version_check5 CHECK (((state = 'closed'::text) = (closed_at IS NOT NULL))),
  constraint version_kind_check CHECK ((kind = ANY (ARRAY['first'::text, 'update'::text, 'correction'::text, 'withdrawal'::text]))),
  constraint version_marking_check CHECK ((marking = ANY (ARRAY['CLEAR'::text, 'GREEN'::text, 'AMBER'::text, 'AMBER+STRICT'::text, 'RED'::text]))),
  constraint version_number_check CHECK ((number >= 1)),
  constraint version_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text, 'released'::text, 'superseded'::text, 'closed'::text, 'abandoned'::text]))),
  constraint version_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES alerts.alert(id),
  constraint version_reader_set_id_fkey FOREIGN KEY (reader_set_id) REFERENCES identity.reader_set(id),
  constraint version_pkey PRIMARY KEY (id),
  constraint version_alert_id_number_key UNIQUE (alert_id, number)
);
CREATE UNIQUE INDEX version_at_work ON alerts.version USING btree (alert_id) WHERE (state = ANY (ARRAY['draft'::text, 'submitted'::text]));
CREATE INDEX version_live ON alerts.version USING btree (released_at DESC) WHERE (state = 'released'::text);
CREATE INDEX version_of_readers ON alerts.version USING btree (reader_set_id);
CREATE UNIQUE INDEX version_out ON alerts.version USING btree (alert_id) WHERE (state = ANY (ARRAY['released'::text, 'closed'::text]));
alter table alerts.version enable row level security;
alter table alerts.version force row level security;
create policy addressed on alerts.version as permissive for select to public using (((state = ANY (ARRAY['released'::text, 'superseded'::text, 'closed'::text])) AND (marking = ANY (ARRAY['GREEN'::text, 'AMBER'::text])) AND (reader_set_id = ANY (( SELECT identity.readable_sets() AS readable_sets)::uuid[]))));
create policy centre on alerts.version as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check ((( SELECT (kernel.reach() = 'centre'::text)) AND (marking = ANY (( SELECT kernel.actor_markings() AS actor_markings)::text[]))));
create policy public_clear on alerts.version as permissive for select to public using (((state = ANY (ARRAY['released'::text, 'superseded'::text, 'closed'::text])) AND (marking = 'CLEAR'::text)));
CREATE TRIGGER guard_version BEFORE UPDATE ON alerts.version FOR EACH ROW WHEN (((old.state <> 'draft'::text) AND ((((((old.severity IS DISTINCT FROM new.severity) OR (old.marking IS DISTINCT FROM new.marking)) OR (old.clear_line IS DISTINCT FROM new.clear_line)) OR (old.next_update_at IS DISTINCT FROM new.next_update_at)) OR (old.audience IS DISTINCT FROM new.audience)) OR (old.asks_again IS DISTINCT FROM new.asks_again)))) EXECUTE FUNCTION alerts.guard_version();
CREATE TRIGGER version_told AFTER UPDATE OF state ON alerts.version FOR EACH STATEMENT EXECUTE FUNCTION kernel.tell_desk();
grant insert, select on alerts.version to tocsin_web;
grant select on alerts.version to tocsin_worker;
grant update (state, revision, severity, marking, clear_line, next_update_at, audience, asks_again, model_version, updated_at, released_at, asked_at, closed_at, reader_set_id) on alerts.version to tocsin_web;

create table alerts.words (
  version_id uuid not null,
  title text default ''::text not null,
  what text default ''::text not null,
  do_now text default ''::text not null,
  if_acted text default ''::text not null,
  not_known text default ''::text not null,
  body text default ''::text not null,
  own_text text,
  reader_words jsonb default '{}'::jsonb not null,
  content jsonb not null,
  kev jsonb,
  constraint words_version_id_fkey FOREIGN KEY (version_id) REFERENCES alerts.version(id),
  constraint words_pkey PRIMARY KEY (version_id)
);
alter table alerts.words enable row level security;
alter table alerts.words force row level security;
create policy proved on alerts.words as permissive for all to public using ((EXISTS ( SELECT
   FROM alerts.version version
  WHERE ((version.id = words.version_id) AND (version.marking = ANY (( SELECT kernel.actor_markings() AS actor_markings)::text[]))))));
CREATE TRIGGER guard_words BEFORE INSERT OR UPDATE ON alerts.words FOR EACH ROW EXECUTE FUNCTION alerts.guard_words();
grant insert, select on alerts.words to tocsin_web;
grant select on alerts.words to tocsin_worker;
grant update (title, what, do_now, if_acted, not_known, body, own_text, reader_words, content, kev) on alerts.words to tocsin_web;

create table audit.checkpoint (
  size bigint not null,
  root bytea not null,
  note text not null,
  signed_at timestamp with time zone default clock_timestamp() not null,
  constraint checkpoint_pkey PRIMARY KEY (size, root)
);
CREATE INDEX checkpoint_signed ON audit.checkpoint USING btree (signed_at);
CREATE TRIGGER checkpoint_stays BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.checkpoint FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
grant select on audit.checkpoint to tocsin_sequencer;
grant select on audit.checkpoint to tocsin_web;
grant insert (size, root, note) on audit.checkpoint to tocsin_sequencer;

create table audit.entry (
  id uuid default kernel.uuid_v7() not null,
  at timestamp with time zone default clock_timestamp() not null,
  actor_kind text default kernel.actor_kind() not null,
  actor_id text default kernel.actor_id() not null,
  action text not null,
  subject_kind text not null,
  subject_id text not null,
  detail jsonb default '{}'::jsonb,
  salt bytea default uuid_send(gen_random_uuid()),
  constraint entry_action_form CHECK ((action ~ '^[a-z][a-z_]*\.[a-z][a-z_]*$'::text)),
  constraint entry_detail_form CHECK ((jsonb_typeof(detail) = 'object'::text)),
  constraint entry_erased_whole CHECK (((detail IS NULL) = (salt IS NULL))),
  constraint entry_subject_id_form CHECK ((subject_id <> ''::text)),
  constraint entry_subject_kind_form CHECK ((subject_kind ~ '^[a-z][a-z_]*$'::text)),
  constraint entry_pkey PRIMARY KEY (id)
);
CREATE INDEX entry_action ON audit.entry USING btree (action, at);
CREATE INDEX entry_actor ON audit.entry USING btree (actor_id, at);
CREATE INDEX entry_at ON audit.entry USING btree (at, id);
CREATE INDEX entry_subject ON audit.entry USING btree (subject_kind, subject_id, at);
alter table audit.entry enable row level security;
alter table audit.entry force row level security;
create policy entry_erase on audit.entry as permissive for update to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy entry_read on audit.entry as permissive for select to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN (( SELECT (kernel.actor_kind() = 'person'::text)) AND (action = 'contact.looked_up'::text) AND (subject_kind = 'organisation'::text) AND (subject_id = ANY ((( SELECT kernel.actor_organisations() AS actor_organisations))::text[])))
    ELSE false
END);
create policy entry_write on audit.entry as permissive for insert to public with check (( SELECT kernel.may_act() AS may_act));
CREATE TRIGGER entry_no_change BEFORE UPDATE ON audit.entry FOR EACH ROW EXECUTE FUNCTION audit.refuse_edit();
CREATE TRIGGER entry_stays BEFORE DELETE OR TRUNCATE ON audit.entry FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER entry_waits AFTER INSERT ON audit.entry REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit.note_waiting();
grant select on audit.entry to tocsin_sequencer;
grant select on audit.entry to tocsin_web;
grant select on audit.entry to tocsin_worker;
grant insert (action, subject_kind, subject_id, detail) on audit.entry to tocsin_sequencer;
grant insert (action, subject_kind, subject_id, detail) on audit.entry to tocsin_web;
grant insert (action, subject_kind, subject_id, detail) on audit.entry to tocsin_worker;

create table audit.leaf (
  "position" bigint not null,
  entry_id uuid not null,
  detail_hash bytea not null,
  hash bytea not null,
  constraint leaf_hashes CHECK (((octet_length(detail_hash) = 32) AND (octet_length(hash) = 32))),
  constraint leaf_position CHECK (("position" >= 0)),
  constraint leaf_entry FOREIGN KEY (entry_id) REFERENCES audit.entry(id),
  constraint leaf_pkey PRIMARY KEY ("position"),
  constraint leaf_once UNIQUE (entry_id)
);
CREATE TRIGGER leaf_stays BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.leaf FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
grant insert, select on audit.leaf to tocsin_sequencer;
grant select on audit.leaf to tocsin_web;

create table audit.node (
  level smallint not null,
  "position" bigint not null,
  hash bytea not null,
  constraint node_hash_form CHECK ((octet_length(hash) = 32)),
  constraint node_level CHECK (((level >= 1) AND (level <= 52))),
  constraint node_pkey PRIMARY KEY (level, "position")
);
CREATE TRIGGER node_stays BEFORE DELETE OR UPDATE OR TRUNCATE ON audit.node FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
grant insert, select on audit.node to tocsin_sequencer;
grant select on audit.node to tocsin_web;

create table audit.sequencer (
  run_at timestamp with time zone,
  stopped_since timestamp with time zone,
  stopped_reason text,
  constraint sequencer_stop CHECK (((stopped_since IS NULL) = (stopped_reason IS NULL)))
);
CREATE UNIQUE INDEX sequencer_is_single ON audit.sequencer USING btree ((true));
grant select, update on audit.sequencer to tocsin_sequencer;
grant select on audit.sequencer to tocsin_web;

create table audit.waiting (
  entry_id uuid not null,
  constraint waiting_pkey PRIMARY KEY (entry_id)
);
grant delete, select on audit.waiting to tocsin_sequencer;
grant select on audit.waiting to tocsin_web;
grant insert (entry_id) on audit.waiting to tocsin_sequencer;
grant insert (entry_id) on audit.waiting to tocsin_web;
grant insert (entry_id) on audit.waiting to tocsin_worker;

create table dispatch.alarm (
  kind text not null,
  message_id uuid not null,
  gateway_id text not null,
  provider_id text not null,
  raised_at timestamp with time zone default now() not null,
  constraint alarm_kind_check CHECK ((kind = ANY (ARRAY['accepted_twice'::text, 'stuck_at_provider'::text, 'missing_at_provider'::text, 'sent_unrecorded'::text]))),
  constraint alarm_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES dispatch.gateway(id),
  constraint alarm_message_id_fkey FOREIGN KEY (message_id) REFERENCES dispatch.message(id),
  constraint alarm_pkey PRIMARY KEY (message_id, kind, provider_id)
);
CREATE INDEX alarm_of_second_text ON dispatch.alarm USING btree (raised_at) WHERE (kind = 'accepted_twice'::text);
grant select on dispatch.alarm to tocsin_web;
grant insert, select on dispatch.alarm to tocsin_worker;

create table dispatch.attempt (
  message_id uuid not null,
  epoch integer not null,
  number smallint not null,
  gateway_id text not null,
  owner uuid not null,
  claimed_at timestamp with time zone default now() not null,
  constraint attempt_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES dispatch.gateway(id),
  constraint attempt_message_id_fkey FOREIGN KEY (message_id) REFERENCES dispatch.message(id),
  constraint attempt_pkey PRIMARY KEY (message_id, epoch, number)
);
CREATE INDEX attempt_again ON dispatch.attempt USING btree (claimed_at) WHERE (number > 1);
grant select on dispatch.attempt to tocsin_web;
grant insert, select on dispatch.attempt to tocsin_worker;

create table dispatch.attempt_end (
  message_id uuid not null,
  epoch integer not null,
  number smallint not null,
  class text not null,
  code text,
  provider_id text,
  ended_at timestamp with time zone default now() not null,
  constraint attempt_end_class_check CHECK ((class = ANY (ARRAY['accepted'::text, 'rejected'::text, 'not_sent'::text, 'unknown'::text]))),
  constraint attempt_end_message_id_epoch_number_fkey FOREIGN KEY (message_id, epoch, number) REFERENCES dispatch.attempt(message_id, epoch, number),
  constraint attempt_end_pkey PRIMARY KEY (message_id, epoch, number)
);
grant select on dispatch.attempt_end to tocsin_web;
grant insert, select on dispatch.attempt_end to tocsin_worker;

create table dispatch.auditor (
  is_single boolean default true not null,
  owner uuid,
  begun_at timestamp with time zone,
  ended_at timestamp with time zone,
  took_ms integer,
  constraint auditor_is_single_check CHECK (is_single),
  constraint auditor_pkey PRIMARY KEY (is_single)
);
grant select on dispatch.auditor to tocsin_web;
grant select, update on dispatch.auditor to tocsin_worker;

create table dispatch.breaker (
  gateway_id text not null,
  state text default 'closed'::text not null,
  rung smallint,
  turn integer default 1 not null,
  changed_at timestamp with time zone default now() not null,
  reason text,
  openings smallint default 0 not null,
  retry_at timestamp with time zone,
  rows_left smallint,
  tries smallint default 0 not null,
  tried_at timestamp with time zone,
  probe_at timestamp with time zone default now() not null,
  shift smallint default 0 not null,
  shifted_at timestamp with time zone default now() not null,
  constraint breaker_check CHECK (((state = ANY (ARRAY['half_open'::text, 'ramping'::text])) = (rung IS NOT NULL))),
  constraint breaker_check1 CHECK (((state = 'open'::text) = (retry_at IS NOT NULL))),
  constraint breaker_check2 CHECK (((state = 'half_open'::text) = (rows_left IS NOT NULL))),
  constraint breaker_check3 CHECK (((state = 'closed'::text) = (reason IS NULL))),
  constraint breaker_reason_check CHECK ((reason = ANY (ARRAY['no_answer'::text, 'failing'::text, 'trial_failed'::text]))),
  constraint breaker_rows_left_check CHECK ((rows_left >= 0)),
  constraint breaker_shift_check CHECK (((shift >= 0) AND (shift <= 100))),
  constraint breaker_state_check CHECK ((state = ANY (ARRAY['closed'::text, 'open'::text, 'half_open'::text, 'ramping'::text]))),
  constraint breaker_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES dispatch.gateway(id),
  constraint breaker_pkey PRIMARY KEY (gateway_id)
);
grant select on dispatch.breaker to tocsin_web;
grant insert, select, update on dispatch.breaker to tocsin_worker;

create table dispatch.bucket (
  id text not null,
  rate_per_second double precision not null,
  burst double precision not null,
  tokens double precision not null,
  refilled_at timestamp with time zone default now() not null,
  reserve_share double precision default 0.85 not null,
  paused_at timestamp with time zone,
  paused_until timestamp with time zone,
  pause_reason text,
  slow_share double precision default (10.0 / (11)::numeric) not null,
  slow_from timestamp with time zone,
  slow_until timestamp with time zone,
  constraint bucket_burst_check CHECK ((burst >= (1)::double precision)),
  constraint bucket_check CHECK (((paused_until IS NULL) = (pause_reason IS NULL))),
  constraint bucket_check1 CHECK (((paused_until IS NULL) = (paused_at IS NULL))),
  constraint bucket_check2 CHECK (((slow_from IS NULL) = (slow_until IS NULL))),
  constraint bucket_id_check CHECK ((id ~ '^[a-z][a-z0-9:-]{0,62}$'::text)),
  constraint bucket_rate_per_second_check CHECK ((rate_per_second > (0)::double precision)),
  constraint bucket_reserve_share_check CHECK (((reserve_share >= (0)::double precision) AND (reserve_share < (1)::double precision))),
  constraint bucket_slow_share_check CHECK (((slow_share > (0)::double precision) AND (slow_share <= (1)::double precision))),
  constraint bucket_pkey PRIMARY KEY (id)
);
grant select on dispatch.bucket to tocsin_web;
grant insert, select, update on dispatch.bucket to tocsin_worker;

create table dispatch.continuity (
  is_single boolean default true not null,
  system_identifier text not null,
  timeline text not null,
  database_id text not null,
  proven_start timestamp with time zone not null,
  held_since timestamp with time zone,
  held_reason text,
  held_start timestamp with time zone,
  read_from timestamp with time zone,
  looked_at timestamp with time zone,
  read_gateways text[] default '{}'::text[] not null,
  adopted integer default 0 not null,
  replica_away_since timestamp with time zone,
  alone_since timestamp with time zone,
  alone_reason text,
  constraint continuity_check CHECK (((alone_since IS NULL) = (alone_reason IS NULL))),
  constraint continuity_check1 CHECK (((alone_since IS NULL) OR (replica_away_since IS NOT NULL))),
  constraint continuity_check2 CHECK (((held_since IS NULL) = (held_reason IS NULL))),
  constraint continuity_check3 CHECK (((held_since IS NULL) = (held_start IS NULL))),
  constraint continuity_check4 CHECK (((looked_at IS NULL) OR (held_since IS NOT NULL))),
  constraint continuity_is_single_check CHECK (is_single),
  constraint continuity_pkey PRIMARY KEY (is_single)
);
grant select on dispatch.continuity to tocsin_web;
grant select, update on dispatch.continuity to tocsin_worker;
grant update (alone_since, alone_reason) on dispatch.continuity to tocsin_web;

create table dispatch.dispatch (
  id uuid not null,
  label text not null,
  lane smallint not null,
  exercise boolean default false not null,
  state text default 'held'::text not null,
  epoch integer default 1 not null,
  content_hash text,
  planned_messages integer,
  expires_after interval not null,
  recall_for interval default '00:00:00'::interval not null,
  number_most smallint,
  number_within interval,
  quiet_from_minute smallint,
  quiet_until_minute smallint,
  receipt_asks_ms integer[] not null,
  uncertain_after interval not null,
  created_at timestamp with time zone default now() not null,
  released_at timestamp with time zone,
  ended_at timestamp with time zone,
  pause_reason text,
  paused_at timestamp with time zone,
  last_claimed_at timestamp with time zone,
  refusals_from timestamp with time zone default '-infinity'::timestamp with time zone not null,
  cleared boolean default true not null,
  forgotten_at timestamp with time zone,
  constraint dispatch_check CHECK (((number_most IS NULL) = (number_within IS NULL))),
  constraint dispatch_check1 CHECK (((quiet_from_minute IS NULL) = (quiet_until_minute IS NULL))),
  constraint dispatch_check2 CHECK ((quiet_from_minute <> quiet_until_minute)),
  constraint dispatch_check3 CHECK ((cleared OR (state = 'cancelled'::text))),
  constraint dispatch_check4 CHECK ((((state = 'held'::text) = (released_at IS NULL)) OR (state = 'cancelled'::text))),
  constraint dispatch_check5 CHECK (((state = 'paused'::text) = (pause_reason IS NOT NULL))),
  constraint dispatch_check6 CHECK (((state = 'paused'::text) = (paused_at IS NOT NULL))),
  constraint dispatch_exercise_lane CHECK (((lane = 4) = exercise)),
  constraint dispatch_lane_check CHECK (((lane >= 0) AND (lane <= 4))),
  constraint dispatch_number_most_check CHECK ((number_most >= 1)),
  constraint dispatch_quiet_from_minute_check CHECK (((quiet_from_minute >= 0) AND (quiet_from_minute <= 1439))),
  constraint dispatch_quiet_until_minute_check CHECK (((quiet_until_minute >= 0) AND (quiet_until_minute <= 1439))),
  constraint dispatch_recall_for_check CHECK ((recall_for >= '00:00:00'::interval)),
  constraint dispatch_receipt_asks_ms_check CHECK ((cardinality(receipt_asks_ms) >= 1)),
  constraint dispatch_single_lane CHECK (((lane = 0) = (id = '00000000-0000-4000-8000-000000000000'::uuid))),
  constraint dispatch_state_check CHECK ((state = ANY (ARRAY['held'::text, 'sending'::text, 'paused'::text, 'cancelled'::text, 'done'::text]))),
  constraint dispatch_pkey PRIMARY KEY (id)
);
CREATE INDEX dispatch_sending ON dispatch.dispatch USING btree (lane, last_claimed_at NULLS FIRST) WHERE (state = 'sending'::text);
CREATE TRIGGER guard_dispatch BEFORE UPDATE ON dispatch.dispatch FOR EACH ROW EXECUTE FUNCTION dispatch.guard_dispatch();
grant select on dispatch.dispatch to tocsin_web;
grant insert, select, update on dispatch.dispatch to tocsin_worker;
grant insert (id, label, lane, exercise, expires_after, recall_for, number_most, number_within, quiet_from_minute, quiet_until_minute, receipt_asks_ms, uncertain_after) on dispatch.dispatch to tocsin_web;
grant update (state, epoch, content_hash, planned_messages, quiet_from_minute, quiet_until_minute, uncertain_after, released_at, ended_at, pause_reason, paused_at, refusals_from, cleared) on dispatch.dispatch to tocsin_web;

create table dispatch.gateway (
  id text not null,
  kind text not null,
  channel text not null,
  bucket_id text not null,
  can_be_asked boolean not null,
  ask_lag interval,
  keeps_for interval,
  deduplicates boolean default false not null,
  takes_replies boolean not null,
  limits_validity boolean default false not null,
  receipts text default 'none'::text not null,
  settings_sealed bytea not null,
  callback_token_hashes bytea[] default '{}'::bytea[] not null,
  template_id text,
  template_version integer,
  template_body text,
  template_read_at timestamp with time zone,
  polls text default 'never'::text not null,
  created_at timestamp with time zone default now() not null,
  removed_at timestamp with time zone,
  weight smallint default 100 not null,
  enabled boolean default true not null,
  last_proven_at timestamp with time zone,
  last_failure_at timestamp with time zone,
  last_failure_code text,
  constraint gateway_callback_token_hashes_check CHECK ((cardinality(callback_token_hashes) <= 2)),
  constraint gateway_channel_check CHECK ((channel = ANY (ARRAY['text'::text, 'mail'::text]))),
  constraint gateway_check CHECK (((removed_at IS NULL) OR (NOT enabled))),
  constraint gateway_id_check CHECK ((id ~ '^[a-z][a-z0-9-]{0,30}$'::text)),
  constraint gateway_kind_check CHECK ((kind = ANY (ARRAY['notify'::text, 'smtp'::text, 'smpp'::text]))),
  constraint gateway_polls_check CHECK ((polls = ANY (ARRAY['never'::text, 'without_token'::text, 'always'::text]))),
  constraint gateway_receipts_check CHECK ((receipts = ANY (ARRAY['final'::text, 'failures'::text, 'none'::text]))),
  constraint gateway_weight_check CHECK (((weight >= 0) AND (weight <= 1000))),
  constraint gateway_bucket_id_fkey FOREIGN KEY (bucket_id) REFERENCES dispatch.bucket(id),
  constraint gateway_pkey PRIMARY KEY (id)
);
CREATE TRIGGER add_breaker AFTER INSERT ON dispatch.gateway FOR EACH ROW EXECUTE FUNCTION dispatch.add_breaker();
CREATE TRIGGER remember_senders AFTER INSERT ON dispatch.gateway FOR EACH ROW EXECUTE FUNCTION dispatch.remember_senders();
grant insert, select, update on dispatch.gateway to tocsin_worker;
grant select (id, kind, channel, bucket_id, can_be_asked, ask_lag, keeps_for, deduplicates, takes_replies, limits_validity, receipts, callback_token_hashes, template_id, template_version, template_body, template_read_at, created_at, removed_at, weight, enabled, last_proven_at, last_failure_at, last_failure_code) on dispatch.gateway to tocsin_web;
grant update (weight, enabled) on dispatch.gateway to tocsin_web;

create table dispatch.invariant (
  id text not null,
  holds text not null,
  mend text not null,
  checked_at timestamp with time zone not null,
  breaches bigint not null,
  sample text,
  broken_since timestamp with time zone,
  last_broken_at timestamp with time zone,
  constraint invariant_breaches_check CHECK ((breaches >= 0)),
  constraint invariant_check CHECK (((breaches = 0) = (broken_since IS NULL))),
  constraint invariant_check1 CHECK (((breaches = 0) = (sample IS NULL))),
  constraint invariant_id_check CHECK ((id ~ '^[a-z_]+$'::text)),
  constraint invariant_pkey PRIMARY KEY (id)
);
grant select on dispatch.invariant to tocsin_web;
grant insert, select, update on dispatch.invariant to tocsin_worker;

create table dispatch.kept_count (
  dispatch_id uuid not null,
  channel text not null,
  state text not null,
  messages bigint not null,
  constraint kept_count_dispatch_id_fkey FOREIGN KEY (dispatch_id) REFERENCES dispatch.dispatch(id),
  constraint kept_count_pkey PRIMARY KEY (dispatch_id, channel, state)
);
grant select on dispatch.kept_count to tocsin_web;
grant select on dispatch.kept_count to tocsin_worker;

create table dispatch.kept_ledger (
  dispatch_id uuid not null,
  kept_at timestamp with time zone default now() not null,
  messages bigint not null,
  messages_gone bigint not null,
  messages_unknown bigint not null,
  messages_never_sent bigint not null,
  organisations bigint not null,
  organisations_gone bigint not null,
  organisations_unknown bigint not null,
  organisations_never_sent bigint not null,
  constraint kept_ledger_dispatch_id_fkey FOREIGN KEY (dispatch_id) REFERENCES dispatch.dispatch(id),
  constraint kept_ledger_pkey PRIMARY KEY (dispatch_id)
);
grant select on dispatch.kept_ledger to tocsin_web;
grant select on dispatch.kept_ledger to tocsin_worker;

create table dispatch.lookup (
  message_id uuid not null,
  at timestamp with time zone default clock_timestamp() not null,
  reference text not null,
  answer text not null,
  status text,
  constraint lookup_answer_check CHECK ((answer = ANY (ARRAY['found'::text, 'absent'::text, 'cannot_tell'::text]))),
  constraint lookup_message_id_fkey FOREIGN KEY (message_id) REFERENCES dispatch.message(id),
  constraint lookup_pkey PRIMARY KEY (message_id, at)
);
grant select on dispatch.lookup to tocsin_web;
grant insert, select on dispatch.lookup to tocsin_worker;

create table dispatch.lost_text (
  reference text not null,
  gateway_id text not null,
  provider_id text not null,
  status text not null,
  created_at timestamp with time zone not null,
  found_at timestamp with time zone default now() not null,
  constraint lost_text_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES dispatch.gateway(id),
  constraint lost_text_pkey PRIMARY KEY (reference)
);
grant select on dispatch.lost_text to tocsin_web;
grant insert, select on dispatch.lost_text to tocsin_worker;

create table dispatch.message (
  id uuid default kernel.uuid_v7() not null,
  dispatch_id uuid not null,
  contact_point_id uuid not null,
  organisation_id uuid,
  channel text not null,
  round smallint not null,
  rank smallint not null,
  code text not null,
  subject text,
  body text not null,
  address_sealed bytea not null,
  state text default 'held'::text not null,
  due_at timestamp with time zone,
  expires_at timestamp with time zone,
  attempt smallint default 0 not null,
  home_gateway_id text,
  gateway_id text,
  lease_owner uuid,
  lease_until timestamp with time zone,
  check_at timestamp with time zone,
  checks smallint default 0 not null,
  absences smallint default 0 not null,
  provider_id text,
  accepted_at timestamp with time zone,
  final_at timestamp with time zone,
  failure_code text,
  absent_gateway_id text,
  rule text,
  rule_version text,
  rule_fact text,
  constraint message_channel_check CHECK ((channel = ANY (ARRAY['text'::text, 'mail'::text]))),
  constraint message_check CHECK (((rule IS NOT NULL) = (dispatch_id = '00000000-0000-4000-8000-000000000000'::uuid))),
  constraint message_check1 CHECK ((((rule IS NULL) = (rule_version IS NULL)) AND ((rule IS NULL) = (rule_fact IS NULL)))),
  constraint message_check2 CHECK (((state = 'claimed'::text) = (lease_owner IS NOT NULL))),
  constraint message_check3 CHECK (((lease_owner IS NULL) = (lease_until IS NULL))),
  constraint message_check4 CHECK (((state = ANY (ARRAY['held'::text, 'cancelled'::text, 'suppressed'::text])) OR (due_at IS NOT NULL))),
  constraint message_check5 CHECK (((state = ANY (ARRAY['delivered'::text, 'undelivered'::text, 'rejected'::text, 'cancelled'::text, 'expired'::text, 'suppressed'::text, 'uncertain_closed'::text])) = (final_at IS NOT NULL))),
  constraint message_check6 CHECK (((state <> 'unknown'::text) OR (check_at IS NOT NULL))),
  constraint message_check7 CHECK (((state = ANY (ARRAY['held'::text, 'ready'::text, 'cancelled'::text, 'expired'::text, 'suppressed'::text, 'uncertain_closed'::text])) OR (attempt > 0))),
  constraint message_check8 CHECK (((state <> 'accepted'::text) OR (accepted_at IS NOT NULL))),
  constraint message_code_check CHECK ((code ~ '^[0-9]{4}$'::text)),
  constraint message_rank_check CHECK ((rank >= 1)),
  constraint message_rule_fact_check CHECK ((rule_fact <> ''::text)),
  constraint message_rule_version_check CHECK ((rule_version ~ '^[0-9a-f]{64}$'::text)),
  constraint message_state_check CHECK ((state = ANY (ARRAY['held'::text, 'ready'::text, 'claimed'::text, 'unknown'::text, 'accepted'::text, 'delivered'::text, 'undelivered'::text, 'rejected'::text, 'cancelled'::text, 'expired'::text, 'suppressed'::text, 'uncertain_closed'::text]))),
  constraint message_pkey PRIMARY KEY (id)
) with (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_analyze_scale_factor=0.02);
alter table dispatch.message alter column dispatch_id set statistics 0;
alter table dispatch.message alter column state set statistics 0;
CREATE INDEX message_failed ON dispatch.message USING btree (contact_point_id, final_at) WHERE (state = ANY (ARRAY['undelivered'::text, 'rejected'::text]));
CREATE INDEX message_leased ON dispatch.message USING btree (lease_until) WHERE (state = 'claimed'::text);
CREATE INDEX message_of_organisation ON dispatch.message USING btree (organisation_id, dispatch_id);
CREATE UNIQUE INDEX message_once ON dispatch.message USING btree (dispatch_id, contact_point_id, channel, round);
CREATE INDEX message_ready ON dispatch.message USING btree (dispatch_id, channel, home_gateway_id, rank, due_at, id) WHERE (state = 'ready'::text);
CREATE INDEX message_single ON dispatch.message USING btree (id) WHERE (rule IS NOT NULL);
CREATE INDEX message_to_check ON dispatch.message USING btree (check_at) WHERE (state = ANY (ARRAY['unknown'::text, 'accepted'::text]));
CREATE INDEX message_unknown ON dispatch.message USING btree (expires_at) WHERE (state = 'unknown'::text);
alter table dispatch.message enable row level security;
alter table dispatch.message force row level security;
create policy centre on dispatch.message as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
CREATE TRIGGER guard_message BEFORE UPDATE ON dispatch.message FOR EACH ROW WHEN (((CURRENT_USER = 'tocsin_web'::name) AND (old.state IS DISTINCT FROM new.state))) EXECUTE FUNCTION dispatch.guard_message();
CREATE TRIGGER message_is_planned AFTER INSERT ON dispatch.message REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION dispatch.refuse_late_message();
CREATE TRIGGER message_is_stopped AFTER INSERT ON dispatch.message REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION dispatch.suppress_stopped();
CREATE TRIGGER risked_stays_in_doubt BEFORE UPDATE OF state ON dispatch.message FOR EACH ROW WHEN (((new.attempt > 0) AND (new.state = ANY (ARRAY['rejected'::text, 'cancelled'::text, 'expired'::text, 'suppressed'::text])) AND (old.state IS DISTINCT FROM new.state))) EXECUTE FUNCTION dispatch.keep_in_doubt();
grant select on dispatch.message to tocsin_web;
grant insert, select, update on dispatch.message to tocsin_worker;
grant insert (id, dispatch_id, contact_point_id, organisation_id, channel, round, rank, code, subject, body, address_sealed) on dispatch.message to tocsin_web;
grant update (state, due_at, expires_at, home_gateway_id, final_at, failure_code) on dispatch.message to tocsin_web;

create table dispatch.message_credit (
  message_id uuid not null,
  organisation_id uuid not null,
  constraint message_credit_pkey PRIMARY KEY (message_id, organisation_id)
);
CREATE INDEX credit_of_organisation ON dispatch.message_credit USING btree (organisation_id, message_id);
alter table dispatch.message_credit enable row level security;
alter table dispatch.message_credit force row level security;
create policy centre on dispatch.message_credit as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on dispatch.message_credit to tocsin_web;
grant insert, select on dispatch.message_credit to tocsin_worker;

create table dispatch.part (
  gateway_id text not null,
  provider_id text not null,
  reference text,
  part smallint,
  parts smallint,
  status text,
  meaning text,
  updated_at timestamp with time zone default now() not null,
  constraint part_check CHECK (((status IS NULL) = (meaning IS NULL))),
  constraint part_meaning_check CHECK ((meaning = ANY (ARRAY['delivered'::text, 'undelivered'::text, 'retained'::text]))),
  constraint part_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES dispatch.gateway(id),
  constraint part_pkey PRIMARY KEY (gateway_id, provider_id)
);
CREATE INDEX part_of_text ON dispatch.part USING btree (reference) WHERE (reference IS NOT NULL);
CREATE INDEX part_old ON dispatch.part USING btree (updated_at);
grant insert, select, update on dispatch.part to tocsin_worker;

create table dispatch.poll (
  gateway_id text not null,
  what text not null,
  polled_at timestamp with time zone,
  owner uuid not null,
  lease_until timestamp with time zone,
  older_than text,
  constraint poll_what_check CHECK ((what = ANY (ARRAY['statuses'::text, 'texts'::text]))),
  constraint poll_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES dispatch.gateway(id),
  constraint poll_pkey PRIMARY KEY (gateway_id, what)
);
grant insert, select, update on dispatch.poll to tocsin_worker;

create table dispatch.proof (
  dispatch_id uuid not null,
  approval_id uuid not null,
  part text not null,
  is_alone boolean not null,
  proved_at timestamp with time zone default now() not null,
  constraint proof_part_check CHECK ((part = ANY (ARRAY['first'::text, 'following'::text, 'ending'::text]))),
  constraint proof_dispatch_id_fkey FOREIGN KEY (dispatch_id) REFERENCES dispatch.dispatch(id),
  constraint proof_pkey PRIMARY KEY (dispatch_id),
  constraint proof_approval_id_part_key UNIQUE (approval_id, part)
);
CREATE INDEX proof_alone ON dispatch.proof USING btree (proved_at) WHERE is_alone;
grant select on dispatch.proof to tocsin_web;
grant insert, select on dispatch.proof to tocsin_worker;

create table dispatch.receipt_inbox (
  gateway_id text not null,
  provider_id text not null,
  status text not null,
  reference text,
  received_at timestamp with time zone default now() not null,
  handled_at timestamp with time zone,
  outcome text,
  constraint receipt_inbox_check CHECK (((handled_at IS NULL) = (outcome IS NULL))),
  constraint receipt_inbox_outcome_check CHECK ((outcome = ANY (ARRAY['applied'::text, 'repeated'::text, 'unmatched'::text]))),
  constraint receipt_inbox_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES dispatch.gateway(id),
  constraint receipt_inbox_pkey PRIMARY KEY (gateway_id, provider_id, status)
);
CREATE INDEX receipt_received ON dispatch.receipt_inbox USING btree (received_at);
CREATE INDEX receipt_waiting ON dispatch.receipt_inbox USING btree (received_at) WHERE (handled_at IS NULL);
grant insert, select on dispatch.receipt_inbox to tocsin_web;
grant insert, select on dispatch.receipt_inbox to tocsin_worker;
grant update (handled_at, outcome) on dispatch.receipt_inbox to tocsin_worker;

create table dispatch.reply_inbox (
  id uuid default kernel.uuid_v7() not null,
  gateway_id text not null,
  provider_id text not null,
  address_index bytea not null,
  address_sealed bytea not null,
  content_sealed bytea not null,
  sent_at timestamp with time zone,
  received_at timestamp with time zone default now() not null,
  handled_at timestamp with time zone,
  constraint reply_inbox_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES dispatch.gateway(id),
  constraint reply_inbox_pkey PRIMARY KEY (id),
  constraint reply_inbox_gateway_id_provider_id_key UNIQUE (gateway_id, provider_id)
);
CREATE INDEX reply_waiting ON dispatch.reply_inbox USING btree (received_at) WHERE (handled_at IS NULL);
alter table dispatch.reply_inbox enable row level security;
alter table dispatch.reply_inbox force row level security;
create policy centre on dispatch.reply_inbox as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on dispatch.reply_inbox to tocsin_web;
grant insert, select on dispatch.reply_inbox to tocsin_worker;
grant update (handled_at) on dispatch.reply_inbox to tocsin_worker;

create table dispatch.risk_decision (
  id uuid default kernel.uuid_v7() not null,
  dispatch_id uuid not null,
  decided_at timestamp with time zone default now() not null,
  decided_by text not null,
  reason text not null,
  applied_at timestamp with time zone,
  constraint risk_decision_reason_check CHECK ((reason <> ''::text)),
  constraint risk_decision_dispatch_id_fkey FOREIGN KEY (dispatch_id) REFERENCES dispatch.dispatch(id),
  constraint risk_decision_pkey PRIMARY KEY (id)
);
CREATE INDEX risk_waiting ON dispatch.risk_decision USING btree (decided_at) WHERE (applied_at IS NULL);
grant select on dispatch.risk_decision to tocsin_web;
grant select on dispatch.risk_decision to tocsin_worker;
grant insert (dispatch_id, decided_by, reason) on dispatch.risk_decision to tocsin_web;
grant update (applied_at) on dispatch.risk_decision to tocsin_worker;

create table dispatch.risk_taken (
  message_id uuid not null,
  attempt smallint not null,
  decision_id uuid not null,
  taken_at timestamp with time zone default now() not null,
  constraint risk_taken_decision_id_fkey FOREIGN KEY (decision_id) REFERENCES dispatch.risk_decision(id),
  constraint risk_taken_message_id_fkey FOREIGN KEY (message_id) REFERENCES dispatch.message(id),
  constraint risk_taken_pkey PRIMARY KEY (message_id, attempt)
);
grant select on dispatch.risk_taken to tocsin_web;
grant insert, select on dispatch.risk_taken to tocsin_worker;

create table dispatch.round (
  dispatch_id uuid not null,
  round smallint not null,
  opens_after interval not null,
  opens_at timestamp with time zone,
  opened_at timestamp with time zone,
  reminds boolean default false not null,
  put_off interval default '00:00:00'::interval not null,
  part_at timestamp with time zone,
  constraint round_check CHECK (((part_at IS NULL) OR (opened_at IS NOT NULL))),
  constraint round_round_check CHECK ((round >= 1)),
  constraint round_dispatch_id_fkey FOREIGN KEY (dispatch_id) REFERENCES dispatch.dispatch(id),
  constraint round_pkey PRIMARY KEY (dispatch_id, round)
);
CREATE INDEX round_due ON dispatch.round USING btree (opens_at) WHERE ((opened_at IS NULL) OR (part_at IS NOT NULL));
grant insert, select on dispatch.round to tocsin_web;
grant insert, select, update on dispatch.round to tocsin_worker;
grant update (opens_at, opened_at, put_off, part_at) on dispatch.round to tocsin_web;

create table dispatch.sender (
  contact_point_id uuid not null,
  channel text not null,
  gateway_id text not null,
  constraint sender_channel_check CHECK ((channel = ANY (ARRAY['text'::text, 'mail'::text]))),
  constraint sender_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES dispatch.gateway(id),
  constraint sender_pkey PRIMARY KEY (contact_point_id, channel)
);
alter table dispatch.sender enable row level security;
alter table dispatch.sender force row level security;
create policy centre on dispatch.sender as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on dispatch.sender to tocsin_web;
grant insert, select on dispatch.sender to tocsin_worker;

create table dispatch.settled (
  dispatch_id uuid not null,
  organisation_id uuid not null,
  settled_at timestamp with time zone default now() not null,
  constraint settled_dispatch_id_fkey FOREIGN KEY (dispatch_id) REFERENCES dispatch.dispatch(id),
  constraint settled_pkey PRIMARY KEY (dispatch_id, organisation_id)
);
alter table dispatch.settled enable row level security;
alter table dispatch.settled force row level security;
create policy centre on dispatch.settled as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on dispatch.settled to tocsin_web;
grant insert, select on dispatch.settled to tocsin_worker;

create table dispatch.stopped (
  contact_point_id uuid not null,
  stopped_at timestamp with time zone default now() not null,
  constraint stopped_pkey PRIMARY KEY (contact_point_id)
);
alter table dispatch.stopped enable row level security;
alter table dispatch.stopped force row level security;
create policy centre on dispatch.stopped as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant delete, insert, select on dispatch.stopped to tocsin_web;
grant insert, select on dispatch.stopped to tocsin_worker;

create table dispatch.tally (
  gateway_id text not null,
  at timestamp with time zone default clock_timestamp() not null,
  turn integer not null,
  dispatch_id uuid,
  accepted integer default 0 not null,
  rejected integer default 0 not null,
  unknown integer default 0 not null,
  failed integer default 0 not null,
  receipts integer default 0 not null,
  slow_receipts integer default 0 not null,
  constraint tally_gateway_id_fkey FOREIGN KEY (gateway_id) REFERENCES dispatch.gateway(id)
);
CREATE INDEX tally_of_dispatch ON dispatch.tally USING btree (dispatch_id, at) WHERE (dispatch_id IS NOT NULL);
CREATE INDEX tally_of_gateway ON dispatch.tally USING btree (gateway_id, at);
grant select on dispatch.tally to tocsin_web;
grant delete, insert, select on dispatch.tally to tocsin_worker;

create table identity.api_key (
  id uuid not null,
  prefix text not null,
  secret_sha256 bytea not null,
  name text not null,
  permissions text[] not null,
  created_at timestamp with time zone not null,
  created_by text not null,
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  revoked_by text,
  approval_id uuid,
  constraint api_key_check CHECK (((revoked_at IS NULL) = (revoked_by IS NULL))),
  constraint api_key_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
  constraint api_key_permissions_check CHECK ((cardinality(permissions) > 0)),
  constraint api_key_secret_sha256_check CHECK ((length(secret_sha256) = 32)),
  constraint api_key_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES identity.approval(id),
  constraint api_key_pkey PRIMARY KEY (id),
  constraint api_key_approval_id_key UNIQUE (approval_id),
  constraint api_key_prefix_key UNIQUE (prefix),
  constraint api_key_secret_sha256_key UNIQUE (secret_sha256)
);
alter table identity.api_key enable row level security;
alter table identity.api_key force row level security;
create policy api_key_of_centre on identity.api_key as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
CREATE TRIGGER api_key_by_two BEFORE INSERT ON identity.api_key FOR EACH ROW EXECUTE FUNCTION identity.guard_api_key();
grant insert, select on identity.api_key to tocsin_web;
grant update (last_used_at, revoked_at, revoked_by) on identity.api_key to tocsin_web;
grant select (id, permissions, created_by, expires_at, revoked_at) on identity.api_key to tocsin_worker;

create table identity.approval (
  id uuid not null,
  hash text not null,
  subject_kind text not null,
  subject_id text not null,
  permission text not null,
  requested_by uuid not null,
  requested_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  shaped_by uuid[] not null,
  state text default 'requested'::text not null,
  approved_by uuid,
  approved_at timestamp with time zone,
  ended_by text,
  ended_at timestamp with time zone,
  end_reason text,
  consumed_at timestamp with time zone,
  let_go_by uuid,
  let_go_at timestamp with time zone,
  constraint approval_by_another CHECK (((approved_by <> requested_by) AND (approved_by <> ALL (shaped_by)))),
  constraint approval_check CHECK ((expires_at > requested_at)),
  constraint approval_check1 CHECK (((approved_by IS NULL) = (approved_at IS NULL))),
  constraint approval_check2 CHECK (((state <> ALL (ARRAY['approved'::text, 'consumed'::text])) OR (approved_by IS NOT NULL))),
  constraint approval_check3 CHECK (((state <> 'requested'::text) OR (approved_by IS NULL))),
  constraint approval_check4 CHECK (((state = 'consumed'::text) = (consumed_at IS NOT NULL))),
  constraint approval_check5 CHECK (((state = 'alone'::text) = (let_go_by IS NOT NULL))),
  constraint approval_check6 CHECK (((let_go_by IS NULL) = (let_go_at IS NULL))),
  constraint approval_check7 CHECK (((state = ANY (ARRAY['returned'::text, 'voided'::text])) = (ended_at IS NOT NULL))),
  constraint approval_check8 CHECK ((((ended_at IS NULL) = (ended_by IS NULL)) AND ((ended_at IS NULL) = (end_reason IS NULL)))),
  constraint approval_end_reason_check CHECK ((end_reason <> ''::text)),
  constraint approval_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text)),
  constraint approval_state_check CHECK ((state = ANY (ARRAY['requested'::text, 'approved'::text, 'returned'::text, 'voided'::text, 'consumed'::text, 'alone'::text]))),
  constraint approval_subject_id_check CHECK ((subject_id <> ''::text)),
  constraint approval_subject_kind_check CHECK ((subject_kind ~ '^[a-z][a-z_]*$'::text)),
  constraint approval_pkey PRIMARY KEY (id),
  constraint approval_of_hash UNIQUE (id, hash)
);
CREATE INDEX approval_of_subject ON identity.approval USING btree (subject_kind, subject_id, requested_at);
CREATE UNIQUE INDEX approval_open ON identity.approval USING btree (subject_kind, subject_id) WHERE (state = ANY (ARRAY['requested'::text, 'approved'::text]));
alter table identity.approval enable row level security;
alter table identity.approval force row level security;
create policy approval_of_centre on identity.approval as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
CREATE TRIGGER approval_change_alone BEFORE UPDATE ON identity.approval FOR EACH ROW EXECUTE FUNCTION identity.guard_change_alone();
CREATE TRIGGER approval_moves BEFORE UPDATE ON identity.approval FOR EACH ROW EXECUTE FUNCTION identity.guard_approval();
CREATE TRIGGER approval_signed BEFORE UPDATE ON identity.approval FOR EACH ROW EXECUTE FUNCTION identity.guard_approval_signature();
CREATE TRIGGER approval_told AFTER INSERT OR UPDATE ON identity.approval FOR EACH STATEMENT EXECUTE FUNCTION kernel.tell_desk();
grant insert, select on identity.approval to tocsin_web;
grant select on identity.approval to tocsin_worker;
grant update (state, approved_by, approved_at, ended_by, ended_at, end_reason, consumed_at, let_go_by, let_go_at) on identity.approval to tocsin_web;
grant update (state, ended_by, ended_at, end_reason, consumed_at) on identity.approval to tocsin_worker;

create table identity.approval_signature (
  id uuid not null,
  approval_id uuid not null,
  hash text not null,
  nonce bytea not null,
  passkey_id uuid not null,
  person_id uuid not null,
  domain text not null,
  origin text not null,
  client_data bytea not null,
  authenticator_data bytea not null,
  signature bytea not null,
  signed_at timestamp with time zone not null,
  valid_until timestamp with time zone not null,
  constraint approval_signature_check CHECK ((valid_until > signed_at)),
  constraint approval_signature_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text)),
  constraint approval_signature_nonce_check CHECK ((length(nonce) = 32)),
  constraint approval_signature_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES identity.approval(id),
  constraint approval_signature_passkey_id_fkey FOREIGN KEY (passkey_id) REFERENCES identity.passkey(id),
  constraint approval_signature_person_id_fkey FOREIGN KEY (person_id) REFERENCES identity.person(id),
  constraint approval_signature_pkey PRIMARY KEY (id)
);
CREATE INDEX approval_signature_of_approval ON identity.approval_signature USING btree (approval_id, person_id);
alter table identity.approval_signature enable row level security;
alter table identity.approval_signature force row level security;
create policy approval_signature_of_centre on identity.approval_signature as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = ANY (ARRAY['system'::text, 'person'::text])));
grant insert, select on identity.approval_signature to tocsin_web;
grant select on identity.approval_signature to tocsin_worker;

create table identity.authenticator_app (
  id uuid not null,
  person_id uuid not null,
  session_id uuid not null,
  secret_sealed bytea not null,
  vouched_by text[] not null,
  made_at timestamp with time zone not null,
  confirmed_at timestamp with time zone,
  last_step bigint default 0 not null,
  ended_at timestamp with time zone,
  ended_by text,
  constraint authenticator_app_check CHECK (((ended_at IS NULL) = (ended_by IS NULL))),
  constraint authenticator_app_person_id_fkey FOREIGN KEY (person_id) REFERENCES identity.person(id),
  constraint authenticator_app_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX authenticator_app_of_person ON identity.authenticator_app USING btree (person_id) WHERE ((confirmed_at IS NOT NULL) AND (ended_at IS NULL));
alter table identity.authenticator_app enable row level security;
alter table identity.authenticator_app force row level security;
create policy authenticator_app_of_centre on identity.authenticator_app as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
create policy authenticator_app_of_system on identity.authenticator_app as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = 'system'::text));
grant insert, select on identity.authenticator_app to tocsin_web;
grant select on identity.authenticator_app to tocsin_worker;
grant update (confirmed_at, last_step, ended_at, ended_by) on identity.authenticator_app to tocsin_web;

create table identity.idempotency (
  actor_id text not null,
  route text not null,
  key text not null,
  body_sha256 text not null,
  status integer,
  body text,
  created_at timestamp with time zone not null,
  constraint idempotency_body_sha256_check CHECK ((body_sha256 ~ '^[0-9a-f]{64}$'::text)),
  constraint idempotency_check CHECK (((status IS NULL) = (body IS NULL))),
  constraint idempotency_pkey PRIMARY KEY (actor_id, route, key)
);
CREATE INDEX idempotency_age ON identity.idempotency USING btree (created_at);
alter table identity.idempotency enable row level security;
alter table identity.idempotency force row level security;
create policy idempotency_own on identity.idempotency as permissive for all to public using (((actor_id = ( SELECT kernel.actor_id() AS actor_id)) OR (( SELECT kernel.actor_kind() AS actor_kind) = 'system'::text)));
grant delete, insert, select, update on identity.idempotency to tocsin_web;
grant delete, select on identity.idempotency to tocsin_worker;

create table identity.invitation (
  id uuid not null,
  token_sha256 bytea not null,
  name text not null,
  email text not null,
  role text not null,
  organisation_id uuid not null,
  invited_by uuid not null,
  invited_at timestamp with time zone not null,
  vouched_because text,
  confirmed_by uuid,
  confirmed_at timestamp with time zone,
  expires_at timestamp with time zone not null,
  accepted_at timestamp with time zone,
  accepted_by uuid,
  revoked_at timestamp with time zone,
  revoked_by uuid,
  constraint invitation_after_two CHECK (((accepted_by IS NULL) OR (vouched_because IS NULL) OR (confirmed_by IS NOT NULL))),
  constraint invitation_by_two CHECK ((confirmed_by <> invited_by)),
  constraint invitation_check CHECK ((expires_at > invited_at)),
  constraint invitation_check1 CHECK (((accepted_at IS NULL) = (accepted_by IS NULL))),
  constraint invitation_check2 CHECK (((revoked_at IS NULL) = (revoked_by IS NULL))),
  constraint invitation_check3 CHECK (((confirmed_at IS NULL) = (confirmed_by IS NULL))),
  constraint invitation_confirmed_where_vouched CHECK (((confirmed_by IS NULL) OR (vouched_because IS NOT NULL))),
  constraint invitation_email_check CHECK (((email = lower(email)) AND (email ~~ '%_@_%'::text))),
  constraint invitation_ends_once CHECK (((accepted_at IS NULL) OR (revoked_at IS NULL))),
  constraint invitation_name_check CHECK (((btrim(name) = name) AND ((length(name) >= 1) AND (length(name) <= 200)))),
  constraint invitation_role_check CHECK ((role ~ '^[a-z][a-z_]*$'::text)),
  constraint invitation_to_another CHECK (((accepted_by <> invited_by) AND (accepted_by <> confirmed_by))),
  constraint invitation_token_sha256_check CHECK ((length(token_sha256) = 32)),
  constraint invitation_vouched_because_check CHECK (((btrim(vouched_because) = vouched_because) AND ((length(vouched_because) >= 1) AND (length(vouched_because) <= 500)))),
  constraint invitation_accepted_by_fkey FOREIGN KEY (accepted_by) REFERENCES identity.person(id),
  constraint invitation_confirmed_by_fkey FOREIGN KEY (confirmed_by) REFERENCES identity.person(id),
  constraint invitation_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES identity.person(id),
  constraint invitation_revoked_by_fkey FOREIGN KEY (revoked_by) REFERENCES identity.person(id),
  constraint invitation_pkey PRIMARY KEY (id),
  constraint invitation_token_sha256_key UNIQUE (token_sha256)
);
CREATE INDEX invitation_age ON identity.invitation USING btree (expires_at);
CREATE INDEX invitation_open ON identity.invitation USING btree (organisation_id) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));
alter table identity.invitation enable row level security;
alter table identity.invitation force row level security;
create policy invitation_of_centre on identity.invitation as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
create policy invitation_of_organisation on identity.invitation as permissive for all to public using (((( SELECT kernel.actor_kind() AS actor_kind) = 'person'::text) AND (organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[]))));
create policy invitation_of_sponsor on identity.invitation as permissive for all to public using (((( SELECT kernel.actor_kind() AS actor_kind) = 'person'::text) AND (vouched_because IS NOT NULL) AND ((invited_by)::text = ( SELECT kernel.actor_id() AS actor_id))));
create policy invitation_of_system on identity.invitation as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = 'system'::text));
grant insert, select on identity.invitation to tocsin_web;
grant delete, select on identity.invitation to tocsin_worker;
grant update (token_sha256, confirmed_by, confirmed_at, expires_at, accepted_at, accepted_by, revoked_at, revoked_by) on identity.invitation to tocsin_web;

create table identity.issuer (
  id text not null,
  url text not null,
  label text not null,
  organisation_id uuid,
  client_id text not null,
  settings_sealed bytea not null,
  origins text[] not null,
  acr text[] not null,
  amr text[] not null,
  auth_age_max_ms bigint not null,
  saved_at timestamp with time zone not null,
  saved_by text not null,
  off_at timestamp with time zone,
  off_by text,
  on_by_approval uuid,
  last_used_at timestamp with time zone,
  last_logout_at timestamp with time zone,
  last_failed_at timestamp with time zone,
  last_failure text,
  constraint issuer_auth_age_max_ms_check CHECK ((auth_age_max_ms > 0)),
  constraint issuer_check CHECK (((off_at IS NULL) = (off_by IS NULL))),
  constraint issuer_check1 CHECK (((last_failed_at IS NULL) = (last_failure IS NULL))),
  constraint issuer_client_id_check CHECK ((client_id <> ''::text)),
  constraint issuer_id_check CHECK ((id ~ '^[a-z][a-z0-9-]{0,39}$'::text)),
  constraint issuer_label_check CHECK (((btrim(label) = label) AND ((length(label) >= 1) AND (length(label) <= 60)))),
  constraint issuer_last_failure_check CHECK ((last_failure ~ '^[A-Za-z0-9_]{1,80}$'::text)),
  constraint issuer_url_check CHECK ((length(url) <= 300)),
  constraint issuer_on_by_approval_fkey FOREIGN KEY (on_by_approval) REFERENCES identity.approval(id),
  constraint issuer_pkey PRIMARY KEY (id),
  constraint issuer_on_by_approval_key UNIQUE (on_by_approval),
  constraint issuer_url_key UNIQUE (url)
);
CREATE INDEX issuer_of_organisation ON identity.issuer USING btree (organisation_id);
alter table identity.issuer enable row level security;
alter table identity.issuer force row level security;
create policy issuer_of_people on identity.issuer as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = ANY (ARRAY['system'::text, 'person'::text])));
CREATE TRIGGER issuer_by_two BEFORE INSERT OR UPDATE ON identity.issuer FOR EACH ROW EXECUTE FUNCTION identity.guard_issuer();
grant insert, select on identity.issuer to tocsin_web;
grant update (label, organisation_id, client_id, settings_sealed, origins, acr, amr, auth_age_max_ms, saved_at, saved_by, off_at, off_by, on_by_approval, last_used_at, last_logout_at, last_failed_at, last_failure) on identity.issuer to tocsin_web;

create table identity.issuer_link (
  id uuid not null,
  issuer_id text not null,
  subject text not null,
  person_id uuid not null,
  linked_at timestamp with time zone not null,
  vouched_by text[] not null,
  last_used_at timestamp with time zone,
  ended_at timestamp with time zone,
  ended_by text,
  constraint issuer_link_check CHECK (((ended_at IS NULL) = (ended_by IS NULL))),
  constraint issuer_link_subject_check CHECK (((length(subject) >= 1) AND (length(subject) <= 255))),
  constraint issuer_link_issuer_id_fkey FOREIGN KEY (issuer_id) REFERENCES identity.issuer(id),
  constraint issuer_link_person_id_fkey FOREIGN KEY (person_id) REFERENCES identity.person(id),
  constraint issuer_link_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX issuer_link_of_person ON identity.issuer_link USING btree (person_id, issuer_id) WHERE (ended_at IS NULL);
CREATE UNIQUE INDEX issuer_link_subject ON identity.issuer_link USING btree (issuer_id, subject) WHERE (ended_at IS NULL);
alter table identity.issuer_link enable row level security;
alter table identity.issuer_link force row level security;
create policy issuer_link_of_centre on identity.issuer_link as permissive for all to public using ((( SELECT kernel.reach() AS reach) = 'centre'::text));
create policy issuer_link_own on identity.issuer_link as permissive for all to public using (((( SELECT kernel.actor_kind() AS actor_kind) = 'person'::text) AND (person_id = ( SELECT
        CASE kernel.actor_kind()
            WHEN 'person'::text THEN (kernel.actor_id())::uuid
            ELSE NULL::uuid
        END AS "case"))));
grant insert, select on identity.issuer_link to tocsin_web;
grant update (last_used_at, ended_at, ended_by) on identity.issuer_link to tocsin_web;

create table identity.issuer_logout (
  issuer_id text not null,
  jti_sha256 bytea not null,
  taken_at timestamp with time zone not null,
  constraint issuer_logout_jti_sha256_check CHECK ((length(jti_sha256) = 32)),
  constraint issuer_logout_issuer_id_fkey FOREIGN KEY (issuer_id) REFERENCES identity.issuer(id),
  constraint issuer_logout_pkey PRIMARY KEY (issuer_id, jti_sha256)
);
CREATE INDEX issuer_logout_age ON identity.issuer_logout USING btree (taken_at);
alter table identity.issuer_logout enable row level security;
alter table identity.issuer_logout force row level security;
create policy issuer_logout_of_system on identity.issuer_logout as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = 'system'::text));
grant insert, select on identity.issuer_logout to tocsin_web;
grant delete, select on identity.issuer_logout to tocsin_worker;

create table identity.issuer_visit (
  id uuid not null,
  issuer_id text not null,
  ticket_sha256 bytea not null,
  purpose text not null,
  session_id uuid,
  invitation_sha256 bytea,
  return_to text not null,
  begun_at timestamp with time zone not null,
  back_at timestamp with time zone,
  link_id uuid,
  issuer_session text,
  wrong_tries smallint default 0 not null,
  done_at timestamp with time zone,
  constraint issuer_visit_check CHECK (((purpose = 'link'::text) = (session_id IS NOT NULL))),
  constraint issuer_visit_check1 CHECK (((purpose = 'accept'::text) = (invitation_sha256 IS NOT NULL))),
  constraint issuer_visit_check2 CHECK (((back_at IS NOT NULL) OR ((link_id IS NULL) AND (done_at IS NULL)))),
  constraint issuer_visit_invitation_sha256_check CHECK ((length(invitation_sha256) = 32)),
  constraint issuer_visit_issuer_session_check CHECK ((length(issuer_session) <= 255)),
  constraint issuer_visit_purpose_check CHECK ((purpose = ANY (ARRAY['sign_in'::text, 'link'::text, 'accept'::text]))),
  constraint issuer_visit_return_to_check CHECK ((return_to ~~ '/%'::text)),
  constraint issuer_visit_ticket_sha256_check CHECK ((length(ticket_sha256) = 32)),
  constraint issuer_visit_issuer_id_fkey FOREIGN KEY (issuer_id) REFERENCES identity.issuer(id),
  constraint issuer_visit_link_id_fkey FOREIGN KEY (link_id) REFERENCES identity.issuer_link(id),
  constraint issuer_visit_session_id_fkey FOREIGN KEY (session_id) REFERENCES identity.session(id) ON DELETE CASCADE,
  constraint issuer_visit_pkey PRIMARY KEY (id)
);
CREATE INDEX issuer_visit_age ON identity.issuer_visit USING btree (begun_at);
CREATE INDEX issuer_visit_of_session ON identity.issuer_visit USING btree (session_id);
alter table identity.issuer_visit enable row level security;
alter table identity.issuer_visit force row level security;
create policy issuer_visit_of_system on identity.issuer_visit as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = 'system'::text));
grant insert, select on identity.issuer_visit to tocsin_web;
grant delete, select on identity.issuer_visit to tocsin_worker;
grant update (back_at, link_id, issuer_session, wrong_tries, done_at) on identity.issuer_visit to tocsin_web;

create table identity.passkey (
  id uuid not null,
  person_id uuid not null,
  credential_id bytea not null,
  public_key bytea not null,
  counter bigint not null,
  transports text[] not null,
  is_synced_kind boolean not null,
  is_backed_up boolean not null,
  domain text not null,
  name text not null,
  vouched_by text[] not null,
  created_at timestamp with time zone not null,
  last_used_at timestamp with time zone,
  ended_at timestamp with time zone,
  ended_by text,
  constraint passkey_check CHECK ((is_synced_kind OR (NOT is_backed_up))),
  constraint passkey_check1 CHECK (((ended_at IS NULL) = (ended_by IS NULL))),
  constraint passkey_counter_check CHECK ((counter >= 0)),
  constraint passkey_credential_id_check CHECK (((length(credential_id) >= 1) AND (length(credential_id) <= 1023))),
  constraint passkey_domain_check CHECK ((domain <> ''::text)),
  constraint passkey_name_check CHECK (((btrim(name) = name) AND ((length(name) >= 1) AND (length(name) <= 60)))),
  constraint passkey_public_key_check CHECK (((length(public_key) >= 1) AND (length(public_key) <= 4096))),
  constraint passkey_person_id_fkey FOREIGN KEY (person_id) REFERENCES identity.person(id),
  constraint passkey_pkey PRIMARY KEY (id),
  constraint passkey_credential_id_key UNIQUE (credential_id)
);
CREATE INDEX passkey_of_person ON identity.passkey USING btree (person_id) WHERE (ended_at IS NULL);
alter table identity.passkey enable row level security;
alter table identity.passkey force row level security;
create policy passkey_of_centre on identity.passkey as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = ANY (ARRAY['system'::text, 'person'::text])));
grant insert, select on identity.passkey to tocsin_web;
grant select on identity.passkey to tocsin_worker;
grant update (counter, is_backed_up, last_used_at, ended_at, ended_by) on identity.passkey to tocsin_web;

create table identity.passkey_challenge (
  challenge bytea not null,
  purpose text not null,
  session_id uuid,
  ticket_sha256 bytea,
  approval_id uuid,
  hash text,
  nonce bytea,
  expires_at timestamp with time zone not null,
  constraint passkey_challenge_challenge_check CHECK ((length(challenge) = 32)),
  constraint passkey_challenge_check CHECK (((purpose = 'sign_in'::text) = (session_id IS NULL))),
  constraint passkey_challenge_check1 CHECK (((purpose = 'sign_in'::text) = (ticket_sha256 IS NOT NULL))),
  constraint passkey_challenge_check2 CHECK (((purpose = 'approve'::text) = (approval_id IS NOT NULL))),
  constraint passkey_challenge_check3 CHECK ((((approval_id IS NULL) = (hash IS NULL)) AND ((approval_id IS NULL) = (nonce IS NULL)))),
  constraint passkey_challenge_purpose_check CHECK ((purpose = ANY (ARRAY['sign_in'::text, 'make'::text, 'prove'::text, 'approve'::text]))),
  constraint passkey_challenge_ticket_sha256_check CHECK ((length(ticket_sha256) = 32)),
  constraint passkey_challenge_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES identity.approval(id),
  constraint passkey_challenge_session_id_fkey FOREIGN KEY (session_id) REFERENCES identity.session(id) ON DELETE CASCADE,
  constraint passkey_challenge_pkey PRIMARY KEY (challenge)
);
CREATE INDEX passkey_challenge_age ON identity.passkey_challenge USING btree (expires_at);
CREATE INDEX passkey_challenge_of_session ON identity.passkey_challenge USING btree (session_id);
alter table identity.passkey_challenge enable row level security;
alter table identity.passkey_challenge force row level security;
create policy passkey_challenge_of_centre on identity.passkey_challenge as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = ANY (ARRAY['system'::text, 'person'::text])));
grant delete, insert, select on identity.passkey_challenge to tocsin_web;
grant delete, select on identity.passkey_challenge to tocsin_worker;

create table identity.person (
  id uuid not null,
  name text not null,
  email text not null,
  active boolean default true not null,
  phone_sealed bytea,
  phone_index bytea,
  phone_mask text,
  created_at timestamp with time zone not null,
  created_by text not null,
  constraint person_check CHECK (((phone_sealed IS NULL) = (phone_mask IS NULL))),
  constraint person_check1 CHECK (((phone_sealed IS NULL) = (phone_index IS NULL))),
  constraint person_email_check CHECK (((email = lower(email)) AND (email ~~ '%_@_%'::text))),
  constraint person_name_check CHECK (((btrim(name) = name) AND ((length(name) >= 1) AND (length(name) <= 200)))),
  constraint person_pkey PRIMARY KEY (id),
  constraint person_email_unique UNIQUE (email)
);
alter table identity.person enable row level security;
alter table identity.person force row level security;
create policy person_of_centre on identity.person as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = ANY (ARRAY['system'::text, 'person'::text, 'key'::text])));
grant insert, select on identity.person to tocsin_web;
grant select on identity.person to tocsin_worker;
grant update (name, active, phone_sealed, phone_index, phone_mask) on identity.person to tocsin_web;

create table identity.proposed_change (
  id uuid not null,
  kind text not null,
  content text not null,
  sha256 text not null,
  approval_id uuid not null,
  constraint proposed_change_content_check CHECK ((length(content) <= 200000)),
  constraint proposed_change_kind_check CHECK ((kind ~ '^[a-z][a-z_]*$'::text)),
  constraint proposed_change_sha256_of_content CHECK ((sha256 = encode(sha256(convert_to(content, 'UTF8'::name)), 'hex'::text))),
  constraint proposed_change_as_approved FOREIGN KEY (approval_id, sha256) REFERENCES identity.approval(id, hash),
  constraint proposed_change_pkey PRIMARY KEY (id),
  constraint proposed_change_approval_id_key UNIQUE (approval_id)
);
alter table identity.proposed_change enable row level security;
alter table identity.proposed_change force row level security;
create policy proposed_change_of_centre on identity.proposed_change as permissive for all to public using ((( SELECT kernel.reach() AS reach) = 'centre'::text)) with check ((( SELECT kernel.reach() AS reach) = 'centre'::text));
grant insert, select on identity.proposed_change to tocsin_web;
grant select on identity.proposed_change to tocsin_worker;

create table identity.reader_set (
  id uuid not null,
  kind text not null,
  digest bytea,
  created_at timestamp with time zone default now() not null,
  constraint reader_set_check CHECK (((digest IS NOT NULL) = (kind = ANY (ARRAY['organisations'::text, 'people'::text])))),
  constraint reader_set_digest_check CHECK ((octet_length(digest) = 32)),
  constraint reader_set_kind_check CHECK ((kind = ANY (ARRAY['community'::text, 'space'::text, 'organisations'::text, 'people'::text]))),
  constraint reader_set_pkey PRIMARY KEY (id),
  constraint reader_set_digest_key UNIQUE (digest)
);
CREATE UNIQUE INDEX reader_set_of_all ON identity.reader_set USING btree (kind) WHERE (kind = 'community'::text);
alter table identity.reader_set enable row level security;
alter table identity.reader_set force row level security;
create policy community on identity.reader_set as permissive for select to public using (((kind = 'community'::text) AND ( SELECT (kernel.reach() = 'organisation'::text))));
create policy led on identity.reader_set as permissive for select to public using ((id = ANY (( SELECT identity.led_spaces() AS led_spaces)::uuid[])));
create policy of_centre on identity.reader_set as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on identity.reader_set to tocsin_web;
grant select on identity.reader_set to tocsin_worker;

create table identity.reader_set_member (
  set_id uuid not null,
  reader_kind text not null,
  reader_id uuid not null,
  reads_from timestamp with time zone default now() not null,
  reads_until timestamp with time zone,
  constraint reader_set_member_check CHECK ((reads_until > reads_from)),
  constraint reader_set_member_reader_kind_check CHECK ((reader_kind = ANY (ARRAY['organisation'::text, 'person'::text]))),
  constraint reader_set_member_set_id_fkey FOREIGN KEY (set_id) REFERENCES identity.reader_set(id),
  constraint reader_set_member_pkey PRIMARY KEY (reader_id, set_id, reads_from)
);
CREATE INDEX reader_set_member_of_set ON identity.reader_set_member USING btree (set_id);
alter table identity.reader_set_member enable row level security;
alter table identity.reader_set_member force row level security;
create policy led on identity.reader_set_member as permissive for all to public using ((set_id = ANY (( SELECT identity.led_spaces() AS led_spaces)::uuid[]))) with check (((reader_kind = 'person'::text) AND (set_id = ANY (( SELECT identity.led_spaces() AS led_spaces)::uuid[]))));
create policy of_centre on identity.reader_set_member as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy of_owner on identity.reader_set_member as permissive for select to tocsin_owner using (true);
create policy of_spaces_only on identity.reader_set_member as restrictive for update to public using ((EXISTS ( SELECT
   FROM identity.reader_set
  WHERE ((reader_set.id = reader_set_member.set_id) AND (reader_set.kind = 'space'::text)))));
create policy own on identity.reader_set_member as permissive for select to public using (((reader_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[])) OR ((reader_kind = 'person'::text) AND (reader_id = ( SELECT
        CASE kernel.actor_kind()
            WHEN 'person'::text THEN (kernel.actor_id())::uuid
            ELSE NULL::uuid
        END AS "case")))));
grant insert, select on identity.reader_set_member to tocsin_web;
grant select on identity.reader_set_member to tocsin_worker;
grant update (reads_until) on identity.reader_set_member to tocsin_web;

create table identity.role_grant (
  id uuid not null,
  person_id uuid not null,
  role text not null,
  organisation_id uuid,
  region_code text,
  space_id uuid,
  given_at timestamp with time zone not null,
  given_by text not null,
  starts_at timestamp with time zone,
  ends_at timestamp with time zone,
  ended_at timestamp with time zone,
  ended_by text,
  agreed_by text,
  constraint role_grant_agreed_by_another CHECK ((agreed_by <> given_by)),
  constraint role_grant_check CHECK ((starts_at > given_at)),
  constraint role_grant_check1 CHECK ((ends_at > COALESCE(starts_at, given_at))),
  constraint role_grant_check2 CHECK (((ended_at IS NULL) = (ended_by IS NULL))),
  constraint role_grant_check3 CHECK ((ended_at >= given_at)),
  constraint role_grant_check4 CHECK ((num_nonnulls(organisation_id, region_code, space_id) <= 1)),
  constraint role_grant_region_code_check CHECK ((region_code <> ''::text)),
  constraint role_grant_role_check CHECK ((role ~ '^[a-z][a-z_]*$'::text)),
  constraint role_grant_person_id_fkey FOREIGN KEY (person_id) REFERENCES identity.person(id),
  constraint role_grant_space_id_fkey FOREIGN KEY (space_id) REFERENCES identity.space(id),
  constraint role_grant_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX role_grant_once ON identity.role_grant USING btree (person_id, role, organisation_id, region_code, space_id) NULLS NOT DISTINCT WHERE (ended_at IS NULL);
alter table identity.role_grant enable row level security;
alter table identity.role_grant force row level security;
create policy role_grant_of_centre on identity.role_grant as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
create policy role_grant_of_organisation on identity.role_grant as permissive for all to public using ((( SELECT (kernel.actor_kind() = 'person'::text)) AND (organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[]))));
create policy role_grant_of_owner on identity.role_grant as permissive for select to tocsin_owner using (true);
create policy role_grant_own on identity.role_grant as permissive for select to public using ((person_id = ( SELECT
        CASE kernel.actor_kind()
            WHEN 'person'::text THEN (kernel.actor_id())::uuid
            ELSE NULL::uuid
        END AS "case")));
grant insert, select on identity.role_grant to tocsin_web;
grant select on identity.role_grant to tocsin_worker;
grant update (ended_at, ended_by) on identity.role_grant to tocsin_web;
grant update (ended_at, ended_by) on identity.role_grant to tocsin_worker;

create table identity.role_request (
  id uuid not null,
  person_id uuid not null,
  role text not null,
  organisation_id uuid,
  region_code text,
  space_id uuid,
  starts_at timestamp with time zone,
  ends_at timestamp with time zone,
  asked_by uuid not null,
  asked_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  state text default 'asked'::text not null,
  approval_id uuid not null,
  decided_by uuid,
  decided_at timestamp with time zone,
  constraint role_request_by_another CHECK (((state <> 'given'::text) OR ((decided_by <> asked_by) AND (decided_by <> person_id)))),
  constraint role_request_check CHECK ((expires_at > asked_at)),
  constraint role_request_check1 CHECK ((ends_at > COALESCE(starts_at, asked_at))),
  constraint role_request_check2 CHECK (((state = 'asked'::text) = (decided_by IS NULL))),
  constraint role_request_check3 CHECK (((decided_by IS NULL) = (decided_at IS NULL))),
  constraint role_request_region_code_check CHECK ((region_code <> ''::text)),
  constraint role_request_role_check CHECK ((role ~ '^[a-z][a-z_]*$'::text)),
  constraint role_request_state_check CHECK ((state = ANY (ARRAY['asked'::text, 'given'::text, 'refused'::text]))),
  constraint role_request_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES identity.approval(id),
  constraint role_request_asked_by_fkey FOREIGN KEY (asked_by) REFERENCES identity.person(id),
  constraint role_request_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES identity.person(id),
  constraint role_request_person_id_fkey FOREIGN KEY (person_id) REFERENCES identity.person(id),
  constraint role_request_space_id_fkey FOREIGN KEY (space_id) REFERENCES identity.space(id),
  constraint role_request_pkey PRIMARY KEY (id),
  constraint role_request_approval_id_key UNIQUE (approval_id)
);
CREATE UNIQUE INDEX role_request_once ON identity.role_request USING btree (person_id, role, organisation_id, region_code, space_id) NULLS NOT DISTINCT WHERE (state = 'asked'::text);
alter table identity.role_request enable row level security;
alter table identity.role_request force row level security;
create policy role_request_of_centre on identity.role_request as permissive for all to public using (((( SELECT kernel.actor_kind() AS actor_kind) = 'person'::text) AND ((( SELECT kernel.reach() AS reach) = 'centre'::text) OR (organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[])))));
create policy role_request_of_system on identity.role_request as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = 'system'::text));
CREATE TRIGGER role_request_moves BEFORE UPDATE ON identity.role_request FOR EACH ROW EXECUTE FUNCTION identity.guard_role_request();
CREATE TRIGGER role_request_told AFTER INSERT OR UPDATE ON identity.role_request FOR EACH STATEMENT EXECUTE FUNCTION kernel.tell_desk();
grant insert, select on identity.role_request to tocsin_web;
grant update (state, decided_by, decided_at) on identity.role_request to tocsin_web;

create table identity.session (
  id uuid not null,
  token_sha256 bytea not null,
  person_id uuid not null,
  device text not null,
  created_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  begun_by text not null,
  place text not null,
  vouched_by text[] not null,
  passkey_id uuid,
  passkey_at timestamp with time zone,
  token_before_sha256 bytea,
  turned_at timestamp with time zone,
  issuer_id text,
  issuer_session text,
  constraint session_begun_by_check CHECK ((begun_by = ANY (ARRAY['link'::text, 'demonstration'::text, 'passkey'::text, 'code'::text, 'issuer'::text]))),
  constraint session_by_issuer CHECK (((begun_by = 'issuer'::text) = (issuer_id IS NOT NULL))),
  constraint session_by_passkey CHECK (((begun_by <> 'passkey'::text) OR (passkey_id IS NOT NULL))),
  constraint session_device_check CHECK ((length(device) <= 100)),
  constraint session_issuer_session_check CHECK ((length(issuer_session) <= 255)),
  constraint session_place_check CHECK ((length(place) <= 60)),
  constraint session_proof CHECK (((passkey_id IS NULL) = (passkey_at IS NULL))),
  constraint session_token_before_sha256_check CHECK ((length(token_before_sha256) = 32)),
  constraint session_token_sha256_check CHECK ((length(token_sha256) = 32)),
  constraint session_turned CHECK (((token_before_sha256 IS NULL) = (turned_at IS NULL))),
  constraint session_issuer_id_fkey FOREIGN KEY (issuer_id) REFERENCES identity.issuer(id),
  constraint session_passkey_id_fkey FOREIGN KEY (passkey_id) REFERENCES identity.passkey(id),
  constraint session_person_id_fkey FOREIGN KEY (person_id) REFERENCES identity.person(id),
  constraint session_pkey PRIMARY KEY (id),
  constraint session_token_before_sha256_key UNIQUE (token_before_sha256),
  constraint session_token_sha256_key UNIQUE (token_sha256)
);
CREATE INDEX session_of_issuer ON identity.session USING btree (issuer_id, issuer_session) WHERE (ended_at IS NULL);
CREATE INDEX session_of_person ON identity.session USING btree (person_id) WHERE (ended_at IS NULL);
alter table identity.session enable row level security;
alter table identity.session force row level security;
create policy session_of_centre on identity.session as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
create policy session_of_organisation on identity.session as permissive for select to public using ((( SELECT (kernel.actor_kind() = 'person'::text)) AND (EXISTS ( SELECT
   FROM identity.role_grant held
  WHERE ((held.person_id = session.person_id) AND (held.organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[])) AND (held.ended_at IS NULL))))));
create policy session_own on identity.session as permissive for all to public using ((person_id = ( SELECT
        CASE kernel.actor_kind()
            WHEN 'person'::text THEN (kernel.actor_id())::uuid
            ELSE NULL::uuid
        END AS "case")));
grant insert, select on identity.session to tocsin_web;
grant delete, select on identity.session to tocsin_worker;
grant update (token_sha256, last_seen_at, ended_at, passkey_id, passkey_at, token_before_sha256, turned_at) on identity.session to tocsin_web;

create table identity.sign_in_code (
  id uuid not null,
  person_id uuid,
  app_id uuid,
  network_index bytea not null,
  asked_at timestamp with time zone not null,
  code_index bytea,
  sent_at timestamp with time zone,
  wrong_tries smallint default 0 not null,
  used_at timestamp with time zone,
  constraint sign_in_code_check CHECK (((code_index IS NULL) = (sent_at IS NULL))),
  constraint sign_in_code_code_index_check CHECK ((length(code_index) = 32)),
  constraint sign_in_code_network_index_check CHECK ((length(network_index) = 32)),
  constraint sign_in_code_app_id_fkey FOREIGN KEY (app_id) REFERENCES identity.authenticator_app(id),
  constraint sign_in_code_person_id_fkey FOREIGN KEY (person_id) REFERENCES identity.person(id),
  constraint sign_in_code_pkey PRIMARY KEY (id)
);
CREATE INDEX sign_in_code_age ON identity.sign_in_code USING btree (asked_at);
CREATE INDEX sign_in_code_of_network ON identity.sign_in_code USING btree (network_index, asked_at);
CREATE INDEX sign_in_code_of_person ON identity.sign_in_code USING btree (person_id, asked_at);
alter table identity.sign_in_code enable row level security;
alter table identity.sign_in_code force row level security;
create policy sign_in_code_of_centre on identity.sign_in_code as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
create policy sign_in_code_of_system on identity.sign_in_code as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = 'system'::text));
grant insert, select on identity.sign_in_code to tocsin_web;
grant delete, select on identity.sign_in_code to tocsin_worker;
grant update (wrong_tries, used_at) on identity.sign_in_code to tocsin_web;
grant update (code_index, sent_at) on identity.sign_in_code to tocsin_worker;

create table identity.sign_in_link (
  id uuid not null,
  token_sha256 bytea not null,
  person_id uuid not null,
  created_at timestamp with time zone not null,
  created_by text not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  recovers boolean not null,
  confirmed_at timestamp with time zone,
  confirmed_by text,
  approval_id uuid,
  constraint sign_in_link_by_another CHECK (((confirmed_by <> created_by) AND (confirmed_by <> (person_id)::text))),
  constraint sign_in_link_confirmed CHECK (((confirmed_at IS NULL) = (confirmed_by IS NULL))),
  constraint sign_in_link_confirmed_recovery CHECK ((recovers OR (confirmed_at IS NULL))),
  constraint sign_in_link_recovers_by_two CHECK ((recovers = (approval_id IS NOT NULL))),
  constraint sign_in_link_token_sha256_check CHECK ((length(token_sha256) = 32)),
  constraint sign_in_link_used_late CHECK (((NOT recovers) OR (used_at IS NULL) OR (confirmed_at IS NOT NULL))),
  constraint sign_in_link_approval_id_fkey FOREIGN KEY (approval_id) REFERENCES identity.approval(id),
  constraint sign_in_link_person_id_fkey FOREIGN KEY (person_id) REFERENCES identity.person(id),
  constraint sign_in_link_pkey PRIMARY KEY (id),
  constraint sign_in_link_approval_id_key UNIQUE (approval_id),
  constraint sign_in_link_token_sha256_key UNIQUE (token_sha256)
);
CREATE INDEX sign_in_link_of_person ON identity.sign_in_link USING btree (person_id) WHERE (used_at IS NULL);
CREATE INDEX sign_in_link_waits ON identity.sign_in_link USING btree (person_id) WHERE (recovers AND (confirmed_at IS NULL));
alter table identity.sign_in_link enable row level security;
alter table identity.sign_in_link force row level security;
create policy sign_in_link_of_centre on identity.sign_in_link as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
CREATE TRIGGER sign_in_link_recovery BEFORE UPDATE ON identity.sign_in_link FOR EACH ROW EXECUTE FUNCTION identity.guard_recovery();
CREATE TRIGGER sign_in_link_told AFTER INSERT OR UPDATE ON identity.sign_in_link FOR EACH ROW WHEN (new.recovers) EXECUTE FUNCTION kernel.tell_desk();
grant insert, select on identity.sign_in_link to tocsin_web;
grant delete, select on identity.sign_in_link to tocsin_worker;
grant update (token_sha256, expires_at, used_at, confirmed_at, confirmed_by) on identity.sign_in_link to tocsin_web;

create table identity.space (
  id uuid not null,
  name text not null,
  purpose text not null,
  opened_at timestamp with time zone not null,
  opened_by text not null,
  closed_at timestamp with time zone,
  closed_by text,
  constraint space_check CHECK (((closed_at IS NULL) = (closed_by IS NULL))),
  constraint space_check1 CHECK ((closed_at >= opened_at)),
  constraint space_name_check CHECK (((btrim(name) = name) AND ((length(name) >= 1) AND (length(name) <= 80)))),
  constraint space_purpose_check CHECK (((length(purpose) >= 1) AND (length(purpose) <= 500))),
  constraint space_id_fkey FOREIGN KEY (id) REFERENCES identity.reader_set(id),
  constraint space_pkey PRIMARY KEY (id)
);
alter table identity.space enable row level security;
alter table identity.space force row level security;
create policy led on identity.space as permissive for update to public using ((id = ANY (( SELECT identity.led_spaces() AS led_spaces)::uuid[])));
create policy of_centre on identity.space as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy of_readers on identity.space as permissive for select to public using ((id = ANY (( SELECT identity.readable_sets() AS readable_sets)::uuid[])));
grant insert, select on identity.space to tocsin_web;
grant select on identity.space to tocsin_worker;
grant update (name, purpose, closed_at, closed_by) on identity.space to tocsin_web;

create table identity.woken (
  kind text not null,
  subject_id uuid not null,
  due_at timestamp with time zone not null,
  step smallint not null,
  person_id uuid not null,
  at timestamp with time zone default now() not null,
  constraint woken_kind_check CHECK ((kind = ANY (ARRAY['approval'::text, 'next_update'::text, 'call_back'::text, 'announcement'::text, 'review'::text, 'region'::text, 'sign_in'::text]))),
  constraint woken_step_check CHECK ((step >= 1)),
  constraint woken_person_id_fkey FOREIGN KEY (person_id) REFERENCES identity.person(id),
  constraint woken_pkey PRIMARY KEY (kind, subject_id, due_at, step, person_id)
);
CREATE INDEX woken_lately ON identity.woken USING btree (person_id, kind, at);
alter table identity.woken enable row level security;
alter table identity.woken force row level security;
create policy woken_of_centre on identity.woken as permissive for all to public using ((( SELECT kernel.actor_kind() AS actor_kind) = ANY (ARRAY['system'::text, 'person'::text, 'key'::text])));
grant select on identity.woken to tocsin_web;
grant insert, select on identity.woken to tocsin_worker;

create table kernel.cut_off (
  id uuid not null,
  organisation_id uuid not null,
  domains text[] not null,
  reason text not null,
  since timestamp with time zone default now() not null,
  cut_by text not null,
  cut_by_name text not null,
  lifted_at timestamp with time zone,
  lifted_by text,
  lifted_by_name text,
  lift_reason text,
  lifted_by_approval uuid,
  constraint cut_off_check CHECK ((((lifted_at IS NULL) = (lifted_by IS NULL)) AND ((lifted_at IS NULL) = (lifted_by_name IS NULL)) AND ((lifted_at IS NULL) = (lift_reason IS NULL)))),
  constraint cut_off_check1 CHECK ((lifted_at >= since)),
  constraint cut_off_lift_reason_check CHECK (((length(lift_reason) >= 1) AND (length(lift_reason) <= 500))),
  constraint cut_off_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
  constraint cut_off_pkey PRIMARY KEY (id),
  constraint cut_off_lifted_by_approval_key UNIQUE (lifted_by_approval)
);
CREATE UNIQUE INDEX cut_off_now ON kernel.cut_off USING btree (organisation_id) WHERE (lifted_at IS NULL);
CREATE INDEX cut_off_of_organisation ON kernel.cut_off USING btree (organisation_id, since);
alter table kernel.cut_off enable row level security;
alter table kernel.cut_off force row level security;
create policy cut_off_of_centre on kernel.cut_off as permissive for all to tocsin_web, tocsin_worker using (( SELECT (kernel.reach() = 'centre'::text)));
create policy cut_off_of_owner on kernel.cut_off as permissive for select to tocsin_owner using (true);
CREATE TRIGGER cut_off_lifted_by_two BEFORE UPDATE ON kernel.cut_off FOR EACH ROW EXECUTE FUNCTION kernel.guard_let_back();
CREATE TRIGGER cut_off_told AFTER INSERT OR UPDATE ON kernel.cut_off FOR EACH STATEMENT EXECUTE FUNCTION kernel.tell_desk();
grant insert, select on kernel.cut_off to tocsin_web;
grant select on kernel.cut_off to tocsin_worker;
grant update (lifted_at, lifted_by, lifted_by_name, lift_reason, lifted_by_approval) on kernel.cut_off to tocsin_web;

create table kernel.held (
  hold_id uuid not null,
  id uuid not null,
  address_index bytea,
  constraint held_hold_id_fkey FOREIGN KEY (hold_id) REFERENCES kernel.legal_hold(id),
  constraint held_pkey PRIMARY KEY (hold_id, id)
);
CREATE INDEX held_address ON kernel.held USING btree (address_index) WHERE (address_index IS NOT NULL);
CREATE INDEX held_id ON kernel.held USING btree (id);
alter table kernel.held enable row level security;
alter table kernel.held force row level security;
create policy held_of_centre on kernel.held as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy held_of_owner on kernel.held as permissive for all to tocsin_owner using (true) with check (true);
grant delete, insert, select on kernel.held to tocsin_web;
grant insert, select on kernel.held to tocsin_worker;

create table kernel.installation (
  id uuid not null,
  kind text not null,
  created_at timestamp with time zone not null,
  passkey_domain text,
  constraint installation_kind_check CHECK ((kind = ANY (ARRAY['live'::text, 'demonstration'::text]))),
  constraint installation_passkey_domain_check CHECK ((passkey_domain <> ''::text)),
  constraint installation_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX installation_is_single ON kernel.installation USING btree ((true));
CREATE TRIGGER installation_is_fixed BEFORE DELETE OR UPDATE ON kernel.installation FOR EACH ROW EXECUTE FUNCTION kernel.refuse_installation_change();
CREATE TRIGGER installation_stays BEFORE TRUNCATE ON kernel.installation FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_installation_change();
grant select on kernel.installation to tocsin_web;
grant select on kernel.installation to tocsin_worker;

create table kernel.key_holder (
  id uuid not null,
  part text not null,
  opens smallint[] not null,
  seen_at timestamp with time zone not null,
  constraint key_holder_part_check CHECK ((part = ANY (ARRAY['web'::text, 'worker'::text]))),
  constraint key_holder_pkey PRIMARY KEY (id)
);
grant delete, insert, select, update on kernel.key_holder to tocsin_web;
grant delete, insert, select, update on kernel.key_holder to tocsin_worker;

create table kernel.legal_hold (
  id uuid not null,
  held_kind text not null,
  held_id uuid,
  reason text not null,
  review_on date not null,
  put_at timestamp with time zone default now() not null,
  put_by text not null,
  put_by_name text not null,
  lifted_at timestamp with time zone,
  lifted_by text,
  lifted_by_name text,
  lift_reason text,
  constraint legal_hold_check CHECK (((held_kind = 'everything'::text) = (held_id IS NULL))),
  constraint legal_hold_check1 CHECK ((((lifted_at IS NULL) = (lifted_by IS NULL)) AND ((lifted_at IS NULL) = (lifted_by_name IS NULL)) AND ((lifted_at IS NULL) = (lift_reason IS NULL)))),
  constraint legal_hold_check2 CHECK ((lifted_at >= put_at)),
  constraint legal_hold_held_kind_check CHECK ((held_kind = ANY (ARRAY['everything'::text, 'organisation'::text, 'contact'::text]))),
  constraint legal_hold_lift_reason_check CHECK (((length(lift_reason) >= 1) AND (length(lift_reason) <= 500))),
  constraint legal_hold_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
  constraint legal_hold_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX legal_hold_now ON kernel.legal_hold USING btree (held_id) NULLS NOT DISTINCT WHERE (lifted_at IS NULL);
alter table kernel.legal_hold enable row level security;
alter table kernel.legal_hold force row level security;
create policy legal_hold_of_centre on kernel.legal_hold as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
CREATE TRIGGER legal_hold_told AFTER INSERT OR UPDATE ON kernel.legal_hold FOR EACH STATEMENT EXECUTE FUNCTION kernel.tell_desk();
grant insert, select on kernel.legal_hold to tocsin_web;
grant select on kernel.legal_hold to tocsin_worker;
grant update (review_on, lifted_at, lifted_by, lifted_by_name, lift_reason) on kernel.legal_hold to tocsin_web;

create table kernel.migration (
  number integer not null,
  name text not null,
  sha256 text not null,
  applied_at timestamp with time zone default now() not null,
  constraint migration_pkey PRIMARY KEY (number)
);
grant select on kernel.migration to tocsin_web;
grant select on kernel.migration to tocsin_worker;

create table kernel.sealing_key (
  id smallint generated by default as identity not null,
  purpose text not null,
  state text not null,
  wrapped bytea not null,
  created_at timestamp with time zone default now() not null,
  old_since timestamp with time zone,
  constraint sealing_key_check CHECK (((state = 'old'::text) = (old_since IS NOT NULL))),
  constraint sealing_key_purpose_check CHECK ((purpose = ANY (ARRAY['personal'::text, 'credential'::text, 'blind_index'::text]))),
  constraint sealing_key_state_check CHECK ((state = ANY (ARRAY['coming'::text, 'current'::text, 'old'::text]))),
  constraint sealing_key_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX sealing_key_coming ON kernel.sealing_key USING btree (purpose) WHERE (state = 'coming'::text);
CREATE UNIQUE INDEX sealing_key_current ON kernel.sealing_key USING btree (purpose) WHERE (state = 'current'::text);
CREATE TRIGGER sealing_key_told AFTER INSERT OR DELETE OR UPDATE ON kernel.sealing_key FOR EACH STATEMENT EXECUTE FUNCTION kernel.tell_sealing_key();
grant select on kernel.sealing_key to tocsin_web;
grant select on kernel.sealing_key to tocsin_worker;

create table operating_model.adoption (
  number bigint generated always as identity not null,
  sha256 text not null,
  adopted_at timestamp with time zone default clock_timestamp() not null,
  proposal_id uuid,
  constraint adoption_proposal_id_fkey FOREIGN KEY (proposal_id) REFERENCES operating_model.proposal(id),
  constraint adoption_sha256_fkey FOREIGN KEY (sha256) REFERENCES operating_model.version(sha256),
  constraint adoption_pkey PRIMARY KEY (number),
  constraint adoption_proposal_id_key UNIQUE (proposal_id)
);
CREATE TRIGGER adoption_no_change BEFORE DELETE OR UPDATE OR TRUNCATE ON operating_model.adoption FOR EACH STATEMENT EXECUTE FUNCTION operating_model.refuse_change();
CREATE TRIGGER adoption_told AFTER INSERT ON operating_model.adoption FOR EACH ROW EXECUTE FUNCTION operating_model.tell_adoption();
grant select on operating_model.adoption to tocsin_web;
grant select on operating_model.adoption to tocsin_worker;
grant insert (sha256, proposal_id) on operating_model.adoption to tocsin_web;
grant insert (sha256, proposal_id) on operating_model.adoption to tocsin_worker;

create table operating_model.proposal (
  id uuid not null,
  sha256 text not null,
  yaml text not null,
  base text not null,
  reason text not null,
  proposed_by text not null,
  proposed_by_name text not null,
  proposed_at timestamp with time zone not null,
  approval_id uuid not null,
  state text default 'waiting'::text not null,
  decided_by text,
  decided_by_name text,
  decided_at timestamp with time zone,
  decision_reason text,
  constraint proposal_check CHECK (((state = 'waiting'::text) = (decided_at IS NULL))),
  constraint proposal_check1 CHECK (((state = 'returned'::text) = (decision_reason IS NOT NULL))),
  constraint proposal_reason_check CHECK ((reason <> ''::text)),
  constraint proposal_sha256_of_yaml CHECK ((sha256 = encode(sha256(convert_to(yaml, 'UTF8'::name)), 'hex'::text))),
  constraint proposal_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'adopted'::text, 'returned'::text, 'taken_back'::text]))),
  constraint proposal_base_fkey FOREIGN KEY (base) REFERENCES operating_model.version(sha256),
  constraint proposal_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX proposal_open ON operating_model.proposal USING btree ((true)) WHERE (state = 'waiting'::text);
alter table operating_model.proposal enable row level security;
alter table operating_model.proposal force row level security;
create policy centre on operating_model.proposal as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
CREATE TRIGGER proposal_told AFTER INSERT OR UPDATE ON operating_model.proposal FOR EACH STATEMENT EXECUTE FUNCTION kernel.tell_desk();
grant insert, select on operating_model.proposal to tocsin_web;
grant select on operating_model.proposal to tocsin_worker;
grant update (state, decided_by, decided_by_name, decided_at, decision_reason) on operating_model.proposal to tocsin_web;

create table operating_model.version (
  sha256 text not null,
  yaml text not null,
  first_used_at timestamp with time zone default clock_timestamp() not null,
  constraint version_sha256_of_yaml CHECK ((sha256 = encode(sha256(convert_to(yaml, 'UTF8'::name)), 'hex'::text))),
  constraint version_pkey PRIMARY KEY (sha256)
);
CREATE TRIGGER version_no_change BEFORE DELETE OR UPDATE OR TRUNCATE ON operating_model.version FOR EACH STATEMENT EXECUTE FUNCTION operating_model.refuse_change();
grant select on operating_model.version to tocsin_web;
grant select on operating_model.version to tocsin_worker;
grant insert (sha256, yaml) on operating_model.version to tocsin_web;
grant insert (sha256, yaml) on operating_model.version to tocsin_worker;

create table organisations.absence (
  id uuid default kernel.uuid_v7() not null,
  contact_id uuid not null,
  starts_at timestamp with time zone not null,
  ends_at timestamp with time zone not null,
  cover_id uuid,
  constraint absence_check CHECK ((ends_at > starts_at)),
  constraint absence_check1 CHECK ((cover_id <> contact_id)),
  constraint absence_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES organisations.contact(id) ON DELETE CASCADE,
  constraint absence_cover_id_fkey FOREIGN KEY (cover_id) REFERENCES organisations.contact(id) ON DELETE SET NULL,
  constraint absence_pkey PRIMARY KEY (id)
);
CREATE INDEX absence_contact ON organisations.absence USING btree (contact_id, ends_at);
CREATE INDEX absence_cover ON organisations.absence USING btree (cover_id);
alter table organisations.absence enable row level security;
alter table organisations.absence force row level security;
create policy absence_delete on organisations.absence as permissive for delete to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN ((contact_id IN ( SELECT contact.id
       FROM organisations.contact)) AND (( SELECT (kernel.actor_kind() = 'person'::text)) OR ((contact_id)::text = ( SELECT kernel.actor_id() AS actor_id))))
    ELSE false
END);
create policy absence_insert on organisations.absence as permissive for insert to public with check (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN ((contact_id IN ( SELECT contact.id
       FROM organisations.contact)) AND (( SELECT (kernel.actor_kind() = 'person'::text)) OR ((contact_id)::text = ( SELECT kernel.actor_id() AS actor_id))))
    ELSE false
END);
create policy absence_read on organisations.absence as permissive for select to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN
    CASE
        WHEN ( SELECT (kernel.directory_regions() IS NULL)) THEN true
        ELSE organisations.shows_contact(contact_id)
    END
    WHEN 'organisation'::text THEN (contact_id IN ( SELECT contact.id
       FROM organisations.contact))
    ELSE false
END);
create policy absence_update on organisations.absence as permissive for update to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN ((contact_id IN ( SELECT contact.id
       FROM organisations.contact)) AND (( SELECT (kernel.actor_kind() = 'person'::text)) OR ((contact_id)::text = ( SELECT kernel.actor_id() AS actor_id))))
    ELSE false
END);
CREATE TRIGGER absence_added AFTER INSERT ON organisations.absence REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.note_times();
CREATE TRIGGER absence_removed AFTER DELETE ON organisations.absence REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.note_times();
grant delete, insert, select on organisations.absence to tocsin_web;
grant insert, select on organisations.absence to tocsin_worker;
grant update (ends_at) on organisations.absence to tocsin_web;

create table organisations.audience (
  id uuid not null,
  name text not null,
  name_key text not null,
  version integer not null,
  created_at timestamp with time zone not null,
  retired_at timestamp with time zone,
  constraint audience_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 80))),
  constraint audience_version_check CHECK ((version >= 1)),
  constraint audience_pkey PRIMARY KEY (id),
  constraint audience_name_key_key UNIQUE (name_key)
);
alter table organisations.audience enable row level security;
alter table organisations.audience force row level security;
create policy centre on organisations.audience as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on organisations.audience to tocsin_web;
grant select on organisations.audience to tocsin_worker;
grant update (name, name_key, version, retired_at) on organisations.audience to tocsin_web;

create table organisations.audience_member (
  audience_id uuid not null,
  organisation_id uuid not null,
  type text not null,
  region_code text,
  system_code text,
  must_answer boolean not null,
  constraint audience_member_audience_id_fkey FOREIGN KEY (audience_id) REFERENCES organisations.audience(id),
  constraint audience_member_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations.organisation(id),
  constraint audience_member_pkey PRIMARY KEY (audience_id, organisation_id)
);
alter table organisations.audience_member enable row level security;
alter table organisations.audience_member force row level security;
create policy centre on organisations.audience_member as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant delete, insert, select on organisations.audience_member to tocsin_web;
grant select on organisations.audience_member to tocsin_worker;

create table organisations.audience_version (
  audience_id uuid not null,
  number integer not null,
  question jsonb not null,
  saved_at timestamp with time zone not null,
  saved_by text not null,
  saved_by_name text not null,
  followed_id uuid,
  organisations integer not null,
  constraint audience_version_number_check CHECK ((number >= 1)),
  constraint audience_version_audience_id_fkey FOREIGN KEY (audience_id) REFERENCES organisations.audience(id),
  constraint audience_version_pkey PRIMARY KEY (audience_id, number)
);
alter table organisations.audience_version enable row level security;
alter table organisations.audience_version force row level security;
create policy centre on organisations.audience_version as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on organisations.audience_version to tocsin_web;
grant select on organisations.audience_version to tocsin_worker;

create table organisations.change (
  id uuid default kernel.uuid_v7() not null,
  organisation_id uuid not null,
  contact_id uuid,
  changed_at timestamp with time zone default now() not null,
  actor_kind text default kernel.actor_kind() not null,
  actor_id text default kernel.actor_id() not null,
  what text not null,
  fields jsonb default '{}'::jsonb not null,
  constraint change_fields_check CHECK ((jsonb_typeof(fields) = 'object'::text)),
  constraint change_what_check CHECK ((what = ANY (ARRAY['facts'::text, 'contact'::text, 'linked'::text, 'unlinked'::text, 'hours'::text, 'absence'::text, 'domain'::text, 'merge'::text, 'attested'::text, 'left'::text, 'parent'::text, 'cut_off'::text]))),
  constraint change_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations.organisation(id) ON DELETE CASCADE,
  constraint change_pkey PRIMARY KEY (id)
);
CREATE INDEX change_of_organisation ON organisations.change USING btree (organisation_id, changed_at DESC);
alter table organisations.change enable row level security;
alter table organisations.change force row level security;
create policy change_delete on organisations.change as permissive for delete to public using (( SELECT (kernel.reach() = 'centre'::text)));
create policy change_insert on organisations.change as permissive for insert to public with check (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN ((organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[])) AND (( SELECT (kernel.actor_kind() = 'person'::text)) OR ((contact_id)::text = ( SELECT kernel.actor_id() AS actor_id))))
    ELSE false
END);
create policy change_read on organisations.change as permissive for select to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN
    CASE
        WHEN ( SELECT (kernel.directory_regions() IS NULL)) THEN true
        ELSE organisations.shows_organisation(organisation_id)
    END
    WHEN 'organisation'::text THEN (organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[]))
    ELSE false
END);
grant select on organisations.change to tocsin_web;
grant select on organisations.change to tocsin_worker;
grant insert (organisation_id, contact_id, what, fields) on organisations.change to tocsin_web;
grant insert (organisation_id, contact_id, what, fields) on organisations.change to tocsin_worker;

create table organisations.code_session (
  id uuid not null,
  token_sha256 bytea not null,
  contact_id uuid not null,
  contact_point_id uuid not null,
  opened_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  constraint code_session_token_sha256_check CHECK ((octet_length(token_sha256) = 32)),
  constraint code_session_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES organisations.contact(id) ON DELETE CASCADE,
  constraint code_session_contact_point_id_fkey FOREIGN KEY (contact_point_id) REFERENCES organisations.contact_point(id),
  constraint code_session_pkey PRIMARY KEY (id),
  constraint code_session_token_sha256_key UNIQUE (token_sha256)
);
CREATE INDEX code_session_of_contact ON organisations.code_session USING btree (contact_id);
CREATE INDEX code_session_opened ON organisations.code_session USING btree (opened_at);
alter table organisations.code_session enable row level security;
alter table organisations.code_session force row level security;
create policy code_session_own on organisations.code_session as permissive for all to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN ((contact_id)::text = ( SELECT kernel.actor_id() AS actor_id))
    ELSE false
END);
grant insert, select on organisations.code_session to tocsin_web;
grant delete, select on organisations.code_session to tocsin_worker;
grant update (contact_point_id, ended_at) on organisations.code_session to tocsin_web;

create table organisations.contact (
  id uuid default kernel.uuid_v7() not null,
  organisation_id uuid not null,
  name text not null,
  is_post boolean not null,
  role text not null,
  rank smallint not null,
  reader_kind text default 'technical'::text not null,
  language text default 'en'::text not null,
  active boolean default true not null,
  attested_at timestamp with time zone,
  says_left_at timestamp with time zone,
  has_times boolean default false not null,
  texts smallint default 0 not null,
  mails smallint default 0 not null,
  name_key text collate "C" generated always as (organisations.name_key(name)) stored,
  created_at timestamp with time zone default now() not null,
  created_by text default kernel.actor_id() not null,
  updated_at timestamp with time zone default now() not null,
  constraint contact_language_check CHECK ((language = ANY (ARRAY['en'::text, 'cy'::text]))),
  constraint contact_name_check CHECK ((name <> ''::text)),
  constraint contact_rank_check CHECK (((rank >= 1) AND (rank <= 9))),
  constraint contact_reader_kind_check CHECK ((reader_kind ~ '^[a-z][a-z0-9_]*$'::text)),
  constraint contact_role_check CHECK ((role ~ '^[a-z][a-z0-9_]*$'::text)),
  constraint contact_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations.organisation(id),
  constraint contact_pkey PRIMARY KEY (id)
);
CREATE INDEX contact_name_key ON organisations.contact USING btree (name_key, id);
CREATE UNIQUE INDEX contact_once ON organisations.contact USING btree (organisation_id, role, lower(name));
alter table organisations.contact enable row level security;
alter table organisations.contact force row level security;
create policy contact_delete on organisations.contact as permissive for delete to public using (( SELECT (kernel.reach() = 'centre'::text)));
create policy contact_insert on organisations.contact as permissive for insert to public with check (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN (( SELECT (kernel.actor_kind() = 'person'::text)) AND (organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[])))
    ELSE false
END);
create policy contact_read on organisations.contact as permissive for select to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN
    CASE
        WHEN ( SELECT (kernel.directory_regions() IS NULL)) THEN true
        ELSE organisations.shows_organisation(organisation_id)
    END
    WHEN 'organisation'::text THEN (organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[]))
    ELSE false
END);
create policy contact_update on organisations.contact as permissive for update to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN ((organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[])) AND (( SELECT (kernel.actor_kind() = 'person'::text)) OR ((id)::text = ( SELECT kernel.actor_id() AS actor_id))))
    ELSE false
END);
CREATE TRIGGER contact_keeps_key BEFORE UPDATE OF id ON organisations.contact FOR EACH ROW WHEN ((old.id <> new.id)) EXECUTE FUNCTION organisations.keep_key();
CREATE TRIGGER contacts_added_on_hold AFTER INSERT ON organisations.contact REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION organisations.hold_contacts();
CREATE TRIGGER contacts_noted AFTER UPDATE ON organisations.contact REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION organisations.note_contacts();
CREATE TRIGGER contacts_removed_held AFTER DELETE ON organisations.contact REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION organisations.keep_linked();
grant delete, insert, select, update on organisations.contact to tocsin_web;
grant delete, insert, select, update on organisations.contact to tocsin_worker;

create table organisations.contact_contact_point (
  contact_id uuid not null,
  contact_point_id uuid not null,
  channel text not null,
  "position" smallint not null,
  constraint contact_contact_point_position_check CHECK ((("position" >= 1) AND ("position" <= 999))),
  constraint contact_contact_point_pkey PRIMARY KEY (contact_id, channel, "position"),
  constraint contact_contact_point_contact_point_id_contact_id_key UNIQUE (contact_point_id, contact_id)
);
alter table organisations.contact_contact_point enable row level security;
alter table organisations.contact_contact_point force row level security;
create policy contact_contact_point_delete on organisations.contact_contact_point as permissive for delete to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN ((contact_id IN ( SELECT contact.id
       FROM organisations.contact)) AND (( SELECT (kernel.actor_kind() = 'person'::text)) OR ((contact_id)::text = ( SELECT kernel.actor_id() AS actor_id))))
    ELSE false
END);
create policy contact_contact_point_insert on organisations.contact_contact_point as permissive for insert to public with check (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN ((contact_id IN ( SELECT contact.id
       FROM organisations.contact)) AND (( SELECT (kernel.actor_kind() = 'person'::text)) OR ((contact_id)::text = ( SELECT kernel.actor_id() AS actor_id))))
    ELSE false
END);
create policy contact_contact_point_read on organisations.contact_contact_point as permissive for select to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN
    CASE
        WHEN ( SELECT (kernel.directory_regions() IS NULL)) THEN true
        ELSE organisations.shows_contact(contact_id)
    END
    WHEN 'organisation'::text THEN (contact_id IN ( SELECT contact.id
       FROM organisations.contact))
    ELSE false
END);
create policy contact_contact_point_update on organisations.contact_contact_point as permissive for update to public using (( SELECT (kernel.reach() = 'centre'::text)));
CREATE TRIGGER links_added AFTER INSERT ON organisations.contact_contact_point REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.recount_links();
CREATE TRIGGER links_added_held AFTER INSERT ON organisations.contact_contact_point REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.hold_linked();
CREATE TRIGGER links_added_noted AFTER INSERT ON organisations.contact_contact_point REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.note_links();
CREATE TRIGGER links_added_on_hold AFTER INSERT ON organisations.contact_contact_point REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION organisations.hold_links();
CREATE TRIGGER links_changed_held AFTER UPDATE ON organisations.contact_contact_point REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.hold_linked();
CREATE TRIGGER links_removed AFTER DELETE ON organisations.contact_contact_point REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.recount_links();
CREATE TRIGGER links_removed_noted AFTER DELETE ON organisations.contact_contact_point REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.note_links();
grant delete, insert, select on organisations.contact_contact_point to tocsin_web;
grant delete, insert, select on organisations.contact_contact_point to tocsin_worker;

create table organisations.contact_point (
  id uuid default kernel.uuid_v7() not null,
  channel text not null,
  address_sealed bytea not null,
  address_index bytea not null,
  shown text not null,
  domain text generated always as (
CASE
    WHEN (channel = 'mail'::text) THEN split_part(shown, '@'::text, 2)
    ELSE NULL::text
END) stored,
  contacts integer default 1 not null,
  proven_at timestamp with time zone,
  answered_at timestamp with time zone,
  stop_asked_at timestamp with time zone,
  asked_at timestamp with time zone,
  asked_code text,
  asked_for text,
  asked_is_sent boolean default false not null,
  created_at timestamp with time zone default now() not null,
  constraint contact_point_address_index_check CHECK ((octet_length(address_index) = 32)),
  constraint contact_point_asked_code_check CHECK ((asked_code ~ '^[0-9]{4}$'::text)),
  constraint contact_point_asked_for_check CHECK ((asked_for = ANY (ARRAY['proof'::text, 'still_right'::text]))),
  constraint contact_point_channel_check CHECK ((channel = ANY (ARRAY['text'::text, 'mail'::text, 'landline'::text]))),
  constraint contact_point_check CHECK ((((asked_at IS NULL) = (asked_code IS NULL)) AND ((asked_at IS NULL) = (asked_for IS NULL)))),
  constraint contact_point_pkey PRIMARY KEY (id),
  constraint contact_point_channel_address_index_key UNIQUE (channel, address_index)
);
CREATE INDEX contact_point_domain ON organisations.contact_point USING btree (domain) WHERE (channel = 'mail'::text);
CREATE INDEX contact_point_shared ON organisations.contact_point USING btree (id) WHERE (contacts > 1);
alter table organisations.contact_point enable row level security;
alter table organisations.contact_point force row level security;
create policy contact_point_delete on organisations.contact_point as permissive for delete to public using (( SELECT (kernel.reach() = 'centre'::text)));
create policy contact_point_insert on organisations.contact_point as permissive for insert to public with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy contact_point_read on organisations.contact_point as permissive for select to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN
    CASE
        WHEN ( SELECT (kernel.directory_regions() IS NULL)) THEN true
        ELSE organisations.shows_point(id)
    END
    WHEN 'organisation'::text THEN (id IN ( SELECT link.contact_point_id
       FROM organisations.contact_contact_point link))
    ELSE false
END);
create policy contact_point_update on organisations.contact_point as permissive for update to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN (id IN ( SELECT link.contact_point_id
       FROM organisations.contact_contact_point link
      WHERE (( SELECT (kernel.actor_kind() = 'person'::text)) OR ((link.contact_id)::text = ( SELECT kernel.actor_id() AS actor_id)))))
    ELSE false
END);
CREATE TRIGGER point_keeps_key BEFORE UPDATE OF id, channel ON organisations.contact_point FOR EACH ROW WHEN (((old.id <> new.id) OR (old.channel <> new.channel))) EXECUTE FUNCTION organisations.keep_key();
CREATE TRIGGER points_added_stopped AFTER INSERT ON organisations.contact_point REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION organisations.stop_points();
CREATE TRIGGER points_removed_held AFTER DELETE ON organisations.contact_point REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION organisations.keep_linked();
grant insert, select, update on organisations.contact_point to tocsin_web;
grant insert, select, update on organisations.contact_point to tocsin_worker;

create table organisations.duty_hours (
  id uuid default kernel.uuid_v7() not null,
  contact_id uuid not null,
  weekday smallint not null,
  starts_at time without time zone not null,
  ends_at time without time zone not null,
  time_zone text not null,
  constraint duty_hours_weekday_check CHECK (((weekday >= 1) AND (weekday <= 7))),
  constraint duty_hours_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES organisations.contact(id) ON DELETE CASCADE,
  constraint duty_hours_pkey PRIMARY KEY (id),
  constraint duty_hours_contact_id_weekday_starts_at_key UNIQUE (contact_id, weekday, starts_at)
);
alter table organisations.duty_hours enable row level security;
alter table organisations.duty_hours force row level security;
create policy duty_hours_delete on organisations.duty_hours as permissive for delete to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN ((contact_id IN ( SELECT contact.id
       FROM organisations.contact)) AND (( SELECT (kernel.actor_kind() = 'person'::text)) OR ((contact_id)::text = ( SELECT kernel.actor_id() AS actor_id))))
    ELSE false
END);
create policy duty_hours_insert on organisations.duty_hours as permissive for insert to public with check (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN ((contact_id IN ( SELECT contact.id
       FROM organisations.contact)) AND (( SELECT (kernel.actor_kind() = 'person'::text)) OR ((contact_id)::text = ( SELECT kernel.actor_id() AS actor_id))))
    ELSE false
END);
create policy duty_hours_read on organisations.duty_hours as permissive for select to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN
    CASE
        WHEN ( SELECT (kernel.directory_regions() IS NULL)) THEN true
        ELSE organisations.shows_contact(contact_id)
    END
    WHEN 'organisation'::text THEN (contact_id IN ( SELECT contact.id
       FROM organisations.contact))
    ELSE false
END);
CREATE TRIGGER hours_added AFTER INSERT ON organisations.duty_hours REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.note_times();
CREATE TRIGGER hours_removed AFTER DELETE ON organisations.duty_hours REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.note_times();
grant delete, insert, select on organisations.duty_hours to tocsin_web;
grant insert, select on organisations.duty_hours to tocsin_worker;

create table organisations.import (
  id uuid default kernel.uuid_v7() not null,
  kind text not null,
  file_name text not null,
  sha256 text not null,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone not null,
  counts jsonb not null,
  actor text not null,
  approval_id uuid,
  undone_at timestamp with time zone,
  undone_by text,
  undone jsonb,
  constraint import_check CHECK ((((undone_at IS NULL) = (undone_by IS NULL)) AND ((undone_at IS NULL) = (undone IS NULL)))),
  constraint import_kind_check CHECK ((kind = ANY (ARRAY['organisations'::text, 'contacts'::text]))),
  constraint import_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
  constraint import_pkey PRIMARY KEY (id)
);
CREATE INDEX import_finished ON organisations.import USING btree (finished_at);
grant insert, select on organisations.import to tocsin_web;
grant insert, select on organisations.import to tocsin_worker;
grant update (undone_at, undone_by, undone) on organisations.import to tocsin_web;
grant update (undone_at, undone_by, undone) on organisations.import to tocsin_worker;

create table organisations.import_image (
  import_id uuid not null,
  kind text not null,
  contact_id uuid,
  code text,
  before jsonb,
  after_hash bytea,
  fate text,
  constraint import_image_after_hash_check CHECK ((octet_length(after_hash) = 32)),
  constraint import_image_check CHECK (((kind = 'contact'::text) = (contact_id IS NOT NULL))),
  constraint import_image_check1 CHECK (((kind = 'contact'::text) = (code IS NULL))),
  constraint import_image_fate_check CHECK ((fate = ANY (ARRAY['removed'::text, 'ended'::text, 'put_back'::text, 'left'::text]))),
  constraint import_image_kind_check CHECK ((kind = ANY (ARRAY['contact'::text, 'organisation'::text, 'region'::text, 'system'::text])))
);
CREATE UNIQUE INDEX import_image_code ON organisations.import_image USING btree (import_id, kind, code) WHERE (code IS NOT NULL);
CREATE UNIQUE INDEX import_image_contact ON organisations.import_image USING btree (import_id, contact_id) WHERE (contact_id IS NOT NULL);
alter table organisations.import_image enable row level security;
alter table organisations.import_image force row level security;
create policy import_image_centre on organisations.import_image as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
grant delete, insert, select, update on organisations.import_image to tocsin_web;
grant delete, insert, select, update on organisations.import_image to tocsin_worker;

create table organisations.import_mapping (
  kind text not null,
  header_sha256 text not null,
  mapping jsonb not null,
  saved_at timestamp with time zone not null,
  saved_by text not null,
  constraint import_mapping_header_sha256_check CHECK ((header_sha256 ~ '^[0-9a-f]{64}$'::text)),
  constraint import_mapping_kind_check CHECK ((kind = ANY (ARRAY['organisations'::text, 'contacts'::text]))),
  constraint import_mapping_pkey PRIMARY KEY (kind, header_sha256)
);
grant insert, select, update on organisations.import_mapping to tocsin_web;
grant insert, select, update on organisations.import_mapping to tocsin_worker;

create table organisations.import_row (
  run_id uuid not null,
  outcome text not null,
  line integer not null,
  label text not null,
  details jsonb not null,
  cells_sealed bytea,
  constraint import_row_outcome_check CHECK ((outcome = ANY (ARRAY['added'::text, 'changed'::text, 'closed'::text, 'moved'::text, 'unchanged'::text, 'refused'::text]))),
  constraint import_row_run_id_fkey FOREIGN KEY (run_id) REFERENCES organisations.import_run(id) ON DELETE CASCADE,
  constraint import_row_pkey PRIMARY KEY (run_id, outcome, line)
);
alter table organisations.import_row enable row level security;
alter table organisations.import_row force row level security;
create policy import_row_own on organisations.import_row as permissive for all to public using ((run_id IN ( SELECT run.id
   FROM organisations.import_run run)));
grant delete, insert, select on organisations.import_row to tocsin_web;
grant delete, insert, select on organisations.import_row to tocsin_worker;

create table organisations.import_run (
  id uuid default kernel.uuid_v7() not null,
  kind text not null,
  state text not null,
  undoes uuid,
  name_sealed bytea not null,
  file_sealed bytea,
  header_sealed bytea,
  uploaded_by text not null,
  uploaded_by_kind text default kernel.actor_kind() not null,
  uploaded_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  all_or_nothing boolean not null,
  mapping jsonb,
  attempt integer default 0 not null,
  beat_at timestamp with time zone,
  started_at timestamp with time zone,
  phase text,
  progress real,
  result jsonb,
  reason text,
  import_id uuid,
  change_id uuid,
  approval_id uuid,
  left_names text[] default '{}'::text[] not null,
  constraint import_run_check CHECK ((expires_at > uploaded_at)),
  constraint import_run_check1 CHECK (((reason IS NOT NULL) = (state = 'failed'::text))),
  constraint import_run_check2 CHECK (((state <> ALL (ARRAY['checked'::text, 'imported'::text])) OR (result IS NOT NULL))),
  constraint import_run_check3 CHECK (((state = ANY (ARRAY['checking'::text, 'importing'::text, 'undoing'::text])) OR (beat_at IS NULL))),
  constraint import_run_check4 CHECK (((file_sealed IS NULL) = (undoes IS NOT NULL))),
  constraint import_run_check5 CHECK (((undoes IS NULL) OR (state = ANY (ARRAY['undoing'::text, 'undone'::text, 'cancelled'::text, 'failed'::text, 'interrupted'::text])))),
  constraint import_run_kind_check CHECK ((kind = ANY (ARRAY['organisations'::text, 'contacts'::text]))),
  constraint import_run_phase_check CHECK ((phase = ANY (ARRAY['waiting'::text, 'reading'::text, 'comparing'::text, 'writing'::text]))),
  constraint import_run_progress_check CHECK (((progress >= (0)::double precision) AND (progress <= (1)::double precision))),
  constraint import_run_state_check CHECK ((state = ANY (ARRAY['choosing_columns'::text, 'checking'::text, 'checked'::text, 'importing'::text, 'imported'::text, 'undoing'::text, 'undone'::text, 'cancelled'::text, 'failed'::text, 'interrupted'::text]))),
  constraint import_run_import_id_fkey FOREIGN KEY (import_id) REFERENCES organisations.import(id),
  constraint import_run_undoes_fkey FOREIGN KEY (undoes) REFERENCES organisations.import(id),
  constraint import_run_pkey PRIMARY KEY (id)
);
CREATE INDEX import_run_expires ON organisations.import_run USING btree (expires_at);
CREATE INDEX import_run_uploader ON organisations.import_run USING btree (uploaded_by);
alter table organisations.import_run enable row level security;
alter table organisations.import_run force row level security;
create policy import_run_own on organisations.import_run as permissive for all to public using (((uploaded_by = ( SELECT kernel.actor_id() AS actor_id)) OR (( SELECT kernel.actor_kind() AS actor_kind) = 'system'::text)));
create policy import_run_proposed_begun on organisations.import_run as permissive for update to public using (((change_id IS NOT NULL) AND (state = 'checked'::text) AND ( SELECT (kernel.reach() = 'centre'::text)))) with check (((change_id IS NOT NULL) AND (state = 'importing'::text) AND (approval_id IS NOT NULL)));
create policy import_run_proposed_read on organisations.import_run as permissive for select to public using (((change_id IS NOT NULL) AND ( SELECT (kernel.reach() = 'centre'::text))));
CREATE TRIGGER import_by_two BEFORE INSERT OR UPDATE OF approval_id ON organisations.import_run FOR EACH ROW EXECUTE FUNCTION organisations.guard_import();
grant delete, insert, select, update on organisations.import_run to tocsin_web;
grant delete, insert, select, update on organisations.import_run to tocsin_worker;

create table organisations.mail_domain (
  organisation_id uuid not null,
  domain text not null,
  is_own boolean not null,
  constraint mail_domain_domain_check CHECK (((domain ~ '^[^@\s]+\.[^@\s]+$'::text) AND (domain = lower(domain)))),
  constraint mail_domain_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations.organisation(id) ON DELETE CASCADE,
  constraint mail_domain_pkey PRIMARY KEY (organisation_id, domain)
);
alter table organisations.mail_domain enable row level security;
alter table organisations.mail_domain force row level security;
create policy mail_domain_centre on organisations.mail_domain as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant delete, insert, select, update on organisations.mail_domain to tocsin_web;
grant insert, select on organisations.mail_domain to tocsin_worker;

create table organisations.merge (
  id uuid not null,
  kept_id uuid not null,
  gone_id uuid not null,
  before jsonb not null,
  merged_at timestamp with time zone default now() not null,
  merged_by text default kernel.actor_id() not null,
  undone_at timestamp with time zone,
  constraint merge_gone_id_fkey FOREIGN KEY (gone_id) REFERENCES organisations.contact(id) ON DELETE CASCADE,
  constraint merge_kept_id_fkey FOREIGN KEY (kept_id) REFERENCES organisations.contact(id) ON DELETE CASCADE,
  constraint merge_pkey PRIMARY KEY (id)
);
CREATE INDEX merge_gone ON organisations.merge USING btree (gone_id);
CREATE INDEX merge_kept ON organisations.merge USING btree (kept_id);
alter table organisations.merge enable row level security;
alter table organisations.merge force row level security;
create policy merge_centre on organisations.merge as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on organisations.merge to tocsin_web;
grant update (undone_at) on organisations.merge to tocsin_web;

create table organisations.not_the_same (
  one_id uuid not null,
  other_id uuid not null,
  said_at timestamp with time zone default now() not null,
  said_by text default kernel.actor_id() not null,
  constraint not_the_same_check CHECK ((one_id < other_id)),
  constraint not_the_same_one_id_fkey FOREIGN KEY (one_id) REFERENCES organisations.contact(id) ON DELETE CASCADE,
  constraint not_the_same_other_id_fkey FOREIGN KEY (other_id) REFERENCES organisations.contact(id) ON DELETE CASCADE,
  constraint not_the_same_pkey PRIMARY KEY (one_id, other_id)
);
alter table organisations.not_the_same enable row level security;
alter table organisations.not_the_same force row level security;
create policy not_the_same_centre on organisations.not_the_same as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant delete, insert, select on organisations.not_the_same to tocsin_web;

create table organisations.one_time_code (
  id uuid not null,
  channel text not null,
  address_index bytea not null,
  network_index bytea not null,
  asked_at timestamp with time zone not null,
  contact_id uuid,
  replaces_id uuid,
  contact_point_id uuid,
  code_index bytea,
  wrong_tries smallint default 0 not null,
  used_at timestamp with time zone,
  constraint one_time_code_address_index_check CHECK ((octet_length(address_index) = 32)),
  constraint one_time_code_channel_check CHECK ((channel = ANY (ARRAY['text'::text, 'mail'::text]))),
  constraint one_time_code_check CHECK (((replaces_id IS NULL) OR (contact_id IS NOT NULL))),
  constraint one_time_code_check1 CHECK (((code_index IS NULL) OR (contact_point_id IS NOT NULL))),
  constraint one_time_code_code_index_check CHECK ((octet_length(code_index) = 32)),
  constraint one_time_code_contact_id_fkey FOREIGN KEY (contact_id) REFERENCES organisations.contact(id) ON DELETE CASCADE,
  constraint one_time_code_contact_point_id_fkey FOREIGN KEY (contact_point_id) REFERENCES organisations.contact_point(id),
  constraint one_time_code_replaces_id_fkey FOREIGN KEY (replaces_id) REFERENCES organisations.contact_point(id),
  constraint one_time_code_pkey PRIMARY KEY (id)
);
CREATE INDEX one_time_code_asked ON organisations.one_time_code USING btree (asked_at);
CREATE INDEX one_time_code_of_network ON organisations.one_time_code USING btree (network_index, asked_at);
CREATE INDEX one_time_code_of_point ON organisations.one_time_code USING btree (contact_point_id, asked_at) WHERE (contact_point_id IS NOT NULL);
alter table organisations.one_time_code enable row level security;
alter table organisations.one_time_code force row level security;
create policy one_time_code_own on organisations.one_time_code as permissive for all to public using (
CASE ( SELECT kernel.reach() AS reach)
    WHEN 'centre'::text THEN true
    WHEN 'organisation'::text THEN ((contact_id)::text = ( SELECT kernel.actor_id() AS actor_id))
    ELSE false
END);
grant insert, select on organisations.one_time_code to tocsin_web;
grant delete, select on organisations.one_time_code to tocsin_worker;
grant update (wrong_tries, used_at) on organisations.one_time_code to tocsin_web;
grant update (contact_point_id, code_index) on organisations.one_time_code to tocsin_worker;

create table organisations.organisation (
  id uuid default kernel.uuid_v7() not null,
  code text not null,
  name text not null,
  short_name text not null,
  short_name_chosen boolean default false not null,
  type text not null,
  region_code text,
  system_code text,
  must_answer boolean not null,
  address_lines text[] default '{}'::text[] not null,
  postcode text,
  telephone text,
  latitude double precision,
  longitude double precision,
  serves text,
  population integer,
  population_on date,
  opened_on date,
  closed_on date,
  source text not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint organisation_check CHECK (((latitude IS NULL) = (longitude IS NULL))),
  constraint organisation_check1 CHECK (((population_on IS NULL) OR (population IS NOT NULL))),
  constraint organisation_code_check CHECK ((code ~ '^[A-Z0-9][A-Z0-9-]{1,19}$'::text)),
  constraint organisation_latitude_check CHECK (((latitude >= ('-90'::integer)::double precision) AND (latitude <= (90)::double precision))),
  constraint organisation_longitude_check CHECK (((longitude >= ('-180'::integer)::double precision) AND (longitude <= (180)::double precision))),
  constraint organisation_name_check CHECK ((name <> ''::text)),
  constraint organisation_population_check CHECK ((population > 0)),
  constraint organisation_serves_check CHECK (((char_length(serves) >= 1) AND (char_length(serves) <= 200))),
  constraint organisation_short_name_check CHECK (((char_length(short_name) >= 1) AND (char_length(short_name) <= 20))),
  constraint organisation_type_check CHECK ((type ~ '^[a-z][a-z0-9_]*$'::text)),
  constraint organisation_region_code_fkey FOREIGN KEY (region_code) REFERENCES organisations.region(code),
  constraint organisation_system_code_fkey FOREIGN KEY (system_code) REFERENCES organisations.system(code),
  constraint organisation_pkey PRIMARY KEY (id),
  constraint organisation_code_key UNIQUE (code)
);
CREATE INDEX organisation_name ON organisations.organisation USING btree (name, code);
CREATE INDEX organisation_region ON organisations.organisation USING btree (region_code);
CREATE INDEX organisation_system ON organisations.organisation USING btree (system_code);
alter table organisations.organisation enable row level security;
alter table organisations.organisation force row level security;
create policy organisation_of_region on organisations.organisation as restrictive for select to public using ((
CASE
    WHEN ( SELECT (kernel.directory_regions() IS NULL)) THEN 1
    WHEN (region_code = ANY (( SELECT kernel.directory_regions() AS directory_regions)::text[])) THEN 1
    ELSE 0
END <> 0));
create policy organisation_open on organisations.organisation as permissive for all to public using (true) with check (true);
CREATE TRIGGER facts_noted AFTER UPDATE ON organisations.organisation REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION organisations.note_facts();
grant delete, insert, select, update on organisations.organisation to tocsin_web;
grant delete, insert, select, update on organisations.organisation to tocsin_worker;

create table organisations.organisation_tag (
  organisation_id uuid not null,
  tag_id uuid not null,
  tagged_by text not null,
  tagged_at timestamp with time zone not null,
  untagged_at timestamp with time zone,
  constraint organisation_tag_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations.organisation(id),
  constraint organisation_tag_tag_id_fkey FOREIGN KEY (tag_id) REFERENCES organisations.tag(id),
  constraint organisation_tag_pkey PRIMARY KEY (organisation_id, tag_id, tagged_at)
);
CREATE UNIQUE INDEX organisation_tag_once ON organisations.organisation_tag USING btree (organisation_id, tag_id) WHERE (untagged_at IS NULL);
CREATE INDEX organisation_tag_tag ON organisations.organisation_tag USING btree (tag_id, organisation_id);
alter table organisations.organisation_tag enable row level security;
alter table organisations.organisation_tag force row level security;
create policy centre on organisations.organisation_tag as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant delete, insert, select on organisations.organisation_tag to tocsin_web;
grant insert, select on organisations.organisation_tag to tocsin_worker;
grant update (untagged_at) on organisations.organisation_tag to tocsin_web;

create table organisations.parenthood (
  id uuid default kernel.uuid_v7() not null,
  child_id uuid not null,
  parent_id uuid not null,
  began_on date,
  ended_on date,
  said_by text not null,
  recorded_by text default kernel.actor_id() not null,
  recorded_at timestamp with time zone default now() not null,
  constraint parenthood_check CHECK ((child_id <> parent_id)),
  constraint parenthood_check1 CHECK ((began_on <= ended_on)),
  constraint parenthood_said_by_check CHECK (((char_length(said_by) >= 1) AND (char_length(said_by) <= 120))),
  constraint parenthood_child_id_fkey FOREIGN KEY (child_id) REFERENCES organisations.organisation(id) ON DELETE CASCADE,
  constraint parenthood_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES organisations.organisation(id),
  constraint parenthood_pkey PRIMARY KEY (id),
  constraint one_parent_at_a_time EXCLUDE USING gist (organisations.id_range(child_id, child_id, '[]'::text) WITH &&, daterange(began_on, ended_on, '[]'::text) WITH &&)
);
CREATE INDEX parenthood_child ON organisations.parenthood USING btree (child_id);
CREATE INDEX parenthood_parent ON organisations.parenthood USING btree (parent_id, child_id);
alter table organisations.parenthood enable row level security;
alter table organisations.parenthood force row level security;
create policy parenthood_of_centre on organisations.parenthood as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy parenthood_of_region on organisations.parenthood as restrictive for select to public using (
CASE
    WHEN ( SELECT (kernel.directory_regions() IS NULL)) THEN true
    ELSE organisations.shows_organisation(child_id)
END);
CREATE TRIGGER parents_added_noted AFTER INSERT ON organisations.parenthood REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.note_parents();
CREATE TRIGGER parents_removed_noted AFTER DELETE ON organisations.parenthood REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION organisations.note_parents();
grant delete, insert, select on organisations.parenthood to tocsin_web;
grant delete, insert, select on organisations.parenthood to tocsin_worker;

create table organisations.product (
  id uuid default kernel.uuid_v7() not null,
  supplier_id uuid not null,
  name text not null,
  created_at timestamp with time zone default now() not null,
  constraint product_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 80))),
  constraint product_supplier_id_fkey FOREIGN KEY (supplier_id) REFERENCES organisations.supplier(id),
  constraint product_pkey PRIMARY KEY (id)
);
CREATE INDEX product_supplier ON organisations.product USING btree (supplier_id);
alter table organisations.product enable row level security;
alter table organisations.product force row level security;
create policy centre on organisations.product as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant delete, insert, select on organisations.product to tocsin_web;
grant select on organisations.product to tocsin_worker;
grant update (supplier_id, name) on organisations.product to tocsin_web;

create table organisations.product_spelling (
  key text not null,
  product_id uuid not null,
  constraint product_spelling_key_check CHECK ((key <> ''::text)),
  constraint product_spelling_product_id_fkey FOREIGN KEY (product_id) REFERENCES organisations.product(id),
  constraint product_spelling_pkey PRIMARY KEY (key)
);
CREATE INDEX product_spelling_product ON organisations.product_spelling USING btree (product_id);
alter table organisations.product_spelling enable row level security;
alter table organisations.product_spelling force row level security;
create policy centre on organisations.product_spelling as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on organisations.product_spelling to tocsin_web;
grant select on organisations.product_spelling to tocsin_worker;
grant update (product_id) on organisations.product_spelling to tocsin_web;

create table organisations.proof_schedule (
  id uuid not null,
  a_day integer not null,
  hash text not null,
  state text default 'waiting'::text not null,
  approval_id uuid not null,
  planned_by text not null,
  planned_at timestamp with time zone default now() not null,
  started_at timestamp with time zone,
  ended_at timestamp with time zone,
  constraint proof_schedule_a_day_check CHECK (((a_day >= 1) AND (a_day <= 1000))),
  constraint proof_schedule_check CHECK (((state = 'ended'::text) = (ended_at IS NOT NULL))),
  constraint proof_schedule_check1 CHECK (((state <> 'running'::text) OR (started_at IS NOT NULL))),
  constraint proof_schedule_hash_check CHECK ((hash ~ '^[0-9a-f]{64}$'::text)),
  constraint proof_schedule_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'ended'::text]))),
  constraint proof_schedule_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX proof_schedule_once ON organisations.proof_schedule USING btree ((true)) WHERE (state <> 'ended'::text);
alter table organisations.proof_schedule enable row level security;
alter table organisations.proof_schedule force row level security;
create policy proof_schedule_of_centre on organisations.proof_schedule as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select, update on organisations.proof_schedule to tocsin_web;
grant select, update on organisations.proof_schedule to tocsin_worker;

create table organisations.region (
  code text not null,
  name text not null,
  constraint region_code_check CHECK ((code ~ '^[A-Z0-9][A-Z0-9-]{1,19}$'::text)),
  constraint region_name_check CHECK ((name <> ''::text)),
  constraint region_pkey PRIMARY KEY (code)
);
grant delete, insert, select, update on organisations.region to tocsin_web;
grant delete, insert, select, update on organisations.region to tocsin_worker;

create table organisations.succession (
  id uuid default kernel.uuid_v7() not null,
  on_date date not null,
  state text default 'planned'::text not null,
  planned_by text not null,
  planned_at timestamp with time zone default now() not null,
  confirmed_by text,
  confirmed_at timestamp with time zone,
  applied_at timestamp with time zone,
  withdrawn_at timestamp with time zone,
  constraint succession_check CHECK (((confirmed_at IS NULL) = (confirmed_by IS NULL))),
  constraint succession_check1 CHECK (((state <> ALL (ARRAY['confirmed'::text, 'applied'::text])) OR (confirmed_at IS NOT NULL))),
  constraint succession_check2 CHECK (((state = 'applied'::text) = (applied_at IS NOT NULL))),
  constraint succession_check3 CHECK (((state = 'withdrawn'::text) = (withdrawn_at IS NOT NULL))),
  constraint succession_state_check CHECK ((state = ANY (ARRAY['planned'::text, 'confirmed'::text, 'applied'::text, 'withdrawn'::text]))),
  constraint succession_pkey PRIMARY KEY (id)
);
CREATE INDEX succession_due ON organisations.succession USING btree (on_date) WHERE (state = 'confirmed'::text);
alter table organisations.succession enable row level security;
alter table organisations.succession force row level security;
create policy succession_of_centre on organisations.succession as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
create policy succession_of_region on organisations.succession as restrictive for select to public using (
CASE
    WHEN ( SELECT (kernel.directory_regions() IS NULL)) THEN true
    ELSE (id IN ( SELECT part.succession_id
       FROM organisations.succession_part part))
END);
grant insert, select, update on organisations.succession to tocsin_web;
grant insert, select, update on organisations.succession to tocsin_worker;

create table organisations.succession_child (
  succession_id uuid not null,
  child_id uuid not null,
  successor_id uuid not null,
  constraint succession_child_child_id_fkey FOREIGN KEY (child_id) REFERENCES organisations.organisation(id) ON DELETE CASCADE,
  constraint succession_child_succession_id_fkey FOREIGN KEY (succession_id) REFERENCES organisations.succession(id),
  constraint succession_child_successor_id_fkey FOREIGN KEY (successor_id) REFERENCES organisations.organisation(id),
  constraint succession_child_pkey PRIMARY KEY (succession_id, child_id)
);
alter table organisations.succession_child enable row level security;
alter table organisations.succession_child force row level security;
create policy succession_child_of_centre on organisations.succession_child as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
create policy succession_child_of_region on organisations.succession_child as restrictive for select to public using (
CASE
    WHEN ( SELECT (kernel.directory_regions() IS NULL)) THEN true
    ELSE organisations.shows_organisation(child_id)
END);
grant delete, insert, select on organisations.succession_child to tocsin_web;
grant select on organisations.succession_child to tocsin_worker;

create table organisations.succession_part (
  succession_id uuid not null,
  predecessor_id uuid not null,
  successor_id uuid not null,
  takes_children boolean not null,
  constraint succession_part_predecessor_id_fkey FOREIGN KEY (predecessor_id) REFERENCES organisations.organisation(id),
  constraint succession_part_succession_id_fkey FOREIGN KEY (succession_id) REFERENCES organisations.succession(id),
  constraint succession_part_successor_id_fkey FOREIGN KEY (successor_id) REFERENCES organisations.organisation(id),
  constraint succession_part_pkey PRIMARY KEY (succession_id, predecessor_id, successor_id)
);
CREATE INDEX succession_part_predecessor ON organisations.succession_part USING btree (predecessor_id);
CREATE INDEX succession_part_successor ON organisations.succession_part USING btree (successor_id);
CREATE UNIQUE INDEX succession_part_taker ON organisations.succession_part USING btree (succession_id, predecessor_id) WHERE takes_children;
alter table organisations.succession_part enable row level security;
alter table organisations.succession_part force row level security;
create policy succession_part_of_centre on organisations.succession_part as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text)));
create policy succession_part_of_region on organisations.succession_part as restrictive for select to public using (
CASE
    WHEN ( SELECT (kernel.directory_regions() IS NULL)) THEN true
    ELSE (organisations.shows_organisation(predecessor_id) OR organisations.shows_organisation(successor_id))
END);
grant insert, select on organisations.succession_part to tocsin_web;
grant insert, select on organisations.succession_part to tocsin_worker;

create table organisations.supplier (
  id uuid default kernel.uuid_v7() not null,
  name text not null,
  created_at timestamp with time zone default now() not null,
  constraint supplier_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 80))),
  constraint supplier_pkey PRIMARY KEY (id)
);
alter table organisations.supplier enable row level security;
alter table organisations.supplier force row level security;
create policy centre on organisations.supplier as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant delete, insert, select on organisations.supplier to tocsin_web;
grant select on organisations.supplier to tocsin_worker;
grant update (name) on organisations.supplier to tocsin_web;

create table organisations.supplier_spelling (
  key text not null,
  supplier_id uuid not null,
  constraint supplier_spelling_key_check CHECK ((key <> ''::text)),
  constraint supplier_spelling_supplier_id_fkey FOREIGN KEY (supplier_id) REFERENCES organisations.supplier(id),
  constraint supplier_spelling_pkey PRIMARY KEY (key)
);
CREATE INDEX supplier_spelling_supplier ON organisations.supplier_spelling USING btree (supplier_id);
alter table organisations.supplier_spelling enable row level security;
alter table organisations.supplier_spelling force row level security;
create policy centre on organisations.supplier_spelling as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on organisations.supplier_spelling to tocsin_web;
grant select on organisations.supplier_spelling to tocsin_worker;
grant update (supplier_id) on organisations.supplier_spelling to tocsin_web;

create table organisations.system (
  code text not null,
  name text not null,
  region_code text,
  constraint system_code_check CHECK ((code ~ '^[A-Z0-9][A-Z0-9-]{1,19}$'::text)),
  constraint system_name_check CHECK ((name <> ''::text)),
  constraint system_region_code_fkey FOREIGN KEY (region_code) REFERENCES organisations.region(code),
  constraint system_pkey PRIMARY KEY (code)
);
grant delete, insert, select, update on organisations.system to tocsin_web;
grant delete, insert, select, update on organisations.system to tocsin_worker;

create table organisations.tag (
  id uuid default kernel.uuid_v7() not null,
  name text not null,
  constraint tag_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 40))),
  constraint tag_pkey PRIMARY KEY (id)
);
alter table organisations.tag enable row level security;
alter table organisations.tag force row level security;
create policy centre on organisations.tag as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant delete, insert, select on organisations.tag to tocsin_web;
grant select on organisations.tag to tocsin_worker;
grant update (name) on organisations.tag to tocsin_web;

create table organisations.tag_spelling (
  key text not null,
  tag_id uuid not null,
  constraint tag_spelling_key_check CHECK ((key <> ''::text)),
  constraint tag_spelling_tag_id_fkey FOREIGN KEY (tag_id) REFERENCES organisations.tag(id),
  constraint tag_spelling_pkey PRIMARY KEY (key)
);
CREATE INDEX tag_spelling_tag ON organisations.tag_spelling USING btree (tag_id);
alter table organisations.tag_spelling enable row level security;
alter table organisations.tag_spelling force row level security;
create policy centre on organisations.tag_spelling as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant delete, insert, select on organisations.tag_spelling to tocsin_web;
grant select on organisations.tag_spelling to tocsin_worker;

create table organisations.use (
  id uuid default kernel.uuid_v7() not null,
  organisation_id uuid not null,
  supplier_id uuid not null,
  product_id uuid,
  said_by text not null,
  said_on date not null,
  known_from date not null,
  used_until date,
  recorded_by text not null,
  recorded_at timestamp with time zone not null,
  constraint use_said_by_check CHECK (((char_length(said_by) >= 1) AND (char_length(said_by) <= 120))),
  constraint use_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations.organisation(id),
  constraint use_product_id_fkey FOREIGN KEY (product_id) REFERENCES organisations.product(id),
  constraint use_supplier_id_fkey FOREIGN KEY (supplier_id) REFERENCES organisations.supplier(id),
  constraint use_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX use_once ON organisations.use USING btree (organisation_id, supplier_id, product_id) NULLS NOT DISTINCT WHERE (used_until IS NULL);
CREATE INDEX use_product ON organisations.use USING btree (product_id, organisation_id);
CREATE INDEX use_supplier ON organisations.use USING btree (supplier_id, organisation_id);
alter table organisations.use enable row level security;
alter table organisations.use force row level security;
create policy centre on organisations.use as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on organisations.use to tocsin_web;
grant insert, select on organisations.use to tocsin_worker;
grant update (supplier_id, product_id, said_by, said_on, known_from, used_until, recorded_by, recorded_at) on organisations.use to tocsin_web;

create table responses.answer (
  id uuid not null,
  alert_id uuid not null,
  organisation_id uuid not null,
  at timestamp with time zone default now() not null,
  kind text not null,
  evidence text not null,
  contact_point_id uuid,
  recorded_by text,
  note text,
  constraint answer_evidence_check CHECK ((evidence = ANY (ARRAY['text_with_code'::text, 'text_without_code'::text, 'link_with_code'::text, 'call'::text, 'signed_in'::text]))),
  constraint answer_kind_check CHECK ((kind = ANY (ARRAY['got_it'::text, 'affected'::text, 'not_affected'::text, 'help'::text]))),
  constraint answer_pkey PRIMARY KEY (id)
);
CREATE INDEX answer_of_alert ON responses.answer USING btree (alert_id, organisation_id, at);
alter table responses.answer enable row level security;
alter table responses.answer force row level security;
create policy centre on responses.answer as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy own on responses.answer as permissive for all to public using ((organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[]))) with check ((organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[])));
grant insert, select on responses.answer to tocsin_web;
grant insert, select on responses.answer to tocsin_worker;

create table responses.call (
  id uuid not null,
  alert_id uuid not null,
  organisation_id uuid not null,
  claimed_by text not null,
  claimed_by_name text not null,
  claimed_at timestamp with time zone default now() not null,
  claim_ends_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  ended_how text,
  constraint call_check CHECK (((ended_at IS NULL) = (ended_how IS NULL))),
  constraint call_ended_how_check CHECK ((ended_how = ANY (ARRAY['reached'::text, 'left_word'::text, 'given_back'::text, 'lapsed'::text, 'answered'::text]))),
  constraint call_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX call_open ON responses.call USING btree (alert_id, organisation_id) WHERE (ended_at IS NULL);
alter table responses.call enable row level security;
alter table responses.call force row level security;
create policy centre on responses.call as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy of_region on responses.call as restrictive for all to public using (((( SELECT kernel.actor_regions() AS actor_regions) IS NULL) OR (organisation_id IN ( SELECT organisation.organisation_id
   FROM organisations.v_known_organisation organisation
  WHERE (organisation.region_code = ANY (( SELECT kernel.actor_regions() AS actor_regions)::text[]))))));
grant insert, select on responses.call to tocsin_web;
grant select on responses.call to tocsin_worker;
grant update (claim_ends_at, ended_at, ended_how) on responses.call to tocsin_web;
grant update (ended_at, ended_how) on responses.call to tocsin_worker;

create table responses.call_attempt (
  id uuid not null,
  call_id uuid not null,
  alert_id uuid not null,
  organisation_id uuid not null,
  at timestamp with time zone default now() not null,
  contact_point_id uuid,
  outcome text not null,
  tried_by text not null,
  tried_by_name text not null,
  note text,
  constraint call_attempt_outcome_check CHECK ((outcome = ANY (ARRAY['reached'::text, 'left_word'::text, 'no_answer'::text, 'wrong_number'::text]))),
  constraint call_attempt_call_id_fkey FOREIGN KEY (call_id) REFERENCES responses.call(id),
  constraint call_attempt_pkey PRIMARY KEY (id)
);
CREATE INDEX call_attempt_of ON responses.call_attempt USING btree (alert_id, organisation_id, at);
alter table responses.call_attempt enable row level security;
alter table responses.call_attempt force row level security;
create policy centre on responses.call_attempt as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy of_region on responses.call_attempt as restrictive for all to public using (((( SELECT kernel.actor_regions() AS actor_regions) IS NULL) OR (organisation_id IN ( SELECT organisation.organisation_id
   FROM organisations.v_known_organisation organisation
  WHERE (organisation.region_code = ANY (( SELECT kernel.actor_regions() AS actor_regions)::text[]))))));
grant insert, select on responses.call_attempt to tocsin_web;
grant select on responses.call_attempt to tocsin_worker;

create table responses.desk_item (
  id uuid not null,
  kind text not null,
  state text default 'open'::text not null,
  alert_id uuid,
  organisation_id uuid,
  contact_point_id uuid,
  person_name text,
  reply_id uuid,
  created_at timestamp with time zone default now() not null,
  call_back_at timestamp with time zone,
  claimed_by text,
  claimed_by_name text,
  claimed_at timestamp with time zone,
  claim_ends_at timestamp with time zone,
  handed_over_by_name text,
  closed_at timestamp with time zone,
  closed_by_name text,
  outcome text,
  constraint desk_item_check CHECK (((kind = 'help'::text) = (call_back_at IS NOT NULL))),
  constraint desk_item_check1 CHECK (((state <> 'claimed'::text) OR (claim_ends_at IS NOT NULL))),
  constraint desk_item_check2 CHECK (((state = 'open'::text) = (claimed_at IS NULL))),
  constraint desk_item_check3 CHECK (((state = 'closed'::text) = (closed_at IS NOT NULL))),
  constraint desk_item_kind_check CHECK ((kind = ANY (ARRAY['help'::text, 'not_understood'::text, 'wrong_code'::text, 'not_ours'::text, 'stop'::text, 'unknown_sender'::text, 'colleague'::text, 'guessing'::text]))),
  constraint desk_item_state_check CHECK ((state = ANY (ARRAY['open'::text, 'claimed'::text, 'closed'::text]))),
  constraint desk_item_pkey PRIMARY KEY (id),
  constraint desk_item_reply_id_key UNIQUE (reply_id)
);
CREATE UNIQUE INDEX desk_item_guessing_once ON responses.desk_item USING btree (kind) WHERE ((kind = 'guessing'::text) AND (state <> 'closed'::text));
CREATE INDEX desk_item_help ON responses.desk_item USING btree (created_at) WHERE (kind = 'help'::text);
CREATE UNIQUE INDEX desk_item_help_once ON responses.desk_item USING btree (alert_id, organisation_id) WHERE ((kind = 'help'::text) AND (state <> 'closed'::text));
CREATE INDEX desk_item_of_organisation ON responses.desk_item USING btree (organisation_id) WHERE (state <> 'closed'::text);
CREATE INDEX desk_item_waiting ON responses.desk_item USING btree (created_at) WHERE (state <> 'closed'::text);
alter table responses.desk_item enable row level security;
alter table responses.desk_item force row level security;
create policy centre on responses.desk_item as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy of_region on responses.desk_item as restrictive for all to public using (((( SELECT kernel.actor_regions() AS actor_regions) IS NULL) OR (organisation_id IN ( SELECT organisation.organisation_id
   FROM organisations.v_known_organisation organisation
  WHERE (organisation.region_code = ANY (( SELECT kernel.actor_regions() AS actor_regions)::text[]))))));
grant insert, select on responses.desk_item to tocsin_web;
grant insert, select on responses.desk_item to tocsin_worker;
grant update (state, call_back_at, claimed_by, claimed_by_name, claimed_at, claim_ends_at, handed_over_by_name, closed_at, closed_by_name, outcome) on responses.desk_item to tocsin_web;

create table responses.failed_try (
  address_index bytea not null,
  network_index bytea not null,
  at timestamp with time zone default clock_timestamp() not null
);
CREATE INDEX failed_try_at ON responses.failed_try USING btree (at);
CREATE INDEX failed_try_of_network ON responses.failed_try USING btree (network_index, at);
CREATE INDEX failed_try_recent ON responses.failed_try USING btree (address_index, at);
grant insert, select on responses.failed_try to tocsin_web;
grant delete, insert, select on responses.failed_try to tocsin_worker;

create table responses.opening (
  alert_id uuid not null,
  organisation_id uuid not null,
  opened_at timestamp with time zone default now() not null,
  constraint opening_pkey PRIMARY KEY (alert_id, organisation_id)
);
alter table responses.opening enable row level security;
alter table responses.opening force row level security;
create policy centre on responses.opening as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
grant insert, select on responses.opening to tocsin_web;
grant update (opened_at) on responses.opening to tocsin_web;

create table responses.response (
  alert_id uuid not null,
  organisation_id uuid not null,
  acknowledged_at timestamp with time zone,
  evidence text,
  acknowledged_by_contact_point_id uuid,
  affected text,
  affected_at timestamp with time zone,
  help_asked_at timestamp with time zone,
  constraint response_affected_check CHECK ((affected = ANY (ARRAY['yes'::text, 'no'::text]))),
  constraint response_check CHECK (((acknowledged_at IS NULL) = (evidence IS NULL))),
  constraint response_check1 CHECK (((affected IS NULL) = (affected_at IS NULL))),
  constraint response_evidence_check CHECK ((evidence = ANY (ARRAY['text_with_code'::text, 'text_without_code'::text, 'link_with_code'::text, 'call'::text, 'signed_in'::text]))),
  constraint response_pkey PRIMARY KEY (alert_id, organisation_id)
);
alter table responses.response enable row level security;
alter table responses.response force row level security;
create policy centre on responses.response as permissive for all to public using (( SELECT (kernel.reach() = 'centre'::text))) with check (( SELECT (kernel.reach() = 'centre'::text)));
create policy own on responses.response as permissive for all to public using ((organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[]))) with check ((organisation_id = ANY (( SELECT kernel.actor_organisations() AS actor_organisations)::uuid[])));
grant insert, select on responses.response to tocsin_web;
grant insert, select on responses.response to tocsin_worker;
grant update (acknowledged_at, evidence, acknowledged_by_contact_point_id, affected, affected_at, help_asked_at) on responses.response to tocsin_web;
grant update (acknowledged_at, evidence, acknowledged_by_contact_point_id, affected, affected_at, help_asked_at) on responses.response to tocsin_worker;

CREATE OR REPLACE FUNCTION alerts.guard_exercise()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'an exercise stays an exercise, and a live alert a live alert'
    using errcode = 'restrict_violation';
end $function$
;
grant execute on function alerts.guard_exercise() to public;

CREATE OR REPLACE FUNCTION alerts.guard_lane()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$
;
grant execute on function alerts.guard_lane() to public;

CREATE OR REPLACE FUNCTION alerts.guard_version()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'only the words of a draft may be changed';
end $function$
;
grant execute on function alerts.guard_version() to public;

CREATE OR REPLACE FUNCTION alerts.guard_words()
 RETURNS trigger
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  if not exists (select from alerts.version version
    where version.id = new.version_id and version.state = 'draft'
      and (version.kind = 'correction' or new.if_acted = ''))
  then
    raise exception 'only the words of a draft may be changed';
  end if;
  return new;
end $function$
;
grant execute on function alerts.guard_words() to public;

CREATE OR REPLACE FUNCTION audit.erase_detail(erased uuid, reason text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  update audit.entry set detail = null, salt = null
  where id = erased and detail is not null
    and action not in ('audit.key_made', 'audit.key_rotated', 'audit.restore_accepted')
    and exists (select from audit.leaf where leaf.entry_id = erased);
  if not found then return false; end if;
  insert into audit.entry (action, subject_kind, subject_id, detail)
  values ('audit.detail_erased', 'entry', erased::text,
    pg_catalog.jsonb_build_object('reason', reason));
  return true;
end $function$
;

CREATE OR REPLACE FUNCTION audit.leaf_hash(VARIADIC parts text[])
 RETURNS bytea
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
    select pg_catalog.sha256('\x00'::bytea || pg_catalog.convert_to(
      pg_catalog.string_agg(
        pg_catalog.octet_length(part.value) || ':' || part.value || ',', '' order by part.place),
      'UTF8'))
    from pg_catalog.unnest(parts) with ordinality as part (value, place)
  $function$
;
grant execute on function audit.leaf_hash(text[]) to public;

CREATE OR REPLACE FUNCTION audit.node_hash(left_hash bytea, right_hash bytea)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
    select pg_catalog.sha256('\x01'::bytea || left_hash || right_hash)
  $function$
;
grant execute on function audit.node_hash(bytea,bytea) to public;

CREATE OR REPLACE FUNCTION audit.note_waiting()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  insert into audit.waiting (entry_id) select added.id from added;
  return null;
end $function$
;
grant execute on function audit.note_waiting() to public;

CREATE OR REPLACE FUNCTION audit.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  raise exception 'audit entries are never changed or removed' using errcode = '42501';
end $function$
;
grant execute on function audit.refuse_change() to public;

CREATE OR REPLACE FUNCTION audit.refuse_edit()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if new.detail is null and new.salt is null and old.detail is not null
    and (new.id, new.at, new.actor_kind, new.actor_id, new.action, new.subject_kind, new.subject_id)
      = (old.id, old.at, old.actor_kind, old.actor_id, old.action, old.subject_kind, old.subject_id)
    and exists (select from audit.leaf where leaf.entry_id = old.id)
  then
    return new;
  end if;
  raise exception 'audit entries are never changed or removed' using errcode = '42501';
end $function$
;
grant execute on function audit.refuse_edit() to public;

CREATE OR REPLACE FUNCTION dispatch.add_breaker()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  insert into dispatch.breaker (gateway_id) values (new.id);
  return null;
end $function$
;
grant execute on function dispatch.add_breaker() to public;

CREATE OR REPLACE FUNCTION dispatch.database_id()
 RETURNS text
 LANGUAGE plpgsql
 STABLE
AS $function$ begin
  return (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    || '-' || 'dispatch.continuity'::regclass::oid;
end $function$
;
grant execute on function dispatch.database_id() to public;

CREATE OR REPLACE FUNCTION dispatch.delete_messages(ids uuid[])
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  delete from dispatch.lookup where message_id = any (ids);
  delete from dispatch.alarm where message_id = any (ids);
  delete from dispatch.risk_taken where message_id = any (ids);
  delete from dispatch.attempt_end where message_id = any (ids);
  delete from dispatch.attempt where message_id = any (ids);
  delete from dispatch.message_credit where message_id = any (ids);
  delete from dispatch.message where id = any (ids);
$function$
;

CREATE OR REPLACE FUNCTION dispatch.forget_inbox(older_than timestamp with time zone, most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  ids uuid[];
  receipts integer;
  parts integer;
  replies integer;
begin
  if older_than > now() - interval '30 days' then
    raise exception 'what is younger than thirty days is kept' using errcode = 'restrict_violation';
  end if;
  if kernel.is_on_legal_hold() then return 0; end if;
  delete from dispatch.receipt_inbox where ctid = any (array(
    select ctid from dispatch.receipt_inbox
    where received_at < older_than and handled_at is not null order by received_at limit most));
  get diagnostics receipts = row_count;
  delete from dispatch.part where ctid = any (array(
    select ctid from dispatch.part where updated_at < older_than order by updated_at limit most));
  get diagnostics parts = row_count;
  delete from dispatch.reply_inbox where id = any (array(
    select id from dispatch.reply_inbox
    where received_at < older_than and handled_at is not null
      and not exists (select from kernel.held where held.address_index = reply_inbox.address_index)
    limit most));
  get diagnostics replies = row_count;
  ids := array(select message.id from dispatch.message message
    join dispatch.dispatch standing on standing.id = message.dispatch_id and standing.lane = 0
    where message.due_at < older_than
      and message.state not in ('held', 'ready', 'claimed', 'unknown')
      and not dispatch.is_held(message) limit most);
  perform dispatch.delete_messages(ids);
  return receipts + parts + replies + cardinality(ids);
end $function$
;
grant execute on function dispatch.forget_inbox(timestamp with time zone,integer) to tocsin_worker;

CREATE OR REPLACE FUNCTION dispatch.forget_messages(older_than timestamp with time zone, most integer, OUT dispatch_id uuid, OUT deleted integer, OUT is_over boolean)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  ids uuid[];
begin
  if older_than > now() - interval '30 days' then
    raise exception 'what is younger than thirty days is kept' using errcode = 'restrict_violation';
  end if;
  if kernel.is_on_legal_hold() then return; end if;
  select old.id into dispatch_id from dispatch.dispatch old
    where old.lane > 0 and old.state in ('done', 'cancelled') and old.ended_at < older_than
      and old.forgotten_at is null
      -- One of which only what is held is left has its turn when the hold is lifted.
      and (not exists (select from kernel.held)
        or not exists (select from dispatch.message where message.dispatch_id = old.id)
        or exists (select from dispatch.message
          where message.dispatch_id = old.id and not dispatch.is_held(message)))
    order by old.ended_at limit 1 for update skip locked;
  if dispatch_id is null then return; end if;
  if not exists (select from dispatch.kept_ledger kept
      where kept.dispatch_id = forget_messages.dispatch_id) then
    insert into dispatch.kept_ledger (dispatch_id, messages, messages_gone, messages_unknown,
      messages_never_sent, organisations, organisations_gone, organisations_unknown,
      organisations_never_sent)
    select ledger.dispatch_id, ledger.messages, ledger.messages_gone, ledger.messages_unknown,
      ledger.messages_never_sent + ledger.messages_waiting, ledger.organisations,
      ledger.organisations_gone, ledger.organisations_unknown,
      ledger.organisations_never_sent + ledger.organisations_waiting
    from dispatch.v_ledger ledger where ledger.dispatch_id = forget_messages.dispatch_id;
    insert into dispatch.kept_count (dispatch_id, channel, state, messages)
    select message.dispatch_id, message.channel, message.state, count(*)
    from dispatch.message message where message.dispatch_id = forget_messages.dispatch_id
    group by message.dispatch_id, message.channel, message.state;
  end if;
  ids := array(select message.id from dispatch.message message
    where message.dispatch_id = forget_messages.dispatch_id and not dispatch.is_held(message)
    limit most);
  perform dispatch.delete_messages(ids);
  deleted := cardinality(ids);
  is_over := deleted < most and not exists (select from dispatch.message
    where message.dispatch_id = forget_messages.dispatch_id);
  if is_over then
    delete from dispatch.settled settled where settled.dispatch_id = forget_messages.dispatch_id;
    update dispatch.dispatch old set forgotten_at = now()
    where old.id = forget_messages.dispatch_id;
  end if;
end $function$
;
grant execute on function dispatch.forget_messages(timestamp with time zone,integer) to tocsin_worker;

CREATE OR REPLACE FUNCTION dispatch.guard_dispatch()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if new.state = 'held' and old.state <> 'held' then
    raise exception 'what was released is not held again' using errcode = 'restrict_violation';
  end if;
  if old.state = 'held' and (new.quiet_from_minute, new.quiet_until_minute)
    is distinct from (old.quiet_from_minute, old.quiet_until_minute)
  then
    raise exception 'the hours of what waits for its approval are not changed'
      using errcode = 'restrict_violation';
  end if;
  return new;
end $function$
;
grant execute on function dispatch.guard_dispatch() to public;

CREATE OR REPLACE FUNCTION dispatch.guard_message()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if not ((old.state, new.state) in (('held', 'held'), ('ready', 'ready'), ('held', 'ready'),
      ('held', 'cancelled'), ('ready', 'cancelled'), ('ready', 'suppressed'),
      ('held', 'suppressed'))) then
    raise exception 'the web process may not move a message from % to %', old.state, new.state;
  end if;
  return new;
end $function$
;
grant execute on function dispatch.guard_message() to public;

CREATE OR REPLACE FUNCTION dispatch.history_is_whole()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
begin
  return exists (select from dispatch.continuity
    where held_since is null and proven_start = pg_postmaster_start_time()
      and timeline = left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
      and database_id = dispatch.database_id());
end $function$
;
grant execute on function dispatch.history_is_whole() to public;

CREATE OR REPLACE FUNCTION dispatch.is_held(message dispatch.message)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return kernel.is_held(message.contact_point_id, message.organisation_id)
    or exists (select from dispatch.message_credit credit
      join kernel.held on held.id = credit.organisation_id
      where credit.message_id = message.id);
end $function$
;
grant execute on function dispatch.is_held(dispatch.message) to public;

CREATE OR REPLACE FUNCTION dispatch.keep_in_doubt()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if exists (select from dispatch.risk_taken risk where risk.message_id = new.id) then
    new.state := 'uncertain_closed';
  end if;
  return new;
end $function$
;
grant execute on function dispatch.keep_in_doubt() to public;

CREATE OR REPLACE FUNCTION dispatch.ledger_part(state text, dispatch_state text, history_is_whole boolean)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (state = ANY (ARRAY['accepted'::text, 'delivered'::text, 'undelivered'::text])) THEN 1 WHEN (state = ANY (ARRAY['claimed'::text, 'unknown'::text, 'uncertain_closed'::text])) THEN 2 WHEN ((state = ANY (ARRAY['held'::text, 'ready'::text])) AND (dispatch_state <> 'cancelled'::text)) THEN 3 WHEN ((state = ANY (ARRAY['held'::text, 'ready'::text])) AND (NOT history_is_whole)) THEN 2 ELSE 4 END
;
grant execute on function dispatch.ledger_part(text,text,boolean) to public;

CREATE OR REPLACE FUNCTION dispatch.may_claim()
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  -- A worker frozen before its commit holds the bucket, and nobody else could claim: seen in chaos.
  perform set_config('idle_in_transaction_session_timeout', '3s', true);
  return dispatch.history_is_whole() and exists (select from dispatch.continuity
    where replica_away_since is null or alone_since is not null);
end $function$
;
grant execute on function dispatch.may_claim() to public;

CREATE OR REPLACE FUNCTION dispatch.paused_until(bucket dispatch.bucket, at timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select case when bucket.paused_at <= at and bucket.paused_until > at
    then bucket.paused_until end
$function$
;
grant execute on function dispatch.paused_until(dispatch.bucket,timestamp with time zone) to public;

CREATE OR REPLACE FUNCTION dispatch.refuse_late_message()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- Read once: what was added may be a hundred thousand messages.
  planned uuid[] := array(select distinct added.dispatch_id from added);
begin
  perform from dispatch.dispatch where id = any (planned) for key share;
  if cardinality(planned) <> (select count(*) from dispatch.dispatch
    where id = any (planned) and (state = 'held' or lane = 0)) then
    raise exception 'messages are added only to a dispatch that is held'
      using errcode = 'restrict_violation';
  end if;
  return null;
end $function$
;
grant execute on function dispatch.refuse_late_message() to public;

CREATE OR REPLACE FUNCTION dispatch.remember_senders()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if (select count(*) from dispatch.gateway other where other.channel = new.channel) > 1 then
    insert into dispatch.sender (contact_point_id, channel, gateway_id)
    select distinct on (message.contact_point_id) message.contact_point_id, new.channel,
      coalesce(message.gateway_id, message.home_gateway_id)
    from dispatch.message message
    where message.channel = new.channel
      and coalesce(message.gateway_id, message.home_gateway_id) is not null
    order by message.contact_point_id, message.accepted_at desc nulls last
    on conflict do nothing;
  end if;
  return null;
end $function$
;
grant execute on function dispatch.remember_senders() to public;

CREATE OR REPLACE FUNCTION dispatch.reserve_of(bucket dispatch.bucket)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select least(bucket.burst * bucket.reserve_share, bucket.burst - 1)
$function$
;
grant execute on function dispatch.reserve_of(dispatch.bucket) to public;

CREATE OR REPLACE FUNCTION dispatch.stop(contact_point_ids uuid[])
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  insert into dispatch.stopped (contact_point_id) select unnest(contact_point_ids)
  on conflict do nothing
$function$
;
grant execute on function dispatch.stop(uuid[]) to public;

CREATE OR REPLACE FUNCTION dispatch.suppress_stopped()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('dispatch.stopped', 0));
  if exists (select from dispatch.stopped) then
    update dispatch.message message
    set state = 'suppressed', final_at = now(), failure_code = 'cut_off'
    from added
    where message.id = added.id and message.state in ('held', 'ready')
      and message.contact_point_id = any (array(
        select stopped.contact_point_id from dispatch.stopped));
  end if;
  return null;
end $function$
;
grant execute on function dispatch.suppress_stopped() to public;

CREATE OR REPLACE FUNCTION dispatch.tokens_at(bucket dispatch.bucket, at timestamp with time zone)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select least(bucket.burst, bucket.tokens
    + bucket.rate_per_second * greatest(0, extract(epoch from at - bucket.refilled_at))
    - case when bucket.slow_from is null then 0
        else bucket.rate_per_second * (1 - bucket.slow_share) * greatest(0, extract(epoch from
          least(at, bucket.slow_until) - greatest(bucket.refilled_at, bucket.slow_from))) end)
$function$
;
grant execute on function dispatch.tokens_at(dispatch.bucket,timestamp with time zone) to public;

CREATE OR REPLACE FUNCTION identity.guard_api_key()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if kernel.actor_kind() <> 'system'
    and not coalesce(identity.is_carried_out(new.approval_id, 'api_key'), false)
  then
    raise exception 'a key takes two persons' using errcode = 'restrict_violation';
  end if;
  return new;
end $function$
;
grant execute on function identity.guard_api_key() to public;

CREATE OR REPLACE FUNCTION identity.guard_approval()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if (old.state, new.state) not in (
    ('requested', 'approved'), ('requested', 'returned'), ('requested', 'voided'),
    ('requested', 'alone'),
    ('approved', 'consumed'), ('approved', 'returned'), ('approved', 'voided'))
  then
    raise exception 'approval cannot go from % to %', old.state, new.state
      using errcode = 'restrict_violation';
  end if;
  if new.state in ('approved', 'alone') and (kernel.actor_kind(), kernel.actor_id())
    is distinct from ('person', coalesce(new.let_go_by, new.approved_by)::text)
  then
    raise exception 'an approval is given by the person who acts'
      using errcode = 'restrict_violation';
  end if;
  if old.approved_by is not null
    and (old.approved_by, old.approved_at) is distinct from (new.approved_by, new.approved_at)
  then
    raise exception 'an approval once given is not rewritten' using errcode = 'restrict_violation';
  end if;
  return new;
end $function$
;
grant execute on function identity.guard_approval() to public;

CREATE OR REPLACE FUNCTION identity.guard_approval_signature()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if new.state in ('approved', 'alone') and old.state <> new.state
    and exists (select from kernel.installation where kind = 'live')
    and not exists (
      select from identity.approval_signature signed
      where signed.approval_id = new.id
        and signed.person_id = coalesce(new.let_go_by, new.approved_by)
        and signed.hash = new.hash
        and signed.valid_until > coalesce(new.let_go_at, new.approved_at))
  then
    raise exception 'an approval is signed with a passkey' using errcode = 'restrict_violation';
  end if;
  return new;
end $function$
;
grant execute on function identity.guard_approval_signature() to public;

CREATE OR REPLACE FUNCTION identity.guard_change_alone()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if new.state = 'alone' and old.state <> 'alone' and new.subject_kind = 'proposed_change'
    and not identity.is_first_person(new.let_go_by)
  then
    raise exception 'a change takes two persons' using errcode = 'restrict_violation';
  end if;
  return new;
end $function$
;
grant execute on function identity.guard_change_alone() to public;

CREATE OR REPLACE FUNCTION identity.guard_issuer()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if kernel.actor_kind() = 'system' then
    return new;
  end if;
  if tg_op = 'INSERT' or (old.id, old.url, old.organisation_id, old.client_id, old.settings_sealed,
      old.origins, old.acr, old.amr, old.auth_age_max_ms)
    is distinct from (new.id, new.url, new.organisation_id, new.client_id, new.settings_sealed,
      new.origins, new.acr, new.amr, new.auth_age_max_ms)
  then
    raise exception 'an issuer is saved at the server' using errcode = 'restrict_violation';
  end if;
  if old.off_at is not null and new.off_at is null and (
    new.on_by_approval is not distinct from old.on_by_approval
    or not coalesce(identity.is_carried_out(new.on_by_approval, 'issuer_on'), false))
  then
    raise exception 'an issuer is switched on by two persons' using errcode = 'restrict_violation';
  end if;
  return new;
end $function$
;
grant execute on function identity.guard_issuer() to public;

CREATE OR REPLACE FUNCTION identity.guard_recovery()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if old.confirmed_by is not null and new.confirmed_by is distinct from old.confirmed_by
    or new.recovers <> old.recovers
  then
    raise exception 'a recovery is not rewritten' using errcode = 'restrict_violation';
  end if;
  if old.confirmed_by is null and new.confirmed_by is not null
    and (kernel.actor_kind(), kernel.actor_id()) is distinct from ('person', new.confirmed_by)
  then
    raise exception 'a recovery is confirmed by the person who acts'
      using errcode = 'restrict_violation';
  end if;
  if old.confirmed_by is null and new.confirmed_by is not null and not exists (
    select from identity.approval where approval.id = new.approval_id
      and approval.state = 'consumed' and approval.approved_by::text = new.confirmed_by)
  then
    raise exception 'a recovery takes the word of two' using errcode = 'restrict_violation';
  end if;
  return new;
end $function$
;
grant execute on function identity.guard_recovery() to public;

CREATE OR REPLACE FUNCTION identity.guard_role_request()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if old.state <> 'asked' then
    raise exception 'a role was decided already' using errcode = 'restrict_violation';
  end if;
  if new.state <> 'asked' and (kernel.actor_kind(), kernel.actor_id())
    is distinct from ('person', new.decided_by::text)
  then
    raise exception 'a role is decided by the person who acts' using errcode = 'restrict_violation';
  end if;
  if new.state = 'given' and not exists (select from identity.approval
    where approval.id = new.approval_id and approval.state = 'consumed'
      and approval.approved_by = new.decided_by)
  then
    raise exception 'a role is given by the word of two' using errcode = 'restrict_violation';
  end if;
  return new;
end $function$
;
grant execute on function identity.guard_role_request() to public;

CREATE OR REPLACE FUNCTION identity.hand_over_roles(givers uuid[], takers uuid[], closing uuid[], given_by text)
 RETURNS TABLE(person_id uuid, role text, organisation_id uuid, is_given boolean)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  with given as (
    insert into identity.role_grant (id, person_id, role, organisation_id, given_at, given_by,
      starts_at, ends_at)
    select kernel.uuid_v7(), held.person_id, held.role, taker.id, now(), hand_over_roles.given_by,
      nullif(greatest(held.starts_at, now()), now()), held.ends_at
    -- Whoever held it for several holds it for the longest of them.
    from (select distinct on (holds.person_id, holds.role)
        holds.person_id, holds.role, holds.starts_at, holds.ends_at
      from identity.role_grant holds
      where holds.organisation_id = any(givers) and holds.ended_at is null
        and holds.organisation_id <> all(kernel.those_cut_off(givers))
        and (holds.ends_at is null or holds.ends_at > now())
      order by holds.person_id, holds.role, holds.ends_at desc nulls first,
        holds.starts_at nulls first) held
    cross join unnest(takers) taker (id)
    on conflict do nothing
    returning role_grant.person_id, role_grant.role, role_grant.organisation_id
  ), ended as (
    update identity.role_grant held
    set ended_at = greatest(now(), held.given_at), ended_by = hand_over_roles.given_by
    where held.organisation_id = any(closing) and held.ended_at is null
    returning held.person_id, held.role, held.organisation_id
  )
  select given.person_id, given.role, given.organisation_id, true from given
  union all
  select ended.person_id, ended.role, ended.organisation_id, false from ended
$function$
;
grant execute on function identity.hand_over_roles(uuid[],uuid[],uuid[],text) to tocsin_web;
grant execute on function identity.hand_over_roles(uuid[],uuid[],uuid[],text) to tocsin_worker;

CREATE OR REPLACE FUNCTION identity.is_carried_out(approval uuid, of_kind text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select exists (
    select from identity.proposed_change proposed
    join identity.approval used on used.id = proposed.approval_id
    where proposed.approval_id = approval and proposed.kind = of_kind
      and used.state in ('consumed', 'alone'))
$function$
;
grant execute on function identity.is_carried_out(uuid,text) to public;

CREATE OR REPLACE FUNCTION identity.is_first_person(me uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select not exists (
    select from identity.role_grant held
    where held.person_id <> me and held.organisation_id is null and held.region_code is null
      and held.space_id is null
      and (exists (select from kernel.installation where kind = 'demonstration')
        or exists (select from identity.passkey where passkey.person_id = held.person_id)))
$function$
;
grant execute on function identity.is_first_person(uuid) to public;

CREATE OR REPLACE FUNCTION identity.is_import_agreed(run uuid, digest text, approval uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select identity.is_carried_out(approval, 'directory_import') and exists (
    select from identity.proposed_change proposed
    where proposed.approval_id = approval
      and proposed.content::jsonb #>> '{payload,runId}' = run::text
      and proposed.content::jsonb #>> '{payload,digest}' = digest)
$function$
;
grant execute on function identity.is_import_agreed(uuid,text,uuid) to public;

CREATE OR REPLACE FUNCTION identity.is_let_back(organisation uuid, approval uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select identity.is_carried_out(approval, 'let_back') and exists (
    select from identity.proposed_change proposed
    where proposed.approval_id = approval
      and proposed.content::jsonb #>> '{payload,organisationId}' = organisation::text)
$function$
;
grant execute on function identity.is_let_back(uuid,uuid) to public;

CREATE OR REPLACE FUNCTION identity.is_of_cut_off(person_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
begin
  return cardinality(kernel.those_cut_off(array(
    select held.organisation_id from identity.role_grant held
    where held.person_id = is_of_cut_off.person_id and held.ended_at is null
      and (held.ends_at is null or held.ends_at > now())
      and held.organisation_id is not null))) > 0;
end $function$
;
grant execute on function identity.is_of_cut_off(uuid) to public;

CREATE OR REPLACE FUNCTION identity.led_spaces()
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
declare
  led uuid[] := string_to_array(coalesce(current_setting('tocsin.spaces', true), ''), ',');
begin
  if cardinality(led) = 0 or kernel.actor_kind() <> 'person'
    or identity.is_of_cut_off(kernel.actor_id()::uuid)
  then
    return '{}';
  end if;
  return led;
end $function$
;
grant execute on function identity.led_spaces() to public;

CREATE OR REPLACE FUNCTION identity.readable_sets()
 RETURNS uuid[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN ARRAY(SELECT member.set_id FROM identity.reader_set_member member WHERE ((((member.reader_kind = 'organisation'::text) AND (member.reader_id = ANY ((SELECT kernel.actor_organisations() AS actor_organisations)::uuid[]))) OR ((member.reader_kind = 'person'::text) AND (member.reader_id = (SELECT CASE WHEN ((kernel.actor_kind() = 'person'::text) AND (current_setting('tocsin.by_name'::text, true) = 'yes'::text)) THEN (kernel.actor_id())::uuid ELSE NULL::uuid END AS "case")) AND (NOT (SELECT identity.is_of_cut_off((kernel.actor_id())::uuid) AS is_of_cut_off)))) AND (member.reads_from <= now()) AND ((member.reads_until IS NULL) OR (member.reads_until > now()))) UNION ALL SELECT reader_set.id FROM identity.reader_set WHERE ((reader_set.kind = 'community'::text) AND (cardinality(kernel.actor_organisations()) > 0)) UNION ALL SELECT reader_set.id FROM identity.reader_set WHERE ((reader_set.kind = 'space'::text) AND (reader_set.id = ANY ((SELECT identity.led_spaces() AS led_spaces)::uuid[]))))
;
grant execute on function identity.readable_sets() to public;

CREATE OR REPLACE FUNCTION identity.readers_of_space(space uuid)
 RETURNS TABLE(person_id uuid, leads boolean, reads_until timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
  select reader.person_id, bool_or(reader.leads),
    case when bool_and(reader.reads_until is not null) then max(reader.reads_until) end
  from (
    select member.reader_id as person_id, false as leads, member.reads_until
    from identity.reader_set_member member
    where member.set_id = readers_of_space.space and member.reader_kind = 'person'
      and member.reads_from <= now()
      and (member.reads_until is null or member.reads_until > now())
    union all
    select held.person_id, true, held.ends_at
    from identity.role_grant held
    where held.space_id = readers_of_space.space and held.ended_at is null
      and (held.starts_at is null or held.starts_at <= now())
      and (held.ends_at is null or held.ends_at > now())
  ) reader
  where (select kernel.reach() = 'centre'
    or readers_of_space.space = any (identity.readable_sets()))
  group by reader.person_id
$function$
;
grant execute on function identity.readers_of_space(uuid) to tocsin_web;

CREATE OR REPLACE FUNCTION kernel.actor_id()
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN CASE WHEN kernel.is_shut_out() THEN 'nobody'::text ELSE COALESCE(NULLIF(current_setting('tocsin.actor_id'::text, true), ''::text), 'nobody'::text) END
;
grant execute on function kernel.actor_id() to public;

CREATE OR REPLACE FUNCTION kernel.actor_kind()
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN CASE WHEN kernel.is_shut_out() THEN 'nobody'::text ELSE COALESCE(NULLIF(current_setting('tocsin.actor_kind'::text, true), ''::text), 'nobody'::text) END
;
grant execute on function kernel.actor_kind() to public;

CREATE OR REPLACE FUNCTION kernel.actor_markings()
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN string_to_array(COALESCE(current_setting('tocsin.markings'::text, true), ''::text), ','::text)
;
grant execute on function kernel.actor_markings() to public;

CREATE OR REPLACE FUNCTION kernel.actor_organisations()
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
declare
  named uuid[] := kernel.named_organisations();
  cut uuid[];
begin
  if cardinality(named) = 0 then return named; end if;
  cut := kernel.those_cut_off(named);
  return array(select one.id from unnest(named) as one (id) where one.id <> all (cut));
end $function$
;
grant execute on function kernel.actor_organisations() to public;

CREATE OR REPLACE FUNCTION kernel.actor_regions()
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN string_to_array(NULLIF(current_setting('tocsin.regions'::text, true), ''::text), ','::text)
;
grant execute on function kernel.actor_regions() to public;

CREATE OR REPLACE FUNCTION kernel.directory_regions()
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN string_to_array(NULLIF(current_setting('tocsin.directory_regions'::text, true), ''::text), ','::text)
;
grant execute on function kernel.directory_regions() to public;

CREATE OR REPLACE FUNCTION kernel.enqueue(task text, payload json, job_key text DEFAULT NULL::text, run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, queue text DEFAULT NULL::text)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
    select job.id from graphile_worker.add_job(
      task, payload, queue_name := enqueue.queue, job_key := enqueue.job_key,
      run_at := enqueue.run_at) as job
  $function$
;
grant execute on function kernel.enqueue(text,json,text,timestamp with time zone,text) to tocsin_web;
grant execute on function kernel.enqueue(text,json,text,timestamp with time zone,text) to tocsin_worker;

CREATE OR REPLACE FUNCTION kernel.guard_let_back()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if kernel.actor_kind() <> 'system' and (old.lifted_at is not null
    or not identity.is_let_back(new.organisation_id, new.lifted_by_approval))
  then
    raise exception 'an organisation is let back by two persons'
      using errcode = 'restrict_violation';
  end if;
  return new;
end $function$
;
grant execute on function kernel.guard_let_back() to public;

CREATE OR REPLACE FUNCTION kernel.hold_also(came_to uuid[], ids uuid[], indexes bytea[])
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
  insert into kernel.held (hold_id, id, address_index)
  select held.hold_id, came.id, came.address_index
  from unnest(came_to, ids, indexes) as came (came_to, id, address_index)
  join kernel.held on held.id = came.came_to
  on conflict do nothing;
$function$
;
grant execute on function kernel.hold_also(uuid[],uuid[],bytea[]) to tocsin_web;
grant execute on function kernel.hold_also(uuid[],uuid[],bytea[]) to tocsin_worker;

CREATE OR REPLACE FUNCTION kernel.is_anything_held()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return exists (select from kernel.held);
end $function$
;
grant execute on function kernel.is_anything_held() to tocsin_web;
grant execute on function kernel.is_anything_held() to tocsin_worker;

CREATE OR REPLACE FUNCTION kernel.is_held(VARIADIC ids uuid[])
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return exists (select from kernel.held where held.id = any (ids));
end $function$
;
grant execute on function kernel.is_held(uuid[]) to public;

CREATE OR REPLACE FUNCTION kernel.is_on_legal_hold()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return exists (select from kernel.legal_hold where lifted_at is null and held_id is null);
end $function$
;
grant execute on function kernel.is_on_legal_hold() to public;

CREATE OR REPLACE FUNCTION kernel.is_shut_out()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
begin
  return current_setting('tocsin.reach', true) = 'organisation'
    and cardinality(kernel.named_organisations()) > 0
    and cardinality(kernel.actor_organisations()) = 0;
end $function$
;
grant execute on function kernel.is_shut_out() to public;

CREATE OR REPLACE FUNCTION kernel.may_act()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET search_path TO ''
AS $function$
begin
  if kernel.is_shut_out() then
    raise exception 'the organisation of who acts is cut off' using errcode = 'TC001';
  end if;
  return true;
end $function$
;
grant execute on function kernel.may_act() to public;

CREATE OR REPLACE FUNCTION kernel.named_organisations()
 RETURNS uuid[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (string_to_array(COALESCE(current_setting('tocsin.organisations'::text, true), ''::text), ','::text))::uuid[]
;
grant execute on function kernel.named_organisations() to public;

CREATE OR REPLACE FUNCTION kernel.reach()
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN CASE WHEN kernel.is_shut_out() THEN 'nobody'::text ELSE COALESCE(NULLIF(current_setting('tocsin.reach'::text, true), ''::text), 'nobody'::text) END
;
grant execute on function kernel.reach() to public;

CREATE OR REPLACE FUNCTION kernel.refuse_installation_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if tg_op = 'UPDATE'
    and (new.id, new.kind, new.created_at) = (old.id, old.kind, old.created_at)
    and (old.passkey_domain is null or new.passkey_domain = old.passkey_domain)
  then
    return new;
  end if;
  raise exception 'kernel.installation is fixed' using errcode = 'restrict_violation';
end
$function$
;
grant execute on function kernel.refuse_installation_change() to public;

CREATE OR REPLACE FUNCTION kernel.sealed_by(sealed bytea)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN ((get_byte(sealed, 1) * 256) + get_byte(sealed, 2))
;
grant execute on function kernel.sealed_by(bytea) to public;

CREATE OR REPLACE FUNCTION kernel.tell_desk()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  perform pg_catalog.pg_notify('tocsin_desk', '');
  return null;
end $function$
;
grant execute on function kernel.tell_desk() to public;

CREATE OR REPLACE FUNCTION kernel.tell_sealing_key()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  perform pg_catalog.pg_notify('tocsin_sealing_key', '');
  return null;
end $function$
;
grant execute on function kernel.tell_sealing_key() to public;

CREATE OR REPLACE FUNCTION kernel.those_cut_off(ids uuid[])
 RETURNS uuid[]
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET search_path TO ''
AS $function$
begin
  return array(select cut_off.organisation_id from kernel.cut_off
    where cut_off.organisation_id = any (ids) and cut_off.lifted_at is null);
end $function$
;
grant execute on function kernel.those_cut_off(uuid[]) to tocsin_sequencer;
grant execute on function kernel.those_cut_off(uuid[]) to tocsin_web;
grant execute on function kernel.those_cut_off(uuid[]) to tocsin_worker;

CREATE OR REPLACE FUNCTION kernel.today()
 RETURNS date
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN ((now() AT TIME ZONE 'Europe/London'::text))::date
;
grant execute on function kernel.today() to public;

CREATE OR REPLACE FUNCTION kernel.uuid_v7()
 RETURNS uuid
 LANGUAGE sql
 PARALLEL SAFE
RETURN (encode(set_bit(set_bit("overlay"(uuid_send(gen_random_uuid()), "substring"(int8send((floor((date_part('epoch'::text, clock_timestamp()) * (1000)::double precision)))::bigint), 3), 1, 6), (52)::bigint, 1), (53)::bigint, 1), 'hex'::text))::uuid
;
grant execute on function kernel.uuid_v7() to public;

CREATE OR REPLACE FUNCTION kernel.uuid_v7_of_batch(batch text, n bigint)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((("left"(batch, 14) || to_hex(((1879080960 + ((n >> 14) << 16)) + (n & (16383)::bigint)))) || "right"(batch, 13)))::uuid
;
grant execute on function kernel.uuid_v7_of_batch(text,bigint) to public;

CREATE OR REPLACE FUNCTION operating_model.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  raise exception 'versions of the operating model are never changed or removed'
    using errcode = '42501';
end $function$
;
grant execute on function operating_model.refuse_change() to public;

CREATE OR REPLACE FUNCTION operating_model.tell_adoption()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  perform pg_catalog.pg_notify('tocsin_operating_model', new.sha256);
  return null;
end $function$
;
grant execute on function operating_model.tell_adoption() to public;

CREATE OR REPLACE FUNCTION organisations.find_or_add_point(id uuid, channel text, address_sealed bytea, address_index bytea, shown text)
 RETURNS uuid
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  limits text[] := organisations.see_all();
  found uuid;
begin
  -- Nobody has it yet, and perhaps nobody ever will: the link counts it.
  insert into organisations.contact_point as stored (id, channel, address_sealed, address_index,
    shown, contacts)
  values (find_or_add_point.id, find_or_add_point.channel, find_or_add_point.address_sealed,
    find_or_add_point.address_index, find_or_add_point.shown, 0)
  on conflict on constraint contact_point_channel_address_index_key
    do update set shown = stored.shown
  returning stored.id into found;
  perform organisations.see_only(limits);
  return found;
end
$function$
;
grant execute on function organisations.find_or_add_point(uuid,text,bytea,bytea,text) to public;

CREATE OR REPLACE FUNCTION organisations.forget_left(older_than timestamp with time zone, most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  ids uuid[];
  points uuid[];
begin
  if older_than > now() - interval '30 days' then
    raise exception 'what is younger than thirty days is kept' using errcode = 'restrict_violation';
  end if;
  if kernel.is_on_legal_hold() then return 0; end if;
  ids := array(select contact.id from organisations.contact
    where not contact.active and contact.updated_at < older_than
      and not kernel.is_held(contact.id, contact.organisation_id)
    order by contact.updated_at limit most for update skip locked);
  if cardinality(ids) = 0 then return 0; end if;
  -- Those too that they had before: of these the history alone knows.
  points := array(select link.contact_point_id from organisations.contact_contact_point link
      where link.contact_id = any (ids)
    union
    select point.id from organisations.change
      cross join lateral pg_catalog.jsonb_object_keys(change.fields) as had(id)
      join organisations.contact_point point on point.id::text = had.id and point.contacts = 0
      where change.contact_id = any (ids) and change.what in ('linked', 'unlinked'));
  delete from organisations.one_time_code where contact_id = any (ids)
    or contact_point_id = any (points) or replaces_id = any (points);
  delete from organisations.code_session where contact_id = any (ids)
    or contact_point_id = any (points);
  delete from organisations.import_image where contact_id = any (ids);
  delete from organisations.contact_contact_point where contact_id = any (ids);
  delete from organisations.contact where id = any (ids);
  -- Last: what was done above is noted in it by triggers.
  delete from organisations.change where contact_id = any (ids);
  delete from organisations.contact_point
  where id = any (points) and contacts = 0 and not kernel.is_held(id);
  return cardinality(ids);
end $function$
;
grant execute on function organisations.forget_left(timestamp with time zone,integer) to tocsin_worker;

CREATE OR REPLACE FUNCTION organisations.forget_unused_points()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  gone integer;
begin
  if kernel.is_on_legal_hold() then return 0; end if;
  delete from organisations.contact_point point
  where point.contacts = 0 and point.created_at < now() - interval '1 day'
    and not kernel.is_held(point.id)
    and point.id::text not in (select had.id from organisations.change
      join organisations.contact on contact.id = change.contact_id
      cross join lateral pg_catalog.jsonb_object_keys(change.fields) as had(id)
      where change.what in ('linked', 'unlinked'))
    and not exists (select from organisations.one_time_code code
      where point.id in (code.contact_point_id, code.replaces_id))
    and not exists (select from organisations.code_session session
      where session.contact_point_id = point.id);
  get diagnostics gone = row_count;
  return gone;
end $function$
;
grant execute on function organisations.forget_unused_points() to tocsin_worker;

CREATE OR REPLACE FUNCTION organisations.guard_import()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if new.approval_id is not null and not coalesce(
    identity.is_import_agreed(new.id, new.result ->> 'digest', new.approval_id), false)
  then
    raise exception 'a large import takes two persons' using errcode = 'restrict_violation';
  end if;
  return new;
end $function$
;
grant execute on function organisations.guard_import() to public;

CREATE OR REPLACE FUNCTION organisations.hold_contacts()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('organisations.held', 0));
  if kernel.is_anything_held() then
    perform kernel.hold_also(array_agg(added.organisation_id), array_agg(added.id), '{}')
    from added;
  end if;
  return null;
end $function$
;
grant execute on function organisations.hold_contacts() to public;

CREATE OR REPLACE FUNCTION organisations.hold_linked()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
 SET enable_seqscan TO 'off'
 SET enable_nestloop TO 'off'
AS $function$
declare
  links bigint;
  held bigint;
  limits text[] := organisations.see_all();
begin
  with locked as materialized (
    select contact.id from organisations.contact
    where contact.id = any (array(select distinct touched.contact_id from touched))
    for key share)
  select count(*), count(locked.id) into links, held
  from touched left join locked on locked.id = touched.contact_id;
  if held < links then
    raise foreign_key_violation using message = 'a link names no contact that there is',
      schema = 'organisations', table = 'contact_contact_point', constraint = 'link_of_contact';
  end if;
  with locked as materialized (
    select contact_point.id, contact_point.channel from organisations.contact_point
    where contact_point.id = any (array(select distinct touched.contact_point_id from touched))
    for key share)
  select count(locked.id) into held
  from touched left join locked
    on locked.id = touched.contact_point_id and locked.channel = touched.channel;
  if held < links then
    raise foreign_key_violation using message = 'a link names no contact point of its channel',
      schema = 'organisations', table = 'contact_contact_point',
      constraint = 'link_of_contact_point';
  end if;
  perform organisations.see_only(limits);
  return null;
end
$function$
;
grant execute on function organisations.hold_linked() to public;

CREATE OR REPLACE FUNCTION organisations.hold_links()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('organisations.held', 0));
  if kernel.is_anything_held() then
    perform kernel.hold_also(
      array_agg(added.contact_id), array_agg(point.id), array_agg(point.address_index))
    from added join organisations.contact_point point on point.id = added.contact_point_id;
  end if;
  return null;
end $function$
;
grant execute on function organisations.hold_links() to public;

CREATE OR REPLACE FUNCTION organisations.id_multirange()
 RETURNS organisations.id_multirange
 LANGUAGE internal
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$multirange_constructor0$function$
;
grant execute on function organisations.id_multirange() to public;

CREATE OR REPLACE FUNCTION organisations.id_multirange(organisations.id_range)
 RETURNS organisations.id_multirange
 LANGUAGE internal
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$multirange_constructor1$function$
;
grant execute on function organisations.id_multirange(organisations.id_range) to public;

CREATE OR REPLACE FUNCTION organisations.id_multirange(VARIADIC organisations.id_range[])
 RETURNS organisations.id_multirange
 LANGUAGE internal
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$multirange_constructor2$function$
;
grant execute on function organisations.id_multirange(organisations.id_range[]) to public;

CREATE OR REPLACE FUNCTION organisations.id_range(uuid, uuid)
 RETURNS organisations.id_range
 LANGUAGE internal
 IMMUTABLE PARALLEL SAFE
AS $function$range_constructor2$function$
;
grant execute on function organisations.id_range(uuid,uuid) to public;

CREATE OR REPLACE FUNCTION organisations.id_range(uuid, uuid, text)
 RETURNS organisations.id_range
 LANGUAGE internal
 IMMUTABLE PARALLEL SAFE
AS $function$range_constructor3$function$
;
grant execute on function organisations.id_range(uuid,uuid,text) to public;

CREATE OR REPLACE FUNCTION organisations.is_within(moment timestamp with time zone, weekday smallint, starts_at time without time zone, ends_at time without time zone, time_zone text)
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN CASE WHEN ((EXTRACT(isodow FROM (moment AT TIME ZONE time_zone)) = (weekday)::numeric) AND (((moment AT TIME ZONE time_zone))::time without time zone >= starts_at)) THEN ((ends_at <= starts_at) OR (((moment AT TIME ZONE time_zone))::time without time zone < ends_at)) ELSE ((ends_at <= starts_at) AND (EXTRACT(isodow FROM ((moment AT TIME ZONE time_zone) - '1 day'::interval)) = (weekday)::numeric) AND (((moment AT TIME ZONE time_zone))::time without time zone < ends_at)) END
;
grant execute on function organisations.is_within(timestamp with time zone,smallint,time without time zone,time without time zone,text) to public;

CREATE OR REPLACE FUNCTION organisations.keep_key()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  raise foreign_key_violation using message = 'its id and its channel stay as they are',
    schema = 'organisations', table = tg_table_name, constraint = 'link_of_' || tg_table_name;
end
$function$
;
grant execute on function organisations.keep_key() to public;

CREATE OR REPLACE FUNCTION organisations.keep_linked()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
 SET enable_seqscan TO 'off'
AS $function$
declare
  is_linked boolean;
  limits text[] := organisations.see_all();
begin
  if pg_catalog.current_setting('transaction_isolation') <> 'read committed' then
    raise feature_not_supported using
      message = 'a contact or a contact point is deleted where what is committed is read';
  end if;
  if tg_table_name = 'contact' then
    is_linked := exists (select from gone where (
      select true from organisations.contact_contact_point link
      where link.contact_id = gone.id limit 1));
  else
    is_linked := exists (select from gone where (
      select true from organisations.contact_contact_point link
      where link.contact_point_id = gone.id limit 1));
  end if;
  if is_linked then
    raise foreign_key_violation using message = 'it still has links', schema = 'organisations',
      table = 'contact_contact_point', constraint = 'link_of_' || tg_table_name;
  end if;
  perform organisations.see_only(limits);
  return null;
end
$function$
;
grant execute on function organisations.keep_linked() to public;

CREATE OR REPLACE FUNCTION organisations.name_key(name text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
begin
  return (
    select coalesce(
      pg_catalog.string_agg(part.word, ' ' order by part.word collate "C"), '')
    from pg_catalog.string_to_table(pg_catalog.translate(
      pg_catalog.lower(case when octet_length(name) = length(name) then name
        else pg_catalog.regexp_replace(pg_catalog.regexp_replace(
          normalize(name, NFD), '[\u0300-\u036f]', '', 'g'), '\s', ' ', 'g') end),
      E'.,;:\'’"()/_-\t\n\x0b\f\r', pg_catalog.repeat(' ', 17)), ' ') as part (word)
    where part.word <> '');
end
$function$
;
grant execute on function organisations.name_key(text) to public;

CREATE OR REPLACE FUNCTION organisations.note_contacts()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
 SET enable_nestloop TO 'off'
AS $function$
begin
  insert into organisations.change (organisation_id, contact_id, what, fields)
  select after.organisation_id, after.id, 'contact', fields.changed
  from after
  join before on before.id = after.id
  cross join lateral (
    select jsonb_object_agg(field.name, field.told) filter (where field.was <> field.now) as changed
    from (values
      ('name', before.name, after.name, jsonb_build_array(before.name, after.name)),
      ('kind', before.is_post::text, after.is_post::text,
        jsonb_build_array(before.is_post, after.is_post)),
      ('role', before.role, after.role, jsonb_build_array(before.role, after.role)),
      ('rank', before.rank::text, after.rank::text, jsonb_build_array(before.rank, after.rank)),
      ('reader_kind', before.reader_kind, after.reader_kind,
        jsonb_build_array(before.reader_kind, after.reader_kind)),
      ('language', before.language, after.language,
        jsonb_build_array(before.language, after.language)),
      ('active', before.active::text, after.active::text,
        jsonb_build_array(before.active, after.active))
    ) as field (name, was, now, told)
  ) fields
  where (before.name, before.is_post, before.role, before.rank, before.reader_kind, before.language,
      before.active)
    is distinct from (after.name, after.is_post, after.role, after.rank, after.reader_kind,
      after.language, after.active);
  return null;
end
$function$
;
grant execute on function organisations.note_contacts() to public;

CREATE OR REPLACE FUNCTION organisations.note_facts()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  insert into organisations.change (organisation_id, what, fields)
  select after.id, 'facts', fields.changed
  from after
  join before on before.id = after.id
  cross join lateral (
    select jsonb_object_agg(field.name, field.told)
      filter (where field.was is distinct from field.now) as changed
    from (values
      ('name', before.name, after.name, jsonb_build_array(before.name, after.name)),
      ('short_name', before.short_name, after.short_name,
        jsonb_build_array(before.short_name, after.short_name)),
      ('type', before.type, after.type, jsonb_build_array(before.type, after.type)),
      ('must_answer', before.must_answer::text, after.must_answer::text,
        jsonb_build_array(before.must_answer, after.must_answer)),
      ('region', before.region_code, after.region_code,
        jsonb_build_array(before.region_code, after.region_code)),
      ('system', before.system_code, after.system_code,
        jsonb_build_array(before.system_code, after.system_code)),
      ('address', concat_ws('|', before.address_lines::text, before.postcode),
        concat_ws('|', after.address_lines::text, after.postcode), 'null'::jsonb),
      ('telephone', before.telephone, after.telephone, 'null'::jsonb),
      ('position', concat_ws(' ', before.latitude, before.longitude),
        concat_ws(' ', after.latitude, after.longitude), 'null'::jsonb),
      ('serves', before.serves, after.serves, jsonb_build_array(before.serves, after.serves)),
      ('population', before.population::text, after.population::text,
        jsonb_build_array(before.population, after.population)),
      ('population_on', before.population_on::text, after.population_on::text,
        jsonb_build_array(before.population_on, after.population_on)),
      ('opened_on', before.opened_on::text, after.opened_on::text,
        jsonb_build_array(before.opened_on, after.opened_on)),
      ('closed_on', before.closed_on::text, after.closed_on::text,
        jsonb_build_array(before.closed_on, after.closed_on))
    ) as field (name, was, now, told)
  ) fields
  where fields.changed is not null;
  return null;
end
$function$
;
grant execute on function organisations.note_facts() to public;

CREATE OR REPLACE FUNCTION organisations.note_links()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  insert into organisations.change (organisation_id, contact_id, what, fields)
  select contact.organisation_id, contact.id,
    case tg_op when 'INSERT' then 'linked' else 'unlinked' end,
    jsonb_object_agg(touched.contact_point_id, touched.channel)
  from touched
  join organisations.contact on contact.id = touched.contact_id and contact.created_at < now()
  group by contact.id;
  return null;
end
$function$
;
grant execute on function organisations.note_links() to public;

CREATE OR REPLACE FUNCTION organisations.note_parents()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  insert into organisations.change (organisation_id, what, fields)
  select child.id, 'parent',
    jsonb_build_object(case tg_op when 'INSERT' then 'came' else 'went' end,
      jsonb_agg(jsonb_build_array(parent.code, touched.began_on, touched.ended_on)
        order by touched.began_on nulls first))
  from touched
  join organisations.organisation child on child.id = touched.child_id and child.created_at < now()
  join organisations.organisation parent on parent.id = touched.parent_id
  group by child.id;
  return null;
end
$function$
;
grant execute on function organisations.note_parents() to public;

CREATE OR REPLACE FUNCTION organisations.note_times()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  update organisations.contact set has_times = noted.has_times
  from (
    select touched.contact_id, exists (
        select from organisations.duty_hours hours where hours.contact_id = touched.contact_id)
      or exists (
        select from organisations.absence away where away.contact_id = touched.contact_id)
      as has_times
    from touched
  ) noted
  where contact.id = noted.contact_id and contact.has_times <> noted.has_times;
  return null;
end
$function$
;
grant execute on function organisations.note_times() to public;

CREATE OR REPLACE FUNCTION organisations.reachable_at(moment timestamp with time zone)
 RETURNS TABLE(organisation_id uuid, code text, short_name text, name text, type text, region_code text, system_code text, must_answer boolean, seat_id uuid, contact_id uuid, role text, rank smallint, reader_kind text, language text, contact_point_id uuid, channel text, in_use boolean, address_sealed bytea, passed_over boolean)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT organisation.organisation_id,
     organisation.code,
     organisation.short_name,
     organisation.name,
     organisation.type,
     organisation.region_code,
     organisation.system_code,
     organisation.must_answer,
     contact.id,
     contact.id,
     contact.role,
     contact.rank,
     contact.reader_kind,
     contact.language,
     link.contact_point_id,
     link.channel,
     (((link."position" = 1) <> ((link.contact_id, link.contact_point_id) IN ( SELECT swapped.contact_id,
             swapped.contact_point_id
            FROM organisations.v_swapped swapped))) AND (link.contact_point_id <> ALL (ARRAY( SELECT stopped.contact_point_id
            FROM dispatch.v_stopped stopped)))),
     contact_point.address_sealed,
     false
    FROM (((organisations.v_organisation organisation
      JOIN organisations.contact ON (((contact.organisation_id = organisation.organisation_id) AND contact.active AND (NOT contact.has_times))))
      JOIN organisations.contact_contact_point link ON (((link.contact_id = contact.id) AND (link.channel <> 'landline'::text))))
      JOIN organisations.contact_point ON ((contact_point.id = link.contact_point_id)))
 UNION ALL
  SELECT organisation.organisation_id,
     organisation.code,
     organisation.short_name,
     organisation.name,
     organisation.type,
     organisation.region_code,
     organisation.system_code,
     organisation.must_answer,
     contact.id,
     told.contact_id,
     contact.role,
     contact.rank,
     contact.reader_kind,
     told.language,
     link.contact_point_id,
     link.channel,
     (((link."position" = 1) <> ((told.contact_id, link.contact_point_id) IN ( SELECT swapped.contact_id,
             swapped.contact_point_id
            FROM organisations.v_swapped swapped))) AND (link.contact_point_id <> ALL (ARRAY( SELECT stopped.contact_point_id
            FROM dispatch.v_stopped stopped)))),
     contact_point.address_sealed,
     (told.is_off AND (EXISTS ( SELECT
            FROM ((organisations.contact other
              LEFT JOIN LATERAL organisations.seat_at(reachable_at.moment, other.id, other.has_times, other.texts, other.mails) other_seat(holder_id, language) ON (true))
              JOIN organisations.contact holder ON ((holder.id =
                 CASE
                     WHEN other.has_times THEN other_seat.holder_id
                     ELSE other.id
                 END)))
           WHERE ((other.organisation_id = contact.organisation_id) AND other.active AND (other.id <> contact.id) AND (other.rank <= contact.rank) AND (other.reader_kind = contact.reader_kind) AND (
                 CASE link.channel
                     WHEN 'text'::text THEN holder.texts
                     ELSE holder.mails
                 END > 0)))))
    FROM (((((organisations.v_organisation organisation
      JOIN organisations.contact ON (((contact.organisation_id = organisation.organisation_id) AND contact.active AND contact.has_times)))
      CROSS JOIN LATERAL organisations.seat_at(reachable_at.moment, contact.id, contact.has_times, contact.texts, contact.mails) seat(holder_id, language))
      CROSS JOIN LATERAL ( SELECT COALESCE(seat.holder_id, contact.id) AS contact_id,
             COALESCE(seat.language, contact.language) AS language,
             (seat.holder_id IS NULL) AS is_off
          OFFSET 0) told)
      CROSS JOIN LATERAL ( SELECT linked.contact_point_id,
             linked.channel,
             linked."position"
            FROM organisations.contact_contact_point linked
           WHERE ((linked.contact_id = told.contact_id) AND (linked.channel <> 'landline'::text))
          OFFSET 0) link)
      CROSS JOIN LATERAL ( SELECT point.address_sealed
            FROM organisations.contact_point point
           WHERE (point.id = link.contact_point_id)
          OFFSET 0) contact_point);
END
;
grant execute on function organisations.reachable_at(timestamp with time zone) to public;

CREATE OR REPLACE FUNCTION organisations.recount_links()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
 SET enable_seqscan TO 'off'
 SET enable_nestloop TO 'off'
AS $function$
declare
  limits text[] := organisations.see_all();
  changed uuid[] := array(select distinct touched.contact_id from touched);
  wrong uuid[];
begin
  select array_agg(contact.id) into wrong
  from organisations.contact
  left join (
    select link.contact_id, count(*) filter (where link.channel = 'text') as texts,
      count(*) filter (where link.channel = 'mail') as mails
    from organisations.contact_contact_point link where link.contact_id = any (changed)
    group by link.contact_id) counted on counted.contact_id = contact.id
  where contact.id = any (changed)
    and (contact.texts <> coalesce(counted.texts, 0)
      or contact.mails <> coalesce(counted.mails, 0));
  perform from organisations.contact where contact.id = any (wrong) order by id for no key update;
  update organisations.contact set (texts, mails) = (
    select count(*) filter (where link.channel = 'text'),
      count(*) filter (where link.channel = 'mail')
    from organisations.contact_contact_point link where link.contact_id = contact.id)
  where contact.id = any (wrong);
  changed := array(select distinct touched.contact_point_id from touched);
  select array_agg(point.id) into wrong
  from organisations.contact_point point
  left join (
    select link.contact_point_id, count(*) as contacts
    from organisations.contact_contact_point link where link.contact_point_id = any (changed)
    group by link.contact_point_id) counted on counted.contact_point_id = point.id
  where point.id = any (changed) and point.contacts <> coalesce(counted.contacts, 0);
  perform from organisations.contact_point
  where contact_point.id = any (wrong) order by id for no key update;
  update organisations.contact_point set contacts = (
    select count(*) from organisations.contact_contact_point link
    where link.contact_point_id = contact_point.id)
  where contact_point.id = any (wrong);
  perform organisations.see_only(limits);
  return null;
end
$function$
;
grant execute on function organisations.recount_links() to public;

CREATE OR REPLACE FUNCTION organisations.remove_contacts(ids uuid[])
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  one uuid;
begin
  begin
    delete from organisations.contact_contact_point where contact_id = any (ids);
    delete from organisations.contact where id = any (ids);
    return;
  exception when foreign_key_violation then null;
  end;
  foreach one in array ids loop
    begin
      delete from organisations.contact_contact_point where contact_id = one;
      delete from organisations.contact where id = one;
    exception when foreign_key_violation then return next one;
    end;
  end loop;
end
$function$
;
grant execute on function organisations.remove_contacts(uuid[]) to public;

CREATE OR REPLACE FUNCTION organisations.remove_organisations(codes text[])
 RETURNS SETOF text
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  one text;
begin
  -- Whom one of them stands below may be one of them too.
  delete from organisations.parenthood where child_id in (
    select id from organisations.organisation where code = any (codes));
  begin
    delete from organisations.organisation where code = any (codes);
    return;
  exception when foreign_key_violation then null;
  end;
  foreach one in array codes loop
    begin
      delete from organisations.organisation where code = one;
    exception when foreign_key_violation then return next one;
    end;
  end loop;
end
$function$
;
grant execute on function organisations.remove_organisations(text[]) to public;

CREATE OR REPLACE FUNCTION organisations.seat_at(moment timestamp with time zone, contact_id uuid, has_times boolean, texts smallint, mails smallint)
 RETURNS TABLE(holder_id uuid, language text)
 LANGUAGE sql
 STABLE PARALLEL SAFE
BEGIN ATOMIC
 SELECT
         CASE
             WHEN away.is_away THEN cover.id
             WHEN ((NOT (EXISTS ( SELECT
                FROM organisations.duty_hours hours
               WHERE (hours.contact_id = seat_at.contact_id)))) OR (EXISTS ( SELECT
                FROM organisations.duty_hours hours
               WHERE ((hours.contact_id = seat_at.contact_id) AND organisations.is_within(seat_at.moment, hours.weekday, hours.starts_at, hours.ends_at, hours.time_zone))))) THEN seat_at.contact_id
             ELSE NULL::uuid
         END AS "case",
     cover.language
    FROM (( SELECT (EXISTS ( SELECT
                    FROM organisations.absence
                   WHERE ((absence.contact_id = seat_at.contact_id) AND (absence.starts_at <= seat_at.moment) AND (absence.ends_at > seat_at.moment)))) AS is_away) away
      LEFT JOIN LATERAL ( SELECT standing_in.id,
             standing_in.language
            FROM (organisations.absence
              JOIN organisations.contact standing_in ON (((standing_in.id = absence.cover_id) AND standing_in.active AND ((standing_in.texts > 0) OR (seat_at.texts = 0)) AND ((standing_in.mails > 0) OR (seat_at.mails = 0)))))
           WHERE ((absence.contact_id = seat_at.contact_id) AND (absence.starts_at <= seat_at.moment) AND (absence.ends_at > seat_at.moment) AND (NOT (EXISTS ( SELECT
                    FROM organisations.absence other
                   WHERE ((other.contact_id = standing_in.id) AND (other.starts_at <= seat_at.moment) AND (other.ends_at > seat_at.moment))))))
           ORDER BY absence.starts_at, absence.id
          LIMIT 1) cover ON (away.is_away))
   WHERE seat_at.has_times;
END
;
grant execute on function organisations.seat_at(timestamp with time zone,uuid,boolean,smallint,smallint) to public;

CREATE OR REPLACE FUNCTION organisations.see_all()
 RETURNS text[]
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  limits text[] := array[kernel.reach(),
    pg_catalog.current_setting('tocsin.directory_regions', true)];
begin
  perform pg_catalog.set_config('tocsin.reach', 'centre', true),
    pg_catalog.set_config('tocsin.directory_regions', '', true);
  return limits;
end
$function$
;
grant execute on function organisations.see_all() to public;

CREATE OR REPLACE FUNCTION organisations.see_only(limits text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  perform pg_catalog.set_config('tocsin.reach', limits[1], true),
    pg_catalog.set_config('tocsin.directory_regions', coalesce(limits[2], ''), true);
end
$function$
;
grant execute on function organisations.see_only(text[]) to public;

CREATE OR REPLACE FUNCTION organisations.shows_contact(id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE COST 1
 SET search_path TO ''
AS $function$
begin
  return exists (select from organisations.contact shown where shown.id = shows_contact.id);
end $function$
;
grant execute on function organisations.shows_contact(uuid) to public;

CREATE OR REPLACE FUNCTION organisations.shows_organisation(id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE COST 1
 SET search_path TO ''
AS $function$
begin
  return exists (select from organisations.organisation shown
    where shown.id = shows_organisation.id);
end $function$
;
grant execute on function organisations.shows_organisation(uuid) to public;

CREATE OR REPLACE FUNCTION organisations.shows_point(id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE COST 1
 SET search_path TO ''
AS $function$
begin
  return exists (select from organisations.contact_contact_point shown
    where shown.contact_point_id = shows_point.id);
end $function$
;
grant execute on function organisations.shows_point(uuid) to public;

CREATE OR REPLACE FUNCTION organisations.stop_points()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if exists (select from kernel.cut_off where cut_off.lifted_at is null) then
    perform dispatch.stop(array(
      select added.id from added
      where added.channel = 'mail'
        and added.domain = any (array(select cut.domain from organisations.v_cut_off_domain cut))));
  end if;
  return null;
end $function$
;
grant execute on function organisations.stop_points() to public;

CREATE OR REPLACE FUNCTION responses.forget_notes(older_than timestamp with time zone, most integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  answers integer;
  calls integer;
  outcomes integer;
begin
  if older_than > now() - interval '30 days' then
    raise exception 'what is younger than thirty days is kept' using errcode = 'restrict_violation';
  end if;
  if kernel.is_on_legal_hold() then return 0; end if;
  update responses.answer set note = null where id = any (array(
    select id from responses.answer where at < older_than and note is not null
      and not kernel.is_held(organisation_id, contact_point_id) limit most));
  get diagnostics answers = row_count;
  update responses.call_attempt set note = null where id = any (array(
    select id from responses.call_attempt where at < older_than and note is not null
      and not kernel.is_held(organisation_id, contact_point_id) limit most));
  get diagnostics calls = row_count;
  update responses.desk_item set outcome = null where id = any (array(
    select id from responses.desk_item
    where closed_at < older_than and outcome is not null
      and not kernel.is_held(organisation_id, contact_point_id) limit most));
  get diagnostics outcomes = row_count;
  return answers + calls + outcomes;
end $function$
;
grant execute on function responses.forget_notes(timestamp with time zone,integer) to tocsin_worker;

create view alerts.v_alone with (security_invoker=true) as
 SELECT alone.alert_id,
    alert.number AS alert_number,
    version.title,
    alone.at,
    alone.by_name,
    alone.review_due_at,
    alone.reviewed_at,
    alone.reviewed_by_name,
    alone.finding
   FROM alerts.alone alone
     JOIN alerts.alert alert ON alert.id = alone.alert_id
     JOIN alerts.v_words version ON version.alert_id = alert.id AND (version.state = ANY (ARRAY['released'::text, 'closed'::text]));
grant select on alerts.v_alone to tocsin_web;
grant select on alerts.v_alone to tocsin_worker;

create view alerts.v_announcement with (security_invoker=true) as
 SELECT announcement.id,
    announcement.alert_id,
    alert.number AS alert_number,
    version.title,
    announcement.what,
    announcement.at,
    announcement.by_name,
    alert.exercise
   FROM alerts.announcement announcement
     JOIN alerts.alert alert ON alert.id = announcement.alert_id
     JOIN alerts.v_words version ON version.alert_id = alert.id AND (version.state = ANY (ARRAY['released'::text, 'closed'::text]));
grant select on alerts.v_announcement to tocsin_web;
grant select on alerts.v_announcement to tocsin_worker;

create view alerts.v_dispatched with (security_invoker=true) as
 SELECT version.alert_id,
    version.id AS version_id,
    sent.dispatch_id,
    sent.kind,
    version.marking,
    version.asks_again,
    version.severity,
    version.model_version,
    version.released_at
   FROM alerts.submission submission
     JOIN alerts.version version ON version.id = submission.version_id
     CROSS JOIN LATERAL ( VALUES (submission.dispatch_id,
                CASE version.kind
                    WHEN 'withdrawal'::text THEN version.kind
                    ELSE 'first'::text
                END), (submission.correction_dispatch_id,version.kind), (submission.closing_dispatch_id,'closing'::text)) sent(dispatch_id, kind)
  WHERE submission.state = 'released'::text AND sent.dispatch_id IS NOT NULL;
grant select on alerts.v_dispatched to tocsin_web;
grant select on alerts.v_dispatched to tocsin_worker;

create view alerts.v_live with (security_invoker=true) as
 SELECT alert.id AS alert_id,
    alert.number,
    version.id AS version_id,
    version.severity,
    version.marking,
    version.next_update_at,
    version.model_version,
    version.state,
    version.released_at,
    version.closed_at,
    submission.id AS submission_id,
    submission.dispatch_id,
    submission.correction_dispatch_id,
    version.number AS version_number,
    version.kind,
    version.asks_again,
    version.asked_at,
    version.clear_line,
    submission.owned_by_name,
    submission.submitted_at,
    submission.submitted_by_name,
    submission.decided_at,
    submission.decided_by_name,
    alert.exercise,
    version.asked_at + submission.call_list_after AS call_list_at
   FROM alerts.alert alert
     JOIN alerts.version version ON version.alert_id = alert.id AND (version.state = ANY (ARRAY['released'::text, 'closed'::text]))
     JOIN alerts.submission submission ON submission.version_id = version.id AND submission.state = 'released'::text;
grant select on alerts.v_live to tocsin_web;
grant select on alerts.v_live to tocsin_worker;

create view alerts.v_recipient with (security_invoker=true) as
 SELECT submission.dispatch_id,
    submission.correction_dispatch_id,
    version.alert_id,
    recipient.organisation_id,
    recipient.code,
    recipient.short_name,
    recipient.must_answer
   FROM alerts.recipient recipient
     JOIN alerts.submission submission ON submission.id = recipient.submission_id AND submission.state = 'released'::text
     JOIN alerts.version version ON version.id = submission.version_id AND (version.state = ANY (ARRAY['released'::text, 'closed'::text]));
grant select on alerts.v_recipient to tocsin_web;
grant select on alerts.v_recipient to tocsin_worker;

create view alerts.v_returned with (security_invoker=true) as
 SELECT alert.id AS alert_id,
    alert.number AS alert_number,
    version.title,
    alert.exercise,
    submission.decided_by_name,
    submission.decided_at,
        CASE
            WHEN version.marking = ANY (kernel.actor_markings()) THEN submission.return_reason
            ELSE ''::text
        END AS return_reason
   FROM alerts.submission submission
     JOIN alerts.v_words version ON version.id = submission.version_id AND version.state = 'draft'::text
     JOIN alerts.alert alert ON alert.id = version.alert_id
  WHERE submission.state = 'returned'::text AND NOT (EXISTS ( SELECT
           FROM alerts.submission later
          WHERE later.version_id = version.id AND later.submitted_at > submission.submitted_at));
grant select on alerts.v_returned to tocsin_web;
grant select on alerts.v_returned to tocsin_worker;

create view alerts.v_rules_move with (security_invoker=true) as
 SELECT version.alert_id,
    move.version_id,
    move.moved_at,
    move.model_version_before
   FROM alerts.rules_move move
     JOIN alerts.version version ON version.id = move.version_id;
grant select on alerts.v_rules_move to tocsin_web;
grant select on alerts.v_rules_move to tocsin_worker;

create view alerts.v_sent with (security_invoker=true) as
 SELECT version.alert_id,
    sent.dispatch_id
   FROM alerts.submission submission
     JOIN alerts.version version ON version.id = submission.version_id
     CROSS JOIN LATERAL ( VALUES (submission.dispatch_id), (submission.correction_dispatch_id)) sent(dispatch_id)
  WHERE submission.state = 'released'::text AND sent.dispatch_id IS NOT NULL;
grant select on alerts.v_sent to tocsin_web;
grant select on alerts.v_sent to tocsin_worker;

create view alerts.v_version with (security_invoker=true) as
 SELECT version.alert_id,
    alert.number AS alert_number,
    version.id AS version_id,
    version.number,
    version.kind,
    version.severity,
    version.marking,
    version.next_update_at,
    version.asks_again,
    version.state,
    version.released_at,
    version.closed_at,
    submission.dispatch_id,
    submission.correction_dispatch_id,
    alert.exercise
   FROM alerts.version version
     JOIN alerts.alert alert ON alert.id = version.alert_id
     JOIN alerts.submission submission ON submission.version_id = version.id AND submission.state = 'released'::text
  WHERE version.released_at IS NOT NULL;
grant select on alerts.v_version to tocsin_web;
grant select on alerts.v_version to tocsin_worker;

create view alerts.v_waiting with (security_invoker=true) as
 SELECT alert.id AS alert_id,
    alert.number AS alert_number,
    version.title,
    version.severity,
    submission.submitted_by_name,
    submission.submitted_at,
    alert.exercise
   FROM alerts.submission submission
     JOIN alerts.v_words version ON version.id = submission.version_id
     JOIN alerts.alert alert ON alert.id = version.alert_id
  WHERE submission.state = 'waiting'::text;
grant select on alerts.v_waiting to tocsin_web;
grant select on alerts.v_waiting to tocsin_worker;

create view alerts.v_words with (security_invoker=true) as
 SELECT version.id,
    version.alert_id,
    version.number,
    version.kind,
    version.state,
    version.revision,
    version.severity,
    version.marking,
    version.clear_line,
    version.next_update_at,
    version.audience,
    version.asks_again,
    version.model_version,
    version.updated_at,
    version.released_at,
    version.asked_at,
    version.closed_at,
    COALESCE(words.title, ('Words marked TLP:'::text || version.marking) || ' need a passkey'::text) AS title,
    COALESCE(words.what, ''::text) AS what,
    COALESCE(words.do_now, ''::text) AS do_now,
    COALESCE(words.if_acted, ''::text) AS if_acted,
    COALESCE(words.not_known, ''::text) AS not_known,
    COALESCE(words.body, ''::text) AS body,
    words.own_text,
    COALESCE(words.reader_words, '{}'::jsonb) AS reader_words,
    COALESCE(words.content, '{}'::jsonb) AS content,
    words.kev
   FROM alerts.version version
     LEFT JOIN alerts.words words ON words.version_id = version.id;
grant select on alerts.v_words to tocsin_web;
grant select on alerts.v_words to tocsin_worker;

create view audit.v_entry with (security_invoker=true) as
 SELECT id,
    at,
    actor_kind,
    actor_id,
    action,
    subject_kind,
    subject_id,
    detail
   FROM audit.entry;
grant select on audit.v_entry to tocsin_web;
grant select on audit.v_entry to tocsin_worker;

create view dispatch.v_addressee with (security_invoker=true) as
 SELECT dispatch_id,
    contact_point_id,
    channel,
    round,
    rank,
    address_sealed,
    array_prepend(organisation_id, ARRAY( SELECT credit.organisation_id
           FROM dispatch.message_credit credit
          WHERE credit.message_id = message.id)) AS organisation_ids
   FROM dispatch.message message
  WHERE organisation_id IS NOT NULL;
grant select on dispatch.v_addressee to tocsin_web;
grant select on dispatch.v_addressee to tocsin_worker;

create view dispatch.v_alarm with (security_invoker=true) as
 SELECT alarm.kind,
    alarm.message_id,
    message.dispatch_id,
    alarm.gateway_id,
    alarm.raised_at
   FROM dispatch.alarm alarm
     JOIN dispatch.message message ON message.id = alarm.message_id;
grant select on dispatch.v_alarm to tocsin_web;
grant select on dispatch.v_alarm to tocsin_worker;

create view dispatch.v_auditor with (security_invoker=true) as
 SELECT begun_at,
    ended_at,
    took_ms
   FROM dispatch.auditor;
grant select on dispatch.v_auditor to tocsin_web;
grant select on dispatch.v_auditor to tocsin_worker;

create view dispatch.v_claimed with (security_invoker=true) as
 SELECT dispatch_id,
    channel,
    round,
    home_gateway_id,
    gateway_id
   FROM dispatch.message
  WHERE state = 'claimed'::text AND lease_until > '-infinity'::timestamp with time zone;
grant select on dispatch.v_claimed to tocsin_web;
grant select on dispatch.v_claimed to tocsin_worker;

create view dispatch.v_continuity with (security_invoker=true) as
 SELECT held_since,
    held_reason,
    looked_at,
    replica_away_since,
    alone_since,
    alone_reason
   FROM dispatch.continuity;
grant select on dispatch.v_continuity to tocsin_web;
grant select on dispatch.v_continuity to tocsin_worker;

create view dispatch.v_credit with (security_invoker=true) as
 SELECT message.organisation_id,
    message.id AS message_id,
    message.dispatch_id,
    message.channel,
    message.round,
    message.state,
    message.accepted_at,
    message.final_at,
    message.rank
   FROM dispatch.message message
  WHERE message.organisation_id IS NOT NULL
UNION ALL
 SELECT credit.organisation_id,
    message.id AS message_id,
    message.dispatch_id,
    message.channel,
    message.round,
    message.state,
    message.accepted_at,
    message.final_at,
    message.rank
   FROM dispatch.message_credit credit
     JOIN dispatch.message message ON message.id = credit.message_id;
grant select on dispatch.v_credit to tocsin_web;
grant select on dispatch.v_credit to tocsin_worker;

create view dispatch.v_dispatch with (security_invoker=true) as
 SELECT id,
    label,
    lane,
    exercise,
    state,
    epoch,
    released_at,
    ended_at,
    pause_reason
   FROM dispatch.dispatch;
grant select on dispatch.v_dispatch to tocsin_web;
grant select on dispatch.v_dispatch to tocsin_worker;

create view dispatch.v_gateway with (security_invoker=true) as
 SELECT gateway.id,
    gateway.kind,
    gateway.channel,
    gateway.can_be_asked,
    gateway.deduplicates,
    gateway.takes_replies,
    gateway.limits_validity,
    gateway.receipts,
    gateway.removed_at,
    gateway.weight,
    gateway.enabled,
    breaker.state AS breaker_state,
    breaker.reason AS breaker_reason,
    breaker.changed_at AS breaker_changed_at,
    breaker.retry_at AS breaker_retry_at,
    breaker.shift,
    gateway.last_proven_at,
    gateway.last_failure_at,
    gateway.last_failure_code,
    bucket.id AS bucket_id,
    bucket.rate_per_second,
    bucket.burst,
    dispatch.tokens_at(bucket.*, now()) AS tokens,
    dispatch.paused_until(bucket.*, now()) AS paused_until,
        CASE
            WHEN dispatch.paused_until(bucket.*, now()) IS NOT NULL THEN bucket.pause_reason
            ELSE NULL::text
        END AS pause_reason
   FROM dispatch.gateway gateway
     JOIN dispatch.bucket bucket ON bucket.id = gateway.bucket_id
     JOIN dispatch.breaker breaker ON breaker.gateway_id = gateway.id;
grant select on dispatch.v_gateway to tocsin_web;
grant select on dispatch.v_gateway to tocsin_worker;

create view dispatch.v_gateway_hour with (security_invoker=true) as
 SELECT gateway_id,
    sum(accepted) AS accepted,
    sum(rejected) AS rejected,
    sum(unknown) AS unknown,
    sum(failed) AS failed
   FROM dispatch.tally
  WHERE at > (now() - '01:00:00'::interval) AND dispatch_id IS NOT NULL
  GROUP BY gateway_id;
grant select on dispatch.v_gateway_hour to tocsin_web;
grant select on dispatch.v_gateway_hour to tocsin_worker;

create view dispatch.v_in_credit with (security_invoker=true) as
 SELECT message_id,
    organisation_id
   FROM dispatch.message_credit;
grant insert, select on dispatch.v_in_credit to tocsin_web;
grant insert, select on dispatch.v_in_credit to tocsin_worker;

create view dispatch.v_in_recipient with (security_invoker=true, check_option=local) as
 SELECT id,
    dispatch_id,
    contact_point_id,
    organisation_id,
    channel,
    round,
    rank,
    code,
    subject,
    body,
    address_sealed
   FROM dispatch.message
  WHERE state = 'held'::text;
grant insert, select on dispatch.v_in_recipient to tocsin_web;
grant insert, select on dispatch.v_in_recipient to tocsin_worker;

create view dispatch.v_invariant with (security_invoker=true) as
 SELECT id,
    holds,
    mend,
    checked_at,
    breaches,
    sample,
    broken_since,
    last_broken_at
   FROM dispatch.invariant;
grant select on dispatch.v_invariant to tocsin_web;
grant select on dispatch.v_invariant to tocsin_worker;

create view dispatch.v_ledger with (security_invoker=true) as
 WITH history AS MATERIALIZED (
         SELECT dispatch.history_is_whole() AS is_whole
        )
 SELECT dispatch.id AS dispatch_id,
    kept.dispatch_id IS NOT NULL OR ( SELECT history.is_whole
           FROM history) AS history_is_whole,
    COALESCE(kept.messages, messages.total) AS messages,
    COALESCE(kept.messages_gone, messages.gone) AS messages_gone,
    COALESCE(kept.messages_unknown, messages.unknown) AS messages_unknown,
        CASE
            WHEN kept.dispatch_id IS NULL THEN messages.waiting
            ELSE 0::bigint
        END AS messages_waiting,
    COALESCE(kept.messages_never_sent, messages.never_sent) AS messages_never_sent,
    COALESCE(kept.organisations, organisations.total) AS organisations,
    COALESCE(kept.organisations_gone, organisations.gone) AS organisations_gone,
    COALESCE(kept.organisations_unknown, organisations.unknown) AS organisations_unknown,
        CASE
            WHEN kept.dispatch_id IS NULL THEN organisations.waiting
            ELSE 0::bigint
        END AS organisations_waiting,
    COALESCE(kept.organisations_never_sent, organisations.never_sent) AS organisations_never_sent
   FROM dispatch.dispatch dispatch
     LEFT JOIN dispatch.kept_ledger kept ON kept.dispatch_id = dispatch.id
     CROSS JOIN LATERAL ( SELECT count(*) AS total,
            count(*) FILTER (WHERE parts.part = 1) AS gone,
            count(*) FILTER (WHERE parts.part = 2) AS unknown,
            count(*) FILTER (WHERE parts.part = 3) AS waiting,
            count(*) FILTER (WHERE parts.part = 4) AS never_sent
           FROM ( SELECT dispatch.ledger_part(message.state, dispatch.state, ( SELECT history.is_whole
                           FROM history)) AS part
                   FROM dispatch.message message
                  WHERE message.dispatch_id = dispatch.id) parts) messages
     CROSS JOIN LATERAL ( SELECT count(*) AS total,
            count(*) FILTER (WHERE standings.part = 1) AS gone,
            count(*) FILTER (WHERE standings.part = 2) AS unknown,
            count(*) FILTER (WHERE standings.part = 3) AS waiting,
            count(*) FILTER (WHERE standings.part = 4) AS never_sent
           FROM ( SELECT credited.organisation_id,
                    min(credited.part) AS part
                   FROM ( SELECT message.organisation_id,
                            dispatch.ledger_part(message.state, dispatch.state, ( SELECT history.is_whole
                                   FROM history)) AS part
                           FROM dispatch.message message
                          WHERE message.dispatch_id = dispatch.id AND message.organisation_id IS NOT NULL
                        UNION ALL
                         SELECT credit.organisation_id,
                            dispatch.ledger_part(message.state, dispatch.state, ( SELECT history.is_whole
                                   FROM history)) AS ledger_part
                           FROM dispatch.message message
                             JOIN dispatch.message_credit credit ON credit.message_id = message.id
                          WHERE message.dispatch_id = dispatch.id) credited
                  GROUP BY credited.organisation_id) standings) organisations;
grant select on dispatch.v_ledger to tocsin_web;
grant select on dispatch.v_ledger to tocsin_worker;

create view dispatch.v_ledger_credit with (security_invoker=true) as
 WITH history AS MATERIALIZED (
         SELECT dispatch.history_is_whole() AS is_whole
        )
 SELECT credit.dispatch_id,
    credit.organisation_id,
    credit.message_id,
    dispatch.ledger_part(credit.state, dispatch.state, ( SELECT history.is_whole
           FROM history)) AS part
   FROM dispatch.v_credit credit
     JOIN dispatch.dispatch dispatch ON dispatch.id = credit.dispatch_id;
grant select on dispatch.v_ledger_credit to tocsin_web;
grant select on dispatch.v_ledger_credit to tocsin_worker;

create view dispatch.v_message with (security_invoker=true) as
 SELECT id,
    dispatch_id,
    contact_point_id,
    channel,
    round,
    rank,
    code,
    state,
    due_at,
    attempt,
    home_gateway_id,
    gateway_id,
    accepted_at,
    final_at,
    failure_code
   FROM dispatch.message;
grant select on dispatch.v_message to tocsin_web;
grant select on dispatch.v_message to tocsin_worker;

create view dispatch.v_reply with (security_invoker=true) as
 SELECT id,
    address_sealed,
    content_sealed,
    received_at
   FROM dispatch.reply_inbox;
grant select on dispatch.v_reply to tocsin_web;
grant select on dispatch.v_reply to tocsin_worker;

create view dispatch.v_round with (security_invoker=true) as
 SELECT dispatch_id,
    round,
    opens_after,
    opens_at,
    opened_at,
    reminds
   FROM dispatch.round;
grant select on dispatch.v_round to tocsin_web;
grant select on dispatch.v_round to tocsin_worker;

create view dispatch.v_single with (security_invoker=true) as
 SELECT id,
    contact_point_id,
    channel,
    state,
    due_at,
    COALESCE(final_at, accepted_at) AS ended_at,
    rule,
    rule_version,
    rule_fact
   FROM dispatch.message
  WHERE rule IS NOT NULL;
grant select on dispatch.v_single to tocsin_web;
grant select on dispatch.v_single to tocsin_worker;

create view dispatch.v_stopped with (security_invoker=true) as
 SELECT contact_point_id,
    stopped_at
   FROM dispatch.stopped;
grant select on dispatch.v_stopped to tocsin_web;
grant select on dispatch.v_stopped to tocsin_worker;

create view dispatch.v_text with (security_invoker=true) as
 SELECT id,
    dispatch_id,
    organisation_id,
    channel,
    round,
    code,
    subject,
    body
   FROM dispatch.message;
grant select on dispatch.v_text to tocsin_web;
grant select on dispatch.v_text to tocsin_worker;

create view dispatch.v_uncertain with (security_invoker=true) as
 SELECT message.id AS message_id,
    message.dispatch_id,
    message.organisation_id,
    message.channel,
    message.round,
    message.gateway_id,
    message.attempt,
    attempt.claimed_at AS requested_at,
    attempt.claimed_at + dispatch.uncertain_after AS uncertain_since
   FROM dispatch.message message
     JOIN dispatch.dispatch dispatch ON dispatch.id = message.dispatch_id
     JOIN dispatch.attempt attempt ON attempt.message_id = message.id AND attempt.number = message.attempt AND attempt.gateway_id = message.gateway_id AND attempt.epoch = (( SELECT max(other.epoch) AS max
           FROM dispatch.attempt other
          WHERE other.message_id = attempt.message_id AND other.number = attempt.number))
  WHERE message.state = 'unknown'::text AND (dispatch.state = ANY (ARRAY['sending'::text, 'paused'::text])) AND (attempt.claimed_at + dispatch.uncertain_after) <= now();
grant select on dispatch.v_uncertain to tocsin_web;
grant select on dispatch.v_uncertain to tocsin_worker;

create view identity.v_person with (security_invoker=true) as
 SELECT id,
    name,
    active
   FROM identity.person;
grant select on identity.v_person to tocsin_web;
grant select on identity.v_person to tocsin_worker;

create view identity.v_second_person with (security_invoker=true) as
 SELECT approval.requested_at AS proposed_at,
    approval.expires_at
   FROM identity.proposed_change change
     JOIN identity.approval ON approval.id = change.approval_id
  WHERE approval.state = 'requested'::text
UNION ALL
 SELECT request.asked_at AS proposed_at,
    request.expires_at
   FROM identity.role_request request
  WHERE request.state = 'asked'::text
UNION ALL
 SELECT link.created_at AS proposed_at,
    link.expires_at
   FROM identity.sign_in_link link
  WHERE link.recovers AND link.confirmed_at IS NULL AND link.used_at IS NULL;
grant select on identity.v_second_person to tocsin_web;
grant select on identity.v_second_person to tocsin_worker;

create view identity.v_woken with (security_invoker=true) as
 SELECT woken.kind,
    woken.subject_id,
    woken.due_at,
    woken.step,
    person.name,
    woken.at
   FROM identity.woken
     JOIN identity.person ON person.id = woken.person_id;
grant select on identity.v_woken to tocsin_web;
grant select on identity.v_woken to tocsin_worker;

create view operating_model.v_waiting with (security_invoker=true) as
 SELECT proposed_by_name,
    proposed_at,
    reason
   FROM operating_model.proposal
  WHERE state = 'waiting'::text;
grant select on operating_model.v_waiting to tocsin_web;
grant select on operating_model.v_waiting to tocsin_worker;

create view organisations.v_contact_point_owner with (security_invoker=true) as
 SELECT DISTINCT link.contact_point_id,
    organisation.short_name
   FROM organisations.contact_contact_point link
     JOIN organisations.contact ON contact.id = link.contact_id
     JOIN organisations.organisation ON organisation.id = contact.organisation_id;
grant select on organisations.v_contact_point_owner to tocsin_web;
grant select on organisations.v_contact_point_owner to tocsin_worker;

create view organisations.v_cut_off with (security_invoker=true) as
 SELECT organisation_id,
    since,
    cut_by_name
   FROM kernel.cut_off
  WHERE lifted_at IS NULL;
grant select on organisations.v_cut_off to tocsin_web;
grant select on organisations.v_cut_off to tocsin_worker;

create view organisations.v_cut_off_domain with (security_invoker=true) as
 SELECT DISTINCT domain.name AS domain
   FROM kernel.cut_off
     CROSS JOIN LATERAL unnest(cut_off.domains) domain(name)
  WHERE cut_off.lifted_at IS NULL;
grant select on organisations.v_cut_off_domain to tocsin_web;
grant select on organisations.v_cut_off_domain to tocsin_worker;

create view organisations.v_failing with (security_invoker=true) as
 SELECT contact_point.id AS contact_point_id,
    failed.failures,
    failed.failed_at
   FROM ( SELECT message.contact_point_id,
            count(*)::integer AS failures,
            max(message.final_at) AS failed_at
           FROM dispatch.v_message message
          WHERE (message.state = ANY (ARRAY['undelivered'::text, 'rejected'::text])) AND message.final_at > (now() - '180 days'::interval) AND NOT (EXISTS ( SELECT
                   FROM dispatch.v_dispatch dispatch
                     CROSS JOIN LATERAL ( SELECT other.final_at
                           FROM dispatch.v_message other
                          WHERE other.dispatch_id = dispatch.id AND other.contact_point_id = message.contact_point_id AND other.state = 'delivered'::text AND other.final_at > message.final_at
                         OFFSET 0) arrived))
          GROUP BY message.contact_point_id) failed
     JOIN organisations.contact_point ON contact_point.id = failed.contact_point_id
  WHERE COALESCE(failed.failed_at > contact_point.proven_at, true) AND (contact_point.channel = 'mail'::text OR failed.failures > 1);
grant select on organisations.v_failing to tocsin_web;
grant select on organisations.v_failing to tocsin_worker;

create view organisations.v_follower with (security_invoker=true) as
 WITH RECURSIVE handed AS (
         SELECT part.predecessor_id,
            part.successor_id,
            succession.on_date
           FROM organisations.succession_part part
             JOIN organisations.succession ON succession.id = part.succession_id
          WHERE succession.state = 'applied'::text AND part.predecessor_id <> part.successor_id
        ), follower AS (
         SELECT handed.predecessor_id,
            handed.successor_id,
            handed.on_date
           FROM handed
        UNION
         SELECT follower_1.predecessor_id,
            handed.successor_id,
            GREATEST(follower_1.on_date, handed.on_date) AS "greatest"
           FROM follower follower_1
             JOIN handed ON handed.predecessor_id = follower_1.successor_id
        )
 SELECT predecessor.code,
    successor.code AS successor_code,
    follower.on_date
   FROM follower
     JOIN organisations.organisation predecessor ON predecessor.id = follower.predecessor_id
     JOIN organisations.organisation successor ON successor.id = follower.successor_id;
grant select on organisations.v_follower to tocsin_web;
grant select on organisations.v_follower to tocsin_worker;

create view organisations.v_known_organisation with (security_invoker=true) as
 SELECT id AS organisation_id,
    code,
    short_name,
    name,
    type,
    region_code,
    system_code,
    telephone
   FROM organisations.organisation;
grant select on organisations.v_known_organisation to tocsin_web;
grant select on organisations.v_known_organisation to tocsin_worker;

create view organisations.v_legal_hold with (security_invoker=true) as
 SELECT hold.id,
    hold.held_kind,
    hold.held_id,
    hold.reason,
    hold.review_on,
    hold.put_at,
    hold.put_by_name,
    contact.name AS contact_name,
    organisation.id AS organisation_id,
    organisation.name AS organisation_name
   FROM kernel.legal_hold hold
     LEFT JOIN organisations.contact ON contact.id = hold.held_id
     LEFT JOIN organisations.organisation ON organisation.id = hold.held_id OR organisation.id = contact.organisation_id
  WHERE hold.lifted_at IS NULL;
grant select on organisations.v_legal_hold to tocsin_web;
grant select on organisations.v_legal_hold to tocsin_worker;

create view organisations.v_organisation with (security_invoker=true) as
 SELECT id AS organisation_id,
    code,
    short_name,
    name,
    type,
    region_code,
    system_code,
    must_answer,
    telephone
   FROM organisations.organisation
  WHERE (opened_on IS NULL OR opened_on <= (( SELECT kernel.today() AS today))) AND (closed_on IS NULL OR closed_on >= (( SELECT kernel.today() AS today)));
grant select on organisations.v_organisation to tocsin_web;
grant select on organisations.v_organisation to tocsin_worker;

create view organisations.v_reachable with (security_invoker=true) as
 SELECT organisation_id,
    code,
    short_name,
    name,
    type,
    region_code,
    system_code,
    must_answer,
    seat_id,
    contact_id,
    role,
    rank,
    reader_kind,
    language,
    contact_point_id,
    channel,
    in_use,
    address_sealed,
    passed_over
   FROM organisations.reachable_at(now()) reachable_at(organisation_id, code, short_name, name, type, region_code, system_code, must_answer, seat_id, contact_id, role, rank, reader_kind, language, contact_point_id, channel, in_use, address_sealed, passed_over);
grant select on organisations.v_reachable to tocsin_web;
grant select on organisations.v_reachable to tocsin_worker;

create view organisations.v_region with (security_invoker=true) as
 SELECT code,
    name
   FROM organisations.region;
grant select on organisations.v_region to tocsin_web;
grant select on organisations.v_region to tocsin_worker;

create view organisations.v_swapped with (security_invoker=true) as
 WITH suspect AS MATERIALIZED (
         SELECT first.contact_id,
            first.channel,
            first.contact_point_id,
            failed.is_cut_off
           FROM ( SELECT message.contact_point_id,
                    false AS is_cut_off
                   FROM dispatch.v_message message
                  WHERE (message.state = ANY (ARRAY['undelivered'::text, 'rejected'::text])) AND (message.contact_point_id <> ALL ((ARRAY( SELECT stopped.contact_point_id
                           FROM dispatch.v_stopped stopped))))
                  GROUP BY message.contact_point_id
                UNION ALL
                 SELECT stopped.contact_point_id,
                    true
                   FROM dispatch.v_stopped stopped) failed
             JOIN organisations.contact_contact_point first ON first.contact_point_id = failed.contact_point_id AND first."position" = 1
          WHERE (EXISTS ( SELECT
                   FROM organisations.contact_contact_point other
                  WHERE other.contact_id = first.contact_id AND other.channel = first.channel AND other."position" > 1))
        )
 SELECT suspect.contact_id,
    swapped.contact_point_id
   FROM suspect
     CROSS JOIN LATERAL ( SELECT next.contact_point_id
           FROM organisations.contact_contact_point next
          WHERE next.contact_id = suspect.contact_id AND next.channel = suspect.channel AND next."position" > 1 AND NOT (EXISTS ( SELECT
                   FROM organisations.v_failing failing
                  WHERE failing.contact_point_id = next.contact_point_id
                 OFFSET 0)) AND (next.contact_point_id <> ALL ((ARRAY( SELECT stopped.contact_point_id
                   FROM dispatch.v_stopped stopped))))
          ORDER BY next."position"
         LIMIT 1) stand_in
     CROSS JOIN LATERAL ( VALUES (suspect.contact_point_id), (stand_in.contact_point_id)) swapped(contact_point_id)
  WHERE suspect.is_cut_off OR (EXISTS ( SELECT
           FROM organisations.v_failing failing
          WHERE failing.contact_point_id = suspect.contact_point_id
         OFFSET 0));
grant select on organisations.v_swapped to tocsin_web;
grant select on organisations.v_swapped to tocsin_worker;

create view organisations.v_system with (security_invoker=true) as
 SELECT code,
    name
   FROM organisations.system;
grant select on organisations.v_system to tocsin_web;
grant select on organisations.v_system to tocsin_worker;

create view responses.v_answer with (security_invoker=true) as
 SELECT id,
    alert_id,
    organisation_id,
    at,
    kind,
    evidence,
    recorded_by,
    note
   FROM responses.answer;
grant select on responses.v_answer to tocsin_web;
grant select on responses.v_answer to tocsin_worker;

create view responses.v_call with (security_invoker=true) as
 SELECT alert_id,
    organisation_id,
    claimed_by,
    claimed_by_name,
    claimed_at,
    claim_ends_at <= now() AS is_lapsed
   FROM responses.call
  WHERE ended_at IS NULL;
grant select on responses.v_call to tocsin_web;
grant select on responses.v_call to tocsin_worker;

create view responses.v_call_attempt with (security_invoker=true) as
 SELECT alert_id,
    organisation_id,
    at,
    outcome,
    tried_by_name
   FROM responses.call_attempt;
grant select on responses.v_call_attempt to tocsin_web;
grant select on responses.v_call_attempt to tocsin_worker;

create view responses.v_desk_item with (security_invoker=true) as
 SELECT id,
    kind,
    state,
    alert_id,
    organisation_id,
    contact_point_id,
    person_name,
    reply_id,
    created_at,
    call_back_at,
    claimed_by,
    claimed_by_name,
    claimed_at,
    state = 'claimed'::text AND claim_ends_at <= now() AS is_lapsed,
    closed_at,
    outcome
   FROM responses.desk_item;
grant select on responses.v_desk_item to tocsin_web;
grant select on responses.v_desk_item to tocsin_worker;

create view responses.v_opening with (security_invoker=true) as
 SELECT alert_id,
    organisation_id,
    opened_at
   FROM responses.opening;
grant select on responses.v_opening to tocsin_web;

create view responses.v_response with (security_invoker=true) as
 SELECT response.alert_id,
    response.organisation_id,
        CASE
            WHEN kept.stands THEN response.acknowledged_at
            ELSE NULL::timestamp with time zone
        END AS acknowledged_at,
        CASE
            WHEN kept.stands THEN response.evidence
            ELSE NULL::text
        END AS evidence,
    response.affected,
    response.affected_at,
    response.help_asked_at,
        CASE
            WHEN NOT kept.stands AND response.evidence = 'call'::text THEN response.acknowledged_at
            ELSE NULL::timestamp with time zone
        END AS earlier_call_at
   FROM responses.response response
     LEFT JOIN alerts.v_live live ON live.alert_id = response.alert_id
     CROSS JOIN LATERAL ( SELECT COALESCE(response.acknowledged_at >= live.asked_at, true) AS stands) kept;
grant select on responses.v_response to tocsin_web;
grant select on responses.v_response to tocsin_worker;

create view responses.v_to_ring with (security_invoker=true) as
 SELECT recipient.alert_id,
    recipient.organisation_id,
        CASE
            WHEN told.is_reached THEN 'silent'::text
            WHEN told.is_uncertain THEN 'uncertain'::text
            ELSE 'unreachable'::text
        END AS why,
    COALESCE(response.affected = 'yes'::text, false) AS says_affected,
    response.earlier_call_at
   FROM alerts.v_recipient recipient
     JOIN alerts.v_live live ON live.alert_id = recipient.alert_id AND live.state = 'released'::text
     LEFT JOIN responses.v_response response ON response.alert_id = recipient.alert_id AND response.organisation_id = recipient.organisation_id
     CROSS JOIN LATERAL ( SELECT COALESCE(bool_or(credit.state = ANY (ARRAY['delivered'::text, 'accepted'::text])), false) AS is_reached,
            COALESCE(bool_or(credit.state = ANY (ARRAY['unknown'::text, 'uncertain_closed'::text])), false) AS is_uncertain,
            COALESCE(bool_or((credit.state = ANY (ARRAY['held'::text, 'ready'::text, 'claimed'::text])) AND NOT ((credit.dispatch_id, credit.round) IN ( SELECT round.dispatch_id,
                    round.round
                   FROM dispatch.v_round round
                  WHERE round.reminds))), false) AS more_to_come
           FROM dispatch.v_credit credit
          WHERE credit.organisation_id = recipient.organisation_id AND (credit.dispatch_id = ANY (ARRAY[recipient.dispatch_id, recipient.correction_dispatch_id]))
         OFFSET 0) told
  WHERE recipient.must_answer AND response.acknowledged_at IS NULL AND NOT told.more_to_come AND (NOT told.is_reached OR COALESCE(now() >= live.call_list_at, true))
UNION ALL
 SELECT recipient.alert_id,
    recipient.organisation_id,
    'withdrawn'::text AS why,
    COALESCE(response.affected = 'yes'::text, false) AS says_affected,
    told.by_phone_at AS earlier_call_at
   FROM alerts.v_live live
     JOIN alerts.v_recipient recipient ON recipient.alert_id = live.alert_id
     JOIN LATERAL ( SELECT max(answer.at) AS by_phone_at
           FROM responses.answer answer
          WHERE answer.alert_id = recipient.alert_id AND answer.evidence = 'call'::text AND answer.organisation_id = recipient.organisation_id AND answer.at < live.released_at) told ON told.by_phone_at IS NOT NULL
     LEFT JOIN responses.v_response response ON response.alert_id = recipient.alert_id AND response.organisation_id = recipient.organisation_id
  WHERE live.kind = 'withdrawal'::text AND NOT (EXISTS ( SELECT
           FROM dispatch.v_credit credit
          WHERE credit.organisation_id = recipient.organisation_id AND credit.dispatch_id = recipient.dispatch_id AND (credit.state = ANY (ARRAY['held'::text, 'ready'::text, 'claimed'::text, 'unknown'::text, 'accepted'::text, 'delivered'::text])))) AND NOT (EXISTS ( SELECT
           FROM responses.call_attempt attempt
          WHERE attempt.alert_id = recipient.alert_id AND attempt.outcome = 'reached'::text AND attempt.organisation_id = recipient.organisation_id AND attempt.at >= live.released_at));
grant select on responses.v_to_ring to tocsin_web;
grant select on responses.v_to_ring to tocsin_worker;
