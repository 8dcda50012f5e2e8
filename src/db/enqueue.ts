import { sql } from './sql.ts';
import type { Tx } from './database.ts';

/**
 * News for a higher slice, or work for later: a graphile-worker job written in the transaction of
 * the change that causes it, so that neither exists without the other. `main.ts` alone knows who
 * handles which task. The payload holds ids only: job tables are readable by the operator (P12).
 */
export async function enqueue(
  tx: Tx,
  task: string,
  payload: Readonly<Record<string, string | number>>,
  options: {
    readonly jobKey?: string;
    readonly runAt?: Date;
    /** Jobs of one queue run one after the other. */
    readonly queue?: string;
  } = {},
): Promise<void> {
  await tx.run(sql`
    select kernel.enqueue(${task}, ${JSON.stringify(payload)}::json,
      ${options.jobKey ?? null}, ${options.runAt ?? null}, ${options.queue ?? null})`);
}
