import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import {
  isSignedBy,
  keyIdOf,
  parseNote,
  parseVerifierKey,
  rawPublicKey,
  signNote,
  verifierKey,
} from './note.ts';
import { sha256 } from './tree.ts';

const origin = 'tocsin-audit/0';
const [ours, other] = [0, 1].map(() => generateKeyPairSync('ed25519').privateKey);
const checkpoint = { origin, size: 12, root: sha256(Buffer.from('x')) };

test('a key has the form and the number that other verifiers expect', () => {
  // Published by the checksum database of Go.
  const published = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';
  const raw = parseVerifierKey(published, 'sum.golang.org');
  assert.ok(raw);
  assert.equal(keyIdOf('sum.golang.org', raw), '033de0ae');
  assert.equal(verifierKey('sum.golang.org', raw), published);
  for (const text of [published.replace('033d', '033e'), published.slice(0, -2), '', 'x+y+z'])
    assert.equal(parseVerifierKey(text, 'sum.golang.org'), undefined, text);
  assert.equal(parseVerifierKey(published, origin), undefined);
});

test('a note says three lines and who signed them', () => {
  const note = signNote(checkpoint, [ours!, other!]);
  const lines = note.split('\n');
  assert.deepEqual(lines.slice(0, 4), [origin, '12', checkpoint.root.toString('base64'), '']);
  assert.equal(lines.length, 7);
  const parsed = parseNote(note);
  assert.ok(parsed);
  assert.deepEqual([parsed.origin, parsed.size, parsed.root], [origin, 12, checkpoint.root]);
  for (const key of [ours!, other!]) assert.ok(isSignedBy(parsed, rawPublicKey(key)));
});

test('another text, another key and another form are refused', () => {
  const note = signNote(checkpoint, [ours!]);
  const raw = rawPublicKey(ours!);
  assert.equal(isSignedBy(parseNote(note)!, rawPublicKey(other!)), false);
  assert.equal(isSignedBy(parseNote(note.replace('\n12\n', '\n13\n'))!, raw), false);
  const odd = [
    note.replace('\n12\n', '\n012\n'),
    note.replace('\n12\n', '\n-1\n'),
    note.replace('\n12\n', '\n12\nmore\n'),
    note.replace('\n\n', '\n'),
    note.replace(checkpoint.root.toString('base64'), 'AAAA'),
    '',
  ];
  for (const text of odd) {
    const parsed = parseNote(text);
    assert.ok(parsed === undefined || !isSignedBy(parsed, raw), text);
  }
});
