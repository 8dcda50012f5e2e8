/** Images of rows around an import: as it found them, and a hash of how it left them. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Over a row named `contact`. */
const contactImage = sql`
  to_jsonb(contact) - array['updated_at', 'texts', 'mails'] || jsonb_build_object('links',
    coalesce((
      select jsonb_agg(jsonb_build_object('contact_point_id', link.contact_point_id,
        'channel', link.channel, 'position', link.position) order by link.channel, link.position)
      from organisations.contact_contact_point link
      where link.contact_id = contact.id), '[]'))`;

/**
 * Everything that somebody may have changed, also in columns that no import knows: a row with
 * another hash than its import left is not touched by the undo. Over a row named `contact`; as
 * text and not as its image, which took 27 µs a row and not 11.
 */
export const contactHash = sql`
  sha256(convert_to(contact::text || coalesce((
    select string_agg(link.contact_point_id || link.channel || link.position, ','
      order by link.channel, link.position)
    from organisations.contact_contact_point link
    where link.contact_id = contact.id), ''), 'UTF8'))`;

/** Over a row named `organisation`. */
export const organisationImage = sql`
  to_jsonb(organisation) - 'updated_at' || jsonb_build_object('parents', coalesce((
    select jsonb_agg(to_jsonb(held) order by held.began_on nulls first)
    from organisations.parenthood held
    where held.child_id = organisation.id), '[]'))`;

/** Over a row named `region` or `system`. */
export const regionImage = sql`to_jsonb(region)`;
export const systemImage = sql`to_jsonb(system)`;

export function hashOf(image: Sql): Sql {
  return sql`sha256(convert_to((${image})::text, 'UTF8'))`;
}

type OfContacts = { readonly importId: string; readonly contactIds: readonly string[] };

export async function keepContacts(tx: Tx, { importId, contactIds }: OfContacts): Promise<void> {
  await tx.run(sql`
    insert into organisations.import_image (import_id, kind, contact_id, before)
    select ${importId}, 'contact', contact.id, ${contactImage}
    from organisations.contact where contact.id = any(${contactIds}::uuid[])`);
}

export async function markContacts(tx: Tx, { importId, contactIds }: OfContacts): Promise<void> {
  await tx.run(sql`
    insert into organisations.import_image (import_id, kind, contact_id, after_hash)
    select ${importId}, 'contact', contact.id, ${contactHash}
    from organisations.contact where contact.id = any(${contactIds}::uuid[])
    on conflict (import_id, contact_id) where contact_id is not null
      do update set after_hash = excluded.after_hash`);
}

type OfOrganisations = { readonly importId: string; readonly codes: readonly string[] };

export async function keepOrganisations(
  tx: Tx,
  { importId, codes }: OfOrganisations,
): Promise<void> {
  await tx.run(sql`
    insert into organisations.import_image (import_id, kind, code, before)
    select ${importId}, 'organisation', organisation.code, ${organisationImage}
    from organisations.organisation where organisation.code = any(${codes}::text[])`);
}

export async function markOrganisations(
  tx: Tx,
  { importId, codes }: OfOrganisations,
): Promise<void> {
  await tx.run(sql`
    insert into organisations.import_image (import_id, kind, code, after_hash)
    select ${importId}, 'organisation', organisation.code, ${hashOf(organisationImage)}
    from organisations.organisation where organisation.code = any(${codes}::text[])
    on conflict (import_id, kind, code) where code is not null
      do update set after_hash = excluded.after_hash`);
}

export type Places = {
  readonly importId: string;
  readonly regions: readonly string[];
  readonly systems: readonly string[];
};

export async function keepPlaces(tx: Tx, { importId, regions, systems }: Places): Promise<void> {
  await tx.run(sql`
    insert into organisations.import_image (import_id, kind, code, before)
    select ${importId}::uuid, 'region', region.code, ${regionImage}
    from organisations.region where region.code = any(${regions}::text[])
    union all
    select ${importId}::uuid, 'system', system.code, ${systemImage}
    from organisations.system where system.code = any(${systems}::text[])`);
}

/** What stayed as it was needs no undo: its image goes. */
export async function markPlaces(tx: Tx, { importId, regions, systems }: Places): Promise<void> {
  await tx.run(sql`
    insert into organisations.import_image (import_id, kind, code, after_hash)
    select ${importId}::uuid, 'region', region.code, ${hashOf(regionImage)}
    from organisations.region where region.code = any(${regions}::text[])
    union all
    select ${importId}::uuid, 'system', system.code, ${hashOf(systemImage)}
    from organisations.system where system.code = any(${systems}::text[])
    on conflict (import_id, kind, code) where code is not null
      do update set after_hash = excluded.after_hash`);
  await tx.run(sql`
    delete from organisations.import_image image
    where image.import_id = ${importId} and image.kind in ('region', 'system')
      and image.after_hash = ${hashOf(sql`image.before`)}`);
}

/** The images of this import, or of all others. */
export async function forgetImages(
  tx: Tx,
  which: { readonly of: string } | { readonly allBut: string },
): Promise<number> {
  const condition =
    'of' in which ? sql`import_id = ${which.of}` : sql`import_id <> ${which.allBut}`;
  return await tx.run(sql`delete from organisations.import_image where ${condition}`);
}

/** Retention: of imports that ended before. */
export async function forgetOldImages(tx: Tx, before: Date): Promise<number> {
  return await tx.run(sql`
    delete from organisations.import_image where import_id in (
      select import.id from organisations.import where import.finished_at < ${before})
      and not kernel.is_on_legal_hold() and not kernel.is_held(import_image.contact_id)
      and not exists (select from organisations.organisation
        join kernel.held on held.id = organisation.id
        where organisation.code = import_image.code and import_image.kind = 'organisation')`);
}
