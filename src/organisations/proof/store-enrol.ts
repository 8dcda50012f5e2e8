/** Statements of enrolment: a number or address is asked for one answer, and proven by it. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { Channel } from '../model.ts';

export type PointToAsk = {
  readonly contactPointId: string;
  readonly provenAt: Date | null;
  readonly askedAt: Date | null;
};

/** What an organisation's active contacts have, locked; one of it where given. */
export async function lockPoints(
  tx: Tx,
  { organisationId, pointId }: { organisationId: string; pointId: string | null },
): Promise<PointToAsk[]> {
  return await tx.rows<PointToAsk>(sql`
    select contact_point.id as contact_point_id, contact_point.proven_at, contact_point.asked_at
    from organisations.contact_point
    where contact_point.channel in ('text', 'mail') and contact_point.id in (
      select link.contact_point_id from organisations.contact_contact_point link
      join organisations.contact on contact.id = link.contact_id and contact.active
      join organisations.v_organisation organisation
        on organisation.organisation_id = contact.organisation_id
      where contact.organisation_id = ${organisationId}
        and (${pointId}::uuid is null or link.contact_point_id = ${pointId}))
    order by contact_point.id for update of contact_point`);
}

/** What an answer says: that it works, or also that all on file of its owners is still right. */
export type AskedFor = 'proof' | 'still_right';

export type Question = {
  readonly channel: Channel;
  readonly addressSealed: Buffer;
  readonly code: string;
  readonly askedFor: AskedFor;
  readonly askedAt: Date;
  /** Of all organisations whose active contacts have it. */
  readonly shortNames: readonly string[];
};

/** The question that has not been sent, which it counts as from now on. */
export async function claimQuestion(tx: Tx, contactPointId: string): Promise<Question | undefined> {
  return await tx.maybe<Question>(sql`
    update organisations.contact_point set asked_is_sent = true
    where id = ${contactPointId} and asked_code is not null and not asked_is_sent
    returning channel, address_sealed, asked_code as code, asked_for, asked_at,
      (select coalesce(array_agg(named.short_name order by named.code), '{}') from (
        select distinct organisation.code, organisation.short_name
        from organisations.contact_contact_point shared
        join organisations.contact sharing on sharing.id = shared.contact_id and sharing.active
        join organisations.v_organisation organisation
          on organisation.organisation_id = sharing.organisation_id
        where shared.contact_point_id = contact_point.id) named) as short_names`);
}

/**
 * Codes that went there before and may still be answered with. Dispatch by dispatch, which
 * the key of P1 serves; there is no index by contact point alone.
 */
export async function listCodesInUse(tx: Tx, contactPointId: string): Promise<string[]> {
  const rows = await tx.rows<{ code: string }>(sql`
    select distinct told.code from dispatch.v_dispatch dispatch
    cross join lateral (
      select message.code from dispatch.v_message message
      where message.dispatch_id = dispatch.id and message.contact_point_id = ${contactPointId}
      offset 0) told`);
  return rows.map(({ code }) => code);
}

/** Whoever gave proof once is asked whether all is still right, and the answer is proof anew. */
export async function markAsked(
  tx: Tx,
  contactPointId: string,
  { code, at }: { readonly code: string; readonly at: Date },
): Promise<void> {
  await tx.run(sql`
    update organisations.contact_point
    set asked_at = ${at}, asked_code = ${code}, asked_is_sent = false,
      asked_for = case when proven_at is null then 'proof' else 'still_right' end
    where id = ${contactPointId}`);
}

/** It counts as not asked: the number had its share of texts in this hour, or it is answered. */
export async function withdrawQuestion(tx: Tx, contactPointId: string): Promise<void> {
  await tx.run(sql`
    update organisations.contact_point
    set asked_at = null, asked_code = null, asked_for = null, asked_is_sent = false
    where id = ${contactPointId}`);
}

/** What was asked, where this was the code that went there: it is answered then. */
export async function markProvenBy(
  tx: Tx,
  contactPointId: string,
  code: string,
): Promise<AskedFor | undefined> {
  const answered = await tx.maybe<{ askedFor: AskedFor }>(sql`
    with asked as (
      select id, asked_for from organisations.contact_point
      where id = ${contactPointId} and asked_code = ${code} for update
    )
    update organisations.contact_point
    set proven_at = now(), stop_asked_at = null, asked_at = null, asked_code = null,
      asked_for = null, asked_is_sent = false
    from asked where contact_point.id = asked.id
    returning asked.asked_for`);
  return answered?.askedFor;
}

/** Alerts were answered from there; with its code that is proof as good as any. */
export async function markAnswered(
  tx: Tx,
  answered: readonly { readonly contactPointId: string; readonly withCode: boolean }[],
): Promise<void> {
  const ids = answered.map(({ contactPointId }) => contactPointId);
  const proven = answered.filter(({ withCode }) => withCode);
  // No join: behind row-level security it read all contact points, 47 ms for twenty of 60,000.
  await tx.run(sql`
    update organisations.contact_point set answered_at = now(), stop_asked_at = null,
      proven_at = case when id = any(${proven.map((a) => a.contactPointId)}::uuid[]) then now()
        else proven_at end
    where id = any(${ids}::uuid[])`);
}

/** The code that went there was typed on a page. */
export async function markProven(tx: Tx, contactPointId: string): Promise<void> {
  await tx.run(sql`
    update organisations.contact_point set proven_at = now(), stop_asked_at = null
    where id = ${contactPointId}`);
}

/** Its owner texted STOP. It works, and nothing is sent less: it is a matter for a person. */
export async function markStopAsked(tx: Tx, contactPointId: string): Promise<void> {
  await tx.run(sql`
    update organisations.contact_point set answered_at = now(), stop_asked_at = now()
    where id = ${contactPointId}`);
}
