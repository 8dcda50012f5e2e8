/** What a ledger says: where each state of a message counts, and the words for it. */
import type { MessageState } from './model.ts';

/** What a ledger says of messages, and of the organisations they count for. */
export const ledgerParts = {
  gone: 'a provider took it',
  unknown: 'it may be with a provider, or on the wire',
  waiting: 'it may still leave',
  neverSent: 'it did not leave, and will not',
} as const;

export type LedgerPart = keyof typeof ledgerParts;

/**
 * Where each state counts; `dispatch.ledger_part` of migrations/0004 says the same. What waits in a
 * cancelled dispatch counts as never sent, or as unknown while our history is not whole.
 */
export const ledgerPartOf: Record<MessageState, LedgerPart> = {
  held: 'waiting',
  ready: 'waiting',
  claimed: 'unknown',
  unknown: 'unknown',
  accepted: 'gone',
  delivered: 'gone',
  undelivered: 'gone',
  // A refusal for good: nobody read it, so a correction owes them nothing.
  rejected: 'neverSent',
  cancelled: 'neverSent',
  expired: 'neverSent',
  suppressed: 'neverSent',
  uncertain_closed: 'unknown',
};

/** A ledger as one sentence, for whoever just steered: "gone 812, unknown 7, never sent 4,181". */
export function ledgerSentence(counts: Readonly<Record<LedgerPart, number>>): string {
  const number = (part: LedgerPart) => counts[part].toLocaleString('en-GB');
  const waiting = counts.waiting === 0 ? '' : `, waiting ${number('waiting')}`;
  const never = `never sent ${number('neverSent')}`;
  return `gone ${number('gone')}, unknown ${number('unknown')}${waiting}, ${never}`;
}

/** Said with a ledger while our history is not whole. */
export const ledgerCaveat =
  'Our records of what was sent are being compared with the providers: until that is done, what counts as unknown or waiting may have left already.';
