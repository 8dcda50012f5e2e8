/**
 * What a sender decides about one request: whether it may be made, and what its end means for the
 * message. Pure, so that the simulation (test/simulation) drives these very decisions.
 */
import type { Gateway } from './gateways/gateway.ts';
import { againInMs, backoffMs, plainCode, type SendResult } from './model.ts';
import type { Settlement } from './store-send.ts';

/** Every claimed row becomes a look-up if its process dies: no more than two seconds of work. */
const BATCH_WORK_MS = 2_000;
const BATCH_MIN = 50;
const BATCH_MAX = 500;
/** Given back because its dispatch stands still: not to be claimed again in the same moment. */
const HELD_BACK_MS = 1_000;

/**
 * How many messages are claimed at once by a gateway that ends so many requests a millisecond. One
 * with few requests at once must not hold what others could send meanwhile; and where nobody can be
 * asked, what a dead worker held waits for a person, although most of it never left: of such a
 * gateway no more is claimed than its next requests need.
 */
export function batchFor(gateway: Pick<Gateway, 'window' | 'find'>, pacePerMs: number): number {
  const least = Math.min(BATCH_MIN, 2 * gateway.window);
  const most = gateway.find === undefined ? least : BATCH_MAX;
  return Math.min(most, Math.max(least, pacePerMs * BATCH_WORK_MS));
}

/** How long a batch is leased, in ms: its work, and twice the longest request (`sendMaxMs`). */
export function leaseMsFor(sendMaxMs: number): number {
  return 2 * sendMaxMs + BATCH_WORK_MS;
}

/** One attempt, as whoever claimed it knows it. */
export type AttemptKey = {
  readonly id: string;
  readonly epoch: number;
  readonly attempt: number;
};

/** Why a claimed message is not requested; `inMs`: when it may be claimed again. */
export type GiveBack = { readonly code: string; readonly inMs: number };

/**
 * Asked before each request. Too late to ask: it surely did not leave, so it goes back in line
 * where the lease still stands, else the settlement is fenced. Left to its lease it would become
 * unknown, and where the provider cannot be asked it would be lost.
 */
export function beforeRequest(seen: {
  readonly calledOff: boolean;
  readonly leaseOutlasts: boolean;
  /** Past its use by now: back in line, where the next beat expires it. */
  readonly tooOld?: boolean;
}): GiveBack | undefined {
  if (seen.calledOff) return { code: 'called_off', inMs: HELD_BACK_MS };
  if (!seen.leaseOutlasts) return { code: 'lease_too_short', inMs: 0 };
  if (seen.tooOld === true) return { code: 'too_old', inMs: 0 };
  return undefined;
}

/** No request was made: unknown would ask the provider for what it cannot have. */
export function addressUnreadable(attempt: number): GiveBack {
  return { code: 'address_unreadable', inMs: backoffMs(attempt) };
}

/** Claimed and surely not requested: back in line. */
export function settlementOfGiveBack(key: AttemptKey, { code, inMs }: GiveBack): Settlement {
  return { ...keyOf(key), class: 'not_sent', code, providerId: null, againInMs: inMs };
}

/** What a request that ended so makes of its message. */
export function settlementOf(
  key: AttemptKey & { readonly receiptAskMs: number },
  result: SendResult,
  quietMs: number,
): Settlement {
  return {
    ...keyOf(key),
    class: result.class,
    code: result.class === 'accepted' ? null : plainCode(result.code),
    providerId: result.class === 'accepted' ? result.providerId : null,
    againInMs: againInMs(result, key.attempt, { quietMs, receiptAskMs: key.receiptAskMs }),
  };
}

/** For how long everybody who draws on the bucket stops, where the provider asked for it. */
export function pauseAfter(
  result: SendResult,
): { forMs: number; reason: string; tooFast: boolean } | undefined {
  if (result.class !== 'not_sent' || result.pauseMs === undefined) return undefined;
  const { pauseMs: forMs, code, tooFast = false } = result;
  return { forMs, reason: plainCode(code), tooFast };
}

function keyOf({ id, epoch, attempt }: AttemptKey): AttemptKey {
  return { id, epoch, attempt };
}
