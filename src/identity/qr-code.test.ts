import assert from 'node:assert/strict';
import { test } from 'node:test';
import { qrCode } from './qr-code.ts';

test('a code has its quiet zone, its three finders, and squares alone', () => {
  const { size, path } = qrCode('otpauth://totp/Tocsin:ada@centre.test?secret=ABCDEFGH');
  const squares = new Set(
    [...path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => `${x} ${y}`),
  );
  assert.equal(path.replaceAll(/M\d+ \d+h1v1h-1z/g, ''), '');
  // ISO/IEC 18004: 21 modules and four more for each version, and a quiet zone of four.
  assert.equal((size - 8 - 21) % 4, 0);
  const isDark = (x: number, y: number) => squares.has(`${x} ${y}`);
  for (let i = 0; i < size; i++)
    for (const edge of [0, 1, 2, 3, size - 4, size - 1])
      assert.ok(!isDark(i, edge) && !isDark(edge, i));
  const far = size - 4 - 7;
  for (const [left, top] of [
    [4, 4],
    [far, 4],
    [4, far],
  ] as const)
    for (let i = 0; i < 7; i++) {
      assert.ok(isDark(left + i, top) && isDark(left, top + i), 'the ring');
      assert.equal(isDark(left + i, top + 3), i !== 1 && i !== 5, 'the heart');
    }
});
