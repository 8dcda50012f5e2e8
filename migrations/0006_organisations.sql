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
  -- Degrees north and east, WGS 84.
  latitude double precision check (latitude between -90 and 90),
  longitude double precision check (longitude between -180 and 180),
  -- Whom it serves, in words; how many people those are, and on which day.
  serves text check (char_length(serves) between 1 and 200),
  population integer check (population > 0),
  population_on date,
  opened_on date,
  -- The last day, as ODS has it: the successor opens on the next.
  closed_on date,
  -- The kind of file it came from, 'ods' or 'csv'; 'page' where it was added by hand.
  source text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check ((latitude is null) = (longitude is null)),
  check (population_on is null or population is not null)
);
create index organisation_name on organisations.organisation (name, code);
create index organisation_region on organisations.organisation (region_code);
create index organisation_system on organisations.organisation (system_code);

-- So that an exclusion constraint can say "the same organisation" without an extension.
create type organisations.id_range as range (subtype = uuid);

-- Below whom an organisation stands, by date: one parent at a time. That nobody stands below itself
-- at any date is held by whoever writes, under one lock (parents.ts, plan-parents.ts).
create table organisations.parenthood (
  id uuid primary key default kernel.uuid_v7(),
  child_id uuid not null references organisations.organisation on delete cascade,
  parent_id uuid not null references organisations.organisation,
  -- Null: nobody said since when.
  began_on date,
  -- The last day, as closed_on of an organisation. Null: no end is known.
  ended_on date,
  -- Who told us, in words: "Kim Lee, head of IT, by phone".
  said_by text not null check (char_length(said_by) between 1 and 120),
  recorded_by text not null default kernel.actor_id(),
  recorded_at timestamptz not null default now(),
  check (child_id <> parent_id),
  check (began_on <= ended_on),
  constraint one_parent_at_a_time exclude using gist (
    organisations.id_range(child_id, child_id, '[]') with &&,
    daterange(began_on, ended_on, '[]') with &&)
);
create index parenthood_child on organisations.parenthood (child_id);
create index parenthood_parent on organisations.parenthood (parent_id, child_id);

-- The same for "Vale, Mira", "MIRA VALE" and "Míra  Vale": words without accents, in order.
create function organisations.name_key(name text) returns text
  -- Keeps its plan, which a function in SQL makes anew for each name: an import asks for each
  -- contact, and that took twice as long. So did splitting by an expression.
  language plpgsql immutable parallel safe as $$
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
$$;

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
  -- A key of reader_kinds in the operating model.
  reader_kind text not null default 'technical' check (reader_kind ~ '^[a-z][a-z0-9_]*$'),
  language text not null default 'en' check (language in ('en', 'cy')),
  -- False for somebody who has left: kept, and told nothing.
  active boolean not null default true,
  -- When the contact itself last said that all on file is right.
  attested_at timestamptz,
  -- When the contact said that it has left; null again once somebody has dealt with it.
  says_left_at timestamptz,
  -- Has hours or absences; kept right by note_times. Whoever has none costs a freeze nothing.
  has_times boolean not null default false,
  -- How many contact points it has by channel; kept right by recount_links.
  texts smallint not null default 0,
  mails smallint not null default 0,
  -- By this the same person is found twice.
  name_key text collate "C" generated always as (organisations.name_key(name)) stored,
  created_at timestamptz not null default now(),
  created_by text not null default kernel.actor_id(),
  -- Also the version that a form saw: every change by page, program or import moves it on.
  updated_at timestamptz not null default now()
);
create index contact_name_key on organisations.contact (name_key, id);
-- By this an import recognises a contact; also the index of an organisation's contacts.
create unique index contact_once on organisations.contact (organisation_id, role, lower(name));

-- One number or one address, whoever has it: shared ones are one row (P1).
create table organisations.contact_point (
  id uuid primary key default kernel.uuid_v7(),
  -- A landline is for call lists and never texted.
  channel text not null check (channel in ('text', 'mail', 'landline')),
  -- kernel/sealed.ts, context contact_point|<id>.
  address_sealed bytea not null,
  -- HMAC-SHA-256 of channel and normalised address.
  address_index bytea not null check (octet_length(address_index) = 32),
  -- What screens show, such as 07700 ···123.
  shown text not null,
  -- What stands behind the @: whose network the address is on.
  domain text generated always as
    (case when channel = 'mail' then pg_catalog.split_part(shown, '@', 2) end) stored,
  -- How many contacts have it; kept right by recount_links. Made for one, most stay with one.
  contacts integer not null default 1,
  -- When somebody last answered from it with the code that went there: it works both ways.
  proven_at timestamptz,
  -- When somebody last answered an alert from it, with the code or without.
  answered_at timestamptz,
  -- When its owner texted STOP, until they answer anything again: somebody has to speak to them.
  stop_asked_at timestamptz,
  -- Asked for such a proof: when, and by which four digits.
  asked_at timestamptz,
  asked_code text check (asked_code ~ '^[0-9]{4}$'),
  -- What the answer says: that it works, or also that all on file of its owners is still right.
  asked_for text check (asked_for in ('proof', 'still_right')),
  -- The message with it is on its way: it is not written twice.
  asked_is_sent boolean not null default false,
  created_at timestamptz not null default now(),
  unique (channel, address_index),
  check ((asked_at is null) = (asked_code is null) and (asked_at is null) = (asked_for is null))
);
create index contact_point_shared on organisations.contact_point (id) where contacts > 1;
create index contact_point_domain on organisations.contact_point (domain) where channel = 'mail';

-- Both ends are held by triggers (below), not by foreign keys, which look at each link by itself.
create table organisations.contact_contact_point (
  contact_id uuid not null,
  contact_point_id uuid not null,
  -- A copy of the contact point's.
  channel text not null,
  -- Order within contact and channel: 1 is the usual one.
  position smallint not null check (position between 1 and 999),
  primary key (contact_id, channel, position),
  unique (contact_point_id, contact_id)
);

-- Links are held and counted whoever acts: a contact that changes its own number does not see the
-- others who have it, nor does whoever keeps contacts of one region. Says what it was before.
create function organisations.see_all() returns text[]
  language plpgsql set search_path = '' as $$
declare
  limits text[] := array[kernel.reach(),
    pg_catalog.current_setting('tocsin.directory_regions', true)];
begin
  perform pg_catalog.set_config('tocsin.reach', 'centre', true),
    pg_catalog.set_config('tocsin.directory_regions', '', true);
  return limits;
end
$$;
create function organisations.see_only(limits text[]) returns void
  language plpgsql set search_path = '' as $$
begin
  perform pg_catalog.set_config('tocsin.reach', limits[1], true),
    pg_catalog.set_config('tocsin.directory_regions', coalesce(limits[2], ''), true);
end
$$;

-- What two foreign keys of the links would do, for all links of a statement at once: for 8,000
-- they took 124 of its 350 ms, and this takes 40. Whoever links holds contact and contact point
-- until the transaction ends, whoever deletes one waits for that and looks for links afterwards,
-- and both keep their keys.
create function organisations.hold_linked() returns trigger
  language plpgsql set search_path = ''
  -- Planned for a whole session by the first statement that comes, which may be of one link.
  set enable_seqscan = off set enable_nestloop = off as $$
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
$$;
create trigger links_added_held after insert on organisations.contact_contact_point
  referencing new table as touched
  for each statement execute function organisations.hold_linked();
create trigger links_changed_held after update on organisations.contact_contact_point
  referencing new table as touched
  for each statement execute function organisations.hold_linked();

-- Links that were committed while the delete waited are seen by a statement of its own, unless the
-- transaction reads as of its beginning.
create function organisations.keep_linked() returns trigger
  language plpgsql set search_path = '' set enable_seqscan = off as $$
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
$$;
create trigger contacts_removed_held after delete on organisations.contact
  referencing old table as gone
  for each statement execute function organisations.keep_linked();
create trigger points_removed_held after delete on organisations.contact_point
  referencing old table as gone
  for each statement execute function organisations.keep_linked();

create function organisations.keep_key() returns trigger
  language plpgsql set search_path = '' as $$
begin
  raise foreign_key_violation using message = 'its id and its channel stay as they are',
    schema = 'organisations', table = tg_table_name, constraint = 'link_of_' || tg_table_name;
end
$$;
create trigger contact_keeps_key before update of id on organisations.contact
  for each row when (old.id <> new.id) execute function organisations.keep_key();
create trigger point_keeps_key before update of id, channel on organisations.contact_point
  for each row when ((old.id, old.channel) <> (new.id, new.channel))
  execute function organisations.keep_key();

-- Counting an audience by its links means telling 200,000 uuids apart: 320 ms for 100,000 contacts.
-- With these counts it means adding, and telling apart only what is shared. Links are inserted and
-- deleted, never updated (grants below), so these two triggers see every change.
-- Which are wrong is asked of all at once, by index, and merged by hash: one by one took twice as
-- long, and a plan of a session that began with small tables read all links for each part of an
-- import. They are locked before they are counted again: a link that somebody else added meanwhile
-- counts too.
create function organisations.recount_links() returns trigger
  language plpgsql set search_path = '' set enable_seqscan = off set enable_nestloop = off as $$
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
$$;

-- The contact point of this number or address: the stored one, or this new one. Whoever names an
-- address knows it already and learns an id, and not whose it is.
create function organisations.find_or_add_point(
    id uuid, channel text, address_sealed bytea, address_index bytea, shown text)
  returns uuid
  language plpgsql set search_path = '' as $$
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

-- Who takes over from whom: a group of pairs that hang together, such as A to C, B to C and D. A
-- predecessor that is among its own successors goes on.
create table organisations.succession_part (
  succession_id uuid not null references organisations.succession,
  predecessor_id uuid not null references organisations.organisation,
  successor_id uuid not null references organisations.organisation,
  -- Below it those come to stand who stood below the predecessor: one of its successors.
  takes_children boolean not null,
  primary key (succession_id, predecessor_id, successor_id)
);
create unique index succession_part_taker
  on organisations.succession_part (succession_id, predecessor_id) where takes_children;
create index succession_part_predecessor on organisations.succession_part (predecessor_id);
create index succession_part_successor on organisations.succession_part (successor_id);

-- Who was given to a part by name: from the first day on it stands below that one, whoever takes
-- the others.
create table organisations.succession_child (
  succession_id uuid not null references organisations.succession,
  child_id uuid not null references organisations.organisation on delete cascade,
  successor_id uuid not null references organisations.organisation,
  primary key (succession_id, child_id)
);

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

-- When somebody is on duty, by the week. Without rows: always.
create table organisations.duty_hours (
  id uuid primary key default kernel.uuid_v7(),
  contact_id uuid not null references organisations.contact on delete cascade,
  -- The day on which they begin: 1 is Monday, as ISO 8601 counts.
  weekday smallint not null check (weekday between 1 and 7),
  starts_at time not null,
  -- Not later than the start: it is a time of the next day. The same as the start: a whole day.
  ends_at time not null,
  -- Whose clock the two are read on, such as Europe/London.
  time_zone text not null,
  unique (contact_id, weekday, starts_at)
);

-- When somebody is away, and who is told instead.
create table organisations.absence (
  id uuid primary key default kernel.uuid_v7(),
  contact_id uuid not null references organisations.contact on delete cascade,
  starts_at timestamptz not null,
  ends_at timestamptz not null check (ends_at > starts_at),
  -- A contact of the same organisation; null: nobody stands in.
  cover_id uuid references organisations.contact on delete set null check (cover_id <> contact_id)
);
create index absence_contact on organisations.absence (contact_id, ends_at);
create index absence_cover on organisations.absence (cover_id);

create function organisations.note_times() returns trigger
  language plpgsql set search_path = '' as $$
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
$$;
create trigger hours_added after insert on organisations.duty_hours
  referencing new table as touched
  for each statement execute function organisations.note_times();
create trigger hours_removed after delete on organisations.duty_hours
  referencing old table as touched
  for each statement execute function organisations.note_times();
create trigger absence_added after insert on organisations.absence
  referencing new table as touched
  for each statement execute function organisations.note_times();
create trigger absence_removed after delete on organisations.absence
  referencing old table as touched
  for each statement execute function organisations.note_times();

-- Codes of six digits for contacts who keep their own details: somebody typed this number or
-- address. A row whether or not it is on file, so that whoever asks learns nothing (P8).
create table organisations.one_time_code (
  id uuid primary key,
  channel text not null check (channel in ('text', 'mail')),
  address_index bytea not null check (octet_length(address_index) = 32),
  -- Keyed hash of where it was asked from: so that they are counted and nobody is named.
  network_index bytea not null,
  asked_at timestamptz not null,
  -- Of a number that a contact wants on file: whose, and in the place of which.
  contact_id uuid references organisations.contact on delete cascade,
  replaces_id uuid references organisations.contact_point,
  -- Known once it is on its way; before that of a new number only.
  contact_point_id uuid references organisations.contact_point,
  -- Keyed hash of the digits, under the id of this row; null: nothing was sent.
  code_index bytea check (octet_length(code_index) = 32),
  wrong_tries smallint not null default 0,
  used_at timestamptz,
  check (replaces_id is null or contact_id is not null),
  check (code_index is null or contact_point_id is not null)
);
create index one_time_code_asked on organisations.one_time_code (asked_at);
create index one_time_code_of_network on organisations.one_time_code (network_index, asked_at);
create index one_time_code_of_point on organisations.one_time_code (contact_point_id, asked_at)
  where contact_point_id is not null;

-- A contact at its own details, from the code until four hours later. Over as well once the contact
-- is told nothing any more, or the number that the code went to is not its own any more.
create table organisations.code_session (
  id uuid primary key,
  token_sha256 bytea not null unique check (octet_length(token_sha256) = 32),
  contact_id uuid not null references organisations.contact on delete cascade,
  contact_point_id uuid not null references organisations.contact_point,
  opened_at timestamptz not null,
  ended_at timestamptz
);
create index code_session_of_contact on organisations.code_session (contact_id);
create index code_session_opened on organisations.code_session (opened_at);

-- Mail domains of which somebody said that they are, or are not, an organisation's own, or that
-- came with a merger or split. Others are learnt.
create table organisations.mail_domain (
  organisation_id uuid not null references organisations.organisation on delete cascade,
  domain text not null check (domain ~ '^[^@\s]+\.[^@\s]+$' and domain = pg_catalog.lower(domain)),
  is_own boolean not null,
  primary key (organisation_id, domain)
);

-- Two contacts that somebody looked at and found to be two.
create table organisations.not_the_same (
  one_id uuid not null references organisations.contact on delete cascade,
  other_id uuid not null references organisations.contact on delete cascade,
  said_at timestamptz not null default now(),
  said_by text not null default kernel.actor_id(),
  primary key (one_id, other_id),
  check (one_id < other_id)
);

-- Two contacts that were made one, and how they were before: undone until one of them is changed.
create table organisations.merge (
  id uuid primary key,
  kept_id uuid not null references organisations.contact on delete cascade,
  gone_id uuid not null references organisations.contact on delete cascade,
  -- Fields and ids of contact points of both; no number and no address.
  before jsonb not null,
  merged_at timestamptz not null default now(),
  merged_by text not null default kernel.actor_id(),
  undone_at timestamptz
);
create index merge_kept on organisations.merge (kept_id);
create index merge_gone on organisations.merge (gone_id);

-- What was changed of an organisation and of its contacts, by whoever and whatever did it: written
-- by triggers, so that an import is in it too. Never a number and never an address.
create table organisations.change (
  id uuid primary key default kernel.uuid_v7(),
  organisation_id uuid not null references organisations.organisation on delete cascade,
  -- Null: a fact of the organisation itself. No foreign key: an import that is undone deletes.
  contact_id uuid,
  -- The start of the transaction: what was changed together is shown together.
  changed_at timestamptz not null default now(),
  actor_kind text not null default kernel.actor_kind(),
  actor_id text not null default kernel.actor_id(),
  what text not null check (what in ('facts', 'contact', 'linked', 'unlinked', 'hours', 'absence',
    'domain', 'merge', 'attested', 'left', 'parent', 'cut_off')),
  -- By name of the field, before and after; of links the ids of contact points by channel; of
  -- parents what went and what came, each as code, first and last day.
  fields jsonb not null default '{}' check (jsonb_typeof(fields) = 'object')
);
create index change_of_organisation on organisations.change (organisation_id, changed_at desc);

-- Planned for a whole session by the first change that comes, which is of one contact: compared one
-- by one, 20,000 contacts took minutes, and their links could not be taken off within the minute.
create function organisations.note_contacts() returns trigger
  language plpgsql set search_path = '' set enable_nestloop = off as $$
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
$$;
create trigger contacts_noted after update on organisations.contact
  referencing old table as before new table as after
  for each statement execute function organisations.note_contacts();

-- The links of a contact that is added in this transaction are part of its being added.
create function organisations.note_links() returns trigger
  language plpgsql set search_path = '' as $$
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
$$;
create trigger links_added_noted after insert on organisations.contact_contact_point
  referencing new table as touched
  for each statement execute function organisations.note_links();
create trigger links_removed_noted after delete on organisations.contact_contact_point
  referencing old table as touched
  for each statement execute function organisations.note_links();

create function organisations.note_facts() returns trigger
  language plpgsql set search_path = '' as $$
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
$$;
create trigger facts_noted after update on organisations.organisation
  referencing old table as before new table as after
  for each statement execute function organisations.note_facts();

-- The parents of an organisation that is added in this transaction are part of its being added.
create function organisations.note_parents() returns trigger
  language plpgsql set search_path = '' as $$
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
$$;
create trigger parents_added_noted after insert on organisations.parenthood
  referencing new table as touched
  for each statement execute function organisations.note_parents();
create trigger parents_removed_noted after delete on organisations.parenthood
  referencing old table as touched
  for each statement execute function organisations.note_parents();

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
  -- By the word of two persons.
  approval_id uuid,
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

-- A file on its way into the directory by the import page, or the last one on its way out again;
-- imports/run.ts of the slice has its moves. Sealed, for its uploader, for an hour after the last
-- act.
create table organisations.import_run (
  id uuid primary key default kernel.uuid_v7(),
  kind text not null check (kind in ('organisations', 'contacts')),
  state text not null check (state in ('choosing_columns', 'checking', 'checked', 'importing',
    'imported', 'undoing', 'undone', 'cancelled', 'failed', 'interrupted')),
  -- The import that is taken back: then there is no file.
  undoes uuid references organisations.import,
  -- kernel/sealed.ts, contexts import_name|<id>, import_file|<id> and import_header|<id>.
  name_sealed bytea not null,
  file_sealed bytea,
  -- The names of the columns, for the file of refused rows; set by the check.
  header_sealed bytea,
  uploaded_by text not null,
  -- A person by page, or a program with a key: as whom the work is done.
  uploaded_by_kind text not null default kernel.actor_kind(),
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
  -- What it would change is proposed to a second person (identity.proposed_change): who may agree
  -- sees it then. And the approval by which it is carried out.
  change_id uuid,
  approval_id uuid,
  -- Of an undo that is done: the first of those that somebody changed since, by name.
  left_names text[] not null default '{}',
  check (state not in ('checked', 'imported') or result is not null),
  check (state in ('checking', 'importing', 'undoing') or beat_at is null),
  check ((file_sealed is null) = (undoes is not null)),
  check (undoes is null or state in ('undoing', 'undone', 'cancelled', 'failed', 'interrupted'))
);
create index import_run_expires on organisations.import_run (expires_at);
create index import_run_uploader on organisations.import_run (uploaded_by);

-- Two persons agreed to exactly what the check of this very file found.
create function organisations.guard_import() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if new.approval_id is not null and not coalesce(
    identity.is_import_agreed(new.id, new.result ->> 'digest', new.approval_id), false)
  then
    raise exception 'a large import takes two persons' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger import_by_two before insert or update of approval_id on organisations.import_run
  for each row execute function organisations.guard_import();

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

-- Names and places of organisations are no secret, but whoever reads for some regions reads of
-- these only: what is open here is what everything below is judged by. A number that is not 0: the
-- planner takes that for nearly all rows, as it is for nearly everybody who asks.
alter table organisations.organisation enable row level security;
alter table organisations.organisation force row level security;
create policy organisation_open on organisations.organisation using (true) with check (true);
create policy organisation_of_region on organisations.organisation as restrictive for select
  using (case when (select kernel.directory_regions() is null) then 1
    when region_code = any ((select kernel.directory_regions())::text[]) then 1 else 0 end <> 0);

-- Whether the reader's regions show it, for the policies below. No query in a policy: the planner
-- counts its cost for everybody, whom it never runs for, and read each contact twenty times.
create function organisations.shows_organisation(id uuid) returns boolean
  language plpgsql stable parallel safe cost 1 set search_path = '' as $$
begin
  return exists (select from organisations.organisation shown
    where shown.id = shows_organisation.id);
end $$;
create function organisations.shows_contact(id uuid) returns boolean
  language plpgsql stable parallel safe cost 1 set search_path = '' as $$
begin
  return exists (select from organisations.contact shown where shown.id = shows_contact.id);
end $$;
create function organisations.shows_point(id uuid) returns boolean
  language plpgsql stable parallel safe cost 1 set search_path = '' as $$
begin
  return exists (select from organisations.contact_contact_point shown
    where shown.contact_point_id = shows_point.id);
end $$;

-- The centre sees all; a contact who answers sees the people of its own organisations (P8), and
-- writes what is on file of itself; a person who keeps the contacts of organisations writes those.
-- "case", not "or": the planner takes a "case" for half of the rows and an "or" for one in a
-- hundred, and then walks 100,000 contacts by nested loops.
alter table organisations.contact enable row level security;
alter table organisations.contact force row level security;
create policy contact_read on organisations.contact for select
  using (case (select kernel.reach()) when 'centre' then
      case when (select kernel.directory_regions() is null) then true
        else organisations.shows_organisation(organisation_id) end
    when 'organisation' then
      organisation_id = any ((select kernel.actor_organisations())::uuid[])
    else false end);
create policy contact_insert on organisations.contact for insert
  with check (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      (select kernel.actor_kind() = 'person')
      and organisation_id = any ((select kernel.actor_organisations())::uuid[])
    else false end);
create policy contact_update on organisations.contact for update
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      organisation_id = any ((select kernel.actor_organisations())::uuid[])
      and ((select kernel.actor_kind() = 'person') or id::text = (select kernel.actor_id()))
    else false end);
create policy contact_delete on organisations.contact for delete
  using ((select kernel.reach() = 'centre'));

alter table organisations.contact_contact_point enable row level security;
alter table organisations.contact_contact_point force row level security;
create policy contact_contact_point_read on organisations.contact_contact_point for select
  using (case (select kernel.reach()) when 'centre' then
      case when (select kernel.directory_regions() is null) then true
        else organisations.shows_contact(contact_id) end
    when 'organisation' then
      contact_id in (select contact.id from organisations.contact)
    else false end);
create policy contact_contact_point_insert on organisations.contact_contact_point for insert
  with check (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      contact_id in (select contact.id from organisations.contact)
      and ((select kernel.actor_kind() = 'person') or contact_id::text = (select kernel.actor_id()))
    else false end);
create policy contact_contact_point_update on organisations.contact_contact_point for update
  using ((select kernel.reach() = 'centre'));
create policy contact_contact_point_delete on organisations.contact_contact_point for delete
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      contact_id in (select contact.id from organisations.contact)
      and ((select kernel.actor_kind() = 'person') or contact_id::text = (select kernel.actor_id()))
    else false end);

alter table organisations.contact_point enable row level security;
alter table organisations.contact_point force row level security;
create policy contact_point_read on organisations.contact_point for select
  using (case (select kernel.reach()) when 'centre' then
      case when (select kernel.directory_regions() is null) then true
        else organisations.shows_point(id) end
    when 'organisation' then
      id in (select link.contact_point_id from organisations.contact_contact_point link)
    else false end);
create policy contact_point_insert on organisations.contact_point for insert
  with check ((select kernel.reach() = 'centre'));
create policy contact_point_update on organisations.contact_point for update
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      id in (select link.contact_point_id from organisations.contact_contact_point link
        where (select kernel.actor_kind() = 'person')
          or link.contact_id::text = (select kernel.actor_id()))
    else false end);
create policy contact_point_delete on organisations.contact_point for delete
  using ((select kernel.reach() = 'centre'));

alter table organisations.parenthood enable row level security;
alter table organisations.parenthood force row level security;
create policy parenthood_of_centre on organisations.parenthood
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));

-- What is planned with whom is the centre's until it is told.
alter table organisations.succession enable row level security;
alter table organisations.succession force row level security;
create policy succession_of_centre on organisations.succession
  using ((select kernel.reach() = 'centre'));
alter table organisations.succession_part enable row level security;
alter table organisations.succession_part force row level security;
create policy succession_part_of_centre on organisations.succession_part
  using ((select kernel.reach() = 'centre'));
alter table organisations.succession_child enable row level security;
alter table organisations.succession_child force row level security;
create policy succession_child_of_centre on organisations.succession_child
  using ((select kernel.reach() = 'centre'));

alter table organisations.proof_schedule enable row level security;
alter table organisations.proof_schedule force row level security;
create policy proof_schedule_of_centre on organisations.proof_schedule
  using ((select kernel.reach() = 'centre'));

alter table organisations.duty_hours enable row level security;
alter table organisations.duty_hours force row level security;
create policy duty_hours_read on organisations.duty_hours for select
  using (case (select kernel.reach()) when 'centre' then
      case when (select kernel.directory_regions() is null) then true
        else organisations.shows_contact(contact_id) end
    when 'organisation' then
      contact_id in (select contact.id from organisations.contact)
    else false end);
create policy duty_hours_insert on organisations.duty_hours for insert
  with check (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      contact_id in (select contact.id from organisations.contact)
      and ((select kernel.actor_kind() = 'person') or contact_id::text = (select kernel.actor_id()))
    else false end);
create policy duty_hours_delete on organisations.duty_hours for delete
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      contact_id in (select contact.id from organisations.contact)
      and ((select kernel.actor_kind() = 'person') or contact_id::text = (select kernel.actor_id()))
    else false end);

alter table organisations.absence enable row level security;
alter table organisations.absence force row level security;
create policy absence_read on organisations.absence for select
  using (case (select kernel.reach()) when 'centre' then
      case when (select kernel.directory_regions() is null) then true
        else organisations.shows_contact(contact_id) end
    when 'organisation' then
      contact_id in (select contact.id from organisations.contact)
    else false end);
create policy absence_insert on organisations.absence for insert
  with check (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      contact_id in (select contact.id from organisations.contact)
      and ((select kernel.actor_kind() = 'person') or contact_id::text = (select kernel.actor_id()))
    else false end);
create policy absence_update on organisations.absence for update
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      contact_id in (select contact.id from organisations.contact)
      and ((select kernel.actor_kind() = 'person') or contact_id::text = (select kernel.actor_id()))
    else false end);
create policy absence_delete on organisations.absence for delete
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      contact_id in (select contact.id from organisations.contact)
      and ((select kernel.actor_kind() = 'person') or contact_id::text = (select kernel.actor_id()))
    else false end);

alter table organisations.mail_domain enable row level security;
alter table organisations.mail_domain force row level security;
create policy mail_domain_centre on organisations.mail_domain
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));

alter table organisations.not_the_same enable row level security;
alter table organisations.not_the_same force row level security;
create policy not_the_same_centre on organisations.not_the_same
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));

alter table organisations.merge enable row level security;
alter table organisations.merge force row level security;
create policy merge_centre on organisations.merge
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));

alter table organisations.change enable row level security;
alter table organisations.change force row level security;
create policy change_read on organisations.change for select
  using (case (select kernel.reach()) when 'centre' then
      case when (select kernel.directory_regions() is null) then true
        else organisations.shows_organisation(organisation_id) end
    when 'organisation' then
      organisation_id = any ((select kernel.actor_organisations())::uuid[])
    else false end);
create policy change_insert on organisations.change for insert
  with check (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      organisation_id = any ((select kernel.actor_organisations())::uuid[])
      and ((select kernel.actor_kind() = 'person')
        or contact_id::text = (select kernel.actor_id()))
    else false end);
-- Granted to nobody who runs: the owner takes a person out of it who asked to be erased.
create policy change_delete on organisations.change for delete
  using ((select kernel.reach() = 'centre'));

alter table organisations.one_time_code enable row level security;
alter table organisations.one_time_code force row level security;
create policy one_time_code_own on organisations.one_time_code
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      contact_id::text = (select kernel.actor_id())
    else false end);

alter table organisations.code_session enable row level security;
alter table organisations.code_session force row level security;
create policy code_session_own on organisations.code_session
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      contact_id::text = (select kernel.actor_id())
    else false end);

alter table organisations.import_image enable row level security;
alter table organisations.import_image force row level security;
create policy import_image_centre on organisations.import_image
  using ((select kernel.reach() = 'centre'));

-- The system works on runs, and sweeps what nobody came back for.
alter table organisations.import_run enable row level security;
alter table organisations.import_run force row level security;
create policy import_run_own on organisations.import_run
  using (uploaded_by = (select kernel.actor_id()) or (select kernel.actor_kind()) = 'system');
create policy import_run_proposed_read on organisations.import_run for select
  using (change_id is not null and (select kernel.reach() = 'centre'));
create policy import_run_proposed_begun on organisations.import_run for update
  using (change_id is not null and state = 'checked' and (select kernel.reach() = 'centre'))
  with check (change_id is not null and state = 'importing' and approval_id is not null);

alter table organisations.import_row enable row level security;
alter table organisations.import_row force row level security;
create policy import_row_own on organisations.import_row
  using (run_id in (select run.id from organisations.import_run run));

-- Whoever reads for some regions: what hangs on an organisation of theirs.
create policy parenthood_of_region on organisations.parenthood as restrictive for select
  using (case when (select kernel.directory_regions() is null) then true
    else organisations.shows_organisation(child_id) end);
create policy succession_part_of_region on organisations.succession_part as restrictive for select
  using (case when (select kernel.directory_regions() is null) then true
    else organisations.shows_organisation(predecessor_id)
      or organisations.shows_organisation(successor_id) end);
create policy succession_child_of_region on organisations.succession_child as restrictive for select
  using (case when (select kernel.directory_regions() is null) then true
    else organisations.shows_organisation(child_id) end);
create policy succession_of_region on organisations.succession as restrictive for select
  using (case when (select kernel.directory_regions() is null) then true
    else id in (select part.succession_id from organisations.succession_part part) end);

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
$$;

-- Every organisation, closed ones and those to come too: whom an alert has told stays on its board.
create view organisations.v_known_organisation with (security_invoker = true) as
  select id as organisation_id, code, short_name, name, type, region_code, system_code, telephone
  from organisations.organisation;

-- Whose a number or address is: each organisation with a contact on it.
create view organisations.v_contact_point_owner with (security_invoker = true) as
  select distinct link.contact_point_id, organisation.short_name
  from organisations.contact_contact_point link
  join organisations.contact on contact.id = link.contact_id
  join organisations.organisation on organisation.id = contact.organisation_id;

-- Organisations that exist today, with and without contacts.
create view organisations.v_organisation with (security_invoker = true) as
  select organisation.id as organisation_id, organisation.code, organisation.short_name,
    organisation.name, organisation.type, organisation.region_code, organisation.system_code,
    organisation.must_answer, organisation.telephone
  from organisations.organisation
  where (organisation.opened_on is null or organisation.opened_on <= (select kernel.today()))
    and (organisation.closed_on is null or organisation.closed_on >= (select kernel.today()));

-- Who stands where a named organisation was: its successors, and theirs.
create view organisations.v_follower with (security_invoker = true) as
  with recursive handed as (
    select part.predecessor_id, part.successor_id, succession.on_date
    from organisations.succession_part part
    join organisations.succession on succession.id = part.succession_id
    where succession.state = 'applied' and part.predecessor_id <> part.successor_id
  ), follower as (
    select predecessor_id, successor_id, on_date from handed
    union
    select follower.predecessor_id, handed.successor_id, greatest(follower.on_date, handed.on_date)
    from follower join handed on handed.predecessor_id = follower.successor_id
  )
  select predecessor.code, successor.code as successor_code, follower.on_date from follower
  join organisations.organisation predecessor on predecessor.id = follower.predecessor_id
  join organisations.organisation successor on successor.id = follower.successor_id;

create view organisations.v_region with (security_invoker = true) as
  select code, name from organisations.region;
create view organisations.v_system with (security_invoker = true) as
  select code, name from organisations.system;

create function organisations.is_within(
    moment timestamptz, weekday smallint, starts_at time, ends_at time, time_zone text)
  returns boolean
  language sql stable parallel safe
  return case
    when extract(isodow from moment at time zone time_zone) = weekday
      and (moment at time zone time_zone)::time >= starts_at
    then ends_at <= starts_at or (moment at time zone time_zone)::time < ends_at
    else ends_at <= starts_at
      and extract(isodow from (moment at time zone time_zone) - interval '1 day') = weekday
      and (moment at time zone time_zone)::time < ends_at end;

-- Who sits in the place of a contact that has hours or absences: itself on duty, its cover while it
-- is away, null outside of its hours or away without a cover. A cover counts that is active, not
-- away itself, and has every channel that the one who is away has: nobody loses reach by a cover.
-- No row for a contact without hours and absences: that is seen before anything is read, contact by
-- contact. Joined as a set it was a nested loop over all pairs as long as nothing had been counted
-- anew. Inlined by the planner, as reachable_at is: it must stay one select.
create function organisations.seat_at(
    moment timestamptz, contact_id uuid, has_times boolean, texts smallint, mails smallint)
  returns table (holder_id uuid, language text)
  language sql stable parallel safe
begin atomic
  select
    case when away.is_away then cover.id
      when not exists (
        select from organisations.duty_hours hours where hours.contact_id = seat_at.contact_id)
      or exists (
        select from organisations.duty_hours hours
        where hours.contact_id = seat_at.contact_id and organisations.is_within(
          moment, hours.weekday, hours.starts_at, hours.ends_at, hours.time_zone))
      then seat_at.contact_id end,
    cover.language
  from (
    select exists (
      select from organisations.absence
      where absence.contact_id = seat_at.contact_id and absence.starts_at <= moment
        and absence.ends_at > moment) as is_away
  ) away
  left join lateral (
    select standing_in.id, standing_in.language
    from organisations.absence
    join organisations.contact standing_in
      on standing_in.id = absence.cover_id and standing_in.active
      and (standing_in.texts > 0 or seat_at.texts = 0)
      and (standing_in.mails > 0 or seat_at.mails = 0)
    where absence.contact_id = seat_at.contact_id and absence.starts_at <= moment
      and absence.ends_at > moment
      and not exists (
        select from organisations.absence other
        where other.contact_id = standing_in.id and other.starts_at <= moment
          and other.ends_at > moment)
    order by absence.starts_at, absence.id
    limit 1
  ) cover on away.is_away
  where seat_at.has_times;
end;

-- Numbers and addresses known to fail: they failed since they last worked or were last proven. A
-- text that is lost once says little, a mail comes back; what failed half a year ago tells nothing
-- of today. Of those that failed at all, which are few, it asks dispatch by dispatch whether
-- something arrived later, as the key of P1 serves.
create view organisations.v_failing with (security_invoker = true) as
  select contact_point.id as contact_point_id, failed.failures, failed.failed_at
  from (
    select message.contact_point_id, count(*)::int as failures, max(message.final_at) as failed_at
    from dispatch.v_message message
    where message.state in ('undelivered', 'rejected')
      and message.final_at > now() - interval '180 days'
      and not exists (
        select from dispatch.v_dispatch dispatch
        cross join lateral (
          select other.final_at from dispatch.v_message other
          where other.dispatch_id = dispatch.id
            and other.contact_point_id = message.contact_point_id
            and other.state = 'delivered' and other.final_at > message.final_at
          offset 0) arrived)
    group by message.contact_point_id
  ) failed
  join organisations.contact_point on contact_point.id = failed.contact_point_id
  where coalesce(failed.failed_at > contact_point.proven_at, true)
    and (contact_point.channel = 'mail' or failed.failures > 1);

-- Organisations that are cut off now.
create view organisations.v_cut_off with (security_invoker = true) as
  select organisation_id, since, cut_by_name from kernel.cut_off where lifted_at is null;

-- Mail domains of networks that are in foreign hands: nothing goes there.
create view organisations.v_cut_off_domain with (security_invoker = true) as
  select distinct domain.name as domain
  from kernel.cut_off cross join unnest(cut_off.domains) domain (name)
  where cut_off.lifted_at is null;

-- An address that comes onto such a network while it is cut off is stopped as it comes.
create function organisations.stop_points() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if exists (select from kernel.cut_off where cut_off.lifted_at is null) then
    perform dispatch.stop(array(
      select added.id from added
      where added.channel = 'mail'
        and added.domain = any (array(select cut.domain from organisations.v_cut_off_domain cut))));
  end if;
  return null;
end $$;
create trigger points_added_stopped after insert on organisations.contact_point
  referencing new table as added
  for each statement execute function organisations.stop_points();

-- Links that change places: the first number or address of a contact that is known to fail or is on
-- a network that is cut off, and the next of the same channel that is not. Whoever has one only, or
-- none that works, keeps the first.
-- It begins with whose first one ever failed and who has another: after a gateway lost 100,000
-- mails those are few, and nothing else is looked at. "offset 0" keeps the planner from asking of
-- all that failed whether they still do.
create view organisations.v_swapped with (security_invoker = true) as
  with suspect as materialized (
    select first.contact_id, first.channel, first.contact_point_id, failed.is_cut_off
    from (
      select message.contact_point_id, false as is_cut_off from dispatch.v_message message
      where message.state in ('undelivered', 'rejected')
        and message.contact_point_id <> all (array(
          select stopped.contact_point_id from dispatch.v_stopped stopped))
      group by message.contact_point_id
      union all
      select stopped.contact_point_id, true from dispatch.v_stopped stopped
    ) failed
    join organisations.contact_contact_point first
      on first.contact_point_id = failed.contact_point_id and first."position" = 1
    where exists (
      select from organisations.contact_contact_point other
      where other.contact_id = first.contact_id and other.channel = first.channel
        and other."position" > 1)
  )
  select suspect.contact_id, swapped.contact_point_id
  from suspect
  cross join lateral (
    select next.contact_point_id from organisations.contact_contact_point next
    where next.contact_id = suspect.contact_id and next.channel = suspect.channel
      and next."position" > 1 and not exists (
        select from organisations.v_failing failing
        where failing.contact_point_id = next.contact_point_id offset 0)
      and next.contact_point_id <> all (array(
        select stopped.contact_point_id from dispatch.v_stopped stopped))
    order by next."position"
    limit 1
  ) stand_in
  cross join lateral (
    values (suspect.contact_point_id), (stand_in.contact_point_id)
  ) swapped (contact_point_id)
  where suspect.is_cut_off or exists (
    select from organisations.v_failing failing
    where failing.contact_point_id = suspect.contact_point_id offset 0);

-- Who can be told at a moment: a row for each organisation, active contact and contact point.
-- Whoever is on duty is told by rank, and a cover in the place of the one who is away. Outside of
-- its hours, or away without a cover, somebody is passed over only where another of the same
-- organisation and reader kind is on duty with the same channel in the same or an earlier rank: so
-- an organisation is reached in every rank and channel as if all were on duty. A question that
-- picks contacts by role or rank asks for exactly those and reads passed_over not at all.
-- in_use: alerts go to it. That is the first of its channel, or another where v_swapped says so;
-- those are few, and each row is looked up by hash. Never one where nothing goes for now.
-- Two parts: whoever has no hours and no absences, by plain joins, and the few who have. Each part
-- is planned by itself and read whole, unless one organisation is named: then by its indexes.
-- "offset 0" keeps the few on the way through the indexes: row-level security hides from the
-- planner that a look-up costs nothing; once it compared 100,000 contact points with 100,000 links.
create function organisations.reachable_at(moment timestamptz)
  returns table (organisation_id uuid, code text, short_name text, name text, type text,
    region_code text, system_code text, must_answer boolean, seat_id uuid, contact_id uuid,
    role text, rank smallint, reader_kind text, language text, contact_point_id uuid, channel text,
    in_use boolean, address_sealed bytea, passed_over boolean)
  language sql stable parallel safe
begin atomic
  select organisation.organisation_id, organisation.code, organisation.short_name,
    organisation.name, organisation.type, organisation.region_code, organisation.system_code,
    organisation.must_answer, contact.id, contact.id, contact.role, contact.rank,
    contact.reader_kind, contact.language, link.contact_point_id,
    link.channel, (link."position" = 1) <> ((link.contact_id, link.contact_point_id) in (
      select swapped.contact_id, swapped.contact_point_id from organisations.v_swapped swapped))
      and link.contact_point_id <> all (array(
        select stopped.contact_point_id from dispatch.v_stopped stopped)),
    contact_point.address_sealed, false
  from organisations.v_organisation organisation
  join organisations.contact on contact.organisation_id = organisation.organisation_id
    and contact.active and not contact.has_times
  join organisations.contact_contact_point link on link.contact_id = contact.id
    and link.channel <> 'landline'
  join organisations.contact_point on contact_point.id = link.contact_point_id
  union all
  select organisation.organisation_id, organisation.code, organisation.short_name,
    organisation.name, organisation.type, organisation.region_code, organisation.system_code,
    organisation.must_answer, contact.id, told.contact_id, contact.role, contact.rank,
    contact.reader_kind, told.language, link.contact_point_id,
    link.channel, (link."position" = 1) <> ((told.contact_id, link.contact_point_id) in (
      select swapped.contact_id, swapped.contact_point_id from organisations.v_swapped swapped))
      and link.contact_point_id <> all (array(
        select stopped.contact_point_id from dispatch.v_stopped stopped)),
    contact_point.address_sealed,
    told.is_off and exists (
      select from organisations.contact other
      left join lateral organisations.seat_at(
        moment, other.id, other.has_times, other.texts, other.mails) other_seat on true
      join organisations.contact holder
        on holder.id = case when other.has_times then other_seat.holder_id else other.id end
      where other.organisation_id = contact.organisation_id and other.active
        and other.id <> contact.id and other.rank <= contact.rank
        and other.reader_kind = contact.reader_kind
        and case link.channel when 'text' then holder.texts else holder.mails end > 0)
  from organisations.v_organisation organisation
  join organisations.contact on contact.organisation_id = organisation.organisation_id
    and contact.active and contact.has_times
  cross join lateral organisations.seat_at(
    moment, contact.id, contact.has_times, contact.texts, contact.mails) seat
  cross join lateral (
    select coalesce(seat.holder_id, contact.id) as contact_id,
      coalesce(seat.language, contact.language) as language, seat.holder_id is null as is_off
    offset 0
  ) told
  cross join lateral (
    select linked.contact_point_id, linked.channel, linked."position"
    from organisations.contact_contact_point linked
    where linked.contact_id = told.contact_id and linked.channel <> 'landline'
    offset 0
  ) link
  cross join lateral (
    select point.address_sealed from organisations.contact_point point
    where point.id = link.contact_point_id
    offset 0
  ) contact_point;
end;

create view organisations.v_reachable with (security_invoker = true) as
  select organisation_id, code, short_name, name, type, region_code, system_code, must_answer,
    seat_id, contact_id, role, rank, reader_kind, language, contact_point_id, channel, in_use,
    address_sealed, passed_over
  from organisations.reachable_at(now());

grant select, insert, update on organisations.region, organisations.system,
  organisations.organisation, organisations.contact, organisations.contact_point
  to tocsin_web, tocsin_worker;
-- A number that is no longer somebody's is unlinked; the contact point stays for its messages.
grant select, insert, delete on organisations.contact_contact_point
  to tocsin_web, tocsin_worker;
grant select, insert, delete on organisations.parenthood to tocsin_web, tocsin_worker;
grant select, insert, update on organisations.succession to tocsin_web, tocsin_worker;
grant select, insert on organisations.succession_part to tocsin_web, tocsin_worker;
grant select, insert, delete on organisations.succession_child to tocsin_web;
grant select on organisations.succession_child to tocsin_worker;
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
grant select, insert, delete on organisations.duty_hours to tocsin_web;
grant select, insert, delete, update (ends_at) on organisations.absence to tocsin_web;
grant select, insert, update, delete on organisations.mail_domain to tocsin_web;
grant select, insert, delete on organisations.not_the_same to tocsin_web;
grant select, insert, update (undone_at) on organisations.merge to tocsin_web;
grant select, insert, update (wrong_tries, used_at) on organisations.one_time_code to tocsin_web;
grant select, delete, update (contact_point_id, code_index) on organisations.one_time_code
  to tocsin_worker;
grant select, insert, update (contact_point_id, ended_at) on organisations.code_session
  to tocsin_web;
grant select, delete on organisations.code_session to tocsin_worker;
-- Who and when stay the database's to say.
grant select, insert (organisation_id, contact_id, what, fields) on organisations.change
  to tocsin_web, tocsin_worker;
-- A merger or split hands hours, absences and mail domains over.
grant select, insert on organisations.duty_hours, organisations.absence, organisations.mail_domain
  to tocsin_worker;
grant select on organisations.v_organisation, organisations.v_known_organisation,
  organisations.v_contact_point_owner,
  organisations.v_cut_off, organisations.v_cut_off_domain,
  organisations.v_follower, organisations.v_region,
  organisations.v_failing, organisations.v_swapped, organisations.v_system,
  organisations.v_reachable
  to tocsin_web, tocsin_worker;

-- Retention: contacts who left so long ago, with all that hangs on them, and their numbers and
-- addresses where nobody else has them. A batch at a time; nothing younger than thirty days,
-- whoever calls.
create function organisations.forget_left(older_than timestamptz, most integer) returns integer
  language plpgsql security definer set search_path = '' as $$
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
end $$;
revoke all on function organisations.forget_left from public;
grant execute on function organisations.forget_left to tocsin_worker;

-- Retention: numbers and addresses that no contact on file has, nor had: typed and never proven, or
-- of a file that was undone. Nothing of the last day, whoever calls.
create function organisations.forget_unused_points() returns integer
  language plpgsql security definer set search_path = '' as $$
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
end $$;
revoke all on function organisations.forget_unused_points from public;
grant execute on function organisations.forget_unused_points to tocsin_worker;

-- A contact of an organisation that is held, and a number or address of a contact that is, are held
-- as they come. The lock is shared to the end: whoever puts a hold waits for those who add, and
-- then finds what they added; whoever adds later waits for the hold, and sees it.
create function organisations.hold_contacts() returns trigger
  language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('organisations.held', 0));
  if kernel.is_anything_held() then
    perform kernel.hold_also(array_agg(added.organisation_id), array_agg(added.id), '{}')
    from added;
  end if;
  return null;
end $$;
create trigger contacts_added_on_hold after insert on organisations.contact
  referencing new table as added
  for each statement execute function organisations.hold_contacts();
create function organisations.hold_links() returns trigger
  language plpgsql set search_path = '' as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('organisations.held', 0));
  if kernel.is_anything_held() then
    perform kernel.hold_also(
      array_agg(added.contact_id), array_agg(point.id), array_agg(point.address_index))
    from added join organisations.contact_point point on point.id = added.contact_point_id;
  end if;
  return null;
end $$;
create trigger links_added_on_hold after insert on organisations.contact_contact_point
  referencing new table as added
  for each statement execute function organisations.hold_links();

-- Holds that stand, with what they are on; of a contact the organisation too.
create view organisations.v_legal_hold with (security_invoker = true) as
  select hold.id, hold.held_kind, hold.held_id, hold.reason, hold.review_on, hold.put_at,
    hold.put_by_name, contact.name as contact_name, organisation.id as organisation_id,
    organisation.name as organisation_name
  from kernel.legal_hold hold
  left join organisations.contact on contact.id = hold.held_id
  left join organisations.organisation
    on organisation.id in (hold.held_id, contact.organisation_id)
  where hold.lifted_at is null;
grant select on organisations.v_legal_hold to tocsin_web, tocsin_worker;
