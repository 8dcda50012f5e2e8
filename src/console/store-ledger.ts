/** What a dispatch that was paused or stopped left behind, for its board. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';

/** By organisations and messages: what left, what may have, what never did. */
export type LedgerRow = {
  historyIsWhole: boolean;
  messages: number;
  messagesGone: number;
  messagesUnknown: number;
  messagesWaiting: number;
  messagesNeverSent: number;
  organisations: number;
  organisationsGone: number;
  organisationsUnknown: number;
  organisationsWaiting: number;
  organisationsNeverSent: number;
};

export async function readLedger(tx: Tx, dispatchId: string): Promise<LedgerRow> {
  return await tx.one<LedgerRow>(sql`
    select history_is_whole, messages, messages_gone, messages_unknown, messages_waiting,
      messages_never_sent, organisations, organisations_gone, organisations_unknown,
      organisations_waiting, organisations_never_sent
    from dispatch.v_ledger where dispatch_id = ${dispatchId}`);
}
