import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Actor } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import { secrets } from '../../test/support/directory.ts';
import { importKeptFile, keepFile, sweepKeptFiles } from './form-kept-file.ts';

const rules = { organisationTypes: { trust: { label: '', mustAnswer: true } }, contactRoles: {} };
const now = new Date('2026-11-23T03:12:00Z');

let db: Clone;
before(async () => void (db = await cloneDatabase()));
after(async () => await db.drop());

function person(): Actor {
  const permissions = new Set(['alert.read', 'directory.read', 'directory.write'] as const);
  return { kind: 'person', id: newId(), name: 'Ada Okafor', permissions };
}

async function keep(actor: Actor, text: string): Promise<string> {
  const upload = { kind: 'organisations', name: 'f.csv', bytes: Buffer.from(text) } as const;
  return await db.web.withActor(actor, (tx) => keepFile(tx, upload, { secrets, now }));
}

test('of one person only the newest files are kept, and nobody else loses any', async () => {
  const [one, other] = [person(), person()];
  for (let i = 0; i < 4; i++) await keep(one, 'code,name,type\n');
  await keep(other, 'code,name,type\n');
  assert.equal(await sweepKeptFiles(db.web, now, 3), 1);
  assert.equal(await sweepKeptFiles(db.web, new Date(now.getTime() + 60 * 60 * 1000), 3), 4);
});

test('a file comes back byte for byte, whatever its encoding', async () => {
  const actor = person();
  const latin = Buffer.from('code,name,type\r\nEE-01,Caf\u00e9,trust\r\n', 'latin1');
  const upload = { kind: 'organisations', name: 'f.csv', bytes: latin } as const;
  const id = await db.web.withActor(actor, (tx) => keepFile(tx, upload, { secrets, now }));
  const done = await db.web.attempt(actor, (tx) => importKeptFile(tx, id, { rules, secrets, now }));
  assert.deepEqual(done.ok && done.value, { added: 1, changed: 0, unchanged: 0, refused: 0 });
});
