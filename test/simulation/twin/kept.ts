/** What is kept beside messages: ledgers of those that were forgotten, and what the auditor found. */

/** The ledger of a dispatch whose messages were forgotten, or are being. */
export type KeptLedgerRow = {
  dispatchId: string;
  keptAt: number;
  messages: number;
  messagesGone: number;
  messagesUnknown: number;
  messagesNeverSent: number;
  organisations: number;
  organisationsGone: number;
  organisationsUnknown: number;
  organisationsNeverSent: number;
};

export type KeptCountRow = { dispatchId: string; channel: string; state: string; messages: number };

/** Whose turn it is to audit, and when the last whole round ended; one row. */
export type AuditorRow = {
  isSingle: true;
  owner: string | null;
  begunAt: number | null;
  endedAt: number | null;
  tookMs: number | null;
};

export type InvariantRow = {
  id: string;
  holds: string;
  mend: string;
  checkedAt: number;
  breaches: number;
  sample: string | null;
  brokenSince: number | null;
  lastBrokenAt: number | null;
};

export const NEVER_AUDITED: AuditorRow = {
  isSingle: true,
  owner: null,
  begunAt: null,
  endedAt: null,
  tookMs: null,
};
