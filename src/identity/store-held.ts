/** Which roles hold at this moment, and those whose planned end has come. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** From and until when a role holds, as it was planned; null: at once, and until it is ended. */
export type Term = { readonly startsAt: Date | null; readonly endsAt: Date | null };

/** A part of a statement: true of a `held` of `identity.role_grant` that holds now. */
export const IN_FORCE: Sql = sql`(held.ended_at is null
  and (held.starts_at is null or held.starts_at <= now())
  and (held.ends_at is null or held.ends_at > now()))`;

type Scope = {
  readonly personId: string;
  readonly role: string;
  readonly organisationId: string | null;
  readonly regionCode: string | null;
};

/** The one grant of this role that nobody ended: in force, or still to come. */
export async function selectOpenGrant(tx: Tx, of: Scope): Promise<Term | undefined> {
  return await tx.maybe<Term>(sql`
    select held.starts_at, held.ends_at from identity.role_grant held
    where held.person_id = ${of.personId} and held.role = ${of.role} and held.ended_at is null
      and held.organisation_id is not distinct from ${of.organisationId}::uuid
      and held.region_code is not distinct from ${of.regionCode}`);
}

/** Closes the grants whose planned end has come; of one person where told. */
export async function markLapsed(tx: Tx, personId: string | null = null): Promise<Scope[]> {
  return await tx.rows<Scope>(sql`
    update identity.role_grant held set ended_at = held.ends_at, ended_by = 'plan'
    where held.ended_at is null and held.ends_at <= now()
      and (${personId}::uuid is null or held.person_id = ${personId}::uuid)
    returning held.person_id, held.role, held.organisation_id, held.region_code`);
}
