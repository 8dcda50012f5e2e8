/** Product and simulator read numbers by codes of their own; here they answer the same questions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parsePhoneNumber as parseOurs } from '#kernel/phone-number.ts';
import { parsePhoneNumber as parseTheirs } from '#simulator/index.ts';

/** Which number it is, or that it is none. The reasons are compared in test/vectors. */
function agree(written: string): void {
  const [ours, theirs] = [parseOurs(written), parseTheirs(written)];
  const [read, expected] = [ours.ok && ours.value.e164, theirs.ok && theirs.normalised];
  if (read !== expected) assert.fail(`${JSON.stringify(written)}: ${read}, not ${expected}`);
}

test('every area of three digits, in every way a British number is begun', () => {
  for (let area = 0; area < 1_000; area += 1) {
    const digits = String(area).padStart(3, '0');
    for (const start of ['0', '+44', '0044', ''])
      for (const rest of ['1234567', '123456', '12345678']) agree(`${start}${digits}${rest}`);
  }
});

test('every country code with a number of each length', () => {
  for (let country = 1; country < 1_000; country += 1)
    for (let length = 4; length <= 15; length += 1) {
      const digits = '2125550104987654'.slice(0, length);
      agree(`+${country}${digits}`);
    }
});

test('whatever is written', () => {
  const characters = fc.constantFrom(...Array.from('0123456789+()- .x\u00a0\u200b\t'));
  const written = fc.string({ unit: characters, maxLength: 20 });
  fc.assert(fc.property(written, agree), { numRuns: 3_000 });
});
