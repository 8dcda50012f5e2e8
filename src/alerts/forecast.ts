/**
 * When messages will have left, from the token bucket at the provider and what waits before them.
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

/** A bucket as it was at a moment, in ms after the release. */
export type Bucket = { readonly tokens: number; readonly atMs: number };

export type Refill = Pick<Capacity, 'ratePerSecond' | 'burst'>;

/** The bucket at the release: what waits before us has left by the time we are let through. */
export function bucketAtRelease({ burst, tokens, pausedForMs }: Capacity): Bucket {
  return { tokens: Math.min(burst, Math.max(0, tokens)), atMs: Math.max(0, pausedForMs) };
}

/** Takes `count` tokens, asked for at a moment: the bucket in the moment when the last is given. */
export function takeTokens(
  bucket: Bucket,
  { ratePerSecond, burst }: Refill,
  { count, fromMs }: { readonly count: number; readonly fromMs: number },
): Bucket {
  const startMs = Math.max(fromMs, bucket.atMs);
  const tokens = Math.min(burst, bucket.tokens + (ratePerSecond * (startMs - bucket.atMs)) / 1000);
  const waitMs = (Math.max(0, count - tokens) / ratePerSecond) * 1000;
  return { tokens: Math.max(0, tokens - count), atMs: startMs + waitMs };
}

/**
 * When the last text of each round has left, in ms from now, if nobody answers and nothing more
 * urgent comes between. Later rounds stand behind earlier ones.
 */
export function forecastRounds(capacity: Capacity, rounds: readonly RoundLoad[]): number[] {
  let bucket = takeTokens(bucketAtRelease(capacity), capacity, {
    count: capacity.ahead,
    fromMs: 0,
  });
  return rounds.map(({ opensAfterMs, texts }) => {
    bucket = takeTokens(bucket, capacity, { count: texts, fromMs: opensAfterMs });
    return Math.ceil(roundedMs(bucket.atMs));
  });
}

/** Without the dust of adding fractions, which rounding up would make a millisecond of. */
function roundedMs(ms: number): number {
  return Math.round(ms * 1e6) / 1e6;
}
