/** Statements of the legal hold; the table is the kernel's. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type LegalHold = {
  readonly reason: string;
  /** `2027-04-01`. */
  readonly reviewOn: string;
  readonly putAt: Date;
  readonly putByName: string;
};

/** The one that stands. */
export async function findLegalHold(tx: Tx): Promise<LegalHold | undefined> {
  return await tx.maybe<LegalHold>(sql`
    select reason, review_on::text, put_at, put_by_name from kernel.legal_hold
    where lifted_at is null`);
}

export type NewLegalHold = Pick<LegalHold, 'reason' | 'reviewOn'> & {
  readonly id: string;
  readonly by: string;
  readonly byName: string;
};

/** False where one stands already. */
export async function insertLegalHold(tx: Tx, hold: NewLegalHold): Promise<boolean> {
  const inserted = await tx.run(sql`
    insert into kernel.legal_hold (id, reason, review_on, put_by, put_by_name)
    values (${hold.id}, ${hold.reason}, ${hold.reviewOn}, ${hold.by}, ${hold.byName})
    on conflict ((true)) where lifted_at is null do nothing`);
  return inserted === 1;
}

/** False where none stands. */
export async function markHoldLifted(
  tx: Tx,
  lifted: Pick<NewLegalHold, 'reason' | 'by' | 'byName'>,
): Promise<boolean> {
  const updated = await tx.run(sql`
    update kernel.legal_hold set lifted_at = greatest(now(), put_at), lifted_by = ${lifted.by},
      lifted_by_name = ${lifted.byName}, lift_reason = ${lifted.reason}
    where lifted_at is null`);
  return updated === 1;
}
