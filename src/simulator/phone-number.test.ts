import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePhoneNumber } from './phone-number.ts';

const NOT_VALID = 'Number is not valid – double check the phone number you entered';

describe('phone numbers', () => {
  const accepted: [string, string, string?][] = [
    ['7723456789', '447723456789'],
    ['07723 456789', '447723456789'],
    ['07723-456-789', '447723456789'],
    ['00 44 7723456789', '447723456789'],
    ['+44 (0)7723 456 789', '447723456789'],
    ['\u200b\t\t+44 (0)7723 456 789\ufeff \r\n', '447723456789'],
    ['0+447700900100', '447700900100'],
    ['+07700900100', '447700900100'],
    ['000007700900100', '447700900100'],
    ['0+44(0)7700900100', '447700900100'],
    ['07700900010', '447700900010'],
    ['07700123456', '447700123456'],
    ['0770090085', '44770090085'],
    ['784951234567', '74951234567', 'international'],
    ['007 (8) (495) 123-45-67', '74951234567', 'international'],
    ['1-202-555-0104', '12025550104', 'international'],
    ['1‑202–555—010−4', '12025550104', 'international'],
    ['+0012025550104', '12025550104', 'international'],
    ['230 5 2512345', '23052512345', 'international'],
    ['+682 50 123', '68250123', 'international'],
    ['+43 676 111 222 333 4', '436761112223334', 'international'],
    ['+447797292290', '447797292290', 'international'],
    ['0117 496 0860', '441174960860', 'landline'],
    ['016064 1234', '44160641234', 'landline'],
    ['030 1234 5678', '443012345678', 'landline'],
    ['0550 123 4567', '445501234567', 'landline'],
  ];
  for (const [written, normalised, kind = 'mobile'] of accepted) {
    it(`takes ${JSON.stringify(written)}`, () => {
      const phone = parsePhoneNumber(written);
      assert.ok(phone.ok);
      assert.equal(phone.normalised, normalised);
      assert.equal(phone.isInternational, kind === 'international');
      assert.equal(phone.isUkLandline, kind === 'landline');
    });
  }

  const refused: [string, string][] = [
    ['', 'Not enough digits'],
    ['12345', 'Not enough digits'],
    ['(1)2345', 'Not enough digits'],
    ['0772345678910', 'Too many digits'],
    ['+44 (0)7723 456 789 10', 'Too many digits'],
    ['80100000000', 'Too many digits'],
    ['+12345 12345 12345 6', 'Too many digits'],
    ['07890x32109', 'Must not contain letters or symbols'],
    ['07723 456789...', 'Must not contain letters or symbols'],
    ['07723 ☟☜⬇⬆☞☝', 'Must not contain letters or symbols'],
    ['07";DROP TABLE;"', 'Must not contain letters or symbols'],
    ['   ', NOT_VALID],
    ['0772345678', NOT_VALID],
    ['004477234567', NOT_VALID],
    ['0400 123 4567', NOT_VALID],
    ['0900 123 4567', NOT_VALID],
    ['0845 46 46', NOT_VALID],
    ['1234567', NOT_VALID],
    ['+682 1234', NOT_VALID],
    ['+881612345678', 'Not a valid country prefix'],
  ];
  for (const [written, message] of refused) {
    it(`refuses ${JSON.stringify(written)}`, () => {
      assert.deepEqual(parsePhoneNumber(written), { ok: false, message });
    });
  }

  it('knows an area with a price of its own inside +1', () => {
    const phone = parsePhoneNumber('16644913789');
    assert.ok(phone.ok);
    assert.equal(phone.prefix, '1664');
  });
});
