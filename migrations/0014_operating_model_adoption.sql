-- Which version of the rules is in force since when, and how it came to be: read from the file at a
-- start, or proposed by one person and approved by another.
create table operating_model.proposal (
  id uuid primary key,
  sha256 text not null,
  yaml text not null,
  -- What was in force when it was proposed: the approval is over both, for it is over the change.
  base text not null references operating_model.version,
  reason text not null check (reason <> ''),
  proposed_by text not null,
  proposed_by_name text not null,
  proposed_at timestamptz not null,
  approval_id uuid not null,
  state text not null default 'waiting'
    check (state in ('waiting', 'adopted', 'returned', 'taken_back')),
  decided_by text,
  decided_by_name text,
  decided_at timestamptz,
  decision_reason text,
  constraint proposal_sha256_of_yaml
    check (sha256 = encode(pg_catalog.sha256(convert_to(yaml, 'UTF8')), 'hex')),
  check ((state = 'waiting') = (decided_at is null)),
  check ((state = 'returned') = (decision_reason is not null))
);
-- One change at a time: two would each be approved over rules that the other takes away.
create unique index proposal_open on operating_model.proposal ((true)) where state = 'waiting';
create trigger proposal_told after insert or update on operating_model.proposal
  for each statement execute function kernel.tell_desk();

create table operating_model.adoption (
  number bigint generated always as identity primary key,
  sha256 text not null references operating_model.version,
  adopted_at timestamptz not null default clock_timestamp(),
  -- Null: read from the file at a start.
  proposal_id uuid unique references operating_model.proposal
);

create trigger adoption_no_change before update or delete or truncate on operating_model.adoption
  for each statement execute function operating_model.refuse_change();
alter table operating_model.adoption enable always trigger adoption_no_change;

-- Every process follows: what begins from now on begins under the new rules.
create function operating_model.tell_adoption() returns trigger
  language plpgsql set search_path = '' as $$
begin
  perform pg_catalog.pg_notify('tocsin_operating_model', new.sha256);
  return null;
end $$;
create trigger adoption_told after insert on operating_model.adoption
  for each row execute function operating_model.tell_adoption();

-- A change that waits for a second person, for the duty desk.
create view operating_model.v_waiting with (security_invoker = true) as
  select proposed_by_name, proposed_at, reason from operating_model.proposal
  where state = 'waiting';

-- Names of people: the centre's alone. Which rules are in force is nobody's secret.
alter table operating_model.proposal enable row level security;
alter table operating_model.proposal force row level security;
create policy centre on operating_model.proposal
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));

grant select, insert on operating_model.proposal to tocsin_web;
grant update (state, decided_by, decided_by_name, decided_at, decision_reason)
  on operating_model.proposal to tocsin_web;
grant select on operating_model.proposal to tocsin_worker;
grant select on operating_model.adoption to tocsin_web, tocsin_worker;
grant insert (sha256, proposal_id) on operating_model.adoption to tocsin_web, tocsin_worker;
grant select on operating_model.v_waiting to tocsin_web, tocsin_worker;
