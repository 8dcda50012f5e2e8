/** Something done for a look only. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** Does it, and takes back whatever it wrote, with the locks that it took. */
export async function tryOut<T>(tx: Tx, work: () => Promise<T>): Promise<T> {
  await tx.run(sql`savepoint trial`);
  const seen = await work();
  await tx.run(sql`rollback to savepoint trial`);
  return seen;
}
