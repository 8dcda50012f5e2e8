/** What the worker reads again before it sends what was approved: one function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Permission } from '#kernel/actor.ts';
import type { KeptSignature } from './store-challenge.ts';
import { IN_FORCE, OF_CENTRE } from './store-held.ts';

/** True where the person is active and holds one of these roles of the centre. */
export async function selectHoldsNow(
  tx: Tx,
  { personId, roles }: { readonly personId: string; readonly roles: readonly string[] },
): Promise<boolean> {
  const row = await tx.one<{ holds: boolean }>(sql`
    select exists (
      select from identity.person
      join identity.role_grant held on held.person_id = person.id and ${IN_FORCE}
      where person.id = ${personId} and person.active and ${OF_CENTRE}
        and held.role = any (${roles})) as holds`);
  return row.holds;
}

/** True where whoever asked still may: a person as above, or a living key of nobody locked out. */
export async function selectAskerHolds(
  tx: Tx,
  asker: {
    readonly id: string;
    readonly roles: readonly string[];
    readonly permission: Permission;
  },
): Promise<boolean> {
  if (await selectHoldsNow(tx, { personId: asker.id, roles: asker.roles })) return true;
  const row = await tx.one<{ lives: boolean }>(sql`
    select exists (
      select from identity.api_key
      where id = ${asker.id} and revoked_at is null and ${asker.permission} = any (permissions)
        and (expires_at is null or expires_at > now())
        and not exists (select from identity.person
          where person.id::text = api_key.created_by and not person.active)) as lives`);
  return row.lives;
}

/**
 * True where the audit had the passkey before the signature, and it had not ended by then. Actor
 * and time of an entry are the database's, and no running process may change one: a passkey that
 * was slipped in without an entry signs nothing.
 */
export async function selectIsPasskeyKnown(
  tx: Tx,
  { id, passkeyId, personId, approvalId, signedAt }: KeptSignature,
): Promise<boolean> {
  const row = await tx.one<{ known: boolean }>(sql`
    select exists (
      select from identity.passkey
      join audit.v_entry made on made.subject_kind = 'person'
        and made.subject_id = ${personId}::text and made.action = 'passkey.made'
        and made.detail ->> 'passkeyId' = passkey.id::text
      join audit.v_entry signed on signed.subject_kind = 'approval'
        and signed.subject_id = ${approvalId}::text and signed.action = 'approval.signed'
        and signed.detail ->> 'signatureId' = ${id}::text
      where passkey.id = ${passkeyId} and passkey.person_id = ${personId}
        and (passkey.ended_at is null or passkey.ended_at > ${signedAt})
        and made.at < signed.at) as known`);
  return row.known;
}
