/** Statements of legal holds; the tables are the kernel's. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type HeldKind = 'everything' | 'organisation' | 'contact';

export type LegalHold = {
  readonly id: string;
  readonly kind: HeldKind;
  readonly reason: string;
  /** `2027-04-01`. */
  readonly reviewOn: string;
  readonly putAt: Date;
  readonly putByName: string;
};

/** One that stands on everything, or on one of these ids. */
export async function findHoldOn(tx: Tx, ids: readonly string[]): Promise<LegalHold | undefined> {
  return await tx.maybe<LegalHold>(sql`
    select id, held_kind as kind, reason, review_on::text, put_at, put_by_name
    from kernel.legal_hold hold
    where lifted_at is null and (held_id is null or exists (
      select from kernel.held where held.hold_id = hold.id
        and held.id = any (${[...ids]}::uuid[])))
    order by put_at limit 1`);
}

/** The one that stands on this, and on it alone; null: on everything. */
export async function findHoldOf(tx: Tx, heldId: string | null): Promise<LegalHold | undefined> {
  return await tx.maybe<LegalHold>(sql`
    select id, held_kind as kind, reason, review_on::text, put_at, put_by_name
    from kernel.legal_hold
    where lifted_at is null and held_id is not distinct from ${heldId}::uuid`);
}

export type NewLegalHold = Pick<LegalHold, 'id' | 'kind' | 'reason' | 'reviewOn'> & {
  readonly heldId: string | null;
  readonly by: string;
  readonly byName: string;
};

/** False where one stands on it already. */
export async function insertLegalHold(tx: Tx, hold: NewLegalHold): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into kernel.legal_hold (id, held_kind, held_id, reason, review_on, put_by, put_by_name)
    values (${hold.id}, ${hold.kind}, ${hold.heldId}, ${hold.reason}, ${hold.reviewOn}, ${hold.by},
      ${hold.byName})
    on conflict (held_id) where lifted_at is null do nothing`);
  return inserted === 1;
}

export type HeldId = {
  readonly id: string;
  /** Of a number or an address. */
  readonly addressIndex: Buffer | null;
};

export async function insertHeld(tx: Tx, holdId: string, held: readonly HeldId[]): Promise<void> {
  await tx.run(sql`
    insert into kernel.held (hold_id, id, address_index)
    select ${holdId}::uuid, told.id, told.address_index
    from unnest(${held.map(({ id }) => id)}::uuid[],
      ${held.map(({ addressIndex }) => addressIndex)}::bytea[]) as told (id, address_index)
    on conflict do nothing`);
}

export async function deleteHeld(tx: Tx, holdId: string): Promise<void> {
  await tx.run(sql`delete from kernel.held where hold_id = ${holdId}`);
}

/** False where it does not stand. */
export async function moveReview(
  tx: Tx,
  { id, reviewOn }: Pick<LegalHold, 'id' | 'reviewOn'>,
): Promise<boolean> {
  const updated = await tx.run(sql`
    update kernel.legal_hold set review_on = ${reviewOn} where id = ${id} and lifted_at is null`);
  return updated === 1;
}

/** False where it does not stand. */
export async function markHoldLifted(
  tx: Tx,
  lifted: Pick<NewLegalHold, 'id' | 'reason' | 'by' | 'byName'>,
): Promise<boolean> {
  const updated = await tx.run(sql`
    update kernel.legal_hold set lifted_at = greatest(now(), put_at), lifted_by = ${lifted.by},
      lifted_by_name = ${lifted.byName}, lift_reason = ${lifted.reason}
    where id = ${lifted.id} and lifted_at is null`);
  return updated === 1;
}
