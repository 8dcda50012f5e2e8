-- Who is to be rung, who rings whom, and what came of it.

-- Somebody has this name of the call list: one at a time.
create table responses.call (
  id uuid primary key,
  alert_id uuid not null,
  organisation_id uuid not null,
  claimed_by text not null,
  claimed_by_name text not null,
  claimed_at timestamptz not null default now(),
  -- Whoever has it and says nothing until then: from then on anybody may take it.
  claim_ends_at timestamptz not null,
  ended_at timestamptz,
  -- The moves of src/responses/calls/model.ts.
  ended_how text check (ended_how in ('reached', 'left_word', 'given_back', 'lapsed', 'answered')),
  check ((ended_at is null) = (ended_how is null))
);
create unique index call_open on responses.call (alert_id, organisation_id) where ended_at is null;

-- A number that was rung, and what came of it. Append-only.
create table responses.call_attempt (
  id uuid primary key,
  call_id uuid not null references responses.call,
  alert_id uuid not null,
  organisation_id uuid not null,
  at timestamptz not null default now(),
  -- Null: the switchboard.
  contact_point_id uuid,
  outcome text not null check (outcome in ('reached', 'left_word', 'no_answer', 'wrong_number')),
  tried_by text not null,
  tried_by_name text not null,
  note text
);
create index call_attempt_of on responses.call_attempt (alert_id, organisation_id, at);

-- Whoever must answer, has not, and of whose chain nobody is left to be told: until somebody rings
-- them, nothing more happens (P7). Who was reached has until the call list to answer. Also where
-- nobody can say whether anything left. Of what was withdrawn: who was told of it by phone, and not
-- that it does not hold.
create view responses.v_to_ring with (security_invoker = true) as
  select recipient.alert_id, recipient.organisation_id,
    case when told.is_reached then 'silent' when told.is_uncertain then 'uncertain'
      else 'unreachable' end as why,
    -- Said so before a correction took their acknowledgement back.
    coalesce(response.affected = 'yes', false) as says_affected,
    -- Told by phone what the version that is out took back, or added to.
    response.earlier_call_at
  from alerts.v_recipient recipient
  join alerts.v_live live on live.alert_id = recipient.alert_id and live.state = 'released'
  left join responses.v_response response on response.alert_id = recipient.alert_id
    and response.organisation_id = recipient.organisation_id
  -- Organisation by organisation, by their index: see standings in src/console/store.ts.
  cross join lateral (
    select coalesce(bool_or(credit.state in ('delivered', 'accepted')), false) as is_reached,
      coalesce(bool_or(credit.state in ('unknown', 'uncertain_closed')), false) as is_uncertain,
      -- A reminder is no next in line: whoever is left to be reminded is rung all the same.
      coalesce(bool_or(credit.state in ('held', 'ready', 'claimed')
        and (credit.dispatch_id, credit.round) not in (
          select round.dispatch_id, round.round from dispatch.v_round round where round.reminds)),
        false) as more_to_come
    from dispatch.v_credit credit where credit.organisation_id = recipient.organisation_id
      and credit.dispatch_id in (recipient.dispatch_id, recipient.correction_dispatch_id)
    offset 0
  ) told
  where recipient.must_answer and response.acknowledged_at is null and not told.more_to_come
    and (not told.is_reached or coalesce(now() >= live.call_list_at, true))
  union all
  select recipient.alert_id, recipient.organisation_id, 'withdrawn',
    coalesce(response.affected = 'yes', false), told.by_phone_at
  from alerts.v_live live
  join alerts.v_recipient recipient on recipient.alert_id = live.alert_id
  join lateral (
    select max(answer.at) as by_phone_at from responses.answer answer
    where answer.alert_id = recipient.alert_id and answer.evidence = 'call'
      and answer.organisation_id = recipient.organisation_id and answer.at < live.released_at
  ) told on told.by_phone_at is not null
  left join responses.v_response response on response.alert_id = recipient.alert_id
    and response.organisation_id = recipient.organisation_id
  where live.kind = 'withdrawal'
    and not exists (
      select from dispatch.v_credit credit
      where credit.organisation_id = recipient.organisation_id
        and credit.dispatch_id = recipient.dispatch_id
        and credit.state in ('held', 'ready', 'claimed', 'unknown', 'accepted', 'delivered'))
    and not exists (
      select from responses.call_attempt attempt
      where attempt.alert_id = recipient.alert_id and attempt.outcome = 'reached'
        and attempt.organisation_id = recipient.organisation_id
        and attempt.at >= live.released_at);

create view responses.v_call with (security_invoker = true) as
  select alert_id, organisation_id, claimed_by, claimed_by_name, claimed_at,
    claim_ends_at <= now() as is_lapsed
  from responses.call where ended_at is null;
create view responses.v_call_attempt with (security_invoker = true) as
  select alert_id, organisation_id, at, outcome, tried_by_name from responses.call_attempt;

-- The centre sees all; whoever reads for some regions what is of their organisations.
alter table responses.call enable row level security;
alter table responses.call force row level security;
create policy centre on responses.call
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
create policy of_region on responses.call as restrictive
  using ((select kernel.actor_regions()) is null or organisation_id in (
    select organisation.organisation_id from organisations.v_known_organisation organisation
    where organisation.region_code = any ((select kernel.actor_regions())::text[])));
alter table responses.call_attempt enable row level security;
alter table responses.call_attempt force row level security;
create policy centre on responses.call_attempt
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
create policy of_region on responses.call_attempt as restrictive
  using ((select kernel.actor_regions()) is null or organisation_id in (
    select organisation.organisation_id from organisations.v_known_organisation organisation
    where organisation.region_code = any ((select kernel.actor_regions())::text[])));

grant select, insert on responses.call, responses.call_attempt to tocsin_web;
grant update (claim_ends_at, ended_at, ended_how) on responses.call to tocsin_web;
-- An answer by text ends the call that it makes needless.
grant select on responses.call, responses.call_attempt to tocsin_worker;
grant update (ended_at, ended_how) on responses.call to tocsin_worker;
grant select on responses.v_to_ring, responses.v_call, responses.v_call_attempt
  to tocsin_web, tocsin_worker;

-- Retention: words that somebody wrote about people. That an organisation answered, was rung or
-- asked for help stays. A batch at a time; nothing younger than thirty days, whoever calls.
create function responses.forget_notes(older_than timestamptz, most integer) returns integer
  language plpgsql security definer set search_path = '' as $$
declare
  answers integer;
  calls integer;
  outcomes integer;
begin
  if older_than > now() - interval '30 days' then
    raise exception 'what is younger than thirty days is kept' using errcode = 'restrict_violation';
  end if;
  if kernel.is_on_legal_hold() then return 0; end if;
  update responses.answer set note = null where id = any (array(
    select id from responses.answer where at < older_than and note is not null
      and not kernel.is_held(organisation_id, contact_point_id) limit most));
  get diagnostics answers = row_count;
  update responses.call_attempt set note = null where id = any (array(
    select id from responses.call_attempt where at < older_than and note is not null
      and not kernel.is_held(organisation_id, contact_point_id) limit most));
  get diagnostics calls = row_count;
  update responses.desk_item set outcome = null where id = any (array(
    select id from responses.desk_item
    where closed_at < older_than and outcome is not null
      and not kernel.is_held(organisation_id, contact_point_id) limit most));
  get diagnostics outcomes = row_count;
  return answers + calls + outcomes;
end $$;
revoke all on function responses.forget_notes from public;
grant execute on function responses.forget_notes to tocsin_worker;
