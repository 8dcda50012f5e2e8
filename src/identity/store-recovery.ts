/** Recoveries: links that wait for a second person. One function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type WaitingRecovery = {
  readonly linkId: string;
  readonly personId: string;
  readonly name: string;
  readonly askedBy: string;
  /** The name of whoever asked; that of a command where it was one. */
  readonly askedByName: string;
  readonly askedAt: Date;
  readonly expiresAt: Date;
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
      link.expires_at
    from identity.sign_in_link link
    join identity.person on person.id = link.person_id
    left join identity.person asker on asker.id::text = link.created_by
    where link.recovers and link.confirmed_at is null and link.used_at is null
      and link.expires_at > ${now}
      and (${personId}::uuid is null or link.person_id = ${personId}::uuid)
    order by link.created_at, link.id`);
}

/**
 * Agreed to by somebody who did not ask for it, and whom who asked neither let in lately nor gave
 * the right to agree: else one person would be both.
 */
export async function markRecoveryConfirmed(
  tx: Tx,
  by: {
    readonly linkId: string;
    /** Who is recovered. */
    readonly recoveredId: string;
    /** Who agrees. */
    readonly personId: string;
    /** Those that allow it. */
    readonly roles: readonly string[];
    readonly since: Date;
    readonly now: Date;
  },
): Promise<number> {
  const me = by.personId;
  return await tx.run(sql`
    update identity.sign_in_link link set confirmed_at = ${by.now}, confirmed_by = ${me}
    where link.id = ${by.linkId} and link.person_id = ${by.recoveredId} and link.recovers
      and link.confirmed_at is null and link.used_at is null and link.expires_at > ${by.now}
      and link.created_by <> ${me} and link.person_id <> ${me}::uuid
      and exists (
        select from identity.role_grant held
        where held.person_id = ${me} and held.ended_at is null
          and held.role = any (${[...by.roles]}) and held.given_by <> link.created_by)
      and not exists (
        select from identity.passkey
        where passkey.person_id = ${me} and passkey.ended_at is null
          and link.created_by = any (passkey.vouched_by))
      and not exists (
        select from identity.sign_in_link mine
        where mine.person_id = ${me} and mine.used_at > ${by.since}
          and link.created_by in (mine.created_by, mine.confirmed_by))`);
}

export async function markRecoveryRefused(
  tx: Tx,
  which: { readonly linkId: string; readonly personId: string; readonly now: Date },
): Promise<number> {
  return await tx.run(sql`
    update identity.sign_in_link set expires_at = ${which.now}
    where id = ${which.linkId} and person_id = ${which.personId} and recovers
      and confirmed_at is null and used_at is null and expires_at > ${which.now}`);
}

/** How many others could agree: not locked out, with the right, and with a passkey to use it. */
export async function countConfirmers(
  tx: Tx,
  { exceptId, roles }: { readonly exceptId: string; readonly roles: readonly string[] },
): Promise<number> {
  const row = await tx.one<{ others: number }>(sql`
    select count(*) as others from identity.person
    where person.active and person.id <> ${exceptId}
      and exists (select from identity.role_grant held
        where held.person_id = person.id and held.ended_at is null
          and held.role = any (${[...roles]}))
      and exists (select from identity.passkey
        where passkey.person_id = person.id and passkey.ended_at is null)`);
  return row.others;
}
