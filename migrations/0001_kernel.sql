-- What every slice builds on: who may enter, who acts, ids, jobs, and which installation this is.
-- The migrator made the schema and kernel.migration, the roles and graphile-worker's schema before.

grant usage on schema kernel to tocsin_web, tocsin_worker;
-- Whoever runs looks whether a newer version has been here meanwhile.
grant select on kernel.migration to tocsin_web, tocsin_worker;

-- Who acts. Set by withActor (src/db/database.ts) for one transaction. Outside of one the settings
-- are NULL in a new session and '' in a used one; both mean nobody. In a policy write
-- (select kernel.reach() = 'centre'): it runs once for a statement and not once for a row, and the
-- planner takes a yes or no for half of the rows. Compared outside of the brackets it expects one
-- row in two hundred, and joins large tables by nested loops.
-- Bodies without quotes are bound to their functions when they are made: no search_path can bend
-- them, and unlike functions with "set search_path" they are inlined.

-- Organisations whose network is in foreign hands (ADR 0026): nobody acts for them until somebody
-- lifts it. Each time has a row, and is kept.
create table kernel.cut_off (
  id uuid primary key,
  organisation_id uuid not null,
  -- Of its network: no mail goes to an address there, whoever has it.
  domains text[] not null,
  reason text not null check (length(reason) between 1 and 500),
  since timestamptz not null default now(),
  cut_by text not null,
  cut_by_name text not null,
  lifted_at timestamptz,
  lifted_by text,
  lifted_by_name text,
  lift_reason text check (length(lift_reason) between 1 and 500),
  -- By which two persons agreed; of identity, which stands above: no key.
  lifted_by_approval uuid unique,
  check ((lifted_at is null) = (lifted_by is null)
    and (lifted_at is null) = (lifted_by_name is null)
    and (lifted_at is null) = (lift_reason is null)),
  check (lifted_at >= since)
);
create unique index cut_off_now on kernel.cut_off (organisation_id) where lifted_at is null;
create index cut_off_of_organisation on kernel.cut_off (organisation_id, since);

-- Which of these are cut off now. It runs as the owner, who reads all of the table: whoever is cut
-- off must not read of it, and must not be missed.
create function kernel.those_cut_off(ids uuid[]) returns uuid[]
  language plpgsql stable parallel safe security definer set search_path = '' as $$
begin
  return array(select cut_off.organisation_id from kernel.cut_off
    where cut_off.organisation_id = any (ids) and cut_off.lifted_at is null);
end $$;
revoke all on function kernel.those_cut_off from public;
grant execute on function kernel.those_cut_off to tocsin_web, tocsin_worker, tocsin_sequencer;

-- Those that a transaction was opened for, cut off or not.
create function kernel.named_organisations() returns uuid[]
  language sql stable parallel safe
  return pg_catalog.string_to_array(
    coalesce(pg_catalog.current_setting('tocsin.organisations', true), ''), ',')::uuid[];

-- The organisations a contact acts for; empty for everybody else. Never one that is cut off: asked
-- at each statement, so that who is within a request in that moment reads nothing from the next one
-- on. Not inlined: nobody else's statements are planned with it.
create function kernel.actor_organisations() returns uuid[]
  language plpgsql stable parallel safe set search_path = '' as $$
declare
  named uuid[] := kernel.named_organisations();
  cut uuid[];
begin
  if cardinality(named) = 0 then return named; end if;
  cut := kernel.those_cut_off(named);
  return array(select one.id from unnest(named) as one (id) where one.id <> all (cut));
end $$;

-- True of whoever acts for organisations only, of which each is cut off.
create function kernel.is_shut_out() returns boolean
  language plpgsql stable parallel safe set search_path = '' as $$
begin
  return current_setting('tocsin.reach', true) = 'organisation'
    and cardinality(kernel.named_organisations()) > 0
    and cardinality(kernel.actor_organisations()) = 0;
end $$;

-- Whoever is shut out acts as nobody.
create function kernel.actor_kind() returns text
  language sql stable parallel safe
  return case when kernel.is_shut_out() then 'nobody' else
    coalesce(nullif(pg_catalog.current_setting('tocsin.actor_kind', true), ''), 'nobody') end;

create function kernel.actor_id() returns text
  language sql stable parallel safe
  return case when kernel.is_shut_out() then 'nobody' else
    coalesce(nullif(pg_catalog.current_setting('tocsin.actor_id', true), ''), 'nobody') end;

-- 'centre' | 'organisation' | 'nobody': how far the actor reads.
create function kernel.reach() returns text
  language sql stable parallel safe
  return case when kernel.is_shut_out() then 'nobody' else
    coalesce(nullif(pg_catalog.current_setting('tocsin.reach', true), ''), 'nobody') end;

-- True, or the transaction ends: what is changed leaves an entry, and whoever is shut out changes
-- nothing (0002_audit.sql).
create function kernel.may_act() returns boolean
  language plpgsql stable parallel safe set search_path = '' as $$
begin
  if kernel.is_shut_out() then
    raise exception 'the organisation of who acts is cut off' using errcode = 'TC001';
  end if;
  return true;
end $$;

alter table kernel.cut_off enable row level security;
alter table kernel.cut_off force row level security;
create policy cut_off_of_centre on kernel.cut_off to tocsin_web, tocsin_worker
  using ((select kernel.reach() = 'centre'));
create policy cut_off_of_owner on kernel.cut_off for select to current_user using (true);
grant select, insert,
  update (lifted_at, lifted_by, lifted_by_name, lift_reason, lifted_by_approval)
  on kernel.cut_off to tocsin_web;
grant select on kernel.cut_off to tocsin_worker;

-- One person cuts an organisation off; once another agreed to that very one, it is let back. At the
-- server's terminal one does.
create function kernel.guard_let_back() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if kernel.actor_kind() <> 'system' and (old.lifted_at is not null
    or not identity.is_let_back(new.organisation_id, new.lifted_by_approval))
  then
    raise exception 'an organisation is let back by two persons'
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

create trigger cut_off_lifted_by_two before update on kernel.cut_off
  for each row execute function kernel.guard_let_back();

-- The regions, by code, that the actor's reading is bound to; null: to none.
create function kernel.actor_regions() returns text[]
  language sql stable parallel safe
  return pg_catalog.string_to_array(
    nullif(pg_catalog.current_setting('tocsin.regions', true), ''), ',');

-- The regions, by code, whose part of the directory is all that the actor reads; null: all of it.
create function kernel.directory_regions() returns text[]
  language sql stable parallel safe
  return pg_catalog.string_to_array(
    nullif(pg_catalog.current_setting('tocsin.directory_regions', true), ''), ',');

-- The markings whose words the actor may be shown: who is signed in without a passkey reads less.
create function kernel.actor_markings() returns text[]
  language sql stable parallel safe
  return pg_catalog.string_to_array(
    coalesce(pg_catalog.current_setting('tocsin.markings', true), ''), ',');

-- The day at the centre, by the clock on its wall: on it the dates of the directory begin and end.
create function kernel.today() returns date
  language sql stable parallel safe
  return (pg_catalog.now() at time zone 'Europe/London')::date;

-- UUID version 7 (RFC 9562, section 5.7): 48 bits of milliseconds, then version, variant and 74
-- random bits. PostgreSQL has its own from 18 on; this one is the same on 15 to 18. It starts from
-- a random version 4, replaces its first six bytes by the time, and turns the 4 into a 7 by setting
-- two bits (bytea counts the bits of each byte from the right).
create function kernel.uuid_v7() returns uuid
  language sql volatile parallel safe
  return pg_catalog.encode(
    pg_catalog.set_bit(pg_catalog.set_bit(
      pg_catalog.overlay(
        pg_catalog.uuid_send(pg_catalog.gen_random_uuid()),
        pg_catalog.substring(pg_catalog.int8send(pg_catalog.floor(
          pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::bigint), 3),
        1, 6),
      52, 1), 53, 1), 'hex')::uuid;

-- The n-th of many ids drawn at once: `batch` is one such uuid, whose time and last 48 bits they
-- share, with n as the counter between them (RFC 9562, 6.2, method 1; up to 67 million). Drawing
-- each at random is a call of the operating system: 2.5 µs of the 3 a row.
create function kernel.uuid_v7_of_batch(batch text, n bigint) returns uuid
  language sql immutable parallel safe
  -- Plain arguments only, such as columns: else the planner would call it and not write it out.
  return (pg_catalog."left"(batch, 14)
    || pg_catalog.to_hex(1879080960 + ((n >> 14) << 16) + (n & 16383))
    || pg_catalog."right"(batch, 13))::uuid;

-- While one stands, what it is on does not go for its age and is not erased: an inquiry needs what
-- there is. On everything, on one organisation with its contacts, or on one contact.
create table kernel.legal_hold (
  id uuid primary key,
  held_kind text not null check (held_kind in ('everything', 'organisation', 'contact')),
  -- Of the directory, which stands above: no key.
  held_id uuid,
  check ((held_kind = 'everything') = (held_id is null)),
  reason text not null check (length(reason) between 1 and 500),
  -- By when somebody looks whether it is still needed. It does not end by itself.
  review_on date not null,
  put_at timestamptz not null default now(),
  put_by text not null,
  put_by_name text not null,
  lifted_at timestamptz,
  lifted_by text,
  lifted_by_name text,
  lift_reason text check (length(lift_reason) between 1 and 500),
  check ((lifted_at is null) = (lifted_by is null)
    and (lifted_at is null) = (lifted_by_name is null)
    and (lifted_at is null) = (lift_reason is null)),
  check (lifted_at >= put_at)
);
create unique index legal_hold_now on kernel.legal_hold (held_id) nulls not distinct
  where lifted_at is null;
alter table kernel.legal_hold enable row level security;
alter table kernel.legal_hold force row level security;
create policy legal_hold_of_centre on kernel.legal_hold
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
grant select, insert, update (review_on, lifted_at, lifted_by, lifted_by_name, lift_reason)
  on kernel.legal_hold to tocsin_web;
grant select on kernel.legal_hold to tocsin_worker;

-- Of everything.
create function kernel.is_on_legal_hold() returns boolean
  language plpgsql stable set search_path = '' as $$
begin
  return exists (select from kernel.legal_hold where lifted_at is null and held_id is null);
end $$;

-- What the holds that stand are on: the organisation, contacts, their numbers and addresses, and
-- those that come later. One flat list, so that retention asks by the id that it has in hand.
create table kernel.held (
  hold_id uuid not null references kernel.legal_hold,
  id uuid not null,
  -- Of a number or an address: what a text that came is found by.
  address_index bytea,
  primary key (hold_id, id)
);
create index held_id on kernel.held (id);
create index held_address on kernel.held (address_index) where address_index is not null;
alter table kernel.held enable row level security;
alter table kernel.held force row level security;
create policy held_of_centre on kernel.held
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
create policy held_of_owner on kernel.held to current_user using (true) with check (true);
grant select, insert, delete on kernel.held to tocsin_web;
grant select, insert on kernel.held to tocsin_worker;

-- Both run as the owner: what a contact adds is held too, and a contact reads of no hold.
create function kernel.is_anything_held() returns boolean
  language plpgsql stable security definer set search_path = '' as $$
begin
  return exists (select from kernel.held);
end $$;
revoke all on function kernel.is_anything_held from public;
grant execute on function kernel.is_anything_held to tocsin_web, tocsin_worker;

-- What came to something that is held is held too, by the same holds.
create function kernel.hold_also(came_to uuid[], ids uuid[], indexes bytea[]) returns void
  language sql security definer set search_path = '' as $$
  insert into kernel.held (hold_id, id, address_index)
  select held.hold_id, came.id, came.address_index
  from unnest(came_to, ids, indexes) as came (came_to, id, address_index)
  join kernel.held on held.id = came.came_to
  on conflict do nothing;
$$;
revoke all on function kernel.hold_also from public;
grant execute on function kernel.hold_also to tocsin_web, tocsin_worker;

-- For the centre, and for what runs as the owner.
create function kernel.is_held(variadic ids uuid[]) returns boolean
  language plpgsql stable set search_path = '' as $$
begin
  return exists (select from kernel.held where held.id = any (ids));
end $$;

-- Jobs (technology-facts, section 4): graphile-worker's tables have row-level security without a
-- policy, so that only their owner writes them. This runs as the owner and adds, nothing else.
create function kernel.enqueue(
    task text, payload json, job_key text default null, run_at timestamptz default null,
    queue text default null)
  returns bigint
  -- A quoted body on purpose: a bound one would forbid graphile-worker to replace its add_job.
  language sql volatile security definer set search_path = '' as $$
    select job.id from graphile_worker.add_job(
      task, payload, queue_name := enqueue.queue, job_key := enqueue.job_key,
      run_at := enqueue.run_at) as job
  $$;

revoke all on function kernel.enqueue from public;
grant execute on function kernel.enqueue to tocsin_web, tocsin_worker;

-- Which installation this database belongs to. Live or demonstration for ever (P11).
create table kernel.installation (
  id uuid primary key,
  kind text not null check (kind in ('live', 'demonstration')),
  created_at timestamptz not null,
  -- The domain that passkeys are bound to: set once, because changing it would void them all.
  passkey_domain text check (passkey_domain <> '')
);

create unique index installation_is_single on kernel.installation ((true));

create function kernel.refuse_installation_change() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE'
    and (new.id, new.kind, new.created_at) = (old.id, old.kind, old.created_at)
    and (old.passkey_domain is null or new.passkey_domain = old.passkey_domain)
  then
    return new;
  end if;
  raise exception 'kernel.installation is fixed' using errcode = 'restrict_violation';
end
$$;

create trigger installation_is_fixed before update or delete on kernel.installation
  for each row execute function kernel.refuse_installation_change();
create trigger installation_stays before truncate on kernel.installation
  for each statement execute function kernel.refuse_installation_change();

grant select on kernel.installation to tocsin_web, tocsin_worker;

-- The keys that values are sealed by, each wrapped by a key of the file outside of the database
-- (ADR 0019): a copy of the database without that file opens nothing. The sequence never goes back,
-- because a value names its key by number.
create table kernel.sealing_key (
  id smallint generated by default as identity primary key,
  purpose text not null check (purpose in ('personal', 'credential', 'blind_index')),
  -- coming: opens, until all processes have it. current: seals. old: opens, until nothing needs it.
  state text not null check (state in ('coming', 'current', 'old')),
  wrapped bytea not null,
  created_at timestamptz not null default now(),
  old_since timestamptz,
  check ((state = 'old') = (old_since is not null))
);
create unique index sealing_key_current on kernel.sealing_key (purpose) where state = 'current';
create unique index sealing_key_coming on kernel.sealing_key (purpose) where state = 'coming';

-- The id of the key that a value was sealed by (src/kernel/sealed.ts); of a wrapped key, the id of
-- the key in the file.
create function kernel.sealed_by(sealed bytea) returns integer
  language sql immutable strict parallel safe
  return pg_catalog.get_byte(sealed, 1) * 256 + pg_catalog.get_byte(sealed, 2);

-- Processes that run, and which keys each of them opens: a key seals only when all open it.
create table kernel.key_holder (
  id uuid primary key,
  part text not null check (part in ('web', 'worker')),
  opens smallint[] not null,
  seen_at timestamptz not null
);

-- What waits for somebody at the duty desk came or went: open desks are read anew.
create function kernel.tell_desk() returns trigger
  language plpgsql set search_path = '' as $$
begin
  perform pg_catalog.pg_notify('tocsin_desk', '');
  return null;
end $$;
create trigger cut_off_told after insert or update on kernel.cut_off
  for each statement execute function kernel.tell_desk();
create trigger legal_hold_told after insert or update on kernel.legal_hold
  for each statement execute function kernel.tell_desk();

create function kernel.tell_sealing_key() returns trigger
  language plpgsql set search_path = '' as $$
begin
  perform pg_catalog.pg_notify('tocsin_sealing_key', '');
  return null;
end $$;
create trigger sealing_key_told after insert or update or delete on kernel.sealing_key
  for each statement execute function kernel.tell_sealing_key();

grant select on kernel.sealing_key to tocsin_web, tocsin_worker;
grant select, insert, update, delete on kernel.key_holder to tocsin_web, tocsin_worker;
