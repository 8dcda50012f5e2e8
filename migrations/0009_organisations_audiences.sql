-- What organisations depend on, how the centre calls them, and saved audiences.

-- A company whose products organisations use.
create table organisations.supplier (
  id uuid primary key default kernel.uuid_v7(),
  name text not null check (char_length(name) between 1 and 80),
  created_at timestamptz not null default now()
);

-- Every way in which a name was written, today's too, folded by spellingKey (model.ts): unique
-- without regard to case, and a question that asks by an old spelling still finds.
create table organisations.supplier_spelling (
  key text primary key check (key <> ''),
  supplier_id uuid not null references organisations.supplier
);
create index supplier_spelling_supplier on organisations.supplier_spelling (supplier_id);

create table organisations.product (
  id uuid primary key default kernel.uuid_v7(),
  supplier_id uuid not null references organisations.supplier,
  name text not null check (char_length(name) between 1 and 80),
  created_at timestamptz not null default now()
);
create index product_supplier on organisations.product (supplier_id);

create table organisations.product_spelling (
  key text primary key check (key <> ''),
  product_id uuid not null references organisations.product
);
create index product_spelling_product on organisations.product_spelling (product_id);

-- An organisation uses a product, or something of a supplier that nobody named.
create table organisations.use (
  id uuid primary key default kernel.uuid_v7(),
  organisation_id uuid not null references organisations.organisation,
  supplier_id uuid not null references organisations.supplier,
  product_id uuid references organisations.product,
  -- Who told us, in words: "Kim Lee, head of IT, by phone".
  said_by text not null check (char_length(said_by) between 1 and 120),
  said_on date not null,
  -- The day of which somebody first said so: said again, it is newer and not of later.
  known_from date not null,
  -- The first day on which it is used no more; null while nobody knows of an end.
  used_until date,
  recorded_by text not null,
  recorded_at timestamptz not null
);
create unique index use_once on organisations.use (organisation_id, supplier_id, product_id)
  nulls not distinct where used_until is null;
create index use_supplier on organisations.use (supplier_id, organisation_id);
create index use_product on organisations.use (product_id, organisation_id);

-- Words of the centre for organisations.
create table organisations.tag (
  id uuid primary key default kernel.uuid_v7(),
  name text not null check (char_length(name) between 1 and 40)
);
create table organisations.tag_spelling (
  key text primary key check (key <> ''),
  tag_id uuid not null references organisations.tag
);
create index tag_spelling_tag on organisations.tag_spelling (tag_id);
create table organisations.organisation_tag (
  organisation_id uuid not null references organisations.organisation,
  tag_id uuid not null references organisations.tag,
  tagged_by text not null,
  tagged_at timestamptz not null,
  -- Null while it has it.
  untagged_at timestamptz,
  primary key (organisation_id, tag_id, tagged_at)
);
create unique index organisation_tag_once
  on organisations.organisation_tag (organisation_id, tag_id) where untagged_at is null;
create index organisation_tag_tag on organisations.organisation_tag (tag_id, organisation_id);

-- A saved question by its name; what it asks is in its versions.
create table organisations.audience (
  id uuid primary key,
  name text not null check (char_length(name) between 1 and 80),
  -- Folded by spellingKey: names are unique without regard to case, those of retired ones too.
  name_key text not null unique,
  -- The version of today.
  version integer not null check (version >= 1),
  created_at timestamptz not null,
  retired_at timestamptz
);

-- What it asked from then on. Never changed: alerts hold the same value, with this number.
create table organisations.audience_version (
  audience_id uuid not null references organisations.audience,
  number integer not null check (number >= 1),
  -- AudienceQuestion (model.ts), with the questions of other audiences inside it.
  question jsonb not null,
  saved_at timestamptz not null,
  saved_by text not null,
  saved_by_name text not null,
  -- The audience that changed and brought this version with it; null where somebody changed it.
  followed_id uuid,
  -- How many organisations it meant when it was saved.
  organisations integer not null,
  primary key (audience_id, number)
);

-- Whom the version of today meant when it was saved, and what they were then: against this the
-- page says who came in and who went out since.
create table organisations.audience_member (
  audience_id uuid not null references organisations.audience,
  organisation_id uuid not null references organisations.organisation,
  type text not null,
  region_code text,
  system_code text,
  must_answer boolean not null,
  primary key (audience_id, organisation_id)
);

-- All of it is the centre's own knowledge.
alter table organisations.supplier enable row level security;
alter table organisations.supplier force row level security;
create policy centre on organisations.supplier
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table organisations.supplier_spelling enable row level security;
alter table organisations.supplier_spelling force row level security;
create policy centre on organisations.supplier_spelling
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table organisations.product enable row level security;
alter table organisations.product force row level security;
create policy centre on organisations.product
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table organisations.product_spelling enable row level security;
alter table organisations.product_spelling force row level security;
create policy centre on organisations.product_spelling
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table organisations.use enable row level security;
alter table organisations.use force row level security;
create policy centre on organisations.use
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table organisations.tag enable row level security;
alter table organisations.tag force row level security;
create policy centre on organisations.tag
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table organisations.tag_spelling enable row level security;
alter table organisations.tag_spelling force row level security;
create policy centre on organisations.tag_spelling
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table organisations.organisation_tag enable row level security;
alter table organisations.organisation_tag force row level security;
create policy centre on organisations.organisation_tag
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table organisations.audience enable row level security;
alter table organisations.audience force row level security;
create policy centre on organisations.audience
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table organisations.audience_version enable row level security;
alter table organisations.audience_version force row level security;
create policy centre on organisations.audience_version
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));
alter table organisations.audience_member enable row level security;
alter table organisations.audience_member force row level security;
create policy centre on organisations.audience_member
  using ((select kernel.reach() = 'centre')) with check ((select kernel.reach() = 'centre'));

grant select on organisations.supplier, organisations.supplier_spelling, organisations.product,
  organisations.product_spelling, organisations.use, organisations.tag,
  organisations.tag_spelling, organisations.organisation_tag, organisations.audience,
  organisations.audience_version, organisations.audience_member to tocsin_web, tocsin_worker;
grant insert, delete on organisations.supplier, organisations.product, organisations.tag,
  organisations.tag_spelling, organisations.organisation_tag, organisations.audience_member
  to tocsin_web;
grant insert on organisations.supplier_spelling, organisations.product_spelling,
  organisations.use, organisations.audience, organisations.audience_version to tocsin_web;
-- A merger or a split is carried out by a task: what is known of one is known of its successors.
grant insert on organisations.use, organisations.organisation_tag to tocsin_worker;
-- Two spellings of one thing become one.
grant update (supplier_id) on organisations.supplier_spelling, organisations.product,
  organisations.use to tocsin_web;
grant update (product_id) on organisations.product_spelling, organisations.use to tocsin_web;
grant update (said_by, said_on, known_from, used_until, recorded_by, recorded_at)
  on organisations.use to tocsin_web;
grant update (untagged_at) on organisations.organisation_tag to tocsin_web;
grant update (name) on organisations.supplier, organisations.product, organisations.tag
  to tocsin_web;
grant update (name, name_key, version, retired_at) on organisations.audience to tocsin_web;
