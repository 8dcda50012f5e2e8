import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newSecret, numberAt, otpauthAddress, stepOf, stepOfNumber, toBase32 } from './totp.ts';

const secret = toBase32(Buffer.from('12345678901234567890'));

test('numbers are those of RFC 6238, appendix B', () => {
  for (const [seconds, number] of [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ] as const)
    assert.equal(numberAt(secret, stepOf(new Date(seconds * 1000))), number);
});

test('base 32 is that of RFC 4648, section 10, without padding', () => {
  for (const [text, coded] of [
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ] as const)
    assert.equal(toBase32(Buffer.from(text)), coded);
});

test('a clock that is off by one step is understood, by two is not, nor is what is no number', () => {
  const now = new Date('2026-11-23T03:12:10Z');
  const step = stepOf(now);
  for (const [off, found] of [
    [-2, undefined],
    [-1, step - 1],
    [0, step],
    [1, step + 1],
    [2, undefined],
  ] as const)
    assert.equal(stepOfNumber(secret, numberAt(secret, step + off), now), found, `${off}`);
  for (const typed of ['', '1', '12345678', 'abcdef', `${numberAt(secret, step)} `, '٠١٢٣٤٥'])
    assert.equal(stepOfNumber(secret, typed, now), undefined, typed);
});

test('secrets have 160 bits and never repeat; the address is one that apps read', () => {
  const secrets = Array.from({ length: 100 }, newSecret);
  assert.equal(new Set(secrets).size, 100);
  assert.ok(secrets.every((one) => /^[A-Z2-7]{32}$/.test(one)));
  assert.equal(
    otpauthAddress('ABC', 'Tocsin, Health & care', 'a+b@c.test'),
    'otpauth://totp/Tocsin%2C%20Health%20%26%20care:a%2Bb%40c.test?secret=ABC&issuer=Tocsin%2C%20Health%20%26%20care',
  );
});
