/** Twins of `src/dispatch/store-bucket.ts` and of the functions of buckets in migrations/0004. */
import { mayClaim } from './replica.ts';
import type { BreakerRow, Base, BucketRow, Channel } from './rows.ts';

const SLOW_MS = 60_000;

export function bucketOf(base: Base, gatewayId: string): BucketRow | undefined {
  const gateway = base.tables.gateway.get(gatewayId);
  return gateway && base.tables.bucket.get(gateway.bucketId);
}

/** What the bucket holds at a time. */
export function tokensAt(bucket: BucketRow, at: number): number {
  const perMs = bucket.ratePerSecond / 1000;
  const { slowFrom, slowUntil, refilledAt } = bucket;
  const slowMs =
    slowFrom === null || slowUntil === null
      ? 0
      : Math.max(0, Math.min(at, slowUntil) - Math.max(refilledAt, slowFrom));
  const filled = bucket.tokens + perMs * Math.max(0, at - refilledAt);
  return Math.min(bucket.burst, filled - perMs * (1 - bucket.slowShare) * slowMs);
}

/** What only lanes 0 to 2 may spend. */
function reserveOf({ burst, reserveShare }: BucketRow): number {
  return Math.min(burst * reserveShare, burst - 1);
}

/** Until when nobody may draw on it; undefined where it is open. */
export function pausedUntil(bucket: BucketRow, at: number): number | undefined {
  const { pausedAt, pausedUntil: until } = bucket;
  return pausedAt !== null && until !== null && pausedAt <= at && until > at ? until : undefined;
}

export type Allowance = {
  readonly bucket: BucketRow;
  readonly breaker: BreakerRow;
  readonly tokens: number;
  readonly reserve: number;
};

/** What the bucket of the gateway would grant now; undefined where it may take nothing. */
export function allowanceOf(base: Base, gatewayId: string): Allowance | undefined {
  const bucket = bucketOf(base, gatewayId);
  const breaker = base.tables.breaker.get(gatewayId);
  if (bucket === undefined || breaker === undefined) return undefined;
  if (base.tables.gateway.get(gatewayId)?.enabled !== true) return undefined;
  if (breaker.state === 'open' || breaker.rowsLeft === 0) return undefined;
  if (pausedUntil(bucket, base.now) !== undefined) return undefined;
  if (!mayClaim(base)) return undefined;
  const tokens = tokensAt(bucket, base.now);
  return { bucket, breaker, tokens, reserve: reserveOf(bucket) };
}

/** The lowest lane of the texts that wait on this bucket, for which mail waits; none: Infinity. */
export function laneOfWaitingTexts(base: Base, bucketId: string, channel: Channel): number {
  if (channel !== 'mail') return Infinity;
  const lanes = [...base.tables.message.values()]
    .filter((message) => message.channel === 'text' && base.mayBeClaimed(message))
    .filter((message) => {
      const home = base.tables.gateway.get(message.homeGatewayId ?? '');
      const state = base.tables.breaker.get(message.homeGatewayId ?? '')?.state;
      const takes = state === 'closed' || state === 'ramping';
      return home?.channel === 'text' && home.enabled && home.bucketId === bucketId && takes;
    })
    .map((message) => base.dispatchOf(message))
    .filter((dispatch) => dispatch.state === 'sending')
    .map((dispatch) => dispatch.lane);
  return Math.min(Infinity, ...lanes);
}

/** What was claimed is paid for, and counted where the gateway is on trial. */
export function spend(base: Base, { bucket, breaker, tokens }: Allowance, count: number): void {
  const open = { pausedAt: null, pausedUntil: null, pauseReason: null };
  Object.assign(bucket, { ...open, refilledAt: base.now, tokens: tokens - count });
  if (breaker.state !== 'half_open' || count === 0) return;
  breaker.rowsLeft = breaker.rowsLeft! - count;
  breaker.tries += count;
  breaker.triedAt = base.now;
}

export function waitForTokenMs(base: Base, gatewayId: string): number {
  const bucket = bucketOf(base, gatewayId)!;
  const paused = (pausedUntil(bucket, base.now) ?? base.now) - base.now;
  const tokens = tokensAt(bucket, base.now);
  const wanted = tokens < 1 ? 1 : 1 + reserveOf(bucket);
  const refill = (1000 * (wanted - tokens)) / bucket.ratePerSecond;
  return Math.ceil(Math.max(0, paused, refill));
}

export function pauseBucket(
  base: Base,
  pause: { gatewayId: string; forMs: number; reason: string; tooFast: boolean },
): void {
  const bucket = bucketOf(base, pause.gatewayId);
  if (bucket === undefined) return;
  const until = Math.max(pausedUntil(bucket, base.now) ?? -Infinity, base.now + pause.forMs);
  base.writes += 1;
  Object.assign(bucket, {
    tokens: 0,
    pauseReason: pause.reason,
    pausedAt: base.now,
    pausedUntil: until,
    refilledAt: until,
    ...(pause.tooFast && { slowFrom: until, slowUntil: until + SLOW_MS }),
  });
}

export function reserveTokens(base: Base, share: number): void {
  base.writes += base.tables.bucket.size;
  for (const bucket of base.tables.bucket.values()) bucket.reserveShare = share;
}
