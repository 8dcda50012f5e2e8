-- audit: who did what to what. Written in the transaction of the change, never changed after (P9).

create schema audit;

create table audit.entry (
  id uuid not null default kernel.uuid_v7(),
  -- The clock, not the start of the transaction: entries of one transaction keep their order.
  at timestamptz not null default clock_timestamp(),
  -- From the settings of the transaction. The run-time roles may not name these columns in an
  -- insert (grants below), so no code can claim another actor, id or time.
  actor_kind text not null default kernel.actor_kind(),
  actor_id text not null default kernel.actor_id(),
  action text not null,
  subject_kind text not null,
  subject_id text not null,
  detail jsonb not null default '{}',
  constraint entry_pkey primary key (id),
  constraint entry_action_form check (action ~ '^[a-z][a-z_]*\.[a-z][a-z_]*$'),
  constraint entry_subject_kind_form check (subject_kind ~ '^[a-z][a-z_]*$'),
  constraint entry_subject_id_form check (subject_id <> ''),
  constraint entry_detail_form check (jsonb_typeof(detail) = 'object')
);

create index entry_subject on audit.entry (subject_kind, subject_id, at);
create index entry_at on audit.entry (at, id);
create index entry_action on audit.entry (action, at);

-- Everybody who acts leaves an entry; only the centre reads them. Which people of the centre is
-- decided above, by the permission audit.read.
alter table audit.entry enable row level security;
alter table audit.entry force row level security;
create policy entry_write on audit.entry for insert with check ((select kernel.may_act()));
-- Whoever keeps an organisation's contacts also sees who looked at their numbers.
create policy entry_read on audit.entry for select
  using (case (select kernel.reach()) when 'centre' then true when 'organisation' then
      (select kernel.actor_kind() = 'person') and action = 'contact.looked_up'
      and subject_kind = 'organisation'
      and subject_id = any ((select kernel.actor_organisations())::text[])
    else false end);

-- Grants stop the run-time roles; this stops the owner too, also in replica mode.
create function audit.refuse_change() returns trigger
  language plpgsql set search_path = '' as $$
begin
  raise exception 'audit entries are never changed or removed' using errcode = '42501';
end $$;

create trigger entry_no_change before update or delete or truncate on audit.entry
  for each statement execute function audit.refuse_change();
alter table audit.entry enable always trigger entry_no_change;

create view audit.v_entry with (security_invoker = true) as
  select id, at, actor_kind, actor_id, action, subject_kind, subject_id, detail
  from audit.entry;

grant usage on schema audit to tocsin_web, tocsin_worker;
grant select on audit.entry, audit.v_entry to tocsin_web, tocsin_worker;
grant insert (action, subject_kind, subject_id, detail) on audit.entry
  to tocsin_web, tocsin_worker;
