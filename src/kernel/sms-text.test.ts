import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { smsText } from './sms-text.ts';

type Vector = {
  body: string;
  prefix: string | null;
  text: string;
  characters: number;
  fragments: number;
  encoding: 'gsm' | 'ucs2';
  tooLong: boolean;
};

const vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/sms-text.json', import.meta.url), 'utf8'),
) as Vector[];

test('every shared vector looks and counts as in Notify', () => {
  for (const { body, prefix, ...want } of vectors) {
    const got = smsText(body, prefix === null ? {} : { prefix });
    assert.deepEqual(got, { ...want, replaced: got.replaced }, body);
  }
});

test('replaced characters are named once, in order', () => {
  assert.deepEqual(smsText('“Stop” – naïve 👾 “now”').replaced, [
    { from: '“', to: '"' },
    { from: '”', to: '"' },
    { from: '–', to: '-' },
    { from: '👾', to: '?' },
  ]);
  assert.deepEqual(smsText('Plain £5, [ŵ]').replaced, []);
});

test('a prefix counts in fragments and not in the limit', () => {
  const text = smsText('a'.repeat(918), { prefix: 'NHS CYBER' });
  assert.deepEqual([text.characters, text.tooLong, text.fragments], [918, false, 7]);
});

test('what will arrive holds nothing more to replace', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (body) => {
      assert.deepEqual(smsText(smsText(body).text).replaced, []);
    }),
    { numRuns: 500 },
  );
});
