/** Roles that wait for a second person: one function per statement. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Scope } from './scope.ts';
import type { Term } from './store-held.ts';
import { isSecondPerson, type SecondPerson } from './store-second-person.ts';

export type AskedRole = Term &
  Scope & {
    readonly id: string;
    readonly personId: string;
    readonly role: string;
    readonly askedBy: string;
    readonly askedAt: Date;
    readonly expiresAt: Date;
    /** By which a second person agrees (`agreement.ts`). */
    readonly approvalId: string;
  };

/** Done already is done: 0 where the same waits. One that is too old makes room. */
export async function insertRoleRequest(tx: Tx, asked: AskedRole): Promise<number> {
  return await tx.run(sql`
    insert into identity.role_request (id, person_id, role, organisation_id, region_code,
      space_id, starts_at, ends_at, asked_by, asked_at, expires_at, approval_id)
    values (${asked.id}, ${asked.personId}, ${asked.role}, ${asked.organisationId},
      ${asked.regionCode}, ${asked.spaceId}, ${asked.startsAt}, ${asked.endsAt}, ${asked.askedBy},
      ${asked.askedAt}, ${asked.expiresAt}, ${asked.approvalId})
    on conflict (person_id, role, organisation_id, region_code, space_id) where state = 'asked'
      do nothing`);
}

/** Takes back what nobody answered in time, so that it can be asked for anew. */
export async function markOldRequestsRefused(
  tx: Tx,
  by: { readonly personId: string; readonly askerId: string; readonly now: Date },
): Promise<number> {
  return await tx.run(sql`
    update identity.role_request
    set state = 'refused', decided_by = ${by.askerId}, decided_at = ${by.now}
    where person_id = ${by.personId} and state = 'asked' and expires_at <= ${by.now}`);
}

export type WaitingRole = AskedRole & {
  readonly name: string;
  readonly askedByName: string;
};

/** All that wait, the oldest first; for one person where told. */
export async function selectRoleRequests(
  tx: Tx,
  now: Date,
  personId: string | null = null,
): Promise<WaitingRole[]> {
  return await tx.rows<WaitingRole>(sql`
    select request.id, request.person_id, request.role, request.organisation_id,
      request.region_code, request.space_id, request.starts_at, request.ends_at, request.asked_by,
      request.asked_at, request.expires_at, request.approval_id, person.name,
      asker.name as asked_by_name
    from identity.role_request request
    join identity.person on person.id = request.person_id
    join identity.person asker on asker.id = request.asked_by
    where request.state = 'asked' and request.expires_at > ${now}
      and (${personId}::uuid is null or request.person_id = ${personId}::uuid)
    order by request.asked_at, request.id`);
}

type Which = { readonly id: string; readonly recipientId: string };

/** Agreed to by a second person; undefined where it is over, or they are no second one. */
export async function markRoleRequestGiven(
  tx: Tx,
  by: Which & SecondPerson,
): Promise<AskedRole | undefined> {
  return await tx.maybe<AskedRole>(sql`
    update identity.role_request request
    set state = 'given', decided_by = ${by.personId}, decided_at = ${by.now}
    where request.id = ${by.id} and request.person_id = ${by.recipientId}
      and request.state = 'asked' and request.expires_at > ${by.now}
      and request.person_id <> ${by.personId}::uuid
      and ${isSecondPerson(by, sql`request.asked_by::text`)}
    returning id, person_id, role, organisation_id, region_code, space_id, starts_at, ends_at,
      asked_by, asked_at, expires_at, approval_id`);
}

export async function markRoleRequestRefused(
  tx: Tx,
  by: Which & Pick<SecondPerson, 'personId' | 'now'>,
): Promise<AskedRole | undefined> {
  return await tx.maybe<AskedRole>(sql`
    update identity.role_request
    set state = 'refused', decided_by = ${by.personId}, decided_at = ${by.now}
    where id = ${by.id} and person_id = ${by.recipientId} and state = 'asked'
    returning id, person_id, role, organisation_id, region_code, space_id, starts_at, ends_at,
      asked_by, asked_at, expires_at, approval_id`);
}
