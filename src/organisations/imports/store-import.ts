/** Statements of the importers. Many rows travel as one JSON parameter (as fast as `unnest`). */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Channel, ImportCounts, ImportKind } from '../model.ts';
import type { NamedCode, StoredOrganisation } from './plan-organisations.ts';
import type { StoredContact } from './plan-contacts.ts';
import { thisDay } from '../store-day.ts';

/** Several large files, one after the other. */
const TURN_WITHIN_MS = 600_000;

/**
 * Two imports at once would each plan from a directory that the other is about to change. Waits
 * until the one before is over.
 */
export async function lockImports(tx: Tx): Promise<void> {
  const turn = sql`select pg_advisory_xact_lock(hashtext('organisations.import'))`;
  await tx.run(turn, { withinMs: TURN_WITHIN_MS });
}

/** For work that reads only: waits as an import does, and what people change by page goes on. */
export async function waitForImports(tx: Tx): Promise<void> {
  const turn = sql`select pg_advisory_xact_lock_shared(hashtext('organisations.import'))`;
  await tx.run(turn, { withinMs: TURN_WITHIN_MS });
}

export async function listStoredOrganisations(
  tx: Tx,
  codes: readonly string[],
): Promise<StoredOrganisation[]> {
  return await tx.rows<StoredOrganisation>(sql`
    select code, name, short_name, short_name_chosen, type, region_code, system_code, must_answer,
      address_lines, postcode, telephone, latitude, longitude, serves, population,
      population_on::text, opened_on::text, closed_on::text
    from organisations.organisation
    where code = any(${codes}::text[])
    for no key update`);
}

export async function listShortNames(tx: Tx): Promise<{ code: string; shortName: string }[]> {
  return await tx.rows(sql`select code, short_name from organisations.organisation`);
}

/** A code never takes the place of a name. Says how many rows it wrote. */
export async function saveRegions(tx: Tx, regions: readonly NamedCode[]): Promise<number> {
  return await tx.run(sql`
    insert into organisations.region as stored (code, name)
    select told.code, told.name
    from jsonb_to_recordset(${JSON.stringify(regions)}::jsonb) as told (code text, name text)
    on conflict (code) do update set name = excluded.name
    where excluded.name <> excluded.code and excluded.name <> stored.name`);
}

/** Gives names to regions that have none but their code. Says how many rows it wrote. */
export async function nameBareRegions(tx: Tx, names: readonly NamedCode[]): Promise<number> {
  return await tx.run(sql`
    update organisations.region set name = told.name
    from jsonb_to_recordset(${JSON.stringify(names)}::jsonb) as told (code text, name text)
    where told.code = region.code and region.name = region.code and told.name <> region.code`);
}

export async function saveSystems(tx: Tx, systems: readonly NamedCode[]): Promise<number> {
  return await tx.run(sql`
    insert into organisations.system as stored (code, name, region_code)
    select told.code, told.name, told."regionCode"
    from jsonb_to_recordset(${JSON.stringify(systems)}::jsonb)
      as told (code text, name text, "regionCode" text)
    on conflict (code) do update
      set name = case when excluded.name = excluded.code then stored.name else excluded.name end,
        region_code = coalesce(excluded.region_code, stored.region_code)
    where (excluded.name <> excluded.code and excluded.name <> stored.name)
      or (excluded.region_code is not null
        and excluded.region_code is distinct from stored.region_code)`);
}

/** Writes them by code, whether they are new or not. */
export async function saveOrganisations(
  tx: Tx,
  organisations: readonly StoredOrganisation[],
  source: 'csv' | 'ods',
): Promise<void> {
  await tx.run(sql`
    insert into organisations.organisation (code, name, short_name, short_name_chosen, type,
      region_code, system_code, must_answer, address_lines, postcode, telephone, latitude,
      longitude, serves, population, population_on, opened_on, closed_on, source)
    select told.code, told.name, told."shortName", told."shortNameChosen", told.type,
      told."regionCode", told."systemCode", told."mustAnswer",
      array(select jsonb_array_elements_text(told."addressLines")), told.postcode, told.telephone,
      told.latitude, told.longitude, told.serves, told.population, told."populationOn",
      told."openedOn", told."closedOn", ${source}
    from jsonb_to_recordset(${JSON.stringify(organisations)}::jsonb) as told (code text, name text,
      "shortName" text, "shortNameChosen" boolean, type text, "regionCode" text, "systemCode" text,
      "mustAnswer" boolean, "addressLines" jsonb, postcode text, telephone text, latitude float8,
      longitude float8, serves text, population int, "populationOn" date, "openedOn" date,
      "closedOn" date)
    on conflict (code) do update set name = excluded.name, short_name = excluded.short_name,
      short_name_chosen = excluded.short_name_chosen, type = excluded.type,
      region_code = excluded.region_code, system_code = excluded.system_code,
      must_answer = excluded.must_answer, address_lines = excluded.address_lines,
      postcode = excluded.postcode, telephone = excluded.telephone,
      latitude = excluded.latitude, longitude = excluded.longitude, serves = excluded.serves,
      population = excluded.population, population_on = excluded.population_on,
      opened_on = excluded.opened_on, closed_on = excluded.closed_on, source = excluded.source,
      updated_at = now()`);
}

export type OrganisationId = {
  readonly code: string;
  readonly id: string;
  readonly isClosed: boolean;
};

/** Of all organisations: nobody knows which a file has before it is read. */
export async function listOrganisationIds(tx: Tx): Promise<OrganisationId[]> {
  return await tx.rows<OrganisationId>(sql`
    select code, id, coalesce(closed_on < ${thisDay}, false) as is_closed
    from organisations.organisation`);
}

/** Locked where they are to be written. */
export async function listStoredContacts(
  tx: Tx,
  organisationIds: readonly string[],
  isWriting: boolean,
): Promise<StoredContact[]> {
  return await tx.rows<StoredContact>(sql`
    select contact.id, contact.organisation_id, contact.name, contact.is_post, contact.role,
      contact.rank, contact.reader_kind, contact.language, contact.active,
      coalesce(linked.links, '[]') as links
    from organisations.contact
    left join lateral (
      select json_agg(json_build_object('contactPointId', link.contact_point_id,
        'channel', link.channel, 'position', link.position, 'shown', (
          -- Not a join: behind row-level security the planner expects half of all contact points.
          select point.shown from organisations.contact_point point
          where point.id = link.contact_point_id))
        order by link.channel desc, link.position) as links
      from organisations.contact_contact_point link
      where link.contact_id = contact.id
    ) linked on true
    where contact.organisation_id = any(${organisationIds}::uuid[])
    ${isWriting ? sql`for no key update of contact` : sql``}`);
}

export async function listContactPointIds(
  tx: Tx,
  channel: Channel,
  indexes: readonly Buffer[],
): Promise<{ id: string; addressIndex: Buffer }[]> {
  return await tx.rows(sql`
    select id, address_index from organisations.contact_point
    where channel = ${channel} and address_index = any(${indexes}::bytea[])`);
}

export type NewContactPoint = {
  readonly id: string;
  readonly channel: Channel;
  readonly addressSealed: Buffer;
  readonly addressIndex: Buffer;
  readonly shown: string;
};

export async function insertContactPoints(
  tx: Tx,
  points: readonly NewContactPoint[],
): Promise<void> {
  await tx.run(sql`
    insert into organisations.contact_point (id, channel, address_sealed, address_index, shown)
    select told.id, told.channel, told.address_sealed, told.address_index, told.shown
    from unnest(${points.map((point) => point.id)}::uuid[],
      ${points.map((point) => point.channel)}::text[],
      ${points.map((point) => point.addressSealed)}::bytea[],
      ${points.map((point) => point.addressIndex)}::bytea[],
      ${points.map((point) => point.shown)}::text[])
      as told (id, channel, address_sealed, address_index, shown)`);
}

/** New ones; their links are another statement. */
export async function insertContacts(tx: Tx, contacts: readonly StoredContact[]): Promise<void> {
  await tx.run(sql`
    insert into organisations.contact (id, organisation_id, name, is_post, role, rank, reader_kind,
      language, active, texts, mails)
    select told.id, told."organisationId", told.name, told."isPost", told.role, told.rank,
      told."readerKind", told.language, told.active, told.texts, told.mails
    from jsonb_to_recordset(${JSON.stringify(contacts.map(withCounts))}::jsonb) as told (id uuid,
      "organisationId" uuid, name text, "isPost" boolean, role text, rank smallint,
      "readerKind" text, language text, active boolean, texts smallint, mails smallint)`);
}

/** Stored ones by id. Their organisation and role are what they were found by. */
export async function updateContacts(tx: Tx, contacts: readonly StoredContact[]): Promise<void> {
  await tx.run(sql`
    update organisations.contact set name = told.name, is_post = told."isPost", rank = told.rank,
      reader_kind = told."readerKind", language = told.language, active = told.active,
      updated_at = now()
    from jsonb_to_recordset(${JSON.stringify(contacts)}::jsonb) as told (id uuid, name text,
      "isPost" boolean, rank smallint, "readerKind" text, language text, active boolean)
    where contact.id = told.id`);
}

/** What the trigger on the links would write a moment later, row by row. */
function withCounts(contact: StoredContact): object {
  const { links, ...columns } = contact;
  const texts = links.filter(({ channel }) => channel === 'text').length;
  return { ...columns, texts, mails: links.length - texts };
}

export async function deleteLinks(tx: Tx, contactIds: readonly string[]): Promise<void> {
  await tx.run(sql`
    delete from organisations.contact_contact_point where contact_id = any(${contactIds}::uuid[])`);
}

export async function insertLinks(tx: Tx, contacts: readonly StoredContact[]): Promise<void> {
  const links = contacts.flatMap(({ id, links }) =>
    links.map(({ contactPointId, channel, position }) => ({
      contactId: id,
      contactPointId,
      channel,
      position,
    })),
  );
  await tx.run(sql`
    insert into organisations.contact_contact_point (contact_id, contact_point_id, channel,
      position)
    select told."contactId", told."contactPointId", told.channel, told.position
    from jsonb_to_recordset(${JSON.stringify(links)}::jsonb) as told ("contactId" uuid,
      "contactPointId" uuid, channel text, position smallint)`);
}

export type NewImport = {
  readonly id: string;
  readonly kind: ImportKind;
  readonly fileName: string;
  readonly sha256: string;
  readonly startedAt: Date;
  readonly counts: ImportCounts;
  readonly actor: string;
  /** By the word of two persons. */
  readonly approvalId: string | null;
};

export async function insertImport(tx: Tx, row: NewImport): Promise<void> {
  await tx.run(sql`
    insert into organisations.import (id, kind, file_name, sha256, started_at, finished_at, counts,
      actor, approval_id)
    values (${row.id}, ${row.kind}, ${row.fileName}, ${row.sha256}, ${row.startedAt},
      clock_timestamp(), ${JSON.stringify(row.counts)}::jsonb, ${row.actor}, ${row.approvalId})`);
}

/** What the actor changed by files since then without a second person, but for this one. */
export async function countChangedAlone(
  tx: Tx,
  { since, but }: { readonly since: Date; readonly but: string | undefined },
): Promise<number> {
  const { rows } = await tx.one<{ rows: number }>(sql`
    select coalesce(sum((counts ->> 'added')::int + (counts ->> 'changed')::int
      + (counts ->> 'closed')::int + (counts ->> 'moved')::int), 0)::int as rows
    from organisations.import
    where actor = kernel.actor_id() and approval_id is null and undone_at is null
      and started_at > ${since} and id is distinct from ${but ?? null}::uuid`);
  return rows;
}

/** The last import and whether it was undone, as text: another one is another directory. */
export async function findLastState(tx: Tx): Promise<string> {
  const row = await tx.maybe<{ state: string }>(sql`
    select id || ' ' || coalesce(undone_at::text, '') as state from organisations.import
    order by finished_at desc limit 1`);
  return row?.state ?? '';
}
