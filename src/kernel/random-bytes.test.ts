import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawBytes } from './random-bytes.ts';

test('no byte is given twice, across draws of every size', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 2_000; i++) {
    const drawn = drawBytes(12);
    assert.equal(drawn.length, 12);
    seen.add(drawn.toString('hex'));
    drawn.fill(0);
  }
  assert.equal(seen.size, 2_000);
  assert.equal(drawBytes(10_000).length, 10_000);
});
