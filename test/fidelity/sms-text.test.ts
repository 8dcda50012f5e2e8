/** Product and simulator count texts by codes of their own; here they answer the same questions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { smsText } from '#kernel/sms-text.ts';
import { countFragments, normaliseSmsText } from '#simulator/index.ts';

const CODE_POINTS = 0x11_0000;
const CHUNK = 0x400;
/** Behind it are signs and scripts that become question marks, one like the other. */
const LAST_LETTER = 0x2200;
const CHARACTERS_MAX = 918;
/** Half of a pair is no character: no text holds one. */
const isSurrogate = (code: number) => code >= 0xd800 && code <= 0xdfff;

/**
 * A few letters lose one mark and become Welsh, such as U+1E2E. Whether Notify counts them as they
 * were written (the product) or as they are sent (the simulator) its versions answer differently.
 */
const isWelsh = (text: string) => countFragments(text) > countFragments('a'.repeat(text.length));

test('every character of Unicode arrives as the same', () => {
  for (let from = 0; from < CODE_POINTS; from += CHUNK) {
    const codes = Array.from({ length: CHUNK }, (_, i) => from + i);
    const characters = codes.filter((code) => !isSurrogate(code));
    const body = characters.map((code) => `a${String.fromCodePoint(code)}b`).join('c');
    assert.equal(smsText(body).text, normaliseSmsText(body, null), `from U+${from.toString(16)}`);
  }
});

test('every character of an alphabet switches the counting alike', () => {
  for (let code = 0; code < LAST_LETTER; code += 1) {
    // 70 in UCS-2 would still be one fragment; 71 tell which alphabet counts.
    const body = `a${String.fromCodePoint(code)}b${'c'.repeat(68)}`;
    const [ours, theirs] = [smsText(body), normaliseSmsText(body, null)];
    const becomesWelsh = ours.encoding === 'gsm' && ours.replaced.length > 0 && isWelsh(theirs);
    if (ours.fragments === countFragments(theirs) || becomesWelsh) continue;
    assert.fail(`U+${code.toString(16)}: ${JSON.stringify([ours, theirs])}`);
  }
});

/** Fragments in the words of the reference: one alone is longer than one of several. */
function fragmentsOf(septets: number, alone: number, each: number): number {
  return septets <= alone ? 1 : Math.ceil(septets / each);
}

test('every length up to the limit has the fragments of the formula', () => {
  for (let length = 1; length <= CHARACTERS_MAX; length += 1) {
    const table: readonly (readonly [string, number])[] = [
      ['a'.repeat(length), fragmentsOf(length, 160, 153)],
      ['€'.repeat(length), fragmentsOf(2 * length, 160, 153)],
      [`ŵ${'a'.repeat(length - 1)}`, fragmentsOf(length, 70, 67)],
      // Downgraded before it is counted.
      ['😀'.repeat(length), fragmentsOf(length, 160, 153)],
      ['…'.repeat(length), fragmentsOf(3 * length, 160, 153)],
    ];
    for (const [body, fragments] of table) {
      assert.equal(smsText(body).fragments, fragments, `${length} of ${body.slice(0, 2)}`);
      assert.equal(countFragments(normaliseSmsText(body, null)), fragments);
    }
  }
});

test('the name of the service counts in fragments, at every length', () => {
  for (let length = 1; length <= 320; length += 1) {
    const body = 'a'.repeat(length);
    const fragments = fragmentsOf('Northmoor: '.length + length, 160, 153);
    assert.equal(smsText(body, { prefix: 'Northmoor' }).fragments, fragments);
    assert.equal(countFragments(normaliseSmsText(body, 'Northmoor')), fragments);
  }
});
