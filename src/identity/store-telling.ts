/** Whom a notice about their own account goes to, and where. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

export type PersonToTell = {
  readonly email: string;
  /** As the dispatch engine opens it. */
  readonly phoneSealed: Buffer | null;
  readonly now: Date;
};

/** Undefined for somebody who is locked out. */
export async function selectPersonToTell(
  tx: Tx,
  personId: string,
): Promise<PersonToTell | undefined> {
  return await tx.maybe<PersonToTell>(sql`
    select email, phone_sealed, now() as now from identity.person
    where id = ${personId} and active`);
}
