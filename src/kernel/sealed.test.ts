import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { blindIndex, open, seal, sealedBy, UnsealError } from './sealed.ts';

const key = { id: 1, key: randomBytes(32) };
const next = { id: 2, key: randomBytes(32) };
const context = 'contact_point|0193a5d2-0000-7000-8000-000000000001';

const fails = (reason: UnsealError['reason']) => (error: unknown) =>
  error instanceof UnsealError && error.reason === reason;

test('what was sealed opens under its key and context', () => {
  for (const text of ['447700900123', 'ŵ@example.test', '']) {
    assert.equal(open([next, key], context, seal(key, context, text)), text);
  }
});

test('the same plaintext never seals to the same bytes', () => {
  assert.notDeepEqual(seal(key, context, 'a'), seal(key, context, 'a'));
});

test('bytes copied to another contact point do not open there', () => {
  const sealed = seal(key, context, '447700900123');
  assert.throws(() => open([key], `${context}2`, sealed), fails('authentication'));
});

test('another key under the same id does not open', () => {
  const sealed = seal(key, context, '447700900123');
  assert.throws(() => open([{ id: 1, key: next.key }], context, sealed), fails('authentication'));
  assert.throws(() => open([next], context, sealed), fails('key'));
});

test('every changed byte is noticed', () => {
  const sealed = seal(key, context, '447700900123');
  for (let i = 0; i < sealed.length; i += 1) {
    const damaged = Buffer.from(sealed);
    damaged[i]! ^= 1;
    assert.throws(() => open([key], context, damaged), UnsealError);
  }
  assert.throws(() => open([key], context, sealed.subarray(0, 20)), fails('format'));
});

test('a value names its key in two bytes, and another name opens nothing', () => {
  const high = { id: 0x1234, key: key.key };
  const sealed = seal(high, context, 'a');
  assert.equal(sealedBy(sealed), 0x1234);
  assert.equal(open([key, high], context, sealed), 'a');
  // The same key under both ids: the name is authenticated, not only looked up.
  sealed.writeUInt16BE(key.id, 1);
  assert.throws(() => open([key, high], context, sealed), fails('authentication'));
});

test('a key id outside two bytes is refused', () => {
  assert.throws(() => seal({ id: 65_536, key: key.key }, context, 'a'), RangeError);
  assert.throws(() => seal({ id: 0, key: key.key }, context, 'a'), RangeError);
});

test('a blind index tells kinds and values apart and repeats itself', () => {
  const index = (kind: string, value: string) => blindIndex(key.key, kind, value).toString('hex');
  assert.equal(index('text', '447700900123'), index('text', '447700900123'));
  assert.notEqual(index('text', '447700900123'), index('mail', '447700900123'));
  assert.notEqual(index('text', '447700900123'), index('text', '447700900124'));
  assert.equal(blindIndex(key.key, 'text', 'a').length, 32);
});
