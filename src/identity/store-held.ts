/** Which roles hold at this moment, and those whose planned end has come. */
import { sql, type Sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Scope } from './scope.ts';

/** From and until when a role holds, as it was planned; null: at once, and until it is ended. */
export type Term = { readonly startsAt: Date | null; readonly endsAt: Date | null };

/** A part of a statement: true of a `held` of `identity.role_grant` that holds now. */
export const IN_FORCE: Sql = sql`(held.ended_at is null
  and (held.starts_at is null or held.starts_at <= now())
  and (held.ends_at is null or held.ends_at > now()))`;

/**
 * The same of one for the centre or a region. What a role allows there, it does not allow whoever
 * was given it for an organisation or a space, when the rules had it for those.
 */
export const OF_CENTRE: Sql = sql`(held.organisation_id is null and held.space_id is null)`;

/** A `held` as JSON: the `Held` of `model.ts`. */
export const AS_HELD: Sql = sql`json_build_object('role', held.role,
  'organisationId', held.organisation_id, 'regionCode', held.region_code,
  'spaceId', held.space_id)`;

/** True of a row of roles, by whatever name it has in the statement, that is for exactly this. */
export function isFor({ organisationId, regionCode, spaceId }: Scope): Sql {
  return sql`(organisation_id is not distinct from ${organisationId}::uuid
    and region_code is not distinct from ${regionCode}::text
    and space_id is not distinct from ${spaceId}::uuid)`;
}

type Which = Scope & { readonly personId: string; readonly role: string };

/** The one grant of this role that nobody ended: in force, or still to come. */
export async function selectOpenGrant(tx: Tx, of: Which): Promise<Term | undefined> {
  return await tx.maybe<Term>(sql`
    select held.starts_at, held.ends_at from identity.role_grant held
    where held.person_id = ${of.personId} and held.role = ${of.role} and held.ended_at is null
      and ${isFor(of)}`);
}

/** Closes the grants whose planned end has come; of one person where told. */
export async function markLapsed(tx: Tx, personId: string | null = null): Promise<Which[]> {
  return await tx.rows<Which>(sql`
    update identity.role_grant held set ended_at = held.ends_at, ended_by = 'plan'
    where held.ended_at is null and held.ends_at <= now()
      and (${personId}::uuid is null or held.person_id = ${personId}::uuid)
    returning held.person_id, held.role, held.organisation_id, held.region_code,
      held.space_id`);
}
