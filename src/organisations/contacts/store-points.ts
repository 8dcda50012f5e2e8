/** Whose a number or an address is. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Channel } from '../model.ts';

export type ContactPoint = {
  readonly id: string;
  readonly shown: string;
  readonly addressSealed: Buffer;
  readonly addressIndex: Buffer;
};

/** The contact point with this blind index (`blindIndex` over channel and normalised address). */
export async function findContactPointByIndex(
  tx: Tx,
  channel: Channel,
  addressIndex: Buffer,
): Promise<ContactPoint | undefined> {
  const [point] = await listContactPointsByIndex(tx, [channel], [addressIndex]);
  return point;
}

/** Those that there are of several: an index belongs to one channel. */
export async function listContactPointsByIndex(
  tx: Tx,
  channels: readonly Channel[],
  addressIndexes: readonly Buffer[],
): Promise<ContactPoint[]> {
  return await tx.rows<ContactPoint>(sql`
    select id, shown, address_sealed, address_index from organisations.contact_point
    where channel = any(${[...channels]}::text[])
      and address_index = any(${[...addressIndexes]}::bytea[])`);
}

/**
 * Since when the organisation of a row named `contact` has the number or address of one named
 * `contact_point`: whoever keeps its contacts learns what was found since, and not that somebody
 * else has it on file (P8). A form or a file takes links off and puts them on again in one
 * transaction: that is no coming. A minute earlier, as a request reads its clock before that.
 */
const heldSince = sql`(
  select min(coalesce((
      select max(came.changed_at) from organisations.change came
      where came.organisation_id = holder.organisation_id and came.contact_id = holder.id
        and came.what = 'linked' and came.fields ? contact_point.id::text and not exists (
          select from organisations.change went
          where went.organisation_id = came.organisation_id and went.contact_id = came.contact_id
            and went.what = 'unlinked' and went.changed_at = came.changed_at
            and went.fields ? contact_point.id::text)),
    holder.created_at)) - interval '1 minute'
  from organisations.contact_contact_point held
  join organisations.contact holder on holder.id = held.contact_id
  where held.contact_point_id = contact_point.id
    and holder.organisation_id = contact.organisation_id)`;

/** True where something at this moment happened to the organisation's own number. */
export function isOwnNews(moment: Sql): Sql {
  return sql`(${moment} >= ${heldSince})`;
}

export type PointOrganisation = {
  readonly organisationId: string;
  readonly code: string;
  readonly shortName: string;
  readonly contactId: string;
  readonly contactName: string;
  readonly role: string;
  /** Its network is in foreign hands: nobody acts for it by a code. */
  readonly isCutOff: boolean;
};

/** Whom a number or an address stands for today: one row for each contact that has it. */
export async function listOrganisationsOfContactPoint(
  tx: Tx,
  contactPointId: string,
): Promise<PointOrganisation[]> {
  return await tx.rows<PointOrganisation>(sql`
    select organisation.organisation_id, organisation.code, organisation.short_name,
      contact.id as contact_id, contact.name as contact_name, contact.role,
      organisation.organisation_id in (
        select cut.organisation_id from organisations.v_cut_off cut) as is_cut_off
    from organisations.contact_contact_point link
    join organisations.contact on contact.id = link.contact_id and contact.active
    join organisations.v_organisation organisation
      on organisation.organisation_id = contact.organisation_id
    where link.contact_point_id = ${contactPointId}
    order by organisation.code, contact.rank`);
}
