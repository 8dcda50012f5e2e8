import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isEmailAddress } from './email-address.ts';

describe('e-mail addresses', () => {
  const accepted = [
    'email@domain.com',
    "firstname.o'lastname@domain.com",
    'firstname+lastname@domain.com',
    '_______@domain.com',
    'email@domain-one.com',
    'email@domain.superlongtld',
    'info@german-financial-services.vermögensberatung',
    'japanese-info@例え.テスト',
    'email@double--hyphen.com',
    ' email@domain.com ',
    '\u200bemail@domain.com\u200b',
  ];
  for (const address of accepted) {
    it(`takes ${address}`, () => assert.equal(isEmailAddress(address), true));
  }

  const refused = [
    'email@123.123.123.123',
    'email@[123.123.123.123]',
    'plainaddress',
    '@no-local-part.com',
    'Outlook Contact <outlook-contact@domain.com>',
    'no-tld@domain',
    ';beginning-semicolon@domain.co.uk',
    'middle-semicolon@domain.co;uk',
    '"quoted-local-part"@domain.com',
    'lots-of-dots@domain..gov..uk',
    'two-dots..in-local@domain.com',
    'multiple@domains@domain.com',
    'spaces in local@domain.com',
    'underscores-in-domain@dom_ain.com',
    'pipe-in-domain@example.com|gov.uk',
    'comma-in-domain@domain,gov.uk',
    'local-with-’-apostrophe@domain.com',
    'domain-starts-with-a-dot@.domain.com',
    `email-too-long-${'a'.repeat(320)}@example.com`,
    'incorrect-punycode@xn---something.com',
  ];
  for (const address of refused) {
    it(`refuses ${address.slice(0, 50)}`, () => assert.equal(isEmailAddress(address), false));
  }
});
