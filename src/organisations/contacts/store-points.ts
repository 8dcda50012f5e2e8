/** Whose a number or an address is. */
import { sql } from '#db/sql.ts';
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
  const [point] = await listContactPointsByIndex(tx, channel, [addressIndex]);
  return point;
}

/** Those that there are of several. */
export async function listContactPointsByIndex(
  tx: Tx,
  channel: Channel,
  addressIndexes: readonly Buffer[],
): Promise<ContactPoint[]> {
  return await tx.rows<ContactPoint>(sql`
    select id, shown, address_sealed, address_index from organisations.contact_point
    where channel = ${channel} and address_index = any(${[...addressIndexes]}::bytea[])`);
}

export type PointOrganisation = {
  readonly organisationId: string;
  readonly code: string;
  readonly shortName: string;
  readonly contactId: string;
  readonly contactName: string;
  readonly role: string;
};

/** Whom a number or an address stands for today: one row for each contact that has it. */
export async function listOrganisationsOfContactPoint(
  tx: Tx,
  contactPointId: string,
): Promise<PointOrganisation[]> {
  return await tx.rows<PointOrganisation>(sql`
    select organisation.organisation_id, organisation.code, organisation.short_name,
      contact.id as contact_id, contact.name as contact_name, contact.role
    from organisations.contact_contact_point link
    join organisations.contact on contact.id = link.contact_id and contact.active
    join organisations.v_organisation organisation
      on organisation.organisation_id = contact.organisation_id
    where link.contact_point_id = ${contactPointId}
    order by organisation.code, contact.rank`);
}
