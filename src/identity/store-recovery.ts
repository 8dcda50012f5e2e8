/** Recoveries: links that wait for a second person. One function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { isSecondPerson, type SecondPerson } from './store-second-person.ts';

export type WaitingRecovery = {
  readonly linkId: string;
  readonly personId: string;
  readonly name: string;
  readonly askedBy: string;
  /** The name of whoever asked; that of a command where it was one. */
  readonly askedByName: string;
  readonly askedAt: Date;
  readonly expiresAt: Date;
  /** By which a second person agrees (`agreement.ts`). */
  readonly approvalId: string;
};

/** All that wait, the oldest first; of one person where told. */
export async function selectRecoveries(
  tx: Tx,
  now: Date,
  personId: string | null = null,
): Promise<WaitingRecovery[]> {
  return await tx.rows<WaitingRecovery>(sql`
    select link.id as link_id, link.person_id, person.name, link.created_by as asked_by,
      coalesce(asker.name, link.created_by) as asked_by_name, link.created_at as asked_at,
      link.expires_at, link.approval_id
    from identity.sign_in_link link
    join identity.person on person.id = link.person_id
    left join identity.person asker on asker.id::text = link.created_by
    where link.recovers and link.confirmed_at is null and link.used_at is null
      and link.expires_at > ${now}
      and (${personId}::uuid is null or link.person_id = ${personId}::uuid)
    order by link.created_at, link.id`);
}

/** The approval of a link that waits already: its form was posted twice. */
export async function selectApprovalOfLink(tx: Tx, id: string): Promise<string | undefined> {
  const row = await tx.maybe<{ approvalId: string }>(sql`
    select approval_id from identity.sign_in_link
    where id = ${id} and recovers and confirmed_at is null and used_at is null`);
  return row?.approvalId;
}

/** Agreed to by a second person; 0 where it is over, or they are no second one. */
export async function markRecoveryConfirmed(
  tx: Tx,
  by: {
    readonly linkId: string;
    /** Who is recovered. */
    readonly recoveredId: string;
  } & SecondPerson,
): Promise<number> {
  const me = by.personId;
  return await tx.run(sql`
    update identity.sign_in_link link set confirmed_at = ${by.now}, confirmed_by = ${me}
    where link.id = ${by.linkId} and link.person_id = ${by.recoveredId} and link.recovers
      and link.confirmed_at is null and link.used_at is null and link.expires_at > ${by.now}
      and link.created_by <> ${me} and link.person_id <> ${me}::uuid
      and ${isSecondPerson(by, sql`link.created_by`)}`);
}

/** Links that were made before: the one that two persons agreed to takes their place. */
export async function markLinksEnded(tx: Tx, personId: string, now: Date): Promise<void> {
  await tx.run(sql`
    update identity.sign_in_link set expires_at = ${now}
    where person_id = ${personId} and not recovers and used_at is null and expires_at > ${now}`);
}

/** The approval that nobody gives any more; undefined where it is over. */
export async function markRecoveryRefused(
  tx: Tx,
  which: { readonly linkId: string; readonly personId: string; readonly now: Date },
): Promise<string | undefined> {
  const row = await tx.maybe<{ approvalId: string }>(sql`
    update identity.sign_in_link set expires_at = ${which.now}
    where id = ${which.linkId} and person_id = ${which.personId} and recovers
      and confirmed_at is null and used_at is null and expires_at > ${which.now}
    returning approval_id`);
  return row?.approvalId;
}
