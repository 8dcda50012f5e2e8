/** What somebody holds for an organisation that is cut off (ADR 0026), and what they have open. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { IN_FORCE } from './store-held.ts';

/** Over `identity.role_grant` named `held`: a role for an organisation that is cut off now. */
export const isForCutOff = sql`exists (select from kernel.cut_off
  where cut_off.organisation_id = held.organisation_id and cut_off.lifted_at is null)`;

/** True of a person who holds roles for such organisations only, whatever spaces they lead. */
export function isShutOut(personId: Sql): Sql {
  return sql`(exists (select from identity.role_grant held
      where held.person_id = ${personId} and ${IN_FORCE} and ${isForCutOff})
    and not exists (select from identity.role_grant held
      where held.person_id = ${personId} and ${IN_FORCE} and held.space_id is null
        and not ${isForCutOff}))`;
}

export async function selectIsShutOut(tx: Tx, personId: string): Promise<boolean> {
  const { isOut } = await tx.one<{ isOut: boolean }>(
    sql`select ${isShutOut(sql`${personId}::uuid`)} as is_out`,
  );
  return isOut;
}

/** Everybody who holds a role for this organisation, or is to. */
export async function selectPeopleOf(tx: Tx, organisationId: string): Promise<string[]> {
  const rows = await tx.rows<{ personId: string }>(sql`
    select distinct held.person_id from identity.role_grant held
    where held.organisation_id = ${organisationId} and held.ended_at is null`);
  return rows.map(({ personId }) => personId);
}

export async function markSessionsOfPeopleEnded(
  tx: Tx,
  personIds: readonly string[],
  now: Date,
): Promise<number> {
  return await tx.run(sql`
    update identity.session set ended_at = ${now}
    where person_id = any(${[...personIds]}::uuid[]) and ended_at is null`);
}

/** Links that were not used, such as of a recovery, and codes: they open nothing any more. */
export async function markSignInsEnded(
  tx: Tx,
  personIds: readonly string[],
  now: Date,
): Promise<number> {
  const people = sql`any(${[...personIds]}::uuid[])`;
  return (
    (await tx.run(sql`
      update identity.sign_in_link set expires_at = ${now}
      where person_id = ${people} and used_at is null and expires_at > ${now}`)) +
    (await tx.run(sql`
      update identity.sign_in_code set used_at = ${now}
      where person_id = ${people} and used_at is null`))
  );
}

/** Invitations to this organisation, and those that its people wrote. */
export async function markInvitationsEnded(
  tx: Tx,
  whose: { readonly organisationId: string; readonly personIds: readonly string[] },
  now: Date,
): Promise<number> {
  return await tx.run(sql`
    update identity.invitation
    set expires_at = greatest(${now}, invited_at + interval '1 millisecond')
    where (organisation_id = ${whose.organisationId}
        or invited_by = any(${[...whose.personIds]}::uuid[]))
      and accepted_at is null and revoked_at is null and expires_at > ${now}`);
}

/** Keys that these people made. */
export async function markKeysOfPeopleRevoked(
  tx: Tx,
  personIds: readonly string[],
  revoked: { readonly at: Date; readonly by: string },
): Promise<number> {
  return await tx.run(sql`
    update identity.api_key set revoked_at = ${revoked.at}, revoked_by = ${revoked.by}
    where created_by = any(${[...personIds]}::text[]) and revoked_at is null`);
}
