/** Which import can be undone, and what becomes of each row that it touched. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { ImportKind, UndoCounts } from '../model.ts';
import { contactHash, hashOf, organisationImage } from './store-image.ts';
import { overAll } from './store-put-back.ts';

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

/** What the undo of an import did; undefined where it was not undone. */
export async function findUndone(tx: Tx, importId: string): Promise<UndoCounts | undefined> {
  const row = await tx.maybe<{ undone: UndoCounts | null }>(sql`
    select undone from organisations.import where id = ${importId}`);
  return row?.undone ?? undefined;
}

/** Somebody who changes one of them now waits until it is known what becomes of it. */
export async function lockImaged(tx: Tx, importId: string): Promise<void> {
  const imaged = sql`select image.contact_id from organisations.import_image image
    where image.import_id = ${importId}`;
  await overAll(
    tx,
    sql`
    select contact.id from organisations.contact where contact.id in (${imaged})
    order by contact.id for update`,
  );
  await overAll(
    tx,
    sql`
    select organisation.code from organisations.organisation
    where organisation.code in (
      select image.code from organisations.import_image image
      where image.import_id = ${importId} and image.kind = 'organisation')
    order by organisation.code for update`,
  );
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
  case when ${contactHash} <> image.after_hash or kernel.is_held(contact.id) then 'left'
    when image.before is not null then 'put_back'
    when ${gotMessages} then 'ended' else 'removed' end`;

/** Over an image and the organisation it is of. */
const fateOfOrganisation = sql`
  case when ${hashOf(organisationImage)} <> image.after_hash or kernel.is_held(organisation.id)
      then 'left'
    when image.before is not null then 'put_back'
    when ${mayBeReferred} then 'ended' else 'removed' end`;

/** Behind its name, why it is left where nobody changed it. */
function heldMark(id: Sql): Sql {
  return sql`case when kernel.is_held(${id}) then ' (on a legal hold)' else '' end`;
}

/** Name and fate of every contact and organisation that the import touched. */
function fates(importId: string): Sql {
  return sql`
    select contact.name || ', ' || contact.role || ${heldMark(sql`contact.id`)} as label,
      ${fateOfContact} as fate
    from organisations.import_image image
    join organisations.contact on contact.id = image.contact_id
    where image.import_id = ${importId}
    union all
    select organisation.code || ' ' || organisation.name || ${heldMark(sql`organisation.id`)},
      ${fateOfOrganisation}
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

/** Those that somebody changed since, or that a legal hold is on, by name. */
export async function listLeft(tx: Tx, importId: string, limit: number): Promise<string[]> {
  const rows = await tx.rows<{ label: string }>(sql`
    select label from (${fates(importId)}) fated where fate = 'left'
    order by label limit ${limit}`);
  return rows.map(({ label }) => label);
}

export async function writeFates(tx: Tx, importId: string): Promise<void> {
  await overAll(
    tx,
    sql`
    update organisations.import_image image set fate = ${fateOfContact}
    from organisations.contact
    where image.import_id = ${importId} and contact.id = image.contact_id`,
  );
  await overAll(
    tx,
    sql`
    update organisations.import_image image set fate = ${fateOfOrganisation}
    from organisations.organisation
    where image.import_id = ${importId} and image.kind = 'organisation'
      and organisation.code = image.code`,
  );
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
