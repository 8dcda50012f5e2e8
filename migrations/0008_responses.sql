-- What organisations answered, what they ask for, and what the duty desk has to read.
create schema responses;
grant usage on schema responses to tocsin_web, tocsin_worker;

-- The organisation's answer to one alert: the present state. Its history is responses.answer.
create table responses.response (
  alert_id uuid not null,
  organisation_id uuid not null,
  acknowledged_at timestamptz,
  -- How sure we are that a person answered; the classes are never merged.
  evidence text check (evidence in
    ('text_with_code', 'text_without_code', 'link_with_code', 'call', 'signed_in')),
  acknowledged_by_contact_point_id uuid,
  affected text check (affected in ('yes', 'no')),
  affected_at timestamptz,
  help_asked_at timestamptz,
  primary key (alert_id, organisation_id),
  check ((acknowledged_at is null) = (evidence is null)),
  check ((affected is null) = (affected_at is null))
);

-- Every answer as it came, in order. Append-only.
create table responses.answer (
  id uuid primary key,
  alert_id uuid not null,
  organisation_id uuid not null,
  at timestamptz not null default now(),
  kind text not null check (kind in ('got_it', 'affected', 'not_affected', 'help')),
  evidence text not null check (evidence in
    ('text_with_code', 'text_without_code', 'link_with_code', 'call', 'signed_in')),
  contact_point_id uuid,
  -- Who wrote it down, where it came by a call.
  recorded_by text,
  note text
);
create index answer_of_alert on responses.answer (alert_id, organisation_id, at);

-- Who opened the alert with its code, or in a session by one, and said nothing: a person has it
-- before their eyes, and has not confirmed it. No answer, and stops nothing (P7). A look without
-- the code is a look of nobody, as mail scanners take it: the link names no one.
create table responses.opening (
  alert_id uuid not null,
  organisation_id uuid not null,
  opened_at timestamptz not null default now(),
  primary key (alert_id, organisation_id)
);

-- What a person at the duty desk has to deal with: a call for help, or a text nobody understood.
create table responses.desk_item (
  id uuid primary key,
  kind text not null check (kind in
    ('help', 'not_understood', 'wrong_code', 'not_ours', 'stop', 'unknown_sender', 'colleague',
      'guessing')),
  state text not null default 'open' check (state in ('open', 'claimed', 'closed')),
  alert_id uuid,
  organisation_id uuid,
  contact_point_id uuid,
  -- Who of the centre texted it, where it came from the number that they are woken on.
  person_name text,
  reply_id uuid unique,
  created_at timestamptz not null default now(),
  -- Of a call for help: when they expect ours, as the text promised or as was agreed since.
  call_back_at timestamptz,
  claimed_by text,
  claimed_by_name text,
  claimed_at timestamptz,
  -- Whoever has it and says nothing until then: from then on anybody may take it.
  claim_ends_at timestamptz,
  -- Who gave it to whoever has it, where they did not take it themselves.
  handed_over_by_name text,
  closed_at timestamptz,
  closed_by_name text,
  outcome text,
  check ((kind = 'help') = (call_back_at is not null)),
  check (state <> 'claimed' or claim_ends_at is not null),
  check ((state = 'open') = (claimed_at is null)),
  check ((state = 'closed') = (closed_at is not null))
);
create index desk_item_waiting on responses.desk_item (created_at) where state <> 'closed';
create index desk_item_of_organisation on responses.desk_item (organisation_id)
  where state <> 'closed';
create index desk_item_help on responses.desk_item (created_at) where kind = 'help';
create unique index desk_item_help_once on responses.desk_item (alert_id, organisation_id)
  where kind = 'help' and state <> 'closed';

create unique index desk_item_guessing_once on responses.desk_item (kind)
  where kind = 'guessing' and state <> 'closed';

-- Wrong codes typed on the public answer page, so that guessing stops (five for each address that
-- the alert may have come to, fifty from each network). Both are keyed hashes: nobody is named.
create table responses.failed_try (
  address_index bytea not null,
  network_index bytea not null,
  at timestamptz not null default clock_timestamp()
);
create index failed_try_recent on responses.failed_try (address_index, at);
create index failed_try_of_network on responses.failed_try (network_index, at);
create index failed_try_at on responses.failed_try (at);

create view responses.v_response with (security_invoker = true) as
  -- What was acknowledged before a version that asks again is not acknowledged any more.
  select response.alert_id, response.organisation_id,
    case when stands then response.acknowledged_at end as acknowledged_at,
    case when stands then response.evidence end as evidence,
    response.affected, response.affected_at, response.help_asked_at,
    -- Who was told by phone of a version before has to be rung again.
    case when not stands and response.evidence = 'call' then response.acknowledged_at end
      as earlier_call_at
  from responses.response response
  left join alerts.v_live live on live.alert_id = response.alert_id
  cross join lateral (
    select coalesce(response.acknowledged_at >= live.asked_at, true) as stands
  ) kept;
-- What was opened before a version that asks again does not stand: readers compare it with that.
create view responses.v_opening with (security_invoker = true) as
  select alert_id, organisation_id, opened_at from responses.opening;
create view responses.v_desk_item with (security_invoker = true) as
  select id, kind, state, alert_id, organisation_id, contact_point_id, person_name, reply_id,
    created_at, call_back_at, claimed_by, claimed_by_name, claimed_at,
    state = 'claimed' and claim_ends_at <= now() as is_lapsed, closed_at, outcome
  from responses.desk_item;

create view responses.v_answer with (security_invoker = true) as
  select id, alert_id, organisation_id, at, kind, evidence, recorded_by, note
  from responses.answer;

-- An organisation sees its own answers; the centre sees all.
alter table responses.response enable row level security;
alter table responses.response force row level security;
create policy centre on responses.response
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
create policy own on responses.response
  using (organisation_id = any ((select kernel.actor_organisations())::uuid[]))
  with check (organisation_id = any ((select kernel.actor_organisations())::uuid[]));
alter table responses.answer enable row level security;
alter table responses.answer force row level security;
create policy centre on responses.answer
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
create policy own on responses.answer
  using (organisation_id = any ((select kernel.actor_organisations())::uuid[]))
  with check (organisation_id = any ((select kernel.actor_organisations())::uuid[]));
alter table responses.opening enable row level security;
alter table responses.opening force row level security;
create policy centre on responses.opening
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table responses.desk_item enable row level security;
alter table responses.desk_item force row level security;
create policy centre on responses.desk_item
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
-- Whoever reads for some regions sees what waits of their organisations, and nothing of strangers.
create policy of_region on responses.desk_item as restrictive
  using ((select kernel.actor_regions()) is null or organisation_id in (
    select organisation.organisation_id from organisations.v_known_organisation organisation
    where organisation.region_code = any ((select kernel.actor_regions())::text[])));

grant select, insert on responses.response, responses.answer, responses.desk_item,
  responses.failed_try to tocsin_web, tocsin_worker;
grant select, insert, update (opened_at) on responses.opening to tocsin_web;
grant select on responses.v_opening to tocsin_web;
grant delete on responses.failed_try to tocsin_worker;
grant update (acknowledged_at, evidence, acknowledged_by_contact_point_id, affected, affected_at,
  help_asked_at) on responses.response to tocsin_web, tocsin_worker;
grant update (state, call_back_at, claimed_by, claimed_by_name, claimed_at, claim_ends_at,
  handed_over_by_name, closed_at, closed_by_name, outcome) on responses.desk_item to tocsin_web;
grant select on responses.v_response, responses.v_answer, responses.v_desk_item
  to tocsin_web, tocsin_worker;
