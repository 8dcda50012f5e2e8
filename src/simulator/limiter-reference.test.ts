/** The limiter of Notify, step by step as its source has it, and what our pace makes of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { TokenBucket } from './limiter.ts';

/** `UTILS clients/redis/redis_client.py`, written down once more without looking at the other. */
function referenceLimiter(perMinute: number): (now: number) => boolean {
  const refill = perMinute / 60;
  const capacity = Math.min(Math.ceil(perMinute / 3) + 1, 1_000);
  let [tokens, last] = [capacity, undefined as number | undefined];
  return (now) => {
    last ??= now;
    const whole = Math.floor((now - last) * refill);
    tokens = Math.max(Math.min(tokens + whole, capacity) - 1, 0);
    last += whole / refill;
    return tokens >= 1;
  };
}

test('the simulator allows what the reference allows, request by request', () => {
  const gaps = fc.array(fc.double({ min: 0, max: 0.2, noNaN: true }), { maxLength: 3_000 });
  const limits = fc.constantFrom(1, 3, 30, 600, 2_994, 3_000, 24_000);
  fc.assert(
    fc.property(limits, gaps, (perMinute, waits) => {
      const [simulated, reference] = [new TokenBucket(perMinute), referenceLimiter(perMinute)];
      let now = 1_000;
      for (const wait of waits) {
        now += wait;
        assert.equal(simulated.take(now), reference(now));
      }
    }),
    { numRuns: 200 },
  );
});

/** Requests of `texts` at a pace after a burst that the limiter refuses. */
function refused(texts: number, pace: number, burst: number): number {
  const allows = referenceLimiter(3_000);
  let refusals = 0;
  for (let index = 0; index < texts; index += 1)
    if (!allows(1_000 + Math.max(0, index - burst) / pace)) refusals += 1;
  return refusals;
}

test('our pace is never refused, at any size; a little more is', () => {
  for (const texts of [1, 980, 981, 999, 1_000, 5_000, 20_000, 50_000])
    assert.equal(refused(texts, 49.5, 980), 0, `${texts} texts`);
  assert.ok(refused(5_000, 50, 1_000) > 0);
  assert.ok(refused(50_000, 51, 980) > 10_000);
});
