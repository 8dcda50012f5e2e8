/** How many statements a verb asks: what its answer must not tell, its time must not tell either. */
import type { Database, Tx } from '#db/database.ts';
import { system } from '#kernel/actor.ts';

export async function countStatements(
  database: Database,
  verb: (tx: Tx) => Promise<unknown>,
): Promise<number> {
  let count = 0;
  await database.withActor(system('test'), async (tx) => {
    const counted = new Proxy(tx, {
      get(target, name: keyof Tx) {
        if (name !== 'actor') count += 1;
        return target[name];
      },
    });
    await verb(counted);
  });
  return count;
}
