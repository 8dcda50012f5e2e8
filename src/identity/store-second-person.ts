/** Who can be the second of two. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { IN_FORCE, OF_CENTRE } from './store-held.ts';

export type SecondPerson = {
  /** Who agrees. */
  readonly personId: string;
  /** Those of the centre that allow it. */
  readonly roles: readonly string[];
  /** Those that allow it where they are held for an organisation; absent: none. */
  readonly ofOrganisations?: readonly string[];
  /** As far back as a session may last. */
  readonly since: Date;
  readonly now: Date;
};

/**
 * A part of a statement: true of somebody who is not `asker`, who holds one of the roles by a gift
 * of others, and whom the asker did not let in, neither into this session nor for making a passkey
 * of theirs. Else one person would be both.
 */
export function isSecondPerson(
  { personId: me, roles, ofOrganisations = [], since }: SecondPerson,
  asker: Sql,
): Sql {
  return sql`(${asker} <> ${me}
      and exists (
        select from identity.role_grant held
        where held.person_id = ${me} and ${IN_FORCE}
          and (${OF_CENTRE} and held.role = any (${[...roles]})
            or held.organisation_id is not null and held.role = any (${[...ofOrganisations]}))
          and held.given_by <> ${asker}
          and held.agreed_by is distinct from ${asker})
      and not exists (
        select from identity.passkey
        where passkey.person_id = ${me} and passkey.ended_at is null
          and ${asker} = any (passkey.vouched_by))
      and not exists (
        select from identity.sign_in_link mine
        where mine.person_id = ${me} and mine.used_at > ${since}
          and ${asker} in (mine.created_by, mine.confirmed_by)))`;
}

/** How many others could agree: not locked out, with the right, and with a passkey to use it. */
export async function countConfirmers(
  tx: Tx,
  {
    exceptIds,
    roles,
  }: { readonly exceptIds: readonly string[]; readonly roles: readonly string[] },
): Promise<number> {
  const row = await tx.one<{ others: number }>(sql`
    select count(*) as others from identity.person
    where person.active and person.id <> all (${[...exceptIds]}::uuid[])
      and exists (select from identity.role_grant held
        where held.person_id = person.id and ${IN_FORCE}
          and ${OF_CENTRE} and held.role = any (${[...roles]}))
      and exists (select from identity.passkey
        where passkey.person_id = person.id and passkey.ended_at is null)`);
  return row.others;
}

/**
 * True where somebody else could agree, or could once: whoever locks all others out, or ends their
 * roles, is not alone by that.
 */
export async function selectHadConfirmer(
  tx: Tx,
  {
    exceptIds,
    roles,
  }: { readonly exceptIds: readonly string[]; readonly roles: readonly string[] },
): Promise<boolean> {
  const row = await tx.one<{ had: boolean }>(sql`
    select exists (
      select from identity.role_grant held
      where held.person_id <> all (${[...exceptIds]}::uuid[])
        and ${OF_CENTRE} and held.role = any (${[...roles]})
        and exists (select from identity.passkey
          where passkey.person_id = held.person_id)) as had`);
  return row.had;
}
