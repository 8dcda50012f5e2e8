-- identity: invitations by somebody of an organisation to colleagues of it, and signing in by a
-- code and the number of an app.

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
  expires_at timestamptz not null check (expires_at > invited_at),
  accepted_at timestamptz,
  accepted_by uuid references identity.person,
  revoked_at timestamptz,
  revoked_by uuid references identity.person,
  check ((accepted_at is null) = (accepted_by is null)),
  check ((revoked_at is null) = (revoked_by is null)),
  constraint invitation_ends_once check (accepted_at is null or revoked_at is null),
  constraint invitation_to_another check (accepted_by <> invited_by)
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

grant select, insert on identity.invitation to tocsin_web;
grant update (token_sha256, expires_at, accepted_at, accepted_by, revoked_at, revoked_by)
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

-- By the system only: it checks codes before anybody is known.
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

grant select, insert on identity.authenticator_app, identity.sign_in_code to tocsin_web;
grant update (confirmed_at, last_step, ended_at, ended_by) on identity.authenticator_app
  to tocsin_web;
grant update (wrong_tries, used_at) on identity.sign_in_code to tocsin_web;
grant select on identity.authenticator_app to tocsin_worker;
grant select, delete on identity.sign_in_code to tocsin_worker;
grant update (code_index, sent_at) on identity.sign_in_code to tocsin_worker;
