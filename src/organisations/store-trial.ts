/** Something done for a look only, or until it turns out wrong. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Does it, and takes back whatever it wrote, with the locks that it took. */
export async function tryOut<T>(tx: Tx, work: () => Promise<T>): Promise<T> {
  await beginTrial(tx);
  const seen = await work();
  await takeBackTrial(tx);
  return seen;
}

/** What is written from now on may be taken back. */
export async function beginTrial(tx: Tx): Promise<void> {
  await tx.run(sql`savepoint trial`);
}

export async function takeBackTrial(tx: Tx): Promise<void> {
  await tx.run(sql`rollback to savepoint trial`);
}
