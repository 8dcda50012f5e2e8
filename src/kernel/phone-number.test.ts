import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  dialled,
  forService,
  maskPhoneNumber,
  parsePhoneNumber,
  spacedNumber,
  type PhoneNumber,
} from './phone-number.ts';

type Vector = { input: string; e164?: string; error?: string };

const vectors = JSON.parse(
  readFileSync(new URL('../../test/vectors/phone-number.json', import.meta.url), 'utf8'),
) as Vector[];

function number(text: string): PhoneNumber {
  const outcome = parsePhoneNumber(text);
  assert.ok(outcome.ok, text);
  return outcome.value;
}

test('every shared vector gets the answer of Notify', () => {
  for (const { input, e164, error } of vectors) {
    const outcome = parsePhoneNumber(input);
    const got = outcome.ok ? outcome.value.e164 : outcome.message;
    assert.equal(got, e164 ?? error, JSON.stringify(input));
  }
});

test('kinds: what a service may send to depends on them', () => {
  const kinds = {
    '07700 900123': 'mobile',
    '07797 712345': 'mobile',
    '020 7946 0958': 'landline',
    '0300 123 4567': 'landline',
    '07000 123456': 'mobile',
    '+33 1 22 33 44 55': 'international',
  };
  for (const [text, kind] of Object.entries(kinds)) assert.equal(number(text).kind, kind, text);
});

test('numbers are shown as people of the country write them', () => {
  assert.equal(number('+447700900123').national, '07700 900123');
  assert.equal(number('02079460958').national, '020 7946 0958');
  assert.equal(number('0033122334455').national, '+33 1 22 33 44 55');
});

test('switchboards are spaced whatever their register writes, and dialled as written', () => {
  for (const text of ['03069990001', '0306 999 0001', '+44 (0)306 999 0001', '+443069990001'])
    assert.equal(spacedNumber(text), '0306 999 0001');
  assert.equal(spacedNumber('01612761234'), '0161 276 1234');
  assert.equal(spacedNumber('0800111999'), '0800 111999');
  // No number of any plan: as it stands.
  for (const text of ['111', '4567', 'ask for IT']) assert.equal(spacedNumber(text), text);
  assert.equal(dialled('+44 (0)306 999-0001'), '+443069990001');
  assert.equal(dialled('0306 999 0001'), '03069990001');
});

test('a service without permissions sends to British mobiles only', () => {
  assert.ok(forService(number('07700 900123')).ok);
  const landline = forService(number('020 7946 0958'));
  assert.equal(!landline.ok && landline.message, 'Not a UK mobile number');
  const abroad = forService(number('+33 6 12 34 56 78'));
  assert.equal(!abroad.ok && abroad.message, 'Cannot send to international mobile numbers');
  assert.ok(forService(number('020 7946 0958'), { landline: true }).ok);
  assert.ok(forService(number('+33 6 12 34 56 78'), { international: true }).ok);
});

test('a mask shows the end, and not enough to ring', () => {
  assert.equal(maskPhoneNumber(number('07700 900123')), '07700 ···123');
  assert.equal(maskPhoneNumber(number('+33 1 22 33 44 55')), '+3312 ···455');
});
