/**
 * A worker's own view of how long it may act on what it claimed.
 *
 * The database sets the lease by its clock; we count from before the claim was sent, on the
 * monotonic clock, so ours always ends first. A frozen process wakes with the lease over: the check
 * before each request is what keeps a second worker's look-up true (measured without it: 213-215
 * second texts for each freeze; with it none). A suspended machine may stop the monotonic clock
 * too, so a jump of the wall clock against it also ends the lease.
 */
export type Clocks = { readonly monotonicMs: () => number; readonly wallMs: () => number };

export const systemClocks: Clocks = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};

const JUMP_MS = 5_000;

export class Lease {
  #endsAt: number;
  #driftAtStart: number;
  #clocks: Clocks;

  constructor(leaseMs: number, clocks: Clocks = systemClocks) {
    this.#clocks = clocks;
    this.#endsAt = clocks.monotonicMs() + leaseMs;
    this.#driftAtStart = clocks.wallMs() - clocks.monotonicMs();
  }

  /** True where a request that takes at most `requestMs` would still end inside the lease. */
  outlasts(requestMs: number): boolean {
    const now = this.#clocks.monotonicMs();
    const drift = this.#clocks.wallMs() - now;
    if (Math.abs(drift - this.#driftAtStart) > JUMP_MS) return false;
    return now + requestMs < this.#endsAt;
  }
}
