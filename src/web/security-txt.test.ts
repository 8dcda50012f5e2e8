import assert from 'node:assert/strict';
import { test } from 'node:test';
import { securityTxt } from './security-txt.ts';

const contacts = ['mailto:security@tocsin.example', 'tel:+44-300-000-0000'];

test('it is as RFC 9116 has it, and Expires is ahead whenever it is asked for', () => {
  const policy = 'https://tocsin.example/reporting';
  for (const at of ['2026-11-27T00:00:00Z', '2026-12-31T23:59:59.999Z', '2028-02-29T12:00:00Z']) {
    const now = new Date(at);
    const file = securityTxt({ contacts, policy }, 'https://tocsin.example', now);
    const lines = file.split('\n');
    assert.deepEqual(
      lines.map((line) => line.split(': ')[0]),
      ['Contact', 'Contact', 'Expires', 'Preferred-Languages', 'Canonical', 'Policy', ''],
    );
    const expires = lines[2]!.replace('Expires: ', '');
    assert.match(expires, /^\d{4}-\d{2}-\d{2}T00:00:00Z$/, 'RFC 3339');
    const days = (new Date(expires).getTime() - now.getTime()) / 86_400_000;
    assert.ok(days > 89 && days <= 90, `${days} days, less than a year`);
    assert.equal(lines[4], 'Canonical: https://tocsin.example/.well-known/security.txt');
  }
});
