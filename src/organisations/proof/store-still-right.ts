/** Statements of attestation: who is told by a contact point, and that they said all is right. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Channel } from '../model.ts';

/** When a mail asked there whether all is still right, where nobody has answered it; locked. */
export async function findMailAsked(
  tx: Tx,
  contactPointId: string,
): Promise<{ askedAt: Date } | undefined> {
  return await tx.maybe<{ askedAt: Date }>(sql`
    select asked_at from organisations.contact_point
    where id = ${contactPointId} and channel = 'mail' and asked_for = 'still_right'
      and asked_is_sent
    for update`);
}

export type OwnerOnFile = {
  readonly contactId: string;
  readonly name: string;
  readonly isPost: boolean;
  readonly role: string;
  readonly rank: number;
  readonly organisationName: string;
  /** By channel and position, masked. */
  readonly points: readonly { readonly channel: Channel; readonly shown: string }[];
};

/** What is on file of each contact that is told by it. */
export async function listOwners(tx: Tx, contactPointId: string): Promise<OwnerOnFile[]> {
  return await tx.rows<OwnerOnFile>(sql`
    select contact.id as contact_id, contact.name, contact.is_post, contact.role, contact.rank,
      organisation.name as organisation_name,
      (select json_agg(json_build_object('channel', point.channel, 'shown', point.shown)
          order by own.channel desc, own.position)
        from organisations.contact_contact_point own
        join organisations.contact_point point on point.id = own.contact_point_id
        where own.contact_id = contact.id) as points
    from organisations.contact_contact_point link
    join organisations.contact on contact.id = link.contact_id and contact.active
    join organisations.v_organisation organisation
      on organisation.organisation_id = contact.organisation_id
    where link.contact_point_id = ${contactPointId}
    order by organisation.name, contact.rank, contact.name, contact.id`);
}

export async function markOwnersAttested(
  tx: Tx,
  contactPointId: string,
): Promise<{ contactId: string; organisationId: string }[]> {
  return await tx.rows(sql`
    update organisations.contact set attested_at = now()
    where contact.active and contact.says_left_at is null and contact.id in (
      select link.contact_id from organisations.contact_contact_point link
      where link.contact_point_id = ${contactPointId})
    returning contact.id as contact_id, contact.organisation_id`);
}
