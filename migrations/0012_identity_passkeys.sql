-- identity: passkeys (WebAuthn), what is signed with them, and recovery by two persons.

create table identity.passkey (
  id uuid primary key,
  person_id uuid not null references identity.person,
  -- What the authenticator calls it: by this it is found when somebody signs in.
  credential_id bytea not null unique check (length(credential_id) between 1 and 1023),
  -- COSE (RFC 9052). It only checks: whoever reads it can sign nothing.
  public_key bytea not null check (length(public_key) between 1 and 4096),
  -- Signatures so far, where the authenticator counts them. One that does not move on is a copy.
  counter bigint not null check (counter >= 0),
  transports text[] not null,
  -- May be on several devices, by the account of its maker; and is.
  is_synced_kind boolean not null,
  is_backed_up boolean not null,
  -- The passkey domain that it was made for (the relying party's id).
  domain text not null check (domain <> ''),
  name text not null check (btrim(name) = name and length(name) between 1 and 60),
  -- Who let the person in for making it: by the link of its session, or of the passkey before it.
  vouched_by text[] not null,
  created_at timestamptz not null,
  last_used_at timestamptz,
  -- Ended, never deleted: what was signed with it can still be checked.
  ended_at timestamptz,
  ended_by text,
  check (is_synced_kind or not is_backed_up),
  check ((ended_at is null) = (ended_by is null))
);

create index passkey_of_person on identity.passkey (person_id) where ended_at is null;

-- What somebody is asked to sign: once, within minutes, for one purpose, in one session; for
-- signing in on the page that asked, which shows a ticket.
create table identity.passkey_challenge (
  challenge bytea primary key check (length(challenge) = 32),
  purpose text not null check (purpose in ('sign_in', 'make', 'prove', 'approve')),
  session_id uuid references identity.session on delete cascade,
  ticket_sha256 bytea check (length(ticket_sha256) = 32),
  -- For an approval: the challenge is made of these three.
  approval_id uuid references identity.approval,
  hash text,
  nonce bytea,
  expires_at timestamptz not null,
  check ((purpose = 'sign_in') = (session_id is null)),
  check ((purpose = 'sign_in') = (ticket_sha256 is not null)),
  check ((purpose = 'approve') = (approval_id is not null)),
  check ((approval_id is null) = (hash is null) and (approval_id is null) = (nonce is null))
);

create index passkey_challenge_age on identity.passkey_challenge (expires_at);
create index passkey_challenge_of_session on identity.passkey_challenge (session_id);

-- What an approver signed, whole, so that anybody with the passkey's public key can check it again.
create table identity.approval_signature (
  id uuid primary key,
  approval_id uuid not null references identity.approval,
  hash text not null check (hash ~ '^[0-9a-f]{64}$'),
  nonce bytea not null check (length(nonce) = 32),
  passkey_id uuid not null references identity.passkey,
  person_id uuid not null references identity.person,
  domain text not null,
  origin text not null,
  client_data bytea not null,
  authenticator_data bytea not null,
  signature bytea not null,
  signed_at timestamptz not null,
  -- The approval itself has to come by then.
  valid_until timestamptz not null check (valid_until > signed_at)
);

create index approval_signature_of_approval on identity.approval_signature (approval_id, person_id);

-- How a session began, roughly from where, and when its person last proved to be it.
alter table identity.session
  add column begun_by text not null default 'link'
    check (begun_by in ('link', 'demonstration', 'passkey', 'code', 'issuer')),
  -- Such as "192.0.x.x": so that people notice a session from elsewhere; too little to trace them.
  add column place text not null default '' check (length(place) <= 60),
  -- Who made the link that it began with, and who agreed to that; or those of its passkey.
  add column vouched_by text[] not null default '{}',
  add column passkey_id uuid references identity.passkey,
  add column passkey_at timestamptz,
  -- Each proof gives the cookie another token. What is on its way with the one before is answered
  -- for some seconds, without what the proof brought.
  add column token_before_sha256 bytea unique check (length(token_before_sha256) = 32),
  add column turned_at timestamptz,
  add constraint session_turned check ((token_before_sha256 is null) = (turned_at is null)),
  add constraint session_proof check ((passkey_id is null) = (passkey_at is null)),
  add constraint session_by_passkey check (begun_by <> 'passkey' or passkey_id is not null);
alter table identity.session alter column begun_by drop default,
  alter column place drop default, alter column vouched_by drop default;

-- A link for somebody who has passkeys and lost them opens nothing until a second person agrees.
alter table identity.sign_in_link
  add column recovers boolean not null default false,
  add column confirmed_at timestamptz,
  add column confirmed_by text,
  -- Of a recovery: used when it is confirmed.
  add column approval_id uuid unique references identity.approval,
  add constraint sign_in_link_recovers_by_two check (recovers = (approval_id is not null)),
  add constraint sign_in_link_by_another
    check (confirmed_by <> created_by and confirmed_by <> person_id::text),
  add constraint sign_in_link_confirmed check ((confirmed_at is null) = (confirmed_by is null)),
  add constraint sign_in_link_confirmed_recovery check (recovers or confirmed_at is null),
  add constraint sign_in_link_used_late
    check (not recovers or used_at is null or confirmed_at is not null);
alter table identity.sign_in_link alter column recovers drop default;

create index sign_in_link_waits on identity.sign_in_link (person_id)
  where recovers and confirmed_at is null;

create function identity.guard_recovery() returns trigger
  language plpgsql set search_path = '' as $$
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
end $$;

create trigger sign_in_link_told after insert or update on identity.sign_in_link
  for each row when (new.recovers) execute function kernel.tell_desk();
create trigger sign_in_link_recovery before update on identity.sign_in_link
  for each row execute function identity.guard_recovery();

-- A role that is dangerous, asked for by one person and given when another agrees.
create table identity.role_request (
  id uuid primary key,
  person_id uuid not null references identity.person,
  role text not null check (role ~ '^[a-z][a-z_]*$'),
  organisation_id uuid,
  region_code text check (region_code <> ''),
  space_id uuid references identity.space,
  starts_at timestamptz,
  ends_at timestamptz,
  asked_by uuid not null references identity.person,
  asked_at timestamptz not null,
  expires_at timestamptz not null check (expires_at > asked_at),
  state text not null default 'asked' check (state in ('asked', 'given', 'refused')),
  -- Over the hash of exactly this; used when it is given.
  approval_id uuid not null unique references identity.approval,
  decided_by uuid references identity.person,
  decided_at timestamptz,
  check (ends_at > coalesce(starts_at, asked_at)),
  check ((state = 'asked') = (decided_by is null)),
  check ((decided_by is null) = (decided_at is null)),
  constraint role_request_by_another
    check (state <> 'given' or (decided_by <> asked_by and decided_by <> person_id))
);

create unique index role_request_once
  on identity.role_request (person_id, role, organisation_id, region_code, space_id)
  nulls not distinct where state = 'asked';

create function identity.guard_role_request() returns trigger
  language plpgsql set search_path = '' as $$
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
end $$;

create trigger role_request_told after insert or update on identity.role_request
  for each statement execute function kernel.tell_desk();
create trigger role_request_moves before update on identity.role_request
  for each row execute function identity.guard_role_request();

-- The second person of a role that was given by two.
alter table identity.role_grant add column agreed_by text,
  add constraint role_grant_agreed_by_another check (agreed_by <> given_by);

-- In a live installation an approval without a signature does not exist. A demonstration, where no
-- real phone can ring (P11), goes without.
create function identity.guard_approval_signature() returns trigger
  language plpgsql set search_path = '' as $$
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
end $$;

create trigger approval_signed before update on identity.approval
  for each row execute function identity.guard_approval_signature();

-- Of the centre's people only, as they are themselves. The system reads them to let people in.
alter table identity.passkey enable row level security;
alter table identity.passkey force row level security;
create policy passkey_of_centre on identity.passkey
  using ((select kernel.actor_kind()) in ('system', 'person'));
alter table identity.passkey_challenge enable row level security;
alter table identity.passkey_challenge force row level security;
create policy passkey_challenge_of_centre on identity.passkey_challenge
  using ((select kernel.actor_kind()) in ('system', 'person'));
alter table identity.approval_signature enable row level security;
alter table identity.approval_signature force row level security;
create policy approval_signature_of_centre on identity.approval_signature
  using ((select kernel.actor_kind()) in ('system', 'person'));

alter table identity.role_request enable row level security;
alter table identity.role_request force row level security;
create policy role_request_of_system on identity.role_request
  using ((select kernel.actor_kind()) = 'system');
-- Whoever works at the centre, and whoever keeps the organisation that the role is for.
create policy role_request_of_centre on identity.role_request
  using ((select kernel.actor_kind()) = 'person' and ((select kernel.reach()) = 'centre'
    or organisation_id = any ((select kernel.actor_organisations())::uuid[])));

grant select, insert on identity.role_request to tocsin_web;
grant update (state, decided_by, decided_at) on identity.role_request to tocsin_web;
grant select, insert on identity.passkey, identity.passkey_challenge, identity.approval_signature
  to tocsin_web;
grant update (counter, is_backed_up, last_used_at, ended_at, ended_by) on identity.passkey
  to tocsin_web;
grant delete on identity.passkey_challenge to tocsin_web;
grant update (token_sha256, token_before_sha256, turned_at, passkey_id, passkey_at)
  on identity.session to tocsin_web;
grant update (confirmed_at, confirmed_by) on identity.sign_in_link to tocsin_web;

-- The worker checks signatures again and sweeps what is over.
grant select on identity.passkey, identity.approval_signature to tocsin_worker;
grant select, delete on identity.passkey_challenge to tocsin_worker;

-- A change of what the centre is built on, asked for by one person and carried out when another
-- agrees: as it was shown, byte for byte. Its life is that of its approval.
create table identity.proposed_change (
  id uuid primary key,
  kind text not null check (kind ~ '^[a-z][a-z_]*$'),
  -- JSON: what is asked for, what it stands on, what it changes in words, and why.
  content text not null check (length(content) <= 200000),
  sha256 text not null,
  approval_id uuid not null unique,
  constraint proposed_change_sha256_of_content
    check (sha256 = encode(pg_catalog.sha256(convert_to(content, 'UTF8')), 'hex'))
);

-- What is approved is exactly this content.
alter table identity.approval add constraint approval_of_hash unique (id, hash);
alter table identity.proposed_change add constraint proposed_change_as_approved
  foreign key (approval_id, sha256) references identity.approval (id, hash);

-- True of somebody who has never had a second person here who could agree: nobody else of the
-- centre has a role and, in a live installation, a passkey, or ever had. Somebody who was locked
-- out or lost a role counts: else whoever locks all others out would be alone.
create function identity.is_first_person(me uuid) returns boolean
  language sql stable set search_path = '' as $$
  select not exists (
    select from identity.role_grant held
    where held.person_id <> me and held.organisation_id is null and held.region_code is null
      and held.space_id is null
      and (exists (select from kernel.installation where kind = 'demonstration')
        or exists (select from identity.passkey where passkey.person_id = held.person_id)))
$$;

create function identity.guard_change_alone() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if new.state = 'alone' and old.state <> 'alone' and new.subject_kind = 'proposed_change'
    and not identity.is_first_person(new.let_go_by)
  then
    raise exception 'a change takes two persons' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

create trigger approval_change_alone before update on identity.approval
  for each row execute function identity.guard_change_alone();

-- What a change was carried out by: used by another's word, or alone by the first person.
create function identity.is_carried_out(approval uuid, of_kind text) returns boolean
  language sql stable set search_path = '' as $$
  select exists (
    select from identity.proposed_change proposed
    join identity.approval used on used.id = proposed.approval_id
    where proposed.approval_id = approval and proposed.kind = of_kind
      and used.state in ('consumed', 'alone'))
$$;

-- A key that a person asked for on a page is there only once two agreed.
alter table identity.api_key add column approval_id uuid unique references identity.approval;

create function identity.guard_api_key() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if kernel.actor_kind() <> 'system'
    and not coalesce(identity.is_carried_out(new.approval_id, 'api_key'), false)
  then
    raise exception 'a key takes two persons' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;

create trigger api_key_by_two before insert on identity.api_key
  for each row execute function identity.guard_api_key();

-- True of the word of two persons that this very organisation is let back (kernel.cut_off).
create function identity.is_let_back(organisation uuid, approval uuid) returns boolean
  language sql stable set search_path = '' as $$
  select identity.is_carried_out(approval, 'let_back') and exists (
    select from identity.proposed_change proposed
    where proposed.approval_id = approval
      and proposed.content::jsonb #>> '{payload,organisationId}' = organisation::text)
$$;

-- True of the word of two persons that what this file would change, as it was checked, is written.
create function identity.is_import_agreed(run uuid, digest text, approval uuid) returns boolean
  language sql stable set search_path = '' as $$
  select identity.is_carried_out(approval, 'directory_import') and exists (
    select from identity.proposed_change proposed
    where proposed.approval_id = approval
      and proposed.content::jsonb #>> '{payload,runId}' = run::text
      and proposed.content::jsonb #>> '{payload,digest}' = digest)
$$;

alter table identity.proposed_change enable row level security;
alter table identity.proposed_change force row level security;
create policy proposed_change_of_centre on identity.proposed_change
  using ((select kernel.reach()) = 'centre') with check ((select kernel.reach()) = 'centre');
grant select, insert on identity.proposed_change to tocsin_web;
grant select on identity.proposed_change to tocsin_worker;

-- Whatever of people, keys and sign-ins waits for a second person, for the duty desk: how
-- many, since when; what it is, whoever may decide over it sees.
create view identity.v_second_person with (security_invoker = true) as
  select approval.requested_at as proposed_at, approval.expires_at
  from identity.proposed_change change
  join identity.approval on approval.id = change.approval_id
  where approval.state = 'requested'
  union all
  select request.asked_at, request.expires_at
  from identity.role_request request
  where request.state = 'asked'
  union all
  select link.created_at, link.expires_at
  from identity.sign_in_link link
  where link.recovers and link.confirmed_at is null and link.used_at is null;
grant select on identity.v_second_person to tocsin_web, tocsin_worker;
