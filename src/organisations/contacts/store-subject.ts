/** What the directory holds on one person, and taking it out of it for good. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Channel } from '../model.ts';

export type SubjectSearch = {
  /** The whole name, in any case. */
  readonly name: string | undefined;
  /** Keyed hashes of a number or an address; none: not looked for by one. */
  readonly addressIndexes: readonly Buffer[];
};

export type SubjectContact = {
  readonly id: string;
  readonly organisationCode: string;
  readonly organisationName: string;
  readonly name: string;
  readonly isPost: boolean;
  readonly role: string;
  readonly rank: number;
  readonly readerKind: string;
  readonly language: string;
  readonly active: boolean;
  readonly createdAt: Date;
  readonly attestedAt: Date | null;
};

/** The contacts to which all that is asked fits. */
export async function listSubjectContacts(
  tx: Tx,
  { name, addressIndexes }: SubjectSearch,
): Promise<SubjectContact[]> {
  return await tx.rows<SubjectContact>(sql`
    select contact.id, organisation.code as organisation_code,
      organisation.name as organisation_name, contact.name, contact.is_post, contact.role,
      contact.rank, contact.reader_kind, contact.language, contact.active, contact.created_at,
      contact.attested_at
    from organisations.contact
    join organisations.organisation on organisation.id = contact.organisation_id
    where (${name ?? null}::text is null or lower(contact.name) = lower(${name ?? null}::text))
      and (${addressIndexes.length} = 0 or exists (
        select from organisations.contact_contact_point link
        join organisations.contact_point point on point.id = link.contact_point_id
        where link.contact_id = contact.id
          and point.address_index = any (${[...addressIndexes]}::bytea[])))
    order by organisation.code, contact.rank, contact.id`);
}

export type SubjectPoint = {
  readonly id: string;
  readonly channel: Channel;
  readonly addressSealed: Buffer;
  readonly addressIndex: Buffer;
  /** Others have it too: it stays theirs. */
  readonly shared: boolean;
  readonly createdAt: Date;
  readonly provenAt: Date | null;
  readonly answeredAt: Date | null;
  readonly stopAskedAt: Date | null;
};

/** Their numbers and addresses, those too that nobody has now: had before, or offered by them. */
export async function listSubjectPoints(
  tx: Tx,
  contactIds: readonly string[],
): Promise<SubjectPoint[]> {
  return await tx.rows<SubjectPoint>(sql`
    select point.id, point.channel, point.address_sealed, point.address_index,
      point.contacts > held.theirs as shared, point.created_at, point.proven_at,
      point.answered_at, point.stop_asked_at
    from organisations.contact_point point
    cross join lateral (
      select count(*) as theirs from organisations.contact_contact_point link
      where link.contact_point_id = point.id and link.contact_id = any (${[...contactIds]}::uuid[])
    ) held
    where held.theirs > 0 or point.contacts = 0 and (
      exists (select from organisations.change
        where change.contact_id = any (${[...contactIds]}::uuid[])
          and change.what in ('linked', 'unlinked') and change.fields ? point.id::text)
      or exists (select from organisations.one_time_code offer
        where offer.contact_id = any (${[...contactIds]}::uuid[])
          and offer.contact_point_id = point.id))
    order by point.channel, point.id`);
}

export type SubjectHistory = {
  readonly dutyHours: readonly object[];
  readonly absences: readonly object[];
  readonly changes: readonly object[];
  readonly visits: readonly object[];
};

/** Hours, absences, what was changed of them, and when they opened their own details. */
export async function readSubjectHistory(
  tx: Tx,
  contactIds: readonly string[],
): Promise<SubjectHistory> {
  const ids = [...contactIds];
  return {
    dutyHours: await tx.rows(sql`
      select contact_id, weekday, starts_at::text, ends_at::text, time_zone
      from organisations.duty_hours where contact_id = any (${ids}::uuid[])
      order by contact_id, weekday, starts_at`),
    absences: await tx.rows(sql`
      select contact_id, starts_at, ends_at from organisations.absence
      where contact_id = any (${ids}::uuid[]) order by starts_at`),
    changes: await tx.rows(sql`
      select contact_id, changed_at, what, fields from organisations.change
      where contact_id = any (${ids}::uuid[]) order by changed_at, id`),
    visits: await tx.rows(sql`
      select contact_id, opened_at, ended_at from organisations.code_session
      where contact_id = any (${ids}::uuid[]) order by opened_at`),
  };
}

/**
 * Deletes these contacts with all that hangs on them, and their numbers and addresses where nobody
 * else has them. For the owner of the tables. Says how many numbers and addresses went.
 */
export async function deleteSubject(
  tx: Tx,
  { contactIds, pointIds }: Record<'contactIds' | 'pointIds', readonly string[]>,
): Promise<number> {
  const [contacts, points] = [[...contactIds], [...pointIds]];
  await tx.run(sql`
    delete from organisations.one_time_code where contact_id = any (${contacts}::uuid[])
      or contact_point_id = any (${points}::uuid[]) or replaces_id = any (${points}::uuid[])
      or address_index in (select point.address_index from organisations.contact_point point
        where point.id = any (${points}::uuid[]))`);
  await tx.run(sql`
    delete from organisations.code_session where contact_id = any (${contacts}::uuid[])
      or contact_point_id = any (${points}::uuid[])`);
  await tx.run(sql`
    delete from organisations.import_image where contact_id = any (${contacts}::uuid[])`);
  await tx.run(sql`
    delete from organisations.contact_contact_point
    where contact_id = any (${contacts}::uuid[])`);
  await tx.run(sql`delete from organisations.contact where id = any (${contacts}::uuid[])`);
  // Last: what was done above is noted in it by triggers.
  await tx.run(sql`delete from organisations.change where contact_id = any (${contacts}::uuid[])`);
  return await tx.run(sql`
    delete from organisations.contact_point
    where id = any (${points}::uuid[]) and contacts = 0`);
}
