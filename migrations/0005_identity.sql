-- identity: who is who, what they may do, and what needs two of them.

create schema identity;
grant usage on schema identity to tocsin_web, tocsin_worker;

create table identity.person (
  id uuid primary key,
  name text not null check (btrim(name) = name and length(name) between 1 and 200),
  email text not null constraint person_email_unique unique
    check (email = lower(email) and email like '%_@_%'),
  active boolean not null default true,
  -- The mobile that they are woken on: sealed, by its blind index, and as screens show it.
  phone_sealed bytea,
  phone_index bytea,
  phone_mask text,
  created_at timestamptz not null,
  created_by text not null,
  check ((phone_sealed is null) = (phone_mask is null)),
  check ((phone_sealed is null) = (phone_index is null))
);

-- Who may read something: whatever a marking protects points to one row for all its readers (P8),
-- so that a policy asks whether its set is among a few and not who may read what.
create table identity.reader_set (
  id uuid primary key,
  -- Every organisation; those that belong to a space now; or whoever was named once and for all.
  kind text not null check (kind in ('community', 'space', 'organisations', 'people')),
  -- SHA-256 of who was named: the same readers again are the same row.
  digest bytea unique check (octet_length(digest) = 32),
  created_at timestamptz not null default now(),
  check ((digest is not null) = (kind in ('organisations', 'people')))
);
create unique index reader_set_of_all on identity.reader_set (kind) where kind = 'community';

-- Flat: no set stands in a set. Ids of organisations stand above: no keys.
create table identity.reader_set_member (
  set_id uuid not null references identity.reader_set,
  reader_kind text not null check (reader_kind in ('organisation', 'person')),
  reader_id uuid not null,
  reads_from timestamptz not null default now(),
  -- From then on no more.
  reads_until timestamptz,
  primary key (reader_id, set_id, reads_from),
  check (reads_until > reads_from)
);
create index reader_set_member_of_set on identity.reader_set_member (set_id);

-- A closed circle of people who read together, by a name (ADR 0043). What is written for it points
-- to the set of readers that has its id.
create table identity.space (
  id uuid primary key references identity.reader_set,
  name text not null check (btrim(name) = name and length(name) between 1 and 80),
  purpose text not null check (length(purpose) between 1 and 500),
  opened_at timestamptz not null,
  opened_by text not null,
  closed_at timestamptz,
  closed_by text,
  check ((closed_at is null) = (closed_by is null)),
  check (closed_at >= opened_at)
);

-- A role given, and when it ended. Never deleted: who could do what at any time stays answerable.
create table identity.role_grant (
  id uuid primary key,
  person_id uuid not null references identity.person,
  -- A key of the operating model's roles. One that the model no longer has allows nothing.
  role text not null check (role ~ '^[a-z][a-z_]*$'),
  -- For which organisation it is given; null: for the centre. The directory stands above: no key.
  organisation_id uuid,
  -- For which region it is given, where the model says that this role is given for regions.
  region_code text check (region_code <> ''),
  -- For which space: who leads it says who reads in it.
  space_id uuid references identity.space,
  given_at timestamptz not null,
  given_by text not null,
  -- From and until when it holds, as it was planned; null: at once, and until somebody ends it.
  starts_at timestamptz,
  ends_at timestamptz,
  ended_at timestamptz,
  ended_by text,
  check (starts_at > given_at),
  check (ends_at > coalesce(starts_at, given_at)),
  check ((ended_at is null) = (ended_by is null)),
  check (ended_at >= given_at),
  check (num_nonnulls(organisation_id, region_code, space_id) <= 1)
);

create unique index role_grant_once
  on identity.role_grant (person_id, role, organisation_id, region_code, space_id)
  nulls not distinct where ended_at is null;

-- Tokens and keys are 256 random bits, kept as SHA-256 only: whoever reads this table can use none.
create table identity.session (
  id uuid primary key,
  token_sha256 bytea not null unique check (length(token_sha256) = 32),
  person_id uuid not null references identity.person,
  -- Such as "Firefox on Android": so that people know their own sessions apart.
  device text not null check (length(device) <= 100),
  created_at timestamptz not null,
  last_seen_at timestamptz not null,
  ended_at timestamptz
);

create index session_of_person on identity.session (person_id) where ended_at is null;

create table identity.sign_in_link (
  id uuid primary key,
  token_sha256 bytea not null unique check (length(token_sha256) = 32),
  person_id uuid not null references identity.person,
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz not null,
  used_at timestamptz
);

create index sign_in_link_of_person on identity.sign_in_link (person_id) where used_at is null;

create table identity.api_key (
  id uuid primary key,
  -- The first part of the key, printed in lists so that people can tell keys apart.
  prefix text not null unique,
  secret_sha256 bytea not null unique check (length(secret_sha256) = 32),
  name text not null check (length(name) between 1 and 200),
  permissions text[] not null check (cardinality(permissions) > 0),
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  revoked_by text,
  check ((revoked_at is null) = (revoked_by is null))
);

-- What was asked of a second person, over the hash of exactly what was shown (P5).
create table identity.approval (
  id uuid primary key,
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  subject_kind text not null check (subject_kind ~ '^[a-z][a-z_]*$'),
  subject_id text not null check (subject_id <> ''),
  -- Whoever approves must hold this, at the approval and again when it is used.
  permission text not null,
  requested_by uuid not null,
  requested_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > requested_at),
  -- Everybody who wrote a part of it, and the person behind every key that did.
  shaped_by uuid[] not null,
  state text not null default 'requested'
    check (state in ('requested', 'approved', 'returned', 'voided', 'consumed', 'alone')),
  approved_by uuid,
  approved_at timestamptz,
  ended_by text,
  ended_at timestamptz,
  end_reason text check (end_reason <> ''),
  consumed_at timestamptz,
  -- Whoever let go alone what two people had approved as a rule, with nobody there to approve it.
  let_go_by uuid,
  let_go_at timestamptz,
  constraint approval_by_another
    check (approved_by <> requested_by and approved_by <> all (shaped_by)),
  check ((approved_by is null) = (approved_at is null)),
  check (state not in ('approved', 'consumed') or approved_by is not null),
  check (state <> 'requested' or approved_by is null),
  check ((state = 'consumed') = (consumed_at is not null)),
  check ((state = 'alone') = (let_go_by is not null)),
  check ((let_go_by is null) = (let_go_at is null)),
  check ((state in ('returned', 'voided')) = (ended_at is not null)),
  check ((ended_at is null) = (ended_by is null) and (ended_at is null) = (end_reason is null))
);

create unique index approval_open on identity.approval (subject_kind, subject_id)
  where state in ('requested', 'approved');
create index approval_of_subject on identity.approval (subject_kind, subject_id, requested_at);

-- The moves of src/identity/approval-model.ts, and: an approval carries the name of the person who
-- acts in this very transaction, so that no code can approve for somebody else.
create function identity.guard_approval() returns trigger
  language plpgsql set search_path = '' as $$
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
end $$;

create trigger approval_told after insert or update on identity.approval
  for each statement execute function kernel.tell_desk();
create trigger approval_moves before update on identity.approval
  for each row execute function identity.guard_approval();

-- Whom a step of a promise of the centre woke: each once, whoever runs the step. Ids of higher
-- slices, which stand above: no keys.
create table identity.woken (
  kind text not null check (kind in
    ('approval', 'next_update', 'call_back', 'announcement', 'review', 'region', 'sign_in')),
  subject_id uuid not null,
  -- A promise may be made anew, for another time.
  due_at timestamptz not null,
  step smallint not null check (step >= 1),
  person_id uuid not null references identity.person,
  at timestamptz not null default now(),
  primary key (kind, subject_id, due_at, step, person_id)
);
create index woken_lately on identity.woken (person_id, kind, at);

-- Answers to API posts, for clients that lost them. Swept after a day.
create table identity.idempotency (
  actor_id text not null,
  route text not null,
  key text not null,
  body_sha256 text not null check (body_sha256 ~ '^[0-9a-f]{64}$'),
  status integer,
  body text,
  created_at timestamptz not null,
  primary key (actor_id, route, key),
  check ((status is null) = (body is null))
);

create index idempotency_age on identity.idempotency (created_at);

-- Names and addresses of the centre are for the centre, whatever a page forgets; a contact or a
-- visitor reads none. Kept answers are for the key that they were given to, and for the sweep.
alter table identity.person enable row level security;
alter table identity.person force row level security;
create policy person_of_centre on identity.person
  using ((select kernel.actor_kind()) in ('system', 'person', 'key'));
alter table identity.woken enable row level security;
alter table identity.woken force row level security;
create policy woken_of_centre on identity.woken
  using ((select kernel.actor_kind()) in ('system', 'person', 'key'));
alter table identity.idempotency enable row level security;
alter table identity.idempotency force row level security;
create policy idempotency_own on identity.idempotency
  using (actor_id = (select kernel.actor_id()) or (select kernel.actor_kind()) = 'system');
-- Who holds what: the centre, the person, and whoever keeps the people of that organisation.
alter table identity.role_grant enable row level security;
alter table identity.role_grant force row level security;
create policy role_grant_of_centre on identity.role_grant
  using ((select kernel.reach() = 'centre'));
create policy role_grant_own on identity.role_grant for select
  using (person_id = (select case kernel.actor_kind()
    when 'person' then kernel.actor_id()::uuid end));
-- For identity.readers_of_space() below, which runs as the owner.
create policy role_grant_of_owner on identity.role_grant for select to current_user using (true);
create policy role_grant_of_organisation on identity.role_grant
  using ((select kernel.actor_kind() = 'person')
    and organisation_id = any ((select kernel.actor_organisations())::uuid[]));

-- Links, keys and what waits for a second person are the centre's: whoever comes by one is nobody
-- yet, and the system looks for them. A session is its person's too, and whoever keeps the people
-- of an organisation sees when they were last here.
alter table identity.sign_in_link enable row level security;
alter table identity.sign_in_link force row level security;
create policy sign_in_link_of_centre on identity.sign_in_link
  using ((select kernel.reach() = 'centre'));
alter table identity.api_key enable row level security;
alter table identity.api_key force row level security;
create policy api_key_of_centre on identity.api_key using ((select kernel.reach() = 'centre'));
alter table identity.approval enable row level security;
alter table identity.approval force row level security;
create policy approval_of_centre on identity.approval using ((select kernel.reach() = 'centre'));
alter table identity.session enable row level security;
alter table identity.session force row level security;
create policy session_of_centre on identity.session using ((select kernel.reach() = 'centre'));
create policy session_own on identity.session
  using (person_id = (select case kernel.actor_kind()
    when 'person' then kernel.actor_id()::uuid end));
create policy session_of_organisation on identity.session for select
  using ((select kernel.actor_kind() = 'person') and exists (
    select from identity.role_grant held where held.person_id = session.person_id
      and held.organisation_id = any ((select kernel.actor_organisations())::uuid[])
      and held.ended_at is null));

-- Whoever holds a role for an organisation that is cut off, beside others too, reads nothing by
-- name meanwhile: what they signed in by may be in foreign hands.
create function identity.is_of_cut_off(person_id uuid) returns boolean
  language plpgsql stable parallel safe set search_path = '' as $$
begin
  return cardinality(kernel.those_cut_off(array(
    select held.organisation_id from identity.role_grant held
    where held.person_id = is_of_cut_off.person_id and held.ended_at is null
      and (held.ends_at is null or held.ends_at > now())
      and held.organisation_id is not null))) > 0;
end $$;

-- The spaces that whoever acts leads; none meanwhile where an organisation of theirs is cut off.
create function identity.led_spaces() returns uuid[]
  language plpgsql stable parallel safe set search_path = '' as $$
declare
  led uuid[] := string_to_array(coalesce(current_setting('tocsin.spaces', true), ''), ',');
begin
  if cardinality(led) = 0 or kernel.actor_kind() <> 'person'
    or identity.is_of_cut_off(kernel.actor_id()::uuid)
  then
    return '{}';
  end if;
  return led;
end $$;

-- The sets of whoever acts; by their name only where it is proved by more than an organisation's
-- issuer. `readsSet` of src/identity/reader-sets.ts is the same rule. A policy
-- compares with it in brackets, so that it is asked once for a statement and an index is used.
create function identity.readable_sets() returns uuid[]
  language sql stable parallel safe
  return array(
    select member.set_id from identity.reader_set_member member
    where (
        (member.reader_kind = 'organisation'
          and member.reader_id = any ((select kernel.actor_organisations())::uuid[]))
        or (member.reader_kind = 'person' and member.reader_id = (select case
          when kernel.actor_kind() = 'person'
            and pg_catalog.current_setting('tocsin.by_name', true) = 'yes'
          then kernel.actor_id()::uuid end)
          and not (select identity.is_of_cut_off(kernel.actor_id()::uuid))))
      and member.reads_from <= now()
      and (member.reads_until is null or member.reads_until > now())
    union all
    select reader_set.id from identity.reader_set
    where reader_set.kind = 'community' and cardinality(kernel.actor_organisations()) > 0
    union all
    select reader_set.id from identity.reader_set
    where reader_set.kind = 'space'
      and reader_set.id = any ((select identity.led_spaces())::uuid[]));

alter table identity.reader_set enable row level security;
alter table identity.reader_set force row level security;
create policy of_centre on identity.reader_set
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
create policy community on identity.reader_set for select
  using (kind = 'community' and (select kernel.reach() = 'organisation'));
create policy led on identity.reader_set for select
  using (id = any ((select identity.led_spaces())::uuid[]));
alter table identity.reader_set_member enable row level security;
alter table identity.reader_set_member force row level security;
create policy of_centre on identity.reader_set_member
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
create policy own on identity.reader_set_member for select
  using (reader_id = any ((select kernel.actor_organisations())::uuid[])
    or (reader_kind = 'person' and reader_id = (select case kernel.actor_kind()
      when 'person' then kernel.actor_id()::uuid end)));

-- Whoever leads a space lets people in, by name. Who was named once stays named.
create policy led on identity.reader_set_member
  using (set_id = any ((select identity.led_spaces())::uuid[]))
  with check (reader_kind = 'person' and set_id = any ((select identity.led_spaces())::uuid[]));
create policy of_spaces_only on identity.reader_set_member as restrictive for update
  using (exists (select from identity.reader_set where reader_set.id = set_id and kind = 'space'));
-- For identity.readers_of_space(), which runs as the owner.
create policy of_owner on identity.reader_set_member for select to current_user using (true);

alter table identity.space enable row level security;
alter table identity.space force row level security;
create policy of_centre on identity.space
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
create policy of_readers on identity.space for select
  using (id = any ((select identity.readable_sets())::uuid[]));
create policy led on identity.space for update
  using (id = any ((select identity.led_spaces())::uuid[]));

-- Who reads in a space now, for whoever reads in it too, and for the centre: readers know with whom
-- they read, and nobody else learns that there is such a space.
create function identity.readers_of_space(space uuid)
  returns table (person_id uuid, leads boolean, reads_until timestamptz)
  language sql stable security definer set search_path = '' as $$
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
$$;
revoke all on function identity.readers_of_space from public;
grant execute on function identity.readers_of_space to tocsin_web;

grant select, insert on identity.reader_set, identity.reader_set_member, identity.space
  to tocsin_web;
grant update (reads_until) on identity.reader_set_member to tocsin_web;
grant update (name, purpose, closed_at, closed_by) on identity.space to tocsin_web;
grant select on identity.reader_set, identity.reader_set_member, identity.space to tocsin_worker;

-- Who people are, for names on pages of higher slices.
create view identity.v_person with (security_invoker = true) as
  select id, name, active from identity.person;

create view identity.v_woken with (security_invoker = true) as
  select woken.kind, woken.subject_id, woken.due_at, woken.step, person.name, woken.at
  from identity.woken
  join identity.person on person.id = woken.person_id;

grant select on identity.v_person, identity.v_woken to tocsin_web, tocsin_worker;
grant select on identity.woken to tocsin_web;
grant select, insert on identity.woken to tocsin_worker;
-- Roles held for organisations that hand over: whoever held one holds it for those that take over,
-- and no more for those that close. One that is cut off by then hands none over: what its people
-- sign in by may be in foreign hands, and would open the others. The worker carries out mergers
-- and may give no role otherwise.
create function identity.hand_over_roles(
    givers uuid[], takers uuid[], closing uuid[], given_by text)
  returns table (person_id uuid, role text, organisation_id uuid, is_given boolean)
  language sql security definer set search_path = '' as $$
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
$$;
revoke all on function identity.hand_over_roles from public;
grant execute on function identity.hand_over_roles to tocsin_web, tocsin_worker;

grant select, insert on identity.person, identity.role_grant, identity.session,
  identity.sign_in_link, identity.api_key, identity.approval to tocsin_web;
grant update (name, active, phone_sealed, phone_index, phone_mask) on identity.person to tocsin_web;
grant update (ended_at, ended_by) on identity.role_grant to tocsin_web;
grant update (last_seen_at, ended_at) on identity.session to tocsin_web;
grant update (token_sha256, expires_at, used_at) on identity.sign_in_link to tocsin_web;
grant update (last_used_at, revoked_at, revoked_by) on identity.api_key to tocsin_web;
grant update (state, approved_by, approved_at, ended_by, ended_at, end_reason, consumed_at,
  let_go_by, let_go_at)
  on identity.approval to tocsin_web;
grant select, insert, update, delete on identity.idempotency to tocsin_web;

-- Before it sends the worker asks who stands behind a key that had a hand in it, and whether one
-- that asked for it still may.
grant select (id, created_by, permissions, expires_at, revoked_at) on identity.api_key
  to tocsin_worker;
-- The worker voids and uses approvals of schedules, reads names, and sweeps what is over.
grant select on identity.person, identity.role_grant, identity.approval to tocsin_worker;
grant update (ended_at, ended_by) on identity.role_grant to tocsin_worker;
grant update (state, ended_by, ended_at, end_reason, consumed_at) on identity.approval
  to tocsin_worker;
grant select, delete on identity.session, identity.sign_in_link, identity.idempotency
  to tocsin_worker;
