/** The ledger of a dispatch: what is gone, what is unknown, what never left. */
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import type { LedgerPart } from './ledger.ts';

/** The parts add up to `total`. */
export type LedgerCounts = Readonly<Record<LedgerPart | 'total', number>>;

/**
 * By messages, and by the organisations they count for: one is gone where any message for it is,
 * else unknown where any is, else waiting where any may still leave.
 */
export type Ledger = {
  readonly messages: LedgerCounts;
  readonly organisations: LedgerCounts;
  /** False while what was sent is compared with the providers (`ledgerCaveat`). */
  readonly historyIsWhole: boolean;
};

type Row = {
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

/** All of it from one snapshot, so that it adds up while workers send (P3). */
export async function readLedger(tx: Tx, dispatchId: string): Promise<Ledger> {
  const row = await tx.one<Row>(sql`
    select history_is_whole, messages, messages_gone, messages_unknown, messages_waiting,
      messages_never_sent, organisations, organisations_gone, organisations_unknown,
      organisations_waiting, organisations_never_sent
    from dispatch.v_ledger where dispatch_id = ${dispatchId}`);
  return {
    historyIsWhole: row.historyIsWhole,
    messages: {
      total: row.messages,
      gone: row.messagesGone,
      unknown: row.messagesUnknown,
      waiting: row.messagesWaiting,
      neverSent: row.messagesNeverSent,
    },
    organisations: {
      total: row.organisations,
      gone: row.organisationsGone,
      unknown: row.organisationsUnknown,
      waiting: row.organisationsWaiting,
      neverSent: row.organisationsNeverSent,
    },
  };
}
