-- The catalogue of known exploited vulnerabilities, as it was imported last.
create table alerts.kev_entry (
  cve text primary key check (cve ~ '^CVE-[0-9]{4}-[0-9]{4,19}$'),
  vendor text not null,
  product text not null,
  name text not null,
  added_on date not null,
  description text not null,
  required_action text not null,
  -- The deadline of CISA for federal agencies; it binds nobody here.
  due_on date,
  ransomware boolean not null,
  -- Addresses of its notes, https only.
  links text[] not null
);
create index kev_entry_newest on alerts.kev_entry (added_on desc, cve);

-- Every import, the newest of which is what stands above.
create table alerts.kev_import (
  id uuid primary key,
  catalogue_version text not null,
  catalogue_released_at timestamptz not null,
  entries integer not null check (entries > 0),
  added integer not null,
  changed integer not null,
  removed integer not null,
  imported_at timestamptz not null default now(),
  imported_by_name text not null
);
create index kev_import_newest on alerts.kev_import (imported_at desc);

grant select, insert, update, delete on alerts.kev_entry to tocsin_web;
grant select, insert on alerts.kev_import to tocsin_web;
