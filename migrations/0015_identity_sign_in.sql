-- identity: invitations by somebody of an organisation to colleagues of it, and signing in by a
-- code and the number of an app, or through an issuer (OpenID Connect).

-- A link for somebody who is to hold a role for one organisation. Nobody is made of it before it is
-- accepted: one that is revoked, or that nobody opens, leaves no account.
create table identity.invitation (
  id uuid primary key,
  token_sha256 bytea not null unique check (length(token_sha256) = 32),
  name text not null check (btrim(name) = name and length(name) between 1 and 200),
  email text not null check (email = lower(email) and email like '%_@_%'),
  role text not null check (role ~ '^[a-z][a-z_]*$'),
  -- The directory stands above: no key.
  organisation_id uuid not null,
  invited_by uuid not null references identity.person,
  invited_at timestamptz not null,
  -- Why a sponsor vouches for them: then nobody has the link before another one has confirmed it.
  vouched_because text
    check (btrim(vouched_because) = vouched_because and length(vouched_because) between 1 and 500),
  confirmed_by uuid references identity.person,
  confirmed_at timestamptz,
  expires_at timestamptz not null check (expires_at > invited_at),
  accepted_at timestamptz,
  accepted_by uuid references identity.person,
  revoked_at timestamptz,
  revoked_by uuid references identity.person,
  check ((accepted_at is null) = (accepted_by is null)),
  check ((revoked_at is null) = (revoked_by is null)),
  check ((confirmed_at is null) = (confirmed_by is null)),
  constraint invitation_confirmed_where_vouched
    check (confirmed_by is null or vouched_because is not null),
  constraint invitation_by_two check (confirmed_by <> invited_by),
  constraint invitation_after_two
    check (accepted_by is null or vouched_because is null or confirmed_by is not null),
  constraint invitation_ends_once check (accepted_at is null or revoked_at is null),
  constraint invitation_to_another
    check (accepted_by <> invited_by and accepted_by <> confirmed_by)
);

create index invitation_open on identity.invitation (organisation_id)
  where accepted_at is null and revoked_at is null;
create index invitation_age on identity.invitation (expires_at);

-- Of the organisation it is for. The system reads it by its token, before anybody is known.
alter table identity.invitation enable row level security;
alter table identity.invitation force row level security;
create policy invitation_of_system on identity.invitation
  using ((select kernel.actor_kind()) = 'system');
create policy invitation_of_organisation on identity.invitation
  using ((select kernel.actor_kind()) = 'person'
    and organisation_id = any ((select kernel.actor_organisations())::uuid[]));

-- A sponsor vouches for somebody of another organisation, and sees what became of it.
create policy invitation_of_sponsor on identity.invitation
  using ((select kernel.actor_kind()) = 'person' and vouched_because is not null
    and invited_by::text = (select kernel.actor_id()));

grant select, insert on identity.invitation to tocsin_web;
grant update (token_sha256, expires_at, accepted_at, accepted_by, revoked_at, revoked_by,
    confirmed_at, confirmed_by)
  on identity.invitation to tocsin_web;
grant select, delete on identity.invitation to tocsin_worker;

-- An app that shows a new number every thirty seconds (TOTP, RFC 6238), of somebody whose role
-- takes no passkey. Ended, never deleted.
create table identity.authenticator_app (
  id uuid primary key,
  person_id uuid not null references identity.person,
  -- Where it is being set up: nobody else sees the secret.
  session_id uuid not null,
  secret_sealed bytea not null,
  -- As for a passkey: who let the person into the session that it was made in.
  vouched_by text[] not null,
  made_at timestamptz not null,
  confirmed_at timestamptz,
  -- The thirty seconds of the last number that was taken: none counts twice.
  last_step bigint not null default 0,
  ended_at timestamptz,
  ended_by text,
  check ((ended_at is null) = (ended_by is null))
);

create unique index authenticator_app_of_person on identity.authenticator_app (person_id)
  where confirmed_at is not null and ended_at is null;

-- A code that goes to the address of an account; of a stranger it has no person, and nothing goes.
create table identity.sign_in_code (
  id uuid primary key,
  person_id uuid references identity.person,
  -- Where it proves the address while an app is set up; null: it signs in.
  app_id uuid references identity.authenticator_app,
  network_index bytea not null check (length(network_index) = 32),
  asked_at timestamptz not null,
  -- Keyed hash of the digits under the id of this row.
  code_index bytea check (length(code_index) = 32),
  sent_at timestamptz,
  wrong_tries smallint not null default 0,
  used_at timestamptz,
  check ((code_index is null) = (sent_at is null))
);

create index sign_in_code_age on identity.sign_in_code (asked_at);
create index sign_in_code_of_person on identity.sign_in_code (person_id, asked_at);
create index sign_in_code_of_network on identity.sign_in_code (network_index, asked_at);

-- By the system: it checks codes before anybody is known.
alter table identity.authenticator_app enable row level security;
alter table identity.authenticator_app force row level security;
create policy authenticator_app_of_system on identity.authenticator_app
  using ((select kernel.actor_kind()) = 'system');
alter table identity.sign_in_code enable row level security;
alter table identity.sign_in_code force row level security;
create policy sign_in_code_of_system on identity.sign_in_code
  using ((select kernel.actor_kind()) = 'system');

-- Whoever cuts an organisation off ends what its people have open.
create policy invitation_of_centre on identity.invitation
  using ((select kernel.reach() = 'centre'));
create policy sign_in_code_of_centre on identity.sign_in_code
  using ((select kernel.reach() = 'centre'));
-- Whoever agrees to a recovery ends the app of before.
create policy authenticator_app_of_centre on identity.authenticator_app
  using ((select kernel.reach() = 'centre'));

grant select, insert on identity.authenticator_app, identity.sign_in_code to tocsin_web;
grant update (confirmed_at, last_step, ended_at, ended_by) on identity.authenticator_app
  to tocsin_web;
grant update (wrong_tries, used_at) on identity.sign_in_code to tocsin_web;
grant select on identity.authenticator_app to tocsin_worker;
grant select, delete on identity.sign_in_code to tocsin_worker;
grant update (code_index, sent_at) on identity.sign_in_code to tocsin_worker;

-- A sign-in of somebody else's (OpenID Connect) that people of ours may come by.
create table identity.issuer (
  id text primary key check (id ~ '^[a-z][a-z0-9-]{0,39}$'),
  -- Its issuer identifier; never changed: with a subject it says who somebody is.
  url text not null unique check (length(url) <= 300),
  label text not null check (btrim(label) = label and length(label) between 1 and 60),
  -- Whose it is: lets in those who hold a role there, for that role only. Null: of the centre.
  organisation_id uuid,
  client_id text not null check (client_id <> ''),
  -- Client secret and how it is shown, sealed.
  settings_sealed bytea not null,
  -- Where its documents may point to beside its own origin.
  origins text[] not null,
  -- What it has to say of how somebody signed in there; else we ask for a proof of our own.
  acr text[] not null,
  amr text[] not null,
  auth_age_max_ms bigint not null check (auth_age_max_ms > 0),
  saved_at timestamptz not null,
  saved_by text not null,
  off_at timestamptz,
  off_by text,
  -- By which two persons switched it on; null: at the server's terminal.
  on_by_approval uuid unique references identity.approval,
  last_used_at timestamptz,
  -- When it last told us that somebody signed out there.
  last_logout_at timestamptz,
  last_failed_at timestamptz,
  -- One word of ours, none of the issuer's.
  last_failure text check (last_failure ~ '^[A-Za-z0-9_]{1,80}$'),
  check ((off_at is null) = (off_by is null)),
  check ((last_failed_at is null) = (last_failure is null))
);

-- What an issuer is, the server's terminal says. A person switches it off, and on again once
-- another agreed.
create function identity.guard_issuer() returns trigger
  language plpgsql set search_path = '' as $$
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
end $$;

create trigger issuer_by_two before insert or update on identity.issuer
  for each row execute function identity.guard_issuer();

create index issuer_of_organisation on identity.issuer (organisation_id);

-- Who somebody is there: the same subject at another issuer is another person. Ended, not deleted.
create table identity.issuer_link (
  id uuid primary key,
  issuer_id text not null references identity.issuer,
  subject text not null check (length(subject) between 1 and 255),
  person_id uuid not null references identity.person,
  linked_at timestamptz not null,
  -- As for a passkey: who let the person into the session that it was made in.
  vouched_by text[] not null,
  last_used_at timestamptz,
  ended_at timestamptz,
  ended_by text,
  check ((ended_at is null) = (ended_by is null))
);

create unique index issuer_link_subject on identity.issuer_link (issuer_id, subject)
  where ended_at is null;
create unique index issuer_link_of_person on identity.issuer_link (person_id, issuer_id)
  where ended_at is null;

-- Somebody sent to an issuer, until they come back: once, within minutes, by the browser that shows
-- the ticket. State, nonce and verifier are not kept: they follow from the ticket and this row.
create table identity.issuer_visit (
  id uuid primary key,
  issuer_id text not null references identity.issuer,
  ticket_sha256 bytea not null check (length(ticket_sha256) = 32),
  purpose text not null check (purpose in ('sign_in', 'link', 'accept')),
  session_id uuid references identity.session on delete cascade,
  invitation_sha256 bytea check (length(invitation_sha256) = 32),
  -- Where to go on.
  return_to text not null check (return_to like '/%'),
  begun_at timestamptz not null,
  back_at timestamptz,
  -- Known by the issuer, which proved too little: a number of their app is missing.
  link_id uuid references identity.issuer_link,
  issuer_session text check (length(issuer_session) <= 255),
  wrong_tries smallint not null default 0,
  done_at timestamptz,
  check ((purpose = 'link') = (session_id is not null)),
  check ((purpose = 'accept') = (invitation_sha256 is not null)),
  check (back_at is not null or (link_id is null and done_at is null))
);

create index issuer_visit_age on identity.issuer_visit (begun_at);
create index issuer_visit_of_session on identity.issuer_visit (session_id);

-- Logout tokens of issuers that were taken (OpenID Connect Back-Channel Logout 1.0), so that none
-- counts twice. Kept for a day: one that is older than minutes is not taken anyway.
create table identity.issuer_logout (
  issuer_id text not null references identity.issuer,
  -- Of the id of the token (`jti`).
  jti_sha256 bytea not null check (length(jti_sha256) = 32),
  taken_at timestamptz not null,
  primary key (issuer_id, jti_sha256)
);

create index issuer_logout_age on identity.issuer_logout (taken_at);

alter table identity.session
  add column issuer_id text references identity.issuer,
  -- What the issuer calls its own session, for the day it ends that.
  add column issuer_session text check (length(issuer_session) <= 255),
  add constraint session_by_issuer check ((begun_by = 'issuer') = (issuer_id is not null));
create index session_of_issuer on identity.session (issuer_id, issuer_session)
  where ended_at is null;

-- People see issuers, which the sign-in page names to everybody; a link is its person's and the
-- centre's. Visits and logout tokens are the system's: it reads them before anybody is known.
alter table identity.issuer enable row level security;
alter table identity.issuer force row level security;
create policy issuer_of_people on identity.issuer
  using ((select kernel.actor_kind()) in ('system', 'person'));
alter table identity.issuer_link enable row level security;
alter table identity.issuer_link force row level security;
create policy issuer_link_of_centre on identity.issuer_link
  using ((select kernel.reach()) = 'centre');
create policy issuer_link_own on identity.issuer_link
  using ((select kernel.actor_kind()) = 'person'
    and person_id = (select case kernel.actor_kind()
      when 'person' then kernel.actor_id()::uuid end));
alter table identity.issuer_visit enable row level security;
alter table identity.issuer_visit force row level security;
create policy issuer_visit_of_system on identity.issuer_visit
  using ((select kernel.actor_kind()) = 'system');
alter table identity.issuer_logout enable row level security;
alter table identity.issuer_logout force row level security;
create policy issuer_logout_of_system on identity.issuer_logout
  using ((select kernel.actor_kind()) = 'system');

grant select, insert
  on identity.issuer, identity.issuer_link, identity.issuer_visit, identity.issuer_logout
  to tocsin_web;
grant update (label, organisation_id, client_id, settings_sealed, origins, acr, amr,
  auth_age_max_ms, saved_at, saved_by, off_at, off_by, on_by_approval, last_used_at, last_logout_at,
  last_failed_at, last_failure)
  on identity.issuer to tocsin_web;
grant update (last_used_at, ended_at, ended_by) on identity.issuer_link to tocsin_web;
grant update (back_at, link_id, issuer_session, wrong_tries, done_at) on identity.issuer_visit
  to tocsin_web;
grant select, delete on identity.issuer_visit, identity.issuer_logout to tocsin_worker;
