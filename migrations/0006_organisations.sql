-- The directory: who is told, by which number or address. Made by imports (docs/importing.md).
create schema organisations;
grant usage on schema organisations to tocsin_web, tocsin_worker;

-- Regions and systems (an ICB or the like) come with the files that name them; until a file brings
-- a name, the code stands in for it.
create table organisations.region (
  code text primary key check (code ~ '^[A-Z0-9][A-Z0-9-]{1,19}$'),
  name text not null check (name <> '')
);

create table organisations.system (
  code text primary key check (code ~ '^[A-Z0-9][A-Z0-9-]{1,19}$'),
  name text not null check (name <> ''),
  region_code text references organisations.region
);

create table organisations.organisation (
  id uuid primary key default kernel.uuid_v7(),
  code text not null unique check (code ~ '^[A-Z0-9][A-Z0-9-]{1,19}$'),
  name text not null check (name <> ''),
  -- How texts call it.
  short_name text not null check (char_length(short_name) between 1 and 20),
  -- Chosen by somebody: no import derives it again.
  short_name_chosen boolean not null default false,
  -- A key of organisation_types in the operating model.
  type text not null check (type ~ '^[a-z][a-z0-9_]*$'),
  region_code text references organisations.region,
  system_code text references organisations.system,
  must_answer boolean not null,
  address_lines text[] not null default '{}',
  postcode text,
  -- The switchboard: public, never texted.
  telephone text,
  opened_on date,
  -- The last day, as ODS has it: the successor opens on the next.
  closed_on date,
  -- The kind of file it came from: 'ods' or 'csv'.
  source text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index organisation_name on organisations.organisation (name, code);
create index organisation_region on organisations.organisation (region_code);
create index organisation_system on organisations.organisation (system_code);

-- A person or a post, such as on-call IT, of one organisation.
create table organisations.contact (
  id uuid primary key default kernel.uuid_v7(),
  organisation_id uuid not null references organisations.organisation,
  name text not null check (name <> ''),
  is_post boolean not null,
  -- A key of contact_roles in the operating model.
  role text not null check (role ~ '^[a-z][a-z0-9_]*$'),
  -- Order within the organisation: 1 is told first.
  rank smallint not null check (rank between 1 and 9),
  reader_kind text not null default 'technical' check (reader_kind ~ '^[a-z][a-z_]*$'),
  language text not null default 'en' check (language in ('en', 'cy')),
  active boolean not null default true,
  -- How many contact points it has by channel; kept right by recount_links.
  texts smallint not null default 0,
  mails smallint not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
-- By this an import recognises a contact; also the index of an organisation's contacts.
create unique index contact_once on organisations.contact (organisation_id, role, lower(name));

-- One number or one address, whoever has it: shared ones are one row (P1).
create table organisations.contact_point (
  id uuid primary key default kernel.uuid_v7(),
  channel text not null check (channel in ('text', 'mail')),
  -- kernel/sealed.ts, context contact_point|<id>.
  address_sealed bytea not null,
  -- HMAC-SHA-256 of channel and normalised address.
  address_index bytea not null check (octet_length(address_index) = 32),
  -- What screens show, such as 07700 ···123.
  shown text not null,
  -- How many contacts have it; kept right by recount_links. Made for one, most stay with one.
  contacts integer not null default 1,
  -- When somebody last answered from it with the code that went there: it works both ways.
  proven_at timestamptz,
  -- Asked for such an answer: when, and by which four digits.
  asked_at timestamptz,
  asked_code text check (asked_code ~ '^[0-9]{4}$'),
  -- The message with it is on its way: it is not written twice.
  asked_is_sent boolean not null default false,
  created_at timestamptz not null default now(),
  unique (channel, address_index),
  unique (id, channel),
  check ((asked_at is null) = (asked_code is null))
);
create index contact_point_shared on organisations.contact_point (id) where contacts > 1;

create table organisations.contact_contact_point (
  contact_id uuid not null references organisations.contact,
  contact_point_id uuid not null,
  -- A copy, held equal by the foreign key.
  channel text not null,
  -- Order within contact and channel: 1 is the usual one.
  position smallint not null check (position between 1 and 999),
  primary key (contact_id, contact_point_id),
  unique (contact_id, channel, position),
  foreign key (contact_point_id, channel) references organisations.contact_point (id, channel)
);
create index contact_contact_point_point
  on organisations.contact_contact_point (contact_point_id, contact_id);

-- Counting an audience by its links means telling 200,000 uuids apart: 320 ms for 100,000 contacts.
-- With these counts it means adding, and telling apart only what is shared. Links are inserted and
-- deleted, never updated (grants below), so these two triggers see every change.
create function organisations.recount_links() returns trigger
  language plpgsql set search_path = '' as $$
begin
  update organisations.contact set texts = counted.texts, mails = counted.mails
  from (
    select changed.contact_id, count(*) filter (where link.channel = 'text') as texts,
      count(*) filter (where link.channel = 'mail') as mails
    from (select distinct touched.contact_id from touched) changed
    left join organisations.contact_contact_point link on link.contact_id = changed.contact_id
    group by changed.contact_id
  ) counted
  where contact.id = counted.contact_id
    and (contact.texts, contact.mails) <> (counted.texts, counted.mails);
  update organisations.contact_point set contacts = counted.contacts
  from (
    select changed.contact_point_id, count(link.contact_id) as contacts
    from (select distinct touched.contact_point_id from touched) changed
    left join organisations.contact_contact_point link
      on link.contact_point_id = changed.contact_point_id
    group by changed.contact_point_id
  ) counted
  where contact_point.id = counted.contact_point_id and contact_point.contacts <> counted.contacts;
  return null;
end
$$;

create trigger links_added after insert on organisations.contact_contact_point
  referencing new table as touched
  for each statement execute function organisations.recount_links();
create trigger links_removed after delete on organisations.contact_contact_point
  referencing old table as touched
  for each statement execute function organisations.recount_links();

-- Mergers and splits: on their first day the successors have everybody their predecessors had.
create table organisations.succession (
  id uuid primary key default kernel.uuid_v7(),
  -- The first day of the successors; its midnight is that of London.
  on_date date not null,
  state text not null default 'planned'
    check (state in ('planned', 'confirmed', 'applied', 'withdrawn')),
  planned_by text not null,
  planned_at timestamptz not null default now(),
  confirmed_by text,
  confirmed_at timestamptz,
  applied_at timestamptz,
  withdrawn_at timestamptz,
  check ((confirmed_at is null) = (confirmed_by is null)),
  check (state not in ('confirmed', 'applied') or confirmed_at is not null),
  check ((state = 'applied') = (applied_at is not null)),
  check ((state = 'withdrawn') = (withdrawn_at is not null))
);
create index succession_due on organisations.succession (on_date) where state = 'confirmed';

-- Who takes over from whom. A predecessor that is among its own successors goes on.
create table organisations.succession_part (
  succession_id uuid not null references organisations.succession,
  predecessor_id uuid not null references organisations.organisation,
  successor_id uuid not null references organisations.organisation,
  primary key (succession_id, predecessor_id, successor_id)
);
create index succession_part_predecessor on organisations.succession_part (predecessor_id);
create index succession_part_successor on organisations.succession_part (successor_id);

-- Asking for proof by itself, so many a day, after a second person approved of it (P5).
create table organisations.proof_schedule (
  id uuid primary key,
  a_day integer not null check (a_day between 1 and 1000),
  -- Over the number and the words that are sent; changed words end it.
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  state text not null default 'waiting' check (state in ('waiting', 'running', 'ended')),
  approval_id uuid not null,
  planned_by text not null,
  planned_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz,
  check ((state = 'ended') = (ended_at is not null)),
  check (state <> 'running' or started_at is not null)
);
create unique index proof_schedule_once on organisations.proof_schedule ((true))
  where state <> 'ended';

-- Files that changed something.
create table organisations.import (
  id uuid primary key default kernel.uuid_v7(),
  kind text not null check (kind in ('organisations', 'contacts')),
  file_name text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  started_at timestamptz not null,
  finished_at timestamptz not null,
  -- Rows added, changed, closed, moved, unchanged, refused.
  counts jsonb not null,
  actor text not null,
  -- Set together and once, by the undo: rows removed, ended, put back, left.
  undone_at timestamptz,
  undone_by text,
  undone jsonb,
  check ((undone_at is null) = (undone_by is null) and (undone_at is null) = (undone is null))
);
create index import_finished on organisations.import (finished_at);

-- What the last import found, to be put back by its undo; the next import takes it away. Written in
-- the import's transaction, before its entry in organisations.import: so no foreign key to that.
create table organisations.import_image (
  import_id uuid not null,
  kind text not null check (kind in ('contact', 'organisation', 'region', 'system')),
  contact_id uuid,
  code text,
  -- Null where the import added it.
  before jsonb,
  -- SHA-256 of the row as the import left it: a row of another hash was changed by somebody since.
  after_hash bytea check (octet_length(after_hash) = 32),
  -- Set by the undo, just before it does so.
  fate text check (fate in ('removed', 'ended', 'put_back', 'left')),
  check ((kind = 'contact') = (contact_id is not null)),
  check ((kind = 'contact') = (code is null))
);
create unique index import_image_contact on organisations.import_image (import_id, contact_id)
  where contact_id is not null;
create unique index import_image_code on organisations.import_image (import_id, kind, code)
  where code is not null;

-- Which column of a file is which of ours: for the next file with the same first line. Places of
-- columns and keys of the operating model; no word of the file.
create table organisations.import_mapping (
  kind text not null check (kind in ('organisations', 'contacts')),
  header_sha256 text not null check (header_sha256 ~ '^[0-9a-f]{64}$'),
  mapping jsonb not null,
  saved_at timestamptz not null,
  saved_by text not null,
  primary key (kind, header_sha256)
);

-- A file on its way into the directory by the import page; src/organisations/run.ts has its moves.
-- Sealed, for its uploader, for an hour after the last act.
create table organisations.import_run (
  id uuid primary key default kernel.uuid_v7(),
  kind text not null check (kind in ('organisations', 'contacts')),
  state text not null check (state in ('choosing_columns', 'checking', 'checked', 'importing',
    'imported', 'cancelled', 'failed', 'interrupted')),
  -- kernel/sealed.ts, contexts import_name|<id>, import_file|<id> and import_header|<id>.
  name_sealed bytea not null,
  file_sealed bytea not null,
  -- The names of the columns, for the file of refused rows; set by the check.
  header_sealed bytea,
  uploaded_by text not null,
  uploaded_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > uploaded_at),
  all_or_nothing boolean not null,
  -- As organisations.import_mapping; null where the names of the file are ours.
  mapping jsonb,
  -- Which start of the work this is: a slow thread of an earlier one can write nothing.
  attempt integer not null default 0,
  -- Set by the process that works on it, twice a second.
  beat_at timestamptz,
  started_at timestamptz,
  -- What it does now, and how much of all is done, 0 to 1.
  phase text check (phase in ('waiting', 'reading', 'comparing', 'writing')),
  progress real check (progress between 0 and 1),
  -- What the check found or the import did: counts, notes, when.
  result jsonb,
  -- A sentence, where it failed.
  reason text check ((reason is not null) = (state = 'failed')),
  import_id uuid references organisations.import,
  check (state not in ('checked', 'imported') or result is not null),
  check (state in ('checking', 'importing') or beat_at is null)
);
create index import_run_expires on organisations.import_run (expires_at);
create index import_run_uploader on organisations.import_run (uploaded_by);

-- What the check says of each row of the file.
create table organisations.import_row (
  run_id uuid not null references organisations.import_run on delete cascade,
  outcome text not null check (outcome in ('added', 'changed', 'closed', 'moved', 'unchanged',
    'refused')),
  line integer not null,
  -- Who or what it is about; empty where the row was refused.
  label text not null,
  -- Which field becomes what, or why which was refused; numbers and addresses masked.
  details jsonb not null,
  -- Of a refused row: kernel/sealed.ts, context import_row|<run>|<line>.
  cells_sealed bytea,
  primary key (run_id, outcome, line)
);

-- The centre sees all; a contact who answers sees the people of its own organisations (P8).
-- "case", not "or": the planner takes a "case" for half of the rows and an "or" for one in a
-- hundred, and then walks 100,000 contacts by nested loops.
alter table organisations.contact enable row level security;
alter table organisations.contact force row level security;
create policy contact_read on organisations.contact for select
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      organisation_id = any ((select kernel.actor_organisations())::uuid[])
    else false end);
create policy contact_insert on organisations.contact for insert
  with check ((select kernel.reach() = 'centre'));
create policy contact_update on organisations.contact for update
  using ((select kernel.reach() = 'centre'));
create policy contact_delete on organisations.contact for delete
  using ((select kernel.reach() = 'centre'));

alter table organisations.contact_contact_point enable row level security;
alter table organisations.contact_contact_point force row level security;
create policy contact_contact_point_read on organisations.contact_contact_point for select
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      contact_id in (select contact.id from organisations.contact)
    else false end);
create policy contact_contact_point_insert on organisations.contact_contact_point for insert
  with check ((select kernel.reach() = 'centre'));
create policy contact_contact_point_update on organisations.contact_contact_point for update
  using ((select kernel.reach() = 'centre'));
create policy contact_contact_point_delete on organisations.contact_contact_point for delete
  using ((select kernel.reach() = 'centre'));

alter table organisations.contact_point enable row level security;
alter table organisations.contact_point force row level security;
create policy contact_point_read on organisations.contact_point for select
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      id in (select link.contact_point_id from organisations.contact_contact_point link)
    else false end);
create policy contact_point_insert on organisations.contact_point for insert
  with check ((select kernel.reach() = 'centre'));
create policy contact_point_update on organisations.contact_point for update
  using ((select kernel.reach() = 'centre'));
create policy contact_point_delete on organisations.contact_point for delete
  using ((select kernel.reach() = 'centre'));

-- What is planned with whom is the centre's until it is told.
alter table organisations.succession enable row level security;
alter table organisations.succession force row level security;
create policy succession_of_centre on organisations.succession
  using ((select kernel.reach() = 'centre'));
alter table organisations.succession_part enable row level security;
alter table organisations.succession_part force row level security;
create policy succession_part_of_centre on organisations.succession_part
  using ((select kernel.reach() = 'centre'));

alter table organisations.proof_schedule enable row level security;
alter table organisations.proof_schedule force row level security;
create policy proof_schedule_of_centre on organisations.proof_schedule
  using ((select kernel.reach() = 'centre'));

alter table organisations.import_image enable row level security;
alter table organisations.import_image force row level security;
create policy import_image_centre on organisations.import_image
  using ((select kernel.reach() = 'centre'));

-- The system works on runs, and sweeps what nobody came back for.
alter table organisations.import_run enable row level security;
alter table organisations.import_run force row level security;
create policy import_run_own on organisations.import_run
  using (uploaded_by = (select kernel.actor_id()) or (select kernel.actor_kind()) = 'system');

alter table organisations.import_row enable row level security;
alter table organisations.import_row force row level security;
create policy import_row_own on organisations.import_row
  using (run_id in (select run.id from organisations.import_run run));

-- Removes what nothing refers to and says what stays: one statement where all may go, one by one
-- where something holds some of them.
create function organisations.remove_contacts(ids uuid[]) returns setof uuid
  language plpgsql set search_path = '' as $$
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
$$;

create function organisations.remove_organisations(codes text[]) returns setof text
  language plpgsql set search_path = '' as $$
declare
  one text;
begin
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
$$;

-- Organisations that exist today, with and without contacts.
create view organisations.v_organisation with (security_invoker = true) as
  select organisation.id as organisation_id, organisation.code, organisation.short_name,
    organisation.name, organisation.type, organisation.region_code, organisation.system_code,
    organisation.must_answer, organisation.telephone
  from organisations.organisation
  where (organisation.opened_on is null or organisation.opened_on <= current_date)
    and (organisation.closed_on is null or organisation.closed_on >= current_date);

-- Who stands where a named organisation was: its successors, and theirs.
create view organisations.v_follower with (security_invoker = true) as
  with recursive handed as (
    select part.predecessor_id, part.successor_id from organisations.succession_part part
    join organisations.succession on succession.id = part.succession_id
    where succession.state = 'applied' and part.predecessor_id <> part.successor_id
  ), follower as (
    select predecessor_id, successor_id from handed
    union
    select follower.predecessor_id, handed.successor_id from follower
    join handed on handed.predecessor_id = follower.successor_id
  )
  select predecessor.code, successor.code as successor_code from follower
  join organisations.organisation predecessor on predecessor.id = follower.predecessor_id
  join organisations.organisation successor on successor.id = follower.successor_id;

create view organisations.v_region with (security_invoker = true) as
  select code, name from organisations.region;

-- Who can be told today: a row for each organisation, active contact and contact point.
create view organisations.v_reachable with (security_invoker = true) as
  select organisation.organisation_id, organisation.code, organisation.short_name,
    organisation.name, organisation.type, organisation.region_code, organisation.system_code,
    organisation.must_answer, contact.id as contact_id, contact.role, contact.rank,
    contact.reader_kind, contact.language, link.contact_point_id, link.channel, link.position,
    contact_point.address_sealed
  from organisations.v_organisation organisation
  join organisations.contact on contact.organisation_id = organisation.organisation_id
    and contact.active
  join organisations.contact_contact_point link on link.contact_id = contact.id
  join organisations.contact_point on contact_point.id = link.contact_point_id;

grant select, insert, update on organisations.region, organisations.system,
  organisations.organisation, organisations.contact, organisations.contact_point
  to tocsin_web, tocsin_worker;
-- A number that is no longer somebody's is unlinked; the contact point stays for its messages.
grant select, insert, delete on organisations.contact_contact_point
  to tocsin_web, tocsin_worker;
grant select, insert, update on organisations.succession to tocsin_web, tocsin_worker;
grant select, insert on organisations.succession_part to tocsin_web, tocsin_worker;
grant select, insert, update on organisations.proof_schedule to tocsin_web;
grant select, update on organisations.proof_schedule to tocsin_worker;
grant select, insert, update (undone_at, undone_by, undone) on organisations.import
  to tocsin_web, tocsin_worker;
-- The undo takes away what an import added and nothing refers to.
grant delete on organisations.region, organisations.system, organisations.organisation,
  organisations.contact to tocsin_web, tocsin_worker;
grant select, insert, update, delete on organisations.import_image, organisations.import_run
  to tocsin_web, tocsin_worker;
grant select, insert, delete on organisations.import_row to tocsin_web, tocsin_worker;
grant select, insert, update on organisations.import_mapping to tocsin_web, tocsin_worker;
grant select on organisations.v_organisation, organisations.v_follower, organisations.v_region,
  organisations.v_reachable
  to tocsin_web, tocsin_worker;
