/** Steering what is out: an alert has one dispatch, or two where it was corrected. */
import { refused, type Outcome } from '#kernel/outcome.ts';
import type { Tx } from '#db/database.ts';
import {
  ledgerCaveat,
  ledgerSentence,
  readLedger,
  type LedgerCounts,
  type Steering,
} from '#dispatch/index.ts';
import { dispatchesOf } from './model.ts';
import { absent } from './policy.ts';
import { findSubmission } from './store-submission.ts';
import { findLiveVersion } from './store.ts';

type Verb = (tx: Tx, steering: Steering) => Promise<Outcome<void>>;

/** Both are steered where there are two; one may be over already. */
export async function steerAlert(
  tx: Tx,
  { alertId, reason }: { readonly alertId: string; readonly reason: string },
  verb: Verb,
): Promise<Outcome<void>> {
  const ids = await listDispatches(tx, alertId);
  if (ids.length === 0) return absent;
  let last: Outcome<void> = refused('conflict', 'Nothing is being sent.');
  let isSteered = false;
  for (const dispatchId of ids) {
    last = await verb(tx, { dispatchId, reason });
    isSteered ||= last.ok;
  }
  return isSteered ? { ok: true, value: undefined } : last;
}

/** What became of the messages up to now, in sentences; empty where the alert is not out. */
export async function ledgerOfAlert(tx: Tx, alertId: string): Promise<string> {
  const sentences = new Set<string>();
  for (const dispatchId of await listDispatches(tx, alertId)) {
    const { messages, organisations, historyIsWhole } = await readLedger(tx, dispatchId);
    sentences.add(`${counted('organisation', organisations)}; ${counted('message', messages)}.`);
    if (!historyIsWhole) sentences.add(ledgerCaveat);
  }
  return [...sentences].join(' ');
}

function counted(what: string, counts: LedgerCounts): string {
  const total = counts.total.toLocaleString('en-GB');
  return `${total} ${what}${counts.total === 1 ? '' : 's'}: ${ledgerSentence(counts)}`;
}

async function listDispatches(tx: Tx, alertId: string): Promise<string[]> {
  const version = await findLiveVersion(tx, alertId);
  return dispatchesOf(version && (await findSubmission(tx, version.id)));
}
