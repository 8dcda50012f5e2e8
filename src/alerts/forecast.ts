/**
 * When texts will have left, from the token bucket at the provider and what waits before them.
 * Pure. Without a queue and with a full bucket the last of n leaves (n - burst) / rate seconds
 * after the release.
 */

/** What the text gateways can do, added up over their buckets. */
export type Capacity = {
  readonly ratePerSecond: number;
  /** What may leave at once; without the share that is kept for more urgent lanes. */
  readonly burst: number;
  readonly tokens: number;
  /** Nothing leaves before, in ms from now. */
  readonly pausedForMs: number;
  /** Texts that leave before ours: those that wait now in the same lane or a more urgent one. */
  readonly ahead: number;
};

/** Texts of a round that is opened so long after the release. */
export type RoundLoad = { readonly opensAfterMs: number; readonly texts: number };

/**
 * When the last text of each round has left, in ms from now, if nobody answers and nothing more
 * urgent comes between. Later rounds stand behind earlier ones.
 */
export function forecastRounds(capacity: Capacity, rounds: readonly RoundLoad[]): number[] {
  const { ratePerSecond, burst, pausedForMs } = capacity;
  let tokens = Math.min(burst, Math.max(0, capacity.tokens));
  let queue = capacity.ahead;
  let atMs = 0;
  return rounds.map(({ opensAfterMs, texts }) => {
    const openMs = Math.max(0, opensAfterMs - Math.max(atMs, pausedForMs));
    const gained = tokens + (ratePerSecond * openMs) / 1000;
    const left = Math.min(queue, gained);
    queue -= left;
    tokens = Math.min(burst, gained - left);
    atMs = Math.max(atMs, opensAfterMs);
    queue += texts;
    const waitMs = (Math.max(0, queue - tokens) / ratePerSecond) * 1000;
    return Math.ceil(Math.max(atMs, pausedForMs) + waitMs);
  });
}
