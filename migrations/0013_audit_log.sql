-- audit, second part: a Merkle log over the entries (P9, ADR 0014). Entries are written as before,
-- in the transaction of the change. After their commit one sequencer gives each a position and
-- hashes it (RFC 9162, section 2.1); the roots are signed and kept outside of the database.

-- The detail is the one part where words of a person may stand. The leaf holds a salted hash of it,
-- so that it can be erased later and the log still proves everything else.
alter table audit.entry alter column detail drop not null;
alter table audit.entry add column salt bytea default uuid_send(gen_random_uuid());
alter table audit.entry add constraint entry_erased_whole
  check ((detail is null) = (salt is null));
create index entry_actor on audit.entry (actor_id, at);

-- Committed and not in the log yet. A queue and not a watermark: neither ids, times nor transaction
-- numbers are in the order of commits, and a transaction that commits late must not be passed over.
create table audit.waiting (
  entry_id uuid not null,
  constraint waiting_pkey primary key (entry_id)
);

create table audit.leaf (
  position bigint not null,
  entry_id uuid not null,
  -- SHA-256 of salt and detail: stays when both are erased.
  detail_hash bytea not null,
  hash bytea not null,
  constraint leaf_pkey primary key (position),
  constraint leaf_once unique (entry_id),
  constraint leaf_entry foreign key (entry_id) references audit.entry (id),
  constraint leaf_position check (position >= 0),
  constraint leaf_hashes check (octet_length(detail_hash) = 32 and octet_length(hash) = 32)
);

-- Every complete subtree above the leaves: level 1 covers two leaves, level 2 four, and so on. So a
-- root or a proof is a few look-ups, however long the log is.
create table audit.node (
  level smallint not null,
  position bigint not null,
  hash bytea not null,
  constraint node_pkey primary key (level, position),
  constraint node_level check (level between 1 and 52),
  constraint node_hash_form check (octet_length(hash) = 32)
);

-- Copies of what was signed, for pages and proofs. What counts is the file outside.
create table audit.checkpoint (
  size bigint not null,
  root bytea not null,
  note text not null,
  signed_at timestamptz not null default clock_timestamp(),
  constraint checkpoint_pkey primary key (size, root)
);

create index checkpoint_signed on audit.checkpoint (signed_at);

-- How the sequencer fares, for the page.
create table audit.sequencer (
  run_at timestamptz,
  stopped_since timestamptz,
  stopped_reason text,
  constraint sequencer_stop check ((stopped_since is null) = (stopped_reason is null))
);

create unique index sequencer_is_single on audit.sequencer ((true));
insert into audit.sequencer (run_at) values (null);

-- A leaf is SHA-256 over a zero byte and these values, each as its length in bytes, a colon, the
-- value in UTF-8 and a comma: no two lists of values give the same bytes.
create function audit.leaf_hash(variadic parts text[]) returns bytea
  language sql stable parallel safe set search_path = '' as $$
    select pg_catalog.sha256('\x00'::bytea || pg_catalog.convert_to(
      pg_catalog.string_agg(
        pg_catalog.octet_length(part.value) || ':' || part.value || ',', '' order by part.place),
      'UTF8'))
    from pg_catalog.unnest(parts) with ordinality as part (value, place)
  $$;

create function audit.node_hash(left_hash bytea, right_hash bytea) returns bytea
  language sql immutable parallel safe set search_path = '' as $$
    select pg_catalog.sha256('\x01'::bytea || left_hash || right_hash)
  $$;

create function audit.note_waiting() returns trigger
  language plpgsql set search_path = '' as $$
begin
  insert into audit.waiting (entry_id) select added.id from added;
  return null;
end $$;

create trigger entry_waits after insert on audit.entry
  referencing new table as added for each statement execute function audit.note_waiting();
alter table audit.entry enable always trigger entry_waits;

-- What was written before this log.
select set_config('tocsin.reach', 'centre', true);
insert into audit.waiting (entry_id) select id from audit.entry;
select set_config('tocsin.reach', '', true);

-- An entry is never changed, but that its detail may be erased once it is in the log.
create function audit.refuse_edit() returns trigger
  language plpgsql set search_path = '' as $$
begin
  if new.detail is null and new.salt is null and old.detail is not null
    and (new.id, new.at, new.actor_kind, new.actor_id, new.action, new.subject_kind, new.subject_id)
      = (old.id, old.at, old.actor_kind, old.actor_id, old.action, old.subject_kind, old.subject_id)
    and exists (select from audit.leaf where leaf.entry_id = old.id)
  then
    return new;
  end if;
  raise exception 'audit entries are never changed or removed' using errcode = '42501';
end $$;

drop trigger entry_no_change on audit.entry;
create trigger entry_no_change before update on audit.entry
  for each row execute function audit.refuse_edit();
create trigger entry_stays before delete or truncate on audit.entry
  for each statement execute function audit.refuse_change();
alter table audit.entry enable always trigger entry_no_change;
alter table audit.entry enable always trigger entry_stays;

create trigger leaf_stays before update or delete or truncate on audit.leaf
  for each statement execute function audit.refuse_change();
create trigger node_stays before update or delete or truncate on audit.node
  for each statement execute function audit.refuse_change();
create trigger checkpoint_stays before update or delete or truncate on audit.checkpoint
  for each statement execute function audit.refuse_change();
alter table audit.leaf enable always trigger leaf_stays;
alter table audit.node enable always trigger node_stays;
alter table audit.checkpoint enable always trigger checkpoint_stays;

-- Takes the detail out of one entry and says so in another. For the owner alone: whoever breaks
-- into a process that runs must not be able to destroy evidence. False where there is no such
-- entry, it is not in the log yet, was erased before, or says what the log itself is checked by.
create policy entry_erase on audit.entry for update
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
create function audit.erase_detail(erased uuid, reason text) returns boolean
  language plpgsql set search_path = '' as $$
begin
  update audit.entry set detail = null, salt = null
  where id = erased and detail is not null
    and action not in ('audit.key_made', 'audit.key_rotated', 'audit.restore_accepted')
    and exists (select from audit.leaf where leaf.entry_id = erased);
  if not found then return false; end if;
  insert into audit.entry (action, subject_kind, subject_id, detail)
  values ('audit.detail_erased', 'entry', erased::text,
    pg_catalog.jsonb_build_object('reason', reason));
  return true;
end $$;
revoke all on function audit.erase_detail from public;

-- Whoever acts lets entries wait; the sequencer alone writes the log.
grant insert (entry_id) on audit.waiting to tocsin_web, tocsin_worker, tocsin_sequencer;
grant select on audit.waiting, audit.leaf, audit.node, audit.checkpoint, audit.sequencer
  to tocsin_web, tocsin_sequencer;
grant usage on schema audit, kernel to tocsin_sequencer;
grant select on audit.entry to tocsin_sequencer;
grant insert (action, subject_kind, subject_id, detail) on audit.entry to tocsin_sequencer;
grant delete on audit.waiting to tocsin_sequencer;
grant insert on audit.leaf, audit.node to tocsin_sequencer;
grant insert (size, root, note) on audit.checkpoint to tocsin_sequencer;
grant update on audit.sequencer to tocsin_sequencer;
