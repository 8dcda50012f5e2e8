import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';
import { DatabaseError } from 'pg';
import { listEntries } from '#audit/index.ts';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase } from '../../test/support/database.ts';
import { findPinnedModel, listVersions, loadOperatingModel, pinVersion } from './index.ts';

const clone = await cloneDatabase();
after(() => clone.drop());

const actor = system('test');
const file = fileURLToPath(new URL('../../operating-model.yaml', import.meta.url));

test('a version is pinned once, told once, and read back as it was', async () => {
  const loaded = await loadOperatingModel(file);
  assert.ok(loaded.ok);
  const model = loaded.value;
  for (const database of [clone.web, clone.worker]) {
    const version = await database.withActor(actor, (tx) => pinVersion(tx, model));
    assert.equal(version, model.version);
  }
  await clone.web.withActor(actor, async (tx) => {
    const versions = await listVersions(tx);
    assert.deepEqual(
      versions.map(({ sha256 }) => sha256),
      [model.version],
    );
    const { entries } = await listEntries(tx, { action: 'operating_model.first_used' });
    assert.equal(entries.length, 1);
    const pinned = await findPinnedModel(tx, model.version);
    assert.deepEqual(pinned, { ok: true, value: model });
    const unknown = await findPinnedModel(tx, 'f'.repeat(64));
    assert.equal(!unknown.ok && unknown.kind, 'not_found');
  });
});

test('what is pinned never changes, and its hash is its own', async () => {
  const code = (error: unknown) => error instanceof DatabaseError && error.code;
  for (const database of [clone.web, clone.owner]) {
    for (const change of [
      sql`update operating_model.version set yaml = 'x'`,
      sql`delete from operating_model.version`,
    ]) {
      const work = database.withActor(actor, (tx) => tx.run(change));
      await assert.rejects(work, (error) => code(error) === '42501');
    }
  }
  const forged = clone.web.withActor(actor, (tx) =>
    tx.run(sql`insert into operating_model.version (sha256, yaml) values (${'0'.repeat(64)}, 'x')`),
  );
  await assert.rejects(forged, (error) => code(error) === '23514');
});

test('a file that is not there is a sentence with a way out', async () => {
  const outcome = await loadOperatingModel('nowhere.yaml');
  assert.ok(!outcome.ok);
  assert.match(
    outcome.message,
    /nowhere\.yaml cannot be read \(ENOENT\)\. Set TOCSIN_OPERATING_MODEL/,
  );
});
