-- The dispatch engine: who gets which text, and what became of it. States and promises are in
-- src/dispatch/README.md; src/dispatch/model.ts holds the same states as a table of moves.
create schema dispatch;
grant usage on schema dispatch to tocsin_web, tocsin_worker;

-- Which database this is in its server: what a dump that is restored into it cannot bring along.
-- The database's oid changes where it is made anew, the table's where only the tables are.
create function dispatch.database_id() returns text language plpgsql stable as $$ begin
  return (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    || '-' || 'dispatch.continuity'::regclass::oid;
end $$;

-- Which run of which server and database our history was last seen whole in (P10). A promoted
-- replica and a disk that was turned back come up as another start of a server, a restored dump as
-- another database, so nothing is sent from one whose history was not compared with what the
-- providers have. Rows alone that are restored leave no mark: each engine looks when it starts. A
-- database that is made in this start has no history to lose.
create table dispatch.continuity (
  is_single boolean primary key default true check (is_single),
  system_identifier text not null,
  timeline text not null,
  -- That in which this row was last written: by a hold too, so that a copy of it is known as one.
  database_id text not null,
  proven_start timestamptz not null,
  -- Set where history was lost: nothing is sent until a person lets it go on.
  held_since timestamptz,
  held_reason text,
  -- The start of a server in which it is held. In another one it is held anew: that may have come
  -- from a copy of before, and sending may have gone on since by somebody's decision.
  held_start timestamptz,
  -- The last claim that we know of: whatever was lost is younger. Null: as far back as there is.
  read_from timestamptz,
  -- When all providers that list their texts had been read, and which of the gateways those were.
  looked_at timestamptz,
  read_gateways text[] not null default '{}',
  -- How many messages it was found of that they had been sent.
  adopted integer not null default 0,
  -- Set while synchronous replicas that the server asks for do not answer: nothing is claimed,
  -- unless a person lets claims go on without them for as long as that lasts.
  replica_away_since timestamptz,
  alone_since timestamptz,
  alone_reason text,
  check ((alone_since is null) = (alone_reason is null)),
  check (alone_since is null or replica_away_since is not null),
  check ((held_since is null) = (held_reason is null)),
  check ((held_since is null) = (held_start is null)),
  check (looked_at is null or held_since is not null)
);
insert into dispatch.continuity (system_identifier, timeline, database_id, proven_start)
select system_identifier::text, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
  dispatch.database_id(), pg_postmaster_start_time()
from pg_control_system();

-- True where our history is whole as far as anybody knows: nothing is held, and this run of this
-- server and database was compared with the providers. The timeline is that of the log being
-- written; the control file shows a promotion only at the next checkpoint.
create function dispatch.history_is_whole() returns boolean
  language plpgsql stable parallel safe set search_path = '' as $$
begin
  return exists (select from dispatch.continuity
    where held_since is null and proven_start = pg_postmaster_start_time()
      and timeline = left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
      and database_id = dispatch.database_id());
end $$;

-- True where a claim may be made: our history is whole, and synchronous replicas, where the server
-- asks for them, answer or are done without.
create function dispatch.may_claim() returns boolean
  language plpgsql volatile set search_path = '' as $$
begin
  -- A worker frozen before its commit holds the bucket, and nobody else could claim: seen in chaos.
  perform set_config('idle_in_transaction_session_timeout', '3s', true);
  return dispatch.history_is_whole() and exists (select from dispatch.continuity
    where replica_away_since is null or alone_since is not null);
end $$;

-- One token bucket per limiter at a provider; several gateways may draw on one.
create table dispatch.bucket (
  id text primary key check (id ~ '^[a-z][a-z0-9:-]{0,62}$'),
  rate_per_second double precision not null check (rate_per_second > 0),
  burst double precision not null check (burst >= 1),
  tokens double precision not null,
  refilled_at timestamptz not null default now(),
  -- Below this share of the burst nothing of lanes 3 and 4 leaves, so that an alert finds a burst:
  -- behind routine traffic 5,000 texts of Notify's pace may take 5 % longer, which asks for 80 %.
  reserve_share double precision not null default 0.85
    check (reserve_share >= 0 and reserve_share < 1),
  paused_at timestamptz,
  paused_until timestamptz,
  pause_reason text,
  -- After a provider found us too fast: from the end of the pause on, for a while, only this share
  -- of the rate. 10/11 of our 49.5 a second at Notify are 45.
  slow_share double precision not null default 10.0 / 11
    check (slow_share > 0 and slow_share <= 1),
  slow_from timestamptz,
  slow_until timestamptz,
  check ((paused_until is null) = (pause_reason is null)),
  check ((paused_until is null) = (paused_at is null)),
  check ((slow_from is null) = (slow_until is null))
);

-- What the bucket holds at a time. A clock that jumped back must not make it owe.
create function dispatch.tokens_at(bucket dispatch.bucket, at timestamptz)
  returns double precision language sql immutable as $$
  select least(bucket.burst, bucket.tokens
    + bucket.rate_per_second * greatest(0, extract(epoch from at - bucket.refilled_at))
    - case when bucket.slow_from is null then 0
        else bucket.rate_per_second * (1 - bucket.slow_share) * greatest(0, extract(epoch from
          least(at, bucket.slow_until) - greatest(bucket.refilled_at, bucket.slow_from))) end)
$$;

-- What only lanes 0 to 2 may spend. At least one token is for everybody: a bucket that holds few
-- would else never grant lanes 3 and 4 any.
create function dispatch.reserve_of(bucket dispatch.bucket)
  returns double precision language sql immutable as $$
  select least(bucket.burst * bucket.reserve_share, bucket.burst - 1)
$$;

-- Until when nobody may draw on it; null where it is open. A pause that begins in the future was
-- set before the clock jumped back: it would last for the whole jump, so it counts no more.
create function dispatch.paused_until(bucket dispatch.bucket, at timestamptz)
  returns timestamptz language sql immutable as $$
  select case when bucket.paused_at <= at and bucket.paused_until > at
    then bucket.paused_until end
$$;

-- A gateway is a row: an adapter to one provider, and what that provider can do for us.
create table dispatch.gateway (
  id text primary key check (id ~ '^[a-z][a-z0-9-]{0,30}$'),
  kind text not null check (kind in ('notify', 'smtp', 'smpp')),
  channel text not null check (channel in ('text', 'mail')),
  bucket_id text not null references dispatch.bucket,
  -- What it can do for us, as its kind declares (src/dispatch/gateways/capabilities.ts); what is
  -- not declared it cannot.
  can_be_asked boolean not null,
  ask_lag interval,
  keeps_for interval,
  deduplicates boolean not null default false,
  takes_replies boolean not null,
  limits_validity boolean not null default false,
  receipts text not null default 'none' check (receipts in ('final', 'failures', 'none')),
  -- Connection settings with their secrets, sealed; only the worker may read them.
  settings_sealed bytea not null,
  -- SHA-256 of the bearer tokens its callbacks may show: two, so that a token can be exchanged.
  callback_token_hashes bytea[] not null default '{}'
    check (cardinality(callback_token_hashes) <= 2),
  -- The provider's own frame around each message, as it was last read: it must be nothing but a
  -- blank, and a later version of it is noticed.
  template_id text,
  template_version integer,
  template_body text,
  template_read_at timestamptz,
  -- Whether the engine asks it for statuses and texts by itself: where no callback can reach us.
  polls text not null default 'never' check (polls in ('never', 'without_token', 'always')),
  created_at timestamptz not null default now(),
  -- Taken away: it sends no more and its doors are shut, but what it sent stays explained.
  removed_at timestamptz,
  -- Its share of the people among the gateways of its channel; 0 is a reserve, which takes only
  -- what the others cannot. One that is off takes nothing.
  weight smallint not null default 100 check (weight between 0 and 1000),
  enabled boolean not null default true,
  last_proven_at timestamptz,
  last_failure_at timestamptz,
  last_failure_code text,
  check (removed_at is null or not enabled)
);

-- Whether a gateway takes messages just now, shared by all workers: the table of moves is in
-- src/dispatch/breaker.ts. A row of its own, because it changes far more often than the gateway.
create table dispatch.breaker (
  gateway_id text primary key references dispatch.gateway,
  state text not null default 'closed' check (state in ('closed', 'open', 'half_open', 'ramping')),
  rung smallint,
  -- Raised by every move; what is counted belongs to the turn in which the request was claimed.
  turn integer not null default 1,
  changed_at timestamptz not null default now(),
  reason text check (reason in ('no_answer', 'failing', 'trial_failed')),
  openings smallint not null default 0,
  retry_at timestamptz,
  -- Real messages that may still be tried while half open; how many were let through, and when.
  rows_left smallint check (rows_left >= 0),
  tries smallint not null default 0,
  tried_at timestamptz,
  -- When it is next to show, with a message to a handset or mailbox of ours, that it works.
  probe_at timestamptz not null default now(),
  -- Points of a hundred of its people that go to others for now, since its receipts come late.
  shift smallint not null default 0 check (shift between 0 and 100),
  shifted_at timestamptz not null default now(),
  check ((state in ('half_open', 'ramping')) = (rung is not null)),
  check ((state = 'open') = (retry_at is not null)),
  check ((state = 'half_open') = (rows_left is not null)),
  check ((state = 'closed') = (reason is null))
);
create function dispatch.add_breaker() returns trigger
  language plpgsql set search_path = '' as $$
begin
  insert into dispatch.breaker (gateway_id) values (new.id);
  return null;
end $$;
create trigger add_breaker after insert on dispatch.gateway
  for each row execute function dispatch.add_breaker();

-- What became of requests, a row a second from each worker, for an hour: breaker, abnormal refusals
-- and the figures of the last hour are counted here and not in the attempts, which may be millions.
create table dispatch.tally (
  gateway_id text not null references dispatch.gateway,
  at timestamptz not null default clock_timestamp(),
  turn integer not null,
  -- None for probes and receipts.
  dispatch_id uuid,
  accepted integer not null default 0,
  rejected integer not null default 0,
  unknown integer not null default 0,
  -- Of those the ones that speak against the gateway, and requests it would not have or not hear.
  failed integer not null default 0,
  receipts integer not null default 0,
  slow_receipts integer not null default 0
);
create index tally_of_gateway on dispatch.tally (gateway_id, at);
create index tally_of_dispatch on dispatch.tally (dispatch_id, at)
  where dispatch_id is not null;

-- Which gateway somebody is written to by, so that each person always sees one sender. Kept only
-- where a channel has several gateways: with one there is no choice to remember, and a row for
-- each person would cost the release of a large audience 4 µs a message.
create table dispatch.sender (
  contact_point_id uuid not null,
  channel text not null check (channel in ('text', 'mail')),
  gateway_id text not null references dispatch.gateway,
  primary key (contact_point_id, channel)
);

-- One release of one content to one frozen audience, with all its rounds.
create table dispatch.dispatch (
  id uuid primary key,
  -- What screens call it, such as "Alert 4901"; the engine does not read it.
  label text not null,
  -- 0 answers and sign-in, 1 live alerts, 2 escalation, 3 routine, 4 exercise: low goes first.
  lane smallint not null check (lane between 0 and 4),
  exercise boolean not null default false,
  state text not null default 'held'
    check (state in ('held', 'sending', 'paused', 'cancelled', 'done')),
  -- Raised by every cancellation; part of the reference, so that a stale worker is recognised.
  epoch integer not null default 1,
  content_hash text,
  -- How many messages were approved: what the auditor counts against, whatever became of them.
  planned_messages integer,
  expires_after interval not null,
  -- How long after the release nothing leaves yet, so that it can still be recalled.
  recall_for interval not null default '0' check (recall_for >= '0'),
  -- Networks block a number that gets too much: at most so many texts to one within so long.
  number_most smallint check (number_most >= 1),
  number_within interval,
  check ((number_most is null) = (number_within is null)),
  -- Minutes of the day in which no round opens, by the clock of the centre; from > until: the
  -- night between. Null: rounds open at any hour.
  quiet_from_minute smallint check (quiet_from_minute between 0 and 1439),
  quiet_until_minute smallint check (quiet_until_minute between 0 and 1439),
  check ((quiet_from_minute is null) = (quiet_until_minute is null)),
  check (quiet_from_minute <> quiet_until_minute),
  -- When an accepted message without a receipt is asked for, in ms since it was accepted; later
  -- ever more seldom.
  receipt_asks_ms integer[] not null check (cardinality(receipt_asks_ms) >= 1),
  -- How long after its request an unknown is put before the officer, and the next in line is told.
  uncertain_after interval not null,
  created_at timestamptz not null default now(),
  released_at timestamptz,
  ended_at timestamptz,
  pause_reason text,
  -- Its rounds wait for as long as it stood still: what fell due meanwhile opens in its turn.
  paused_at timestamptz,
  last_claimed_at timestamptz,
  -- Refusals before were seen by the person who resumed it: they do not pause it again.
  refusals_from timestamptz not null default '-infinity',
  -- False while messages of a cancelled dispatch may still wait to be called off: the beat does it
  -- in batches. Asked of a million rows every second, "is there one left" took a core.
  cleared boolean not null default true,
  -- When the last of its messages was deleted for its age; what is kept is counts, and the audit.
  forgotten_at timestamptz,
  check (cleared or state = 'cancelled'),
  check ((state = 'held') = (released_at is null) or state = 'cancelled'),
  check ((state = 'paused') = (pause_reason is not null)),
  check ((state = 'paused') = (paused_at is not null)),
  constraint dispatch_exercise_lane check ((lane = 4) = exercise),
  -- What needs no approval goes by the standing one alone.
  constraint dispatch_single_lane
    check ((lane = 0) = (id = '00000000-0000-4000-8000-000000000000'))
);
create index dispatch_sending on dispatch.dispatch (lane, last_claimed_at nulls first)
  where state = 'sending';

-- Automatic answers to people who texted us: always open, first in line, one message at a time.
insert into dispatch.dispatch
  (id, label, lane, state, expires_after, receipt_asks_ms, uncertain_after, released_at)
values ('00000000-0000-4000-8000-000000000000', 'Answers to replies', 0, 'sending',
  interval '1 hour', '{600000}', interval '1 hour', now());

-- Why what is sent was approved, as the engine found it before the first request; written by the
-- worker alone. An approval lets each part go once, so that no release can be repeated (P5).
create table dispatch.proof (
  dispatch_id uuid primary key references dispatch.dispatch,
  approval_id uuid not null,
  part text not null check (part in ('first', 'following', 'ending')),
  is_alone boolean not null,
  proved_at timestamptz not null default now(),
  unique (approval_id, part)
);
create index proof_alone on dispatch.proof (proved_at) where is_alone;

-- A round is a timer: its held messages become ready when it opens.
create table dispatch.round (
  dispatch_id uuid not null references dispatch.dispatch,
  round smallint not null check (round >= 1),
  opens_after interval not null,
  opens_at timestamptz,
  opened_at timestamptz,
  -- To those of an earlier round whose organisation has not answered: who it tells was told before,
  -- and it is of use from its own opening on.
  reminds boolean not null default false,
  -- By how much quiet hours have put it off: taken back where it obeys other hours from then on.
  put_off interval not null default '0',
  -- Its messages become ready in parts: when the last part did, while more of them are held.
  part_at timestamptz,
  primary key (dispatch_id, round),
  check (part_at is null or opened_at is not null)
);
create index round_due on dispatch.round (opens_at)
  where opened_at is null or part_at is not null;

-- One text or e-mail to one contact point in one round (P1: the unique key below). It refers to
-- its dispatch and its gateway without foreign keys, and so does message_credit to it: each costs
-- 4 µs a row, half a second in the freeze of a large audience, and one statement writes them all.
create table dispatch.message (
  id uuid primary key default kernel.uuid_v7(),
  dispatch_id uuid not null,
  contact_point_id uuid not null,
  -- The organisation it counts for (one of those that share the number); none for an answer.
  organisation_id uuid,
  channel text not null check (channel in ('text', 'mail')),
  round smallint not null,
  rank smallint not null check (rank >= 1),
  -- What the reader texts back: four digits, issued to this contact point.
  code text not null check (code ~ '^[0-9]{4}$'),
  subject text,
  body text not null,
  -- A copy of the contact point's sealed address: same key, same context (kernel/sealed.ts).
  address_sealed bytea not null,
  state text not null default 'held' check (state in (
    'held', 'ready', 'claimed', 'unknown', 'accepted', 'delivered', 'undelivered', 'rejected',
    'cancelled', 'expired', 'suppressed', 'uncertain_closed')),
  due_at timestamptz,
  expires_at timestamptz,
  attempt smallint not null default 0,
  -- The gateway it is to leave by, set when it becomes ready; another one takes it only where that
  -- one cannot and it surely has not left. `gateway_id` is the one that was asked last.
  home_gateway_id text,
  gateway_id text,
  lease_owner uuid,
  lease_until timestamptz,
  -- When the engine looks again: an unknown asks the provider, an accepted asks for its receipt.
  check_at timestamptz,
  checks smallint not null default 0,
  absences smallint not null default 0,
  provider_id text,
  accepted_at timestamptz,
  final_at timestamptz,
  failure_code text,
  -- The gateway that was looked through and believed not to have it: no other one may take it, for
  -- if that was wrong only this one's receipt would stop a second text. Written when it goes back
  -- in line, and cleared only where a person risks a copy; what became of later attempts says
  -- nothing of that one.
  absent_gateway_id text,
  -- Of a message that stands in no dispatch of an alert, and of no other: the rule that sends it
  -- (`texts.after_reply`), the version of the model that has it, and what it was applied to,
  -- without a name, number or code. The others have theirs by round.
  rule text,
  rule_version text check (rule_version ~ '^[0-9a-f]{64}$'),
  rule_fact text check (rule_fact <> ''),
  check ((rule is not null) = (dispatch_id = '00000000-0000-4000-8000-000000000000')),
  check ((rule is null) = (rule_version is null) and (rule is null) = (rule_fact is null)),
  check ((state = 'claimed') = (lease_owner is not null)),
  check ((lease_owner is null) = (lease_until is null)),
  check (state in ('held', 'cancelled', 'suppressed') or due_at is not null),
  check ((state in ('delivered', 'undelivered', 'rejected', 'cancelled', 'expired', 'suppressed',
    'uncertain_closed')) = (final_at is not null)),
  check (state <> 'unknown' or check_at is not null),
  -- Closed without an attempt: after a restore, where nobody can say whether there was one.
  check (state in ('held', 'ready', 'cancelled', 'expired', 'suppressed', 'uncertain_closed')
    or attempt > 0),
  check (state <> 'accepted' or accepted_at is not null)
-- No update of a message is HOT, because its state is in the predicates of the indexes; room on the
-- page still keeps its versions together. Of 30,000 updates in a send (10,000 texts) 6,110 went to
-- another page at 70, 9,681 at 85, 15,241 at 100; log written 17.3, 18.0, 19.1 MB; the table after
-- it 7.7, 7.8, 8.7 MB.
-- Vacuum from 2 % dead rows on. 100,000 texts sent in a table of 300,000 are 300,000 updates, none
-- of them HOT, 61,000 to another page. Dead at most: 218,000 rows, 216,600 with PostgreSQL's 20 %;
-- one vacuum each, 81,300 and 83,600 dead at the end: there its turn once a minute is what counts.
-- No measurement, but arithmetic: 20 % of two million rows is more than such a send leaves dead.
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_analyze_scale_factor = 0.02);

-- What these columns hold turns over in seconds, statistics in minutes: gathered while a large
-- dispatch was held they said "nothing is ready", its release compared each message with each,
-- and 10,000 took 20 s. Without statistics the planner takes a fixed share, at any hour.
alter table dispatch.message
  alter column dispatch_id set statistics 0,
  alter column state set statistics 0;

-- P1 in the database: at most one message per (dispatch, contact point, channel, round).
create unique index message_once
  on dispatch.message (dispatch_id, contact_point_id, channel, round);
-- Breadth first: rank 1 of every organisation before rank 2 of any. By home, so that no gateway
-- steps over the messages of another.
create index message_ready
  on dispatch.message (dispatch_id, channel, home_gateway_id, rank, due_at, id)
  where state = 'ready';
-- What an organisation got, and whom an answer stands down.
create index message_of_organisation on dispatch.message (organisation_id, dispatch_id);
create index message_leased on dispatch.message (lease_until) where state = 'claimed';
-- Few at any time, among the many that only wait for a receipt: read by the beat and the auditor.
create index message_unknown on dispatch.message (expires_at) where state = 'unknown';
-- Few: whose number or address fails again and again is to be mended.
create index message_failed on dispatch.message (contact_point_id, final_at)
  where state in ('undelivered', 'rejected');
create index message_to_check on dispatch.message (check_at) where state in ('unknown', 'accepted');
-- What left outside of alerts, the newest first: no row of an alert is in it.
create index message_single on dispatch.message (id) where rule is not null;

-- A shared number gets one text, credited to each (P1): here are those beyond the first. As a row
-- for every message they took a fifth of the freeze.
create table dispatch.message_credit (
  message_id uuid not null,
  organisation_id uuid not null,
  primary key (message_id, organisation_id)
);
create index credit_of_organisation on dispatch.message_credit (organisation_id, message_id);

-- Organisations that need nothing more from a dispatch: they answered.
create table dispatch.settled (
  dispatch_id uuid not null references dispatch.dispatch,
  organisation_id uuid not null,
  settled_at timestamptz not null default now(),
  primary key (dispatch_id, organisation_id)
);

-- What we asked of a provider, written before we ask. Append-only, like its end: of 20,000 texts
-- with their receipts neither had a dead row, and autovacuum's defaults fit.
create table dispatch.attempt (
  message_id uuid not null references dispatch.message,
  epoch integer not null,
  number smallint not null,
  gateway_id text not null references dispatch.gateway,
  owner uuid not null,
  claimed_at timestamptz not null default now(),
  primary key (message_id, epoch, number)
);

-- Second requests are rare, and what the auditor looks at.
create index attempt_again on dispatch.attempt (claimed_at) where number > 1;

create table dispatch.attempt_end (
  message_id uuid not null,
  epoch integer not null,
  number smallint not null,
  class text not null check (class in ('accepted', 'rejected', 'not_sent', 'unknown')),
  code text,
  provider_id text,
  ended_at timestamptz not null default now(),
  primary key (message_id, epoch, number),
  foreign key (message_id, epoch, number) references dispatch.attempt
);

-- What a provider said when asked for a reference.
create table dispatch.lookup (
  message_id uuid not null references dispatch.message,
  at timestamptz not null default clock_timestamp(),
  reference text not null,
  answer text not null check (answer in ('found', 'absent', 'cannot_tell')),
  status text,
  primary key (message_id, at)
);

-- A person's decision to risk second copies of what is uncertain (P2). The web process writes it,
-- the worker carries it out: it alone may move what may have been sent.
create table dispatch.risk_decision (
  id uuid primary key default kernel.uuid_v7(),
  dispatch_id uuid not null references dispatch.dispatch,
  decided_at timestamptz not null default now(),
  decided_by text not null,
  reason text not null check (reason <> ''),
  applied_at timestamptz
);
create index risk_waiting on dispatch.risk_decision (decided_at) where applied_at is null;
-- The attempts that a copy was risked of: they may have been accepted, and the message goes again.
create table dispatch.risk_taken (
  message_id uuid not null references dispatch.message,
  attempt smallint not null,
  decision_id uuid not null references dispatch.risk_decision,
  taken_at timestamptz not null default now(),
  primary key (message_id, attempt)
);

-- Texts that a provider sent for us and of which this database has no record: it was restored.
create table dispatch.lost_text (
  reference text primary key,
  gateway_id text not null references dispatch.gateway,
  provider_id text not null,
  status text not null,
  created_at timestamptz not null,
  found_at timestamptz not null default now()
);

-- What an operator has to know of one message, each once: that a second text of it is out (the one
-- the alarm names), that the provider has it and does not send it, that it took it and has it no
-- more, or that it is out though it counts as never sent.
create table dispatch.alarm (
  kind text not null
    check (kind in ('accepted_twice', 'stuck_at_provider', 'missing_at_provider',
      'sent_unrecorded')),
  message_id uuid not null references dispatch.message,
  gateway_id text not null references dispatch.gateway,
  provider_id text not null,
  raised_at timestamptz not null default now(),
  primary key (message_id, kind, provider_id)
);
create index alarm_of_second_text on dispatch.alarm (raised_at) where kind = 'accepted_twice';

-- What providers told us, kept before it is believed. No number and no text in the clear.
-- Each is updated once, when it is applied: of 20,000 none HOT, 9,300 to another page. A million of
-- them were applied at defaults (20 % dead before a vacuum) without becoming slower: the last
-- 100,000 texts left at 1,974 a second, the first at 1,655. So they stay.
create table dispatch.receipt_inbox (
  gateway_id text not null references dispatch.gateway,
  provider_id text not null,
  status text not null,
  reference text,
  received_at timestamptz not null default now(),
  handled_at timestamptz,
  outcome text check (outcome in ('applied', 'repeated', 'unmatched')),
  primary key (gateway_id, provider_id, status),
  check ((handled_at is null) = (outcome is null))
);
create index receipt_waiting on dispatch.receipt_inbox (received_at) where handled_at is null;
-- For the auditor, who looks at the newest, and for retention, which takes the oldest.
create index receipt_received on dispatch.receipt_inbox (received_at);

-- Where a provider cuts a text, each part has an id and a receipt of its own; here they become one.
-- A receipt may come before we were told whose it is: then it waits without a reference.
create table dispatch.part (
  gateway_id text not null references dispatch.gateway,
  provider_id text not null,
  reference text,
  part smallint,
  parts smallint,
  status text,
  meaning text check (meaning in ('delivered', 'undelivered', 'retained')),
  updated_at timestamptz not null default now(),
  primary key (gateway_id, provider_id),
  check ((status is null) = (meaning is null))
);
create index part_of_text on dispatch.part (reference) where reference is not null;
create index part_old on dispatch.part (updated_at);

create table dispatch.reply_inbox (
  id uuid primary key default kernel.uuid_v7(),
  gateway_id text not null references dispatch.gateway,
  provider_id text not null,
  -- Blind index of the sender's number: how the contact point is found.
  address_index bytea not null,
  address_sealed bytea not null,
  content_sealed bytea not null,
  sent_at timestamptz,
  received_at timestamptz not null default now(),
  handled_at timestamptz,
  unique (gateway_id, provider_id)
);

create index reply_waiting on dispatch.reply_inbox (received_at) where handled_at is null;

-- What must hold, checked each minute by statements that share nothing with the engine
-- (src/dispatch/store-audit.ts): how it stood at the last look, and when it last did not hold.
create table dispatch.invariant (
  id text primary key check (id ~ '^[a-z_]+$'),
  -- In words, for whoever is to act on it.
  holds text not null,
  mend text not null,
  checked_at timestamptz not null,
  breaches bigint not null check (breaches >= 0),
  -- One of what breaks it: the id of a message, dispatch, gateway or bucket.
  sample text,
  broken_since timestamptz,
  last_broken_at timestamptz,
  check ((breaches = 0) = (broken_since is null)),
  check ((breaches = 0) = (sample is null))
);
-- Whose turn it is: one auditor a minute, of however many workers.
create table dispatch.auditor (
  is_single boolean primary key default true check (is_single),
  owner uuid,
  begun_at timestamptz,
  ended_at timestamptz,
  took_ms integer
);
insert into dispatch.auditor default values;

-- When a provider was last asked for statuses and for texts; the lease lets one worker ask.
create table dispatch.poll (
  gateway_id text not null references dispatch.gateway,
  what text not null check (what in ('statuses', 'texts')),
  polled_at timestamptz,
  owner uuid not null,
  lease_until timestamptz,
  -- A list is read a few pages a turn: where the next turn goes on; null where from the newest.
  older_than text,
  primary key (gateway_id, what)
);

-- What stays of a dispatch whose messages were deleted for their age: how many ended how, and its
-- ledger as the last who looked saw it. Written before the first message goes.
create table dispatch.kept_count (
  dispatch_id uuid not null references dispatch.dispatch,
  channel text not null,
  state text not null,
  messages bigint not null,
  primary key (dispatch_id, channel, state)
);
create table dispatch.kept_ledger (
  dispatch_id uuid primary key references dispatch.dispatch,
  kept_at timestamptz not null default now(),
  messages bigint not null,
  messages_gone bigint not null,
  messages_unknown bigint not null,
  messages_never_sent bigint not null,
  organisations bigint not null,
  organisations_gone bigint not null,
  organisations_unknown bigint not null,
  organisations_never_sent bigint not null
);

-- Where nothing goes for now: addresses on a network that is in foreign hands. What waits for them
-- is suppressed when they come here, and what is written later as it is written.
create table dispatch.stopped (
  contact_point_id uuid primary key,
  stopped_at timestamptz not null default now()
);

create function dispatch.stop(contact_point_ids uuid[]) returns void
  language sql set search_path = '' as $$
  insert into dispatch.stopped (contact_point_id) select unnest(contact_point_ids)
  on conflict do nothing
$$;

-- The one way in for the slices above: the columns a planner may fill, and none of the state.
create view dispatch.v_in_recipient with (security_invoker = true) as
  select id, dispatch_id, contact_point_id, organisation_id, channel, round, rank, code, subject,
    body, address_sealed
  from dispatch.message where state = 'held' with local check option;
create view dispatch.v_stopped with (security_invoker = true) as
  select contact_point_id, stopped_at from dispatch.stopped;
create view dispatch.v_in_credit with (security_invoker = true) as
  select message_id, organisation_id from dispatch.message_credit;

-- Whom a dispatch is for: what a correction copies its audience from.
create view dispatch.v_addressee with (security_invoker = true) as
  select message.dispatch_id, message.contact_point_id, message.channel, message.round,
    message.rank, message.address_sealed,
    array_prepend(message.organisation_id, array(
      select credit.organisation_id from dispatch.message_credit credit
      where credit.message_id = message.id)) as organisation_ids
  from dispatch.message message where message.organisation_id is not null;

-- What became of each message, for whoever may see the whole centre.
create view dispatch.v_message with (security_invoker = true) as
  select id, dispatch_id, contact_point_id, channel, round, rank, code, state, due_at, attempt,
    home_gateway_id, gateway_id, accepted_at, final_at, failure_code
  from dispatch.message;
-- Messages outside of alerts, each with the rule that sends it; never their words: codes are
-- among them.
create view dispatch.v_single with (security_invoker = true) as
  select id, contact_point_id, channel, state, due_at, coalesce(final_at, accepted_at) as ended_at,
    rule, rule_version, rule_fact
  from dispatch.message where rule is not null;
-- What workers hold just now, by the index of their leases.
create view dispatch.v_claimed with (security_invoker = true) as
  select dispatch_id, channel, round, home_gateway_id, gateway_id from dispatch.message
  where state = 'claimed' and lease_until > '-infinity';
-- The words of each message, for whoever approves or explains them.
create view dispatch.v_text with (security_invoker = true) as
  select id, dispatch_id, organisation_id, channel, round, code, subject, body
  from dispatch.message;
create view dispatch.v_credit with (security_invoker = true) as
  select message.organisation_id, message.id as message_id, message.dispatch_id, message.channel,
    message.round, message.state, message.accepted_at, message.final_at, message.rank
  from dispatch.message message where message.organisation_id is not null
  union all
  select credit.organisation_id, message.id, message.dispatch_id, message.channel, message.round,
    message.state, message.accepted_at, message.final_at, message.rank
  from dispatch.message_credit credit
  join dispatch.message message on message.id = credit.message_id;
-- Past its deadline and still unknown: a person decides, or it stays as it is.
create view dispatch.v_uncertain with (security_invoker = true) as
  select message.id as message_id, message.dispatch_id, message.organisation_id, message.channel,
    message.round, message.gateway_id, message.attempt, attempt.claimed_at as requested_at,
    attempt.claimed_at + dispatch.uncertain_after as uncertain_since
  from dispatch.message message
  join dispatch.dispatch dispatch on dispatch.id = message.dispatch_id
  join dispatch.attempt attempt on attempt.message_id = message.id
    and attempt.number = message.attempt and attempt.gateway_id = message.gateway_id
    -- What is lost and written down again later may have the same number in an earlier epoch.
    and attempt.epoch = (select max(other.epoch) from dispatch.attempt other
      where other.message_id = attempt.message_id and other.number = attempt.number)
  where message.state = 'unknown' and dispatch.state in ('sending', 'paused')
    and attempt.claimed_at + dispatch.uncertain_after <= now();
create view dispatch.v_continuity with (security_invoker = true) as
  select held_since, held_reason, looked_at, replica_away_since, alone_since, alone_reason
  from dispatch.continuity;
create view dispatch.v_alarm with (security_invoker = true) as
  select alarm.kind, alarm.message_id, message.dispatch_id, alarm.gateway_id, alarm.raised_at
  from dispatch.alarm alarm join dispatch.message message on message.id = alarm.message_id;
-- What somebody texted us, sealed: only a process with the key reads it.
create view dispatch.v_reply with (security_invoker = true) as
  select id, address_sealed, content_sealed, received_at from dispatch.reply_inbox;
create view dispatch.v_dispatch with (security_invoker = true) as
  select id, label, lane, exercise, state, epoch, released_at, ended_at, pause_reason
  from dispatch.dispatch;

-- Where a message counts in the ledger of a dispatch; of the messages of an organisation the
-- least counts: 1 gone (a provider took it), 2 unknown (it may be with one), 3 waiting, 4 never
-- sent. What a cancelled dispatch still holds never leaves: nothing claims it, the beat clears it.
-- Where history is not whole it may have left before, in the time of which the records are lost.
create function dispatch.ledger_part(state text, dispatch_state text, history_is_whole boolean)
  returns int
  language sql immutable parallel safe
  return case
    when state in ('accepted', 'delivered', 'undelivered') then 1
    when state in ('claimed', 'unknown', 'uncertain_closed') then 2
    when state in ('held', 'ready') and dispatch_state <> 'cancelled' then 3
    when state in ('held', 'ready') and not history_is_whole then 2
    else 4 end;

-- The ledger of a dispatch in one statement, so in one snapshot: the parts add up to the whole at
-- every moment, whatever workers do meanwhile (P3).
create view dispatch.v_ledger with (security_invoker = true) as
  -- Asked once, not for each of a million messages.
  with history as materialized (select dispatch.history_is_whole() as is_whole)
  select dispatch.id as dispatch_id,
    kept.dispatch_id is not null or (select is_whole from history) as history_is_whole,
    coalesce(kept.messages, messages.total) as messages,
    coalesce(kept.messages_gone, messages.gone) as messages_gone,
    coalesce(kept.messages_unknown, messages.unknown) as messages_unknown,
    case when kept.dispatch_id is null then messages.waiting else 0 end as messages_waiting,
    coalesce(kept.messages_never_sent, messages.never_sent) as messages_never_sent,
    coalesce(kept.organisations, organisations.total) as organisations,
    coalesce(kept.organisations_gone, organisations.gone) as organisations_gone,
    coalesce(kept.organisations_unknown, organisations.unknown) as organisations_unknown,
    case when kept.dispatch_id is null then organisations.waiting else 0 end
      as organisations_waiting,
    coalesce(kept.organisations_never_sent, organisations.never_sent) as organisations_never_sent
  from dispatch.dispatch dispatch
  left join dispatch.kept_ledger kept on kept.dispatch_id = dispatch.id
  cross join lateral (
    select count(*) as total, count(*) filter (where part = 1) as gone,
      count(*) filter (where part = 2) as unknown, count(*) filter (where part = 3) as waiting,
      count(*) filter (where part = 4) as never_sent
    from (select dispatch.ledger_part(message.state, dispatch.state,
        (select is_whole from history)) as part
      from dispatch.message message where message.dispatch_id = dispatch.id) parts
  ) messages
  cross join lateral (
    select count(*) as total, count(*) filter (where part = 1) as gone,
      count(*) filter (where part = 2) as unknown, count(*) filter (where part = 3) as waiting,
      count(*) filter (where part = 4) as never_sent
    from (
      select organisation_id, min(part) as part
      from (
        select message.organisation_id, dispatch.ledger_part(message.state, dispatch.state,
          (select is_whole from history)) as part
        from dispatch.message message
        where message.dispatch_id = dispatch.id and message.organisation_id is not null
        union all
        select credit.organisation_id, dispatch.ledger_part(message.state, dispatch.state,
          (select is_whole from history))
        from dispatch.message message
        join dispatch.message_credit credit on credit.message_id = message.id
        where message.dispatch_id = dispatch.id
      ) credited group by organisation_id
    ) standings
  ) organisations;

-- Where each organisation counts in it: its messages, those of shared numbers too, by part.
create view dispatch.v_ledger_credit with (security_invoker = true) as
  with history as materialized (select dispatch.history_is_whole() as is_whole)
  select credit.dispatch_id, credit.organisation_id, credit.message_id,
    dispatch.ledger_part(credit.state, dispatch.state, (select is_whole from history)) as part
  from dispatch.v_credit credit
  join dispatch.dispatch dispatch on dispatch.id = credit.dispatch_id;

create view dispatch.v_round with (security_invoker = true) as
  select dispatch_id, round, opens_after, opens_at, opened_at, reminds from dispatch.round;
create view dispatch.v_gateway with (security_invoker = true) as
  select gateway.id, gateway.kind, gateway.channel, gateway.can_be_asked, gateway.deduplicates,
    gateway.takes_replies, gateway.limits_validity, gateway.receipts, gateway.removed_at,
    gateway.weight, gateway.enabled, breaker.state as breaker_state,
    breaker.reason as breaker_reason, breaker.changed_at as breaker_changed_at,
    breaker.retry_at as breaker_retry_at, breaker.shift,
    gateway.last_proven_at, gateway.last_failure_at, gateway.last_failure_code,
    bucket.id as bucket_id, bucket.rate_per_second, bucket.burst,
    dispatch.tokens_at(bucket, now()) as tokens,
    dispatch.paused_until(bucket, now()) as paused_until,
    case when dispatch.paused_until(bucket, now()) is not null
      then bucket.pause_reason end as pause_reason
  from dispatch.gateway gateway join dispatch.bucket bucket on bucket.id = gateway.bucket_id
  join dispatch.breaker breaker on breaker.gateway_id = gateway.id;
create view dispatch.v_gateway_hour with (security_invoker = true) as
  select gateway_id, sum(accepted) as accepted, sum(rejected) as rejected, sum(unknown) as unknown,
    sum(failed) as failed
  -- Probes are nobody's message (P11).
  from dispatch.tally where at > now() - interval '1 hour' and dispatch_id is not null
  group by gateway_id;

create view dispatch.v_invariant with (security_invoker = true) as
  select id, holds, mend, checked_at, breaches, sample, broken_since, last_broken_at
  from dispatch.invariant;
create view dispatch.v_auditor with (security_invoker = true) as
  select begun_at, ended_at, took_ms from dispatch.auditor;

-- Texts and sealed addresses are the centre's alone.
alter table dispatch.message enable row level security;
alter table dispatch.message force row level security;
create policy centre on dispatch.message
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table dispatch.message_credit enable row level security;
alter table dispatch.message_credit force row level security;
create policy centre on dispatch.message_credit
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table dispatch.settled enable row level security;
alter table dispatch.settled force row level security;
create policy centre on dispatch.settled
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table dispatch.reply_inbox enable row level security;
alter table dispatch.reply_inbox force row level security;
create policy centre on dispatch.reply_inbox
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));

alter table dispatch.sender enable row level security;
alter table dispatch.sender force row level security;
create policy centre on dispatch.sender
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));

alter table dispatch.stopped enable row level security;
alter table dispatch.stopped force row level security;
create policy centre on dispatch.stopped
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));

-- When a channel gets a second gateway, whoever was written to so far keeps the sender they saw.
create function dispatch.remember_senders() returns trigger
  language plpgsql set search_path = '' as $$
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
end $$;
create trigger remember_senders after insert on dispatch.gateway
  for each row execute function dispatch.remember_senders();

-- Messages are added only while their dispatch is held. The lock keeps them out between the hash
-- that is compared at release and the release itself (P5); one check for each statement.
create function dispatch.refuse_late_message() returns trigger
  language plpgsql set search_path = '' as $$
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
end $$;
create trigger message_is_planned after insert on dispatch.message
  referencing new table as added
  for each statement execute function dispatch.refuse_late_message();

-- What is written for an address where nothing goes never leaves. The lock is held to the end:
-- whoever stops an address waits for those who write, and then finds what they wrote.
create function dispatch.suppress_stopped() returns trigger
  language plpgsql set search_path = '' as $$
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
end $$;
create trigger message_is_stopped after insert on dispatch.message
  referencing new table as added
  for each statement execute function dispatch.suppress_stopped();

-- What was released is not held again, and what is held keeps its hours: the worker proves it once.
create function dispatch.guard_dispatch() returns trigger
  language plpgsql set search_path = '' as $$
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
end $$;
create trigger guard_dispatch before update on dispatch.dispatch
  for each row execute function dispatch.guard_dispatch();

-- What was approved stays what it was: the web process may let messages go or call them off. Words
-- and address are not its to change (grants below): the worker compares them with what was approved
-- before it sends (P5).
create function dispatch.guard_message() returns trigger language plpgsql as $$
begin
  if not ((old.state, new.state) in (('held', 'held'), ('ready', 'ready'), ('held', 'ready'),
      ('held', 'cancelled'), ('ready', 'cancelled'), ('ready', 'suppressed'),
      ('held', 'suppressed'))) then
    raise exception 'the web process may not move a message from % to %', old.state, new.state;
  end if;
  return new;
end $$;
create trigger guard_message before update on dispatch.message for each row
  when (current_user = 'tocsin_web' and old.state is distinct from new.state)
  execute function dispatch.guard_message();

-- Where a person risked a second copy, the first may be out: whatever becomes of the copy, nobody
-- can say that the message did not leave. Found by the simulation: called off, it counted as never
-- sent, and a correction passed its reader over. Here and not in each of the eight statements that
-- end a message; after guard_message, by its name.
create function dispatch.keep_in_doubt() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if exists (select from dispatch.risk_taken risk where risk.message_id = new.id) then
    new.state := 'uncertain_closed';
  end if;
  return new;
end $$;
create trigger risked_stays_in_doubt before update of state on dispatch.message for each row
  when (new.attempt > 0 and new.state in ('rejected', 'cancelled', 'expired', 'suppressed')
    and old.state is distinct from new.state)
  execute function dispatch.keep_in_doubt();

-- To somebody, or credited to an organisation, that a legal hold is on.
create function dispatch.is_held(message dispatch.message) returns boolean
  language plpgsql stable set search_path = '' as $$
begin
  return kernel.is_held(message.contact_point_id, message.organisation_id)
    or exists (select from dispatch.message_credit credit
      join kernel.held on held.id = credit.organisation_id
      where credit.message_id = message.id);
end $$;

-- Retention. Attempts are append-only by grant (P9), so what is old goes by these functions alone:
-- they run as the owner, take only what is over and old, and nothing younger than thirty days,
-- whoever calls them. A batch at a time: whoever calls decides how many and how often.
create function dispatch.forget_messages(older_than timestamptz, most integer,
    out dispatch_id uuid, out deleted integer, out is_over boolean)
  language plpgsql security definer set search_path = '' as $$
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
end $$;

-- Messages with all that hangs on them.
create function dispatch.delete_messages(ids uuid[]) returns void
  language sql set search_path = '' as $$
  delete from dispatch.lookup where message_id = any (ids);
  delete from dispatch.alarm where message_id = any (ids);
  delete from dispatch.risk_taken where message_id = any (ids);
  delete from dispatch.attempt_end where message_id = any (ids);
  delete from dispatch.attempt where message_id = any (ids);
  delete from dispatch.message_credit where message_id = any (ids);
  delete from dispatch.message where id = any (ids);
$$;

-- Receipts and replies that were dealt with, parts of texts, and our automatic answers.
create function dispatch.forget_inbox(older_than timestamptz, most integer) returns integer
  language plpgsql security definer set search_path = '' as $$
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
end $$;
revoke all on function dispatch.forget_messages, dispatch.delete_messages, dispatch.forget_inbox
  from public;
grant execute on function dispatch.forget_messages, dispatch.forget_inbox to tocsin_worker;

-- The web process plans, releases and steers; it cannot claim, settle or read a gateway's secrets.
grant select on dispatch.dispatch to tocsin_web;
grant insert (id, label, lane, exercise, expires_after, recall_for, number_most, number_within,
  quiet_from_minute, quiet_until_minute, receipt_asks_ms, uncertain_after)
  on dispatch.dispatch to tocsin_web;
grant update (state, epoch, content_hash, released_at, ended_at, pause_reason, paused_at,
    cleared, planned_messages, refusals_from, quiet_from_minute, quiet_until_minute,
    uncertain_after) on dispatch.dispatch to tocsin_web;
grant select, insert on dispatch.round to tocsin_web;
grant update (opens_at, opened_at, part_at, put_off) on dispatch.round to tocsin_web;
grant select on dispatch.message, dispatch.attempt, dispatch.attempt_end, dispatch.lookup,
  dispatch.alarm, dispatch.lost_text, dispatch.continuity, dispatch.bucket, dispatch.breaker,
  dispatch.tally to tocsin_web;
grant update (alone_since, alone_reason) on dispatch.continuity to tocsin_web;
grant insert (id, dispatch_id, contact_point_id, organisation_id, channel, round, rank, code,
  subject, body, address_sealed) on dispatch.message to tocsin_web;
grant update (state, due_at, expires_at, final_at, home_gateway_id, failure_code)
  on dispatch.message
  to tocsin_web;
grant select, insert on dispatch.message_credit, dispatch.settled, dispatch.sender to tocsin_web;
grant select, insert, delete on dispatch.stopped to tocsin_web;
grant select (id, kind, channel, bucket_id, can_be_asked, ask_lag, keeps_for, deduplicates,
  takes_replies, limits_validity, receipts, callback_token_hashes, template_id, template_version,
  template_body, template_read_at, created_at, removed_at, weight, enabled, last_proven_at,
  last_failure_at, last_failure_code) on dispatch.gateway to tocsin_web;
grant update (enabled, weight) on dispatch.gateway to tocsin_web;
grant select, insert on dispatch.receipt_inbox, dispatch.reply_inbox to tocsin_web;
grant select, insert on dispatch.v_in_recipient, dispatch.v_in_credit to tocsin_web, tocsin_worker;
grant select on dispatch.v_addressee to tocsin_web, tocsin_worker;
grant select on dispatch.v_stopped to tocsin_web, tocsin_worker;
grant select on dispatch.v_message, dispatch.v_single, dispatch.v_claimed, dispatch.v_text,
  dispatch.v_credit, dispatch.v_reply, dispatch.v_alarm, dispatch.v_continuity,
  dispatch.v_uncertain, dispatch.v_invariant,
  dispatch.v_auditor,
  dispatch.v_dispatch, dispatch.v_ledger, dispatch.v_ledger_credit, dispatch.v_round,
  dispatch.v_gateway,
  dispatch.v_gateway_hour
  to tocsin_web, tocsin_worker;

-- The worker sends and settles. Attempts, their ends and look-ups are append-only by grant (P9).
grant select, insert, update on dispatch.dispatch, dispatch.round, dispatch.message,
  dispatch.bucket, dispatch.gateway, dispatch.breaker to tocsin_worker;
grant select, insert, delete on dispatch.tally to tocsin_worker;
grant select, insert on dispatch.message_credit, dispatch.settled, dispatch.sender, dispatch.stopped
  to tocsin_worker;
grant select, insert on dispatch.attempt, dispatch.attempt_end, dispatch.lookup, dispatch.alarm,
  dispatch.lost_text to tocsin_worker;
grant select, update on dispatch.continuity to tocsin_worker;
grant select on dispatch.risk_decision, dispatch.risk_taken to tocsin_web, tocsin_worker;
grant insert (dispatch_id, decided_by, reason) on dispatch.risk_decision to tocsin_web;
grant update (applied_at) on dispatch.risk_decision to tocsin_worker;
grant insert on dispatch.risk_taken to tocsin_worker;
grant select, insert on dispatch.receipt_inbox, dispatch.reply_inbox to tocsin_worker;
grant select, insert, update on dispatch.part, dispatch.poll to tocsin_worker;
grant update (handled_at, outcome) on dispatch.receipt_inbox to tocsin_worker;
grant update (handled_at) on dispatch.reply_inbox to tocsin_worker;
grant select on dispatch.proof to tocsin_web;
grant select, insert on dispatch.proof to tocsin_worker;
grant select on dispatch.kept_count, dispatch.kept_ledger to tocsin_web, tocsin_worker;
grant select on dispatch.invariant, dispatch.auditor to tocsin_web, tocsin_worker;
grant insert, update on dispatch.invariant to tocsin_worker;
grant update on dispatch.auditor to tocsin_worker;
