import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { maskEmailAddress, parseEmailAddress } from './email-address.ts';

type Vector = { input: string; email?: string; error?: string };

const vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/email-address.json', import.meta.url), 'utf8'),
) as Vector[];

test('every shared vector gets the answer of Notify', () => {
  for (const { input, email, error } of vectors) {
    const outcome = parseEmailAddress(input);
    assert.equal(outcome.ok ? outcome.value : outcome.message, email ?? error, input);
  }
});

test('a mask keeps the organisation and hides the person', () => {
  assert.equal(maskEmailAddress('sam.page@northmoor.test'), 's···@northmoor.test');
  assert.equal(maskEmailAddress('broken'), '···');
});
