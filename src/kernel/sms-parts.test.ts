import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assert as holds, property, string, uint8Array } from 'fast-check';
import vectors from '../../test/vectors/sms-text.json' with { type: 'json' };
import { readSeptets, smsParts } from './sms-parts.ts';
import { smsText } from './sms-text.ts';

function read({ encoding, parts }: ReturnType<typeof smsParts>): string {
  const words = (part: Buffer) =>
    encoding === 'gsm' ? readSeptets(part) : Buffer.from(part).swap16().toString('utf16le');
  return parts.map(words).join('');
}

describe('a text as octets', () => {
  it('is the alphabet of the network, at the places of its codes', () => {
    const cells: [string, string][] = [
      ['@', '00'],
      ['$', '02'],
      ['é', '05'],
      ['Ç', '09'],
      ['Δ_ΦΓ', '10111213'],
      ['Aa', '4161'],
      ['à', '7f'],
      ['{€}', '1b281b651b29'],
      ['ŵA', '01750041'],
    ];
    for (const [text, hex] of cells)
      assert.equal(smsParts(text).parts[0]!.toString('hex'), hex, text);
  });

  it('is cut where a handset joins it, and never inside a character', () => {
    const sizes = (text: string) => smsParts(text).parts.map((part) => part.length);
    assert.deepEqual(sizes('a'.repeat(160)), [160]);
    assert.deepEqual(sizes('a'.repeat(161)), [153, 8]);
    assert.deepEqual(sizes(`${'a'.repeat(152)}€${'a'.repeat(20)}`), [152, 22]);
    assert.deepEqual(sizes(`ŵ${'a'.repeat(69)}`), [140]);
    assert.deepEqual(sizes(`ŵ${'a'.repeat(70)}`), [134, 8]);
    assert.deepEqual(sizes(''), [0]);
  });

  it('joined again it is what the approver saw', () => {
    const seen = (body: string) => smsText(body).text.replaceAll('\u001b', ' ');
    for (const { body } of vectors) assert.equal(read(smsParts(body)), seen(body));
    holds(
      property(string({ unit: 'binary', maxLength: 400 }), (body) => {
        assert.equal(read(smsParts(body)), seen(body));
      }),
    );
  });

  it('has as many parts as were counted, or one more where a cut saves a character', () => {
    for (const { body, prefix, fragments } of vectors) {
      if (prefix !== null) continue;
      const { length } = smsParts(body).parts;
      assert.ok(length === fragments || length === fragments + 1, `${length}, not ${fragments}`);
    }
  });

  it('whatever octets come in, something is read', () => {
    holds(
      property(uint8Array({ maxLength: 200 }), (octets) => {
        assert.equal(typeof readSeptets(Buffer.from(octets)), 'string');
      }),
    );
  });
});
