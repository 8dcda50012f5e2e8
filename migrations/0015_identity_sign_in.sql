-- identity: invitations by somebody of an organisation to colleagues of it.

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
