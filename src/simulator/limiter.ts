import { NotifyError } from './answers.ts';
import type { Channel, KeyType } from './settings.ts';

/**
 * The token bucket of the live service, arithmetic included. A refused request still spends a
 * token, so a caller who hammers through refusals stays locked out until it slows below the
 * refill rate. Documentation says "3,000 per rolling minute"; the code has been this since 2025.
 */
export class TokenBucket {
  readonly #refillPerSecond: number;
  readonly #capacity: number;
  #tokens: number;
  #refilledAt: number | null = null;

  constructor(perMinute: number) {
    this.#refillPerSecond = perMinute / 60;
    this.#capacity = Math.min(Math.ceil(perMinute / 3) + 1, 1000);
    this.#tokens = this.#capacity;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** Spends a token at `now` (epoch seconds with fraction) and says whether the request may pass. */
  take(now: number): boolean {
    this.#refilledAt ??= now;
    const elapsed = Math.max(now - this.#refilledAt, 0);
    const refilled = Math.floor(elapsed * this.#refillPerSecond);
    this.#tokens = Math.min(this.#tokens + refilled, this.#capacity);
    this.#tokens = Math.max(this.#tokens - 1, 0);
    // Not `now`: the moment of the last whole token granted, so that rounding loses nothing.
    this.#refilledAt += refilled / this.#refillPerSecond;
    return this.#tokens >= 1;
  }
}

/** One bucket per key type, shared by texts and e-mails. */
export class RateLimiter {
  readonly #perMinute: number | null;
  readonly #buckets = new Map<KeyType, TokenBucket>();

  constructor(perMinute: number | null) {
    this.#perMinute = perMinute;
  }

  /** @throws NotifyError 429 when the bucket is empty. */
  check(keyType: KeyType, nowMs: number): void {
    if (this.#perMinute === null) return;
    let bucket = this.#buckets.get(keyType);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#perMinute);
      this.#buckets.set(keyType, bucket);
    }
    if (!bucket.take(nowMs / 1000)) throw this.refusal(keyType);
  }

  refusal(keyType: KeyType): NotifyError {
    const perMinute = this.#perMinute ?? 3000;
    return new NotifyError(
      429,
      'RateLimitError',
      `Exceeded rate limit for key type ${keyType.toUpperCase()} of ${perMinute} requests per 60 seconds`,
    );
  }

  /** What is left in each bucket, without spending. */
  tokens(): Record<string, number> {
    return Object.fromEntries([...this.#buckets].map(([type, bucket]) => [type, bucket.tokens]));
  }
}

export type DailyLimitName = Channel | 'international_sms';
export type DailyLimitValues = Readonly<Record<DailyLimitName, number>>;

/** Counts per UTC day. Test keys are checked against their own counter, which never moves. */
export class DailyLimits {
  readonly #limits: DailyLimitValues;
  #day = 0;
  #counts: Record<DailyLimitName, number> = { sms: 0, email: 0, international_sms: 0 };

  constructor(limits: DailyLimitValues) {
    this.#limits = limits;
  }

  /** @throws NotifyError 429 when one more would pass the limit. */
  check(name: DailyLimitName, keyType: KeyType, nowMs: number): void {
    if (keyType === 'test') return;
    this.#turn(nowMs);
    const limit = this.#limits[name];
    if (this.#counts[name] + 1 <= limit) return;
    throw new NotifyError(
      429,
      'TooManyRequestsError',
      `Exceeded send limits (${name}: ${limit}) for today`,
    );
  }

  /** Counts one stored notification. */
  count(name: DailyLimitName, keyType: KeyType, nowMs: number): void {
    if (keyType === 'test') return;
    this.#turn(nowMs);
    this.#counts[name] += 1;
  }

  #turn(nowMs: number): void {
    const day = Math.floor(nowMs / 86_400_000);
    if (day === this.#day) return;
    this.#day = day;
    this.#counts = { sms: 0, email: 0, international_sms: 0 };
  }
}
