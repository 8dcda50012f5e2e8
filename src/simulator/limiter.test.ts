import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DailyLimits, TokenBucket } from './limiter.ts';

/** How many of the requests at a steady rate pass, from second `from` for `seconds`. */
function accepted(bucket: TokenBucket, perSecond: number, from: number, seconds: number): number {
  let passed = 0;
  for (let index = 0; index < perSecond * seconds; index += 1) {
    if (bucket.take(from + index / perSecond)) passed += 1;
  }
  return passed;
}

describe('the token bucket for 3,000 a minute', () => {
  it('lets 999 of 1,500 at once pass', () => {
    const bucket = new TokenBucket(3000);
    let passed = 0;
    for (let index = 0; index < 1_500; index += 1) if (bucket.take(1_000)) passed += 1;
    assert.equal(passed, 999);
  });

  it('lets a steady 50 a second pass for ever', () => {
    assert.equal(accepted(new TokenBucket(3000), 50, 1_000, 600), 30_000);
  });

  it('lets 60 a second pass for about 100 s, and then none', () => {
    const bucket = new TokenBucket(3000);
    assert.equal(accepted(bucket, 60, 1_000, 99), 60 * 99);
    accepted(bucket, 60, 1_099, 2);
    assert.equal(accepted(bucket, 60, 1_101, 100), 0);
  });

  it('lets 51 a second pass none once it is empty, until the caller slows', () => {
    const bucket = emptyBucket();
    assert.equal(accepted(bucket, 51, 1_000, 60), 0);
    assert.equal(bucket.take(1_061), true);
  });

  it('lets 98 % of 49 a second pass in the minute after it was empty', () => {
    const share = accepted(emptyBucket(), 49, 1_000, 60) / (49 * 60);
    assert.equal(share.toFixed(2), '0.98');
  });

  it('paces 5,000 at 49.5 a second after a burst of 980 without a refusal', () => {
    const bucket = new TokenBucket(3000);
    let passed = 0;
    for (let index = 0; index < 5_000; index += 1) {
      if (bucket.take(1_000 + Math.max(0, index - 980) / 49.5)) passed += 1;
    }
    assert.equal(passed, 5_000);
  });

  it('has a small capacity for small limits', () => {
    const bucket = new TokenBucket(30);
    let passed = 0;
    for (let index = 0; index < 50; index += 1) if (bucket.take(1_000)) passed += 1;
    assert.equal(passed, 10);
  });
});

function emptyBucket(): TokenBucket {
  const bucket = new TokenBucket(3000);
  for (let index = 0; index < 1_500; index += 1) bucket.take(1_000);
  return bucket;
}

describe('daily limits', () => {
  const limits = new DailyLimits({ sms: 2, email: 1, international_sms: 1 });
  const day = 86_400_000;

  it('count live and team keys together and start again at midnight UTC', () => {
    limits.count('sms', 'live', 5 * day);
    limits.count('sms', 'team', 5 * day + 1);
    assert.throws(() => limits.check('sms', 'live', 5 * day + 2), /sms: 2/);
    limits.check('email', 'live', 5 * day + 2);
    limits.check('sms', 'live', 6 * day);
  });

  it('never stop a test key', () => {
    for (let index = 0; index < 5; index += 1) limits.count('sms', 'test', 7 * day);
    limits.check('sms', 'test', 7 * day);
  });
});
