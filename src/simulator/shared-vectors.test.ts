import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { isEmailAddress } from './email-address.ts';
import { parsePhoneNumber } from './phone-number.ts';
import { countFragments, normaliseSmsText } from './sms-text.ts';

/** Data, not code: two implementations that know nothing of each other answer the same vectors. */
function vectors<T>(name: string): T[] {
  const url = new URL(`../../test/vectors/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as T[];
}

describe('the vectors shared with the product', () => {
  it('texts', () => {
    type Vector = { body: string; prefix: string | null; text: string; fragments: number };
    for (const { body, prefix, text, fragments } of vectors<Vector>('sms-text')) {
      assert.equal(normaliseSmsText(body, prefix), text);
      assert.equal(countFragments(normaliseSmsText(body, prefix)), fragments, body.slice(0, 40));
    }
  });

  it('phone numbers', () => {
    type Vector = { input: string; e164?: string; error?: string };
    for (const { input, e164, error } of vectors<Vector>('phone-number')) {
      const phone = parsePhoneNumber(input);
      assert.equal(phone.ok ? phone.normalised : phone.message, e164 ?? error, input);
    }
  });

  it('e-mail addresses', () => {
    type Vector = { input: string; email?: string };
    for (const { input, email } of vectors<Vector>('email-address')) {
      assert.equal(isEmailAddress(input), email !== undefined, input);
    }
  });
});
