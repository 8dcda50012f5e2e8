/** Statements of the undo. Rows go back inside the database: none passes through the process. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Fate, ImportKind, UndoCounts } from '../model.ts';
import { contactHash, hashOf, organisationImage, regionImage, systemImage } from './store-image.ts';

export type LastImport = {
  readonly id: string;
  readonly kind: ImportKind;
  readonly fileName: string;
  readonly finishedAt: Date;
  readonly undoneAt: Date | null;
  /** False where its images are gone: nothing says how it was before. */
  readonly hasImages: boolean;
};

/** The newest file that changed something. */
export async function findLastImport(tx: Tx): Promise<LastImport | undefined> {
  return await tx.maybe<LastImport>(sql`
    select import.id, import.kind, import.file_name, import.finished_at, import.undone_at,
      exists (select from organisations.import_image image where image.import_id = import.id)
        as has_images
    from organisations.import
    order by import.finished_at desc, import.id desc
    limit 1`);
}

/** Somebody who changes one of them now waits until it is known what becomes of it. */
export async function lockImaged(tx: Tx, importId: string): Promise<void> {
  const imaged = sql`select image.contact_id from organisations.import_image image
    where image.import_id = ${importId}`;
  await tx.run(sql`
    select contact.id from organisations.contact where contact.id in (${imaged})
    order by contact.id for update`);
  await tx.run(sql`
    select organisation.code from organisations.organisation
    where organisation.code in (
      select image.code from organisations.import_image image
      where image.import_id = ${importId} and image.kind = 'organisation')
    order by organisation.code for update`);
}

/** A message to one of its numbers since: somebody may ask later whom it went to. */
const gotMessages = sql`
  exists (
    select from organisations.contact_contact_point link
    join dispatch.v_message message on message.contact_point_id = link.contact_point_id
      and message.dispatch_id > image.import_id
    where link.contact_id = contact.id)`;

/**
 * Ids are made in the order of time: a dispatch after the import may have it in its audience. Whom
 * the import itself put below it is put back, or removed with it.
 */
const mayBeReferred = sql`
  (exists (select from organisations.contact where contact.organisation_id = organisation.id)
    or exists (select from organisations.parenthood held
      join organisations.organisation child on child.id = held.child_id
      where held.parent_id = organisation.id and not exists (
        select from organisations.import_image other where other.import_id = image.import_id
          and other.kind = 'organisation' and other.code = child.code))
    or exists (select from organisations.succession_part part
      where organisation.id in (part.predecessor_id, part.successor_id))
    or exists (select from dispatch.v_dispatch later where later.id > image.import_id))`;

/** Over an image and the contact it is of. */
const fateOfContact = sql`
  case when ${contactHash} <> image.after_hash then 'left'
    when image.before is not null then 'put_back'
    when ${gotMessages} then 'ended' else 'removed' end`;

/** Over an image and the organisation it is of. */
const fateOfOrganisation = sql`
  case when ${hashOf(organisationImage)} <> image.after_hash then 'left'
    when image.before is not null then 'put_back'
    when ${mayBeReferred} then 'ended' else 'removed' end`;

/** Name and fate of every contact and organisation that the import touched. */
function fates(importId: string): Sql {
  return sql`
    select contact.name || ', ' || contact.role as label, ${fateOfContact} as fate
    from organisations.import_image image
    join organisations.contact on contact.id = image.contact_id
    where image.import_id = ${importId}
    union all
    select organisation.code || ' ' || organisation.name, ${fateOfOrganisation}
    from organisations.import_image image
    join organisations.organisation on organisation.code = image.code
    where image.import_id = ${importId} and image.kind = 'organisation'`;
}

export async function countFates(tx: Tx, importId: string): Promise<UndoCounts> {
  return await tx.one<UndoCounts>(sql`
    select count(*) filter (where fate = 'removed') as removed,
      count(*) filter (where fate = 'ended') as ended,
      count(*) filter (where fate = 'put_back') as put_back,
      count(*) filter (where fate = 'left') as left
    from (${fates(importId)}) fated`);
}

/** Those that somebody changed since, by name. */
export async function listLeft(tx: Tx, importId: string, limit: number): Promise<string[]> {
  const rows = await tx.rows<{ label: string }>(sql`
    select label from (${fates(importId)}) fated where fate = 'left'
    order by label limit ${limit}`);
  return rows.map(({ label }) => label);
}

export async function writeFates(tx: Tx, importId: string): Promise<void> {
  await tx.run(sql`
    update organisations.import_image image set fate = ${fateOfContact}
    from organisations.contact
    where image.import_id = ${importId} and contact.id = image.contact_id`);
  await tx.run(sql`
    update organisations.import_image image set fate = ${fateOfOrganisation}
    from organisations.organisation
    where image.import_id = ${importId} and image.kind = 'organisation'
      and organisation.code = image.code`);
}

function fated(importId: string, kind: string, fate: Fate): Sql {
  return sql`image.import_id = ${importId} and image.kind = ${kind} and image.fate = ${fate}`;
}

/** What something else refers to stays, and is ended by the next statement. */
export async function removeContacts(tx: Tx, importId: string): Promise<void> {
  await tx.run(sql`
    update organisations.import_image image set fate = 'ended'
    where image.import_id = ${importId} and image.contact_id in (
      select kept from organisations.remove_contacts(array(
        select image.contact_id from organisations.import_image image
        where ${fated(importId, 'contact', 'removed')})) kept)`);
}

export async function endContacts(tx: Tx, importId: string): Promise<void> {
  await tx.run(sql`
    update organisations.contact set active = false, updated_at = now()
    from organisations.import_image image
    where ${fated(importId, 'contact', 'ended')} and contact.id = image.contact_id`);
}

/** The columns that an import of contacts may change. */
export async function putBackContacts(tx: Tx, importId: string): Promise<void> {
  await tx.run(sql`
    update organisations.contact set name = old.name, is_post = old.is_post, rank = old.rank,
      reader_kind = old.reader_kind, language = old.language, active = old.active,
      updated_at = now()
    from organisations.import_image image
    cross join lateral jsonb_populate_record(null::organisations.contact, image.before) old
    where ${fated(importId, 'contact', 'put_back')} and contact.id = image.contact_id`);
}

export async function unlinkPutBack(tx: Tx, importId: string): Promise<void> {
  await tx.run(sql`
    delete from organisations.contact_contact_point link
    using organisations.import_image image
    where ${fated(importId, 'contact', 'put_back')} and link.contact_id = image.contact_id`);
}

export async function relinkPutBack(tx: Tx, importId: string): Promise<void> {
  await tx.run(sql`
    insert into organisations.contact_contact_point (contact_id, contact_point_id, channel,
      position)
    select image.contact_id, old.contact_point_id, old.channel, old.position
    from organisations.import_image image
    cross join lateral jsonb_to_recordset(image.before -> 'links')
      as old (contact_point_id uuid, channel text, position smallint)
    where ${fated(importId, 'contact', 'put_back')}`);
}

/** Before organisations are removed: one of those may be the parent that the import gave. */
export async function unparentPutBack(tx: Tx, importId: string): Promise<void> {
  await tx.run(sql`
    delete from organisations.parenthood held
    using organisations.import_image image, organisations.organisation
    where ${fated(importId, 'organisation', 'put_back')} and organisation.code = image.code
      and held.child_id = organisation.id
      and not image.before -> 'parents' @> jsonb_build_array(to_jsonb(held))`);
}

/** What stayed all the time was never taken away. */
export async function reparentPutBack(tx: Tx, importId: string): Promise<void> {
  await tx.run(sql`
    insert into organisations.parenthood (id, child_id, parent_id, began_on, ended_on, said_by,
      recorded_by, recorded_at)
    select old.id, old.child_id, old.parent_id, old.began_on, old.ended_on, old.said_by,
      old.recorded_by, old.recorded_at
    from organisations.import_image image
    cross join lateral jsonb_populate_recordset(null::organisations.parenthood,
      image.before -> 'parents') old
    where ${fated(importId, 'organisation', 'put_back')}
    on conflict (id) do nothing`);
}

export async function removeOrganisations(tx: Tx, importId: string): Promise<void> {
  await tx.run(sql`
    update organisations.import_image image set fate = 'ended'
    where image.import_id = ${importId} and image.kind = 'organisation' and image.code in (
      select kept from organisations.remove_organisations(array(
        select image.code from organisations.import_image image
        where ${fated(importId, 'organisation', 'removed')})) kept)`);
}

/** From today on nothing is sent to it. */
export async function endOrganisations(tx: Tx, importId: string): Promise<void> {
  await tx.run(sql`
    update organisations.organisation
    set closed_on = least(organisation.closed_on, current_date - 1), updated_at = now()
    from organisations.import_image image
    where ${fated(importId, 'organisation', 'ended')} and organisation.code = image.code`);
}

/** The columns that an import of organisations may change. */
export async function putBackOrganisations(tx: Tx, importId: string): Promise<void> {
  await tx.run(sql`
    update organisations.organisation set name = old.name, short_name = old.short_name,
      short_name_chosen = old.short_name_chosen, type = old.type, region_code = old.region_code,
      system_code = old.system_code, must_answer = old.must_answer,
      address_lines = old.address_lines, postcode = old.postcode, telephone = old.telephone,
      latitude = old.latitude, longitude = old.longitude, serves = old.serves,
      population = old.population, population_on = old.population_on,
      opened_on = old.opened_on, closed_on = old.closed_on, source = old.source,
      updated_at = now()
    from organisations.import_image image
    cross join lateral jsonb_populate_record(null::organisations.organisation, image.before) old
    where ${fated(importId, 'organisation', 'put_back')} and organisation.code = image.code`);
}

/** Names go back where nobody gave another since; what was added goes where nothing is in it. */
export async function putBackSystems(tx: Tx, importId: string): Promise<number> {
  const named = await tx.run(sql`
    update organisations.system set name = old.name, region_code = old.region_code
    from organisations.import_image image
    cross join lateral jsonb_populate_record(null::organisations.system, image.before) old
    where image.import_id = ${importId} and image.kind = 'system' and image.before is not null
      and system.code = image.code and ${hashOf(systemImage)} = image.after_hash`);
  const gone = await tx.run(sql`
    delete from organisations.system using organisations.import_image image
    where image.import_id = ${importId} and image.kind = 'system' and image.before is null
      and system.code = image.code and ${hashOf(systemImage)} = image.after_hash
      and not exists (select from organisations.organisation
        where organisation.system_code = system.code)`);
  return named + gone;
}

export async function putBackRegions(tx: Tx, importId: string): Promise<number> {
  const named = await tx.run(sql`
    update organisations.region set name = old.name
    from organisations.import_image image
    cross join lateral jsonb_populate_record(null::organisations.region, image.before) old
    where image.import_id = ${importId} and image.kind = 'region' and image.before is not null
      and region.code = image.code and ${hashOf(regionImage)} = image.after_hash`);
  const gone = await tx.run(sql`
    delete from organisations.region using organisations.import_image image
    where image.import_id = ${importId} and image.kind = 'region' and image.before is null
      and region.code = image.code and ${hashOf(regionImage)} = image.after_hash
      and not exists (select from organisations.organisation
        where organisation.region_code = region.code)
      and not exists (select from organisations.system where system.region_code = region.code)`);
  return named + gone;
}

/** What became of them in the end. */
export async function countWritten(tx: Tx, importId: string): Promise<UndoCounts> {
  return await tx.one<UndoCounts>(sql`
    select count(*) filter (where fate = 'removed') as removed,
      count(*) filter (where fate = 'ended') as ended,
      count(*) filter (where fate = 'put_back') as put_back,
      count(*) filter (where fate = 'left') as left
    from organisations.import_image where import_id = ${importId}`);
}

export async function markUndone(
  tx: Tx,
  importId: string,
  { now, by, counts }: { readonly now: Date; readonly by: string; readonly counts: UndoCounts },
): Promise<number> {
  return await tx.run(sql`
    update organisations.import
    set undone_at = ${now}, undone_by = ${by}, undone = ${JSON.stringify(counts)}::jsonb
    where id = ${importId} and undone_at is null`);
}
