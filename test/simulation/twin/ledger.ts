/** Twins of `src/dispatch/store-ledger.ts`. */
import { ledgerPartOf, type LedgerPart } from '#dispatch/ledger.ts';
import type { Ledger } from '#dispatch/store-ledger.ts';
import { historyIsWhole } from './continuity.ts';
import type { KeptLedgerRow } from './kept.ts';
import type { Base, MessageRow } from './rows.ts';

/** The least counts for an organisation. */
const ORDER: readonly LedgerPart[] = ['gone', 'unknown', 'waiting', 'neverSent'];

function partOf(base: Base, message: MessageRow): LedgerPart {
  const part = ledgerPartOf[message.state];
  const isOver = base.dispatchOf(message).state === 'cancelled';
  if (part !== 'waiting' || !isOver) return part;
  return historyIsWhole(base) ? 'neverSent' : 'unknown';
}

function countParts(parts: readonly LedgerPart[]): Ledger['messages'] {
  const counts = { gone: 0, unknown: 0, waiting: 0, neverSent: 0, total: parts.length };
  for (const part of parts) counts[part] += 1;
  return counts;
}

export function readLedger(base: Base, dispatchId: string): Ledger {
  const kept = base.tables.keptLedger.get(dispatchId);
  return kept === undefined ? countLedger(base, dispatchId) : ledgerOf(kept);
}

/** What was kept when the messages were forgotten: nothing waits any more. */
function ledgerOf(kept: KeptLedgerRow): Ledger {
  return {
    historyIsWhole: true,
    messages: {
      gone: kept.messagesGone,
      unknown: kept.messagesUnknown,
      waiting: 0,
      neverSent: kept.messagesNeverSent,
      total: kept.messages,
    },
    organisations: {
      gone: kept.organisationsGone,
      unknown: kept.organisationsUnknown,
      waiting: 0,
      neverSent: kept.organisationsNeverSent,
      total: kept.organisations,
    },
  };
}

function countLedger(base: Base, dispatchId: string): Ledger {
  const messages = base.messagesOf(dispatchId);
  const standings = new Map<string, LedgerPart>();
  for (const message of messages) {
    const part = partOf(base, message);
    if (message.organisationId === null && base.tables.credit.get(message.id) === undefined)
      continue;
    for (const id of base.creditedTo(message)) {
      const before = standings.get(id);
      if (before === undefined || ORDER.indexOf(part) < ORDER.indexOf(before))
        standings.set(id, part);
    }
  }
  return {
    historyIsWhole: historyIsWhole(base),
    messages: countParts(messages.map((message) => partOf(base, message))),
    organisations: countParts([...standings.values()]),
  };
}
