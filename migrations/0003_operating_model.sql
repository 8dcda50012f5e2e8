-- operating_model: the rules of the centre, each version kept from its first use on, so that an
-- alert can be read years later under the rules it began with.

create schema operating_model;

create table operating_model.version (
  sha256 text not null,
  yaml text not null,
  first_used_at timestamptz not null default clock_timestamp(),
  constraint version_pkey primary key (sha256),
  -- The database works the hash out itself: what is pinned is what was hashed.
  constraint version_sha256_of_yaml
    check (sha256 = encode(pg_catalog.sha256(convert_to(yaml, 'UTF8')), 'hex'))
);

create function operating_model.refuse_change() returns trigger
  language plpgsql set search_path = '' as $$
begin
  raise exception 'versions of the operating model are never changed or removed'
    using errcode = '42501';
end $$;

create trigger version_no_change before update or delete or truncate on operating_model.version
  for each statement execute function operating_model.refuse_change();
alter table operating_model.version enable always trigger version_no_change;

-- No row-level security: the rules carry no marking and belong to no organisation.
grant usage on schema operating_model to tocsin_web, tocsin_worker;
grant select on operating_model.version to tocsin_web, tocsin_worker;
grant insert (sha256, yaml) on operating_model.version to tocsin_web, tocsin_worker;
