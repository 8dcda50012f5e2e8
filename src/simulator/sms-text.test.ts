import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countFragments, normaliseSmsText } from './sms-text.ts';

describe('fragments of a text', () => {
  const table: [string, string, number][] = [
    ['160 plain', 'a'.repeat(160), 1],
    ['161 plain', 'a'.repeat(161), 2],
    ['306 plain', 'a'.repeat(306), 2],
    ['307 plain', 'a'.repeat(307), 3],
    ['159 and a euro sign', `${'a'.repeat(159)}€`, 2],
    ['54 ellipses, which become 162 dots', '…'.repeat(54), 2],
    ['100 emoji, which become 100 question marks', '😀'.repeat(100), 1],
    ['a Welsh letter and 69', `ŵ${'a'.repeat(69)}`, 1],
    ['a Welsh letter and 70', `ŵ${'a'.repeat(70)}`, 2],
    ['a Welsh letter and 134', `ŵ${'a'.repeat(134)}`, 3],
    ['918 plain', 'a'.repeat(918), 6],
    ['918 euro signs', '€'.repeat(918), 12],
    ['918 with one Welsh letter', `ŵ${'a'.repeat(917)}`, 14],
    ['Welsh letters that GSM-7 has count as plain', 'à'.repeat(160), 1],
  ];
  for (const [name, text, fragments] of table) {
    it(`${name}: ${fragments}`, () => {
      assert.equal(countFragments(normaliseSmsText(text, null)), fragments);
    });
  }

  it('counts the service name in front', () => {
    const text = normaliseSmsText('a'.repeat(155), 'Northmoor');
    assert.ok(text.startsWith('Northmoor: a'));
    assert.equal(countFragments(text), 2);
  });
});

describe('characters of a text', () => {
  const table: [string, string, string][] = [
    ['quotes and dashes', '‘a’ “b” c–d—e−f‑g', '\'a\' "b" c-d-e-f-g'],
    ['other low quotes', '‚a„', '\'a"'],
    ['letters with marks', 'çãğčİ ŁŁł', 'cagcI LLl'],
    ['two marks lose one at a time', 'ǖ', 'ü'],
    ['letters that GSM-7 has', 'Çéñ', 'Çéñ'],
    ['Welsh letters', 'Ŵŵ Ŷŷ', 'Ŵŵ Ŷŷ'],
    ['singletons', 'Å Ω', 'Å Ω'],
    ['no way to write them', '`•·°™©½«»œı´日😀', '??????????????'],
    ['the two of a flag', '🇬🇧', '??'],
    ['invisible characters', 'a\u200bb\ufeffc', 'abc'],
    ['unusual spaces', 'a\u00a0b\u202fc\td\u3000e', 'a b c d e'],
    ['runs of spaces', '  a   b \n  c  ', 'a b\nc'],
    ['space before a comma or full stop', 'a , b  . c', 'a, b. c'],
    ['three empty lines', 'a\n\n\n\nb', 'a\n\nb'],
    ['other line ends', 'a\r\nb\rc\u2028d', 'a\nb\nc\nd'],
    ['extension characters', '^{}\\[~]|€', '^{}\\[~]|€'],
  ];
  for (const [name, written, sent] of table) {
    it(name, () => assert.equal(normaliseSmsText(written, null), sent));
  }

  it('takes the short way for plain texts only when the long way gives the same', () => {
    const plain =
      'Reply 4821=got it, 4821 HELP=call me. Steps: cyber.example/4901 (now) [a] {b}~|^';
    assert.equal(normaliseSmsText(plain, null), plain);
    assert.equal(normaliseSmsText(plain, 'S').slice(3), plain);
  });
});
