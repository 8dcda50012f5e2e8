/** A claimed message in the hands of a worker: for how long it may be asked for, on our clocks. */
import { Lease, systemClocks, type Clocks } from './lease.ts';
import type { Claimed } from './store-send.ts';

/**
 * `lease`: it is ours; `use`: it is still of use to its reader (P2, expiry). `expiresAt` is that
 * moment on our own clock, for providers that are told it.
 */
export type Held = Claimed & {
  readonly lease: Lease;
  readonly use: Lease;
  readonly expiresAt: Date;
};

/**
 * What was claimed under `lease`, by a statement that was begun `tookMs` ago. Here the one blank is
 * filled that could not be known when the text was approved, {since}: the row keeps the words that
 * were approved, so that they can be compared at any time (P5).
 */
export function hold(
  claimed: readonly Claimed[],
  {
    lease,
    tookMs,
    clockOf,
    clocks = systemClocks,
  }: {
    lease: Lease;
    tookMs: number;
    clockOf: (time: Date) => string;
    clocks?: Clocks | undefined;
  },
): Held[] {
  const askedAt = clocks.wallMs() - tookMs;
  return claimed.map((message) => ({
    ...message,
    body: message.body.replaceAll('{since}', () => clockOf(message.releasedAt)),
    lease,
    use: new Lease(message.goodForMs - tookMs, clocks),
    expiresAt: new Date(askedAt + message.goodForMs),
  }));
}

/** Whether it is still ours and still of use, in the moment in which a socket takes it. */
export function mayStillStart({ lease, use }: Held): boolean {
  return lease.outlasts(0) && use.outlasts(0);
}
