import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as assertProperty, property, stringMatching, uuid } from 'fast-check';
import { findPersonalData } from './model.ts';

const personal = [
  '07700 900123',
  '07700900123',
  '+447700900123',
  '+44 (0)7700 900 123',
  '(07700) 900-123',
  'ring 0300 000 0000 now',
  '00447700900123',
  '447700900123',
  '7700900123',
  'to:447700900123,',
  'jo@northmoor.test',
  'Jo Okafor <jo.okafor@northmoor.test>',
];

test('finds numbers and addresses anywhere, and names the place without the finding', () => {
  for (const text of personal) {
    assert.equal(findPersonalData({ a: [{ b: text }] }), 'a.0.b', text);
    const path = findPersonalData({ [text]: 1 });
    assert.ok(path !== undefined && !path.includes(text), text);
  }
  assert.equal(findPersonalData({ number: 447700900123 }), 'number');
  assert.equal(findPersonalData({ number: 447700900123n }), 'number');
});

test('lets ids, hashes, times, counts and versions through', () => {
  const innocent = [
    '01935b2c-1111-7222-8333-447700900123',
    '07700900-1234-7123-8123-012345678901',
    '0770090012307700900123077009001230770090012307700900123077009001',
    '2026-11-23T17:29:39.123Z',
    '2026-11-23 17:29:39+00:00',
    'PT48H',
    'v0.1.0',
    '10.20.30.40',
    'alerts 4901 and 4902, code 4821',
    '@handle',
  ];
  for (const text of innocent) assert.equal(findPersonalData({ text }), undefined, text);
  assert.equal(
    findPersonalData({ at: new Date(), atMs: 1_763_918_979_123, none: null }),
    undefined,
  );
});

test('never takes a uuid or a sha-256 for a number', () => {
  assertProperty(
    property(uuid(), stringMatching(/^[0-9a-f]{64}$/), (id, hash) => {
      assert.equal(findPersonalData({ id, hash, both: `${id}/${hash}` }), undefined);
    }),
    { numRuns: 2000 },
  );
});
