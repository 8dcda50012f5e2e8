/** Statements about parts of texts: whose receipts are they, and how did the whole text end. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { PartEnded, PartTaken } from './gateways/gateway.ts';

/**
 * Keeps whose part this is. A receipt that came before it is already there and stays; one of an
 * older text with the same id (centres use their ids again) does not.
 */
export async function upsertPart(tx: Tx, gatewayId: string, taken: PartTaken): Promise<void> {
  await tx.run(sql`
    insert into dispatch.part (gateway_id, provider_id, reference, part, parts)
    values (${gatewayId}, ${taken.providerId}, ${taken.reference}, ${taken.part}, ${taken.parts})
    on conflict (gateway_id, provider_id) do update set reference = excluded.reference,
      part = excluded.part, parts = excluded.parts, updated_at = now(),
      status = case when part.reference is null or part.reference = excluded.reference
        then part.status end,
      meaning = case when part.reference is null or part.reference = excluded.reference
        then part.meaning end`);
}

/** Keeps the receipt of a part; it only moves forward (P6). Returns whose it is, where known. */
export async function upsertPartEnd(
  tx: Tx,
  gatewayId: string,
  ended: PartEnded,
): Promise<string | undefined> {
  await tx.run(sql`
    insert into dispatch.part as part (gateway_id, provider_id, status, meaning)
    values (${gatewayId}, ${ended.providerId}, ${ended.status}, ${ended.meaning})
    on conflict (gateway_id, provider_id) do update set status = excluded.status,
      meaning = excluded.meaning, updated_at = now()
    where coalesce(part.meaning, 'retained') = 'retained' or excluded.meaning = 'delivered'`);
  const found = await tx.maybe<{ reference: string | null }>(sql`
    select reference from dispatch.part
    where gateway_id = ${gatewayId} and provider_id = ${ended.providerId}`);
  return found?.reference ?? undefined;
}

/** One after the other: of two last parts at the same time the later one sees both. */
export async function lockParts(tx: Tx, gatewayId: string, reference: string): Promise<void> {
  await tx.run(sql`
    select pg_advisory_xact_lock(hashtext('dispatch.part'), hashtext(${gatewayId + reference}))`);
}

export type WholeEnd = { providerId: string; status: string };

/**
 * How the whole text ended: undelivered where a part is, delivered where all parts are; undefined
 * as long as that is open. The id is that of its first part.
 */
export async function findWholeEnd(
  tx: Tx,
  gatewayId: string,
  reference: string,
): Promise<WholeEnd | undefined> {
  return await tx.maybe<WholeEnd>(sql`
    select (array_agg(provider_id order by part))[1] as provider_id,
      coalesce(min(status) filter (where meaning = 'undelivered'), min(status)) as status
    from dispatch.part where gateway_id = ${gatewayId} and reference = ${reference}
    having bool_or(meaning = 'undelivered')
      or count(*) filter (where meaning = 'delivered') = max(parts)`);
}
