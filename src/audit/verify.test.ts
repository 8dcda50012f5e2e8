/** What must not be done to the log, done by a superuser, and seen by both verifiers. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { KEEPER, openAuditScene, type AuditScene } from '../../test/support/audit.ts';
import { readKeys } from './keys.ts';
import { originOf, parseNote, signNote } from './note.ts';
import { sha256 } from './tree.ts';

let scene: AuditScene;
beforeEach(async () => {
  scene = await openAuditScene();
});
afterEach(() => scene.close());

/** Leaves hashed anew, as the one who can write them would. */
const REHASH = `
  update audit.leaf set
    detail_hash = sha256(entry.salt || convert_to(entry.detail::text, 'UTF8')) from audit.entry
    where entry.id = leaf.entry_id;
  update audit.leaf set hash = audit.leaf_hash('tocsin audit entry 1', leaf.position::text,
      entry.id::text, to_char(entry.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      entry.actor_kind, entry.actor_id, entry.action, entry.subject_kind, entry.subject_id,
      encode(leaf.detail_hash, 'hex')) from audit.entry
    where entry.id = leaf.entry_id`;

const at = (position: number) => `(select entry_id from audit.leaf where position = ${position})`;

/** What both say of the log as it is: the first by position, the second by its words. */
async function assertSeen(position: number | null, what: RegExp, elsewhere = what): Promise<void> {
  const verdict = await scene.verify();
  assert.equal(verdict.isWhole, false);
  assert.equal(verdict.findings[0]!.position, position, JSON.stringify(verdict.findings));
  assert.match(verdict.findings[0]!.what, what);
  const second = await scene.verifyElsewhere();
  assert.equal(second.code, 1, second.out + second.err);
  assert.match(second.out, elsewhere);
}

async function assertWhole(): Promise<void> {
  const verdict = await scene.verify();
  assert.deepEqual(verdict.findings, []);
  const second = await scene.verifyElsewhere();
  assert.deepEqual([second.code, second.err], [0, ''], second.out);
}

test('a log that nobody touched is whole, of whatever size', async () => {
  await scene.grow(1, 2, 3, 5, 1, 8, 13, 1);
  const verdict = await scene.verify();
  assert.deepEqual([verdict.checkpoints, verdict.signed], [8, verdict.size]);
  await assertWhole();
  const told = await scene.run('verify');
  assert.match(told.out, /^The log is whole: \d+ entries, \d+ of them signed, 8 checkpoints\.\n$/);
});

test('an entry that was edited is named', async () => {
  await scene.grow(4, 4, 4);
  await scene.tamper(`update audit.entry set detail = '{}' where id = ${at(4)}`);
  await assertSeen(4, /detail of entry .* was changed/, /position 4 has another detail/);
  assert.match((await scene.run('verify')).out, /NOT whole.*\nEntry at position 4: The detail/);
});

test('an edited entry about the log itself is seen, and not believed', async () => {
  await scene.grow(4, 4);
  const key = `(select id from audit.entry where action = 'audit.key_made')`;
  for (const forged of ['{}', '{"public_key": 7}', `{"public_key": "${'0'.repeat(64)}"}`]) {
    await scene.tamper(`update audit.entry set detail = '${forged}' where id = ${key}`);
    const { findings } = await scene.verify();
    assert.match(findings[0]!.what, /detail of entry .* was changed/);
    const second = await scene.verifyElsewhere();
    assert.deepEqual([second.code, second.err], [1, '']);
    assert.match(second.out, /has another detail/);
  }
});

for (const column of ['actor_id', 'action', 'subject_id', 'at'])
  test(`another ${column} is seen`, async () => {
    await scene.grow(4, 4);
    const value = column === 'at' ? `at + interval '1 microsecond'` : `'alert.read'`;
    await scene.tamper(`update audit.entry set ${column} = ${value} where id = ${at(3)}`);
    await assertSeen(3, /was changed/, /position 3 was changed/);
  });

test('an entry that was edited with its leaf is seen by the checkpoints', async () => {
  await scene.grow(4, 4, 4);
  const { size } = await scene.verify();
  await scene.tamper(`update audit.entry set detail = '{}' where id = ${at(size - 6)}`, REHASH);
  await assertSeen(size - 8, /not those that were signed/, /other entries were signed/);
});

test('an entry that was put in between is seen', async () => {
  await scene.grow(4, 4);
  const shift = `update audit.leaf set position = position - 1000 where position >= 3;
    update audit.leaf set position = position + 1001 where position < 0`;
  const insert = `with added as (insert into audit.entry (action, subject_kind, subject_id, detail)
      values ('alert.forged', 'alert', 'x', '{}') returning id)
    insert into audit.leaf (position, entry_id, detail_hash, hash)
    select 3, id, sha256('x'), sha256('x') from added`;
  await scene.tamper('alter table audit.leaf drop constraint leaf_position', shift, insert);
  await assertSeen(3, /was changed/, /position 3/);
  await scene.tamper(REHASH);
  await assertSeen(0, /not those that were signed/, /other entries were signed/);
});

test('an entry that was put past the log is seen', async () => {
  await scene.grow(4);
  await scene.tamper(`insert into audit.entry (action, subject_kind, subject_id, detail)
    values ('alert.forged', 'alert', 'x', '{}')`);
  const { size } = await scene.verify();
  await assertSeen(size, /1 entries were put past the log/, /was put past the log/);
});

test('an entry that was deleted is seen: alone, with its leaf, and with all after it moved', async () => {
  await scene.grow(4, 4);
  await scene.tamper(`delete from audit.entry where id = ${at(5)}`);
  await assertSeen(5, /was deleted/, /position 5 was deleted/);
  await scene.tamper('delete from audit.leaf where position = 5');
  await assertSeen(5, /missing from the log/, /position 5 is missing/);
  await scene.tamper(
    'alter table audit.leaf drop constraint leaf_position',
    'update audit.leaf set position = -position where position > 5',
    'update audit.leaf set position = -position - 1 where position < 0',
  );
  await assertSeen(5, /was changed, or stood elsewhere/, /position 5 was changed/);
  await scene.tamper(REHASH);
  const verdict = await scene.verify();
  assert.equal(verdict.isWhole, false);
  assert.equal((await scene.verifyElsewhere()).code, 1);
});

test('two entries that changed places are seen', async () => {
  await scene.grow(4, 4);
  const swap = `update audit.leaf set position = 2 + 6 - position where position in (2, 6)`;
  const primary = 'alter table audit.leaf drop constraint leaf_pkey';
  await scene.tamper(primary, swap);
  await assertSeen(2, /stood elsewhere/, /position 2 was changed, or stood elsewhere/);
  await scene.tamper(REHASH);
  await assertSeen(0, /not those that were signed/, /other entries were signed/);
});

const cutTo = (size: number) => [
  `delete from audit.node where (position + 1) * (1::bigint << level) > ${size}`,
  `with cut as (delete from audit.leaf where position >= ${size} returning entry_id)
   delete from audit.entry where id in (select entry_id from cut)`,
  `delete from audit.checkpoint where size > ${size}`,
];

test('a log that was cut behind an exported checkpoint is seen, and signed no more', async () => {
  await scene.grow(4, 4, 4);
  const { size } = await scene.verify();
  await scene.tamper(...cutTo(size - 6));
  await assertSeen(size - 6, /the last 6 are missing. A backup was restored/, /cut, or restored/);
  const turn = await scene.turn();
  assert.deepEqual(turn.state === 'stopped' && turn.reason, 'shorter');
  await scene.write(20);
  assert.equal((await scene.turn()).state, 'stopped', 'longer again, and not the same');
});

test('a restore that lost entries is accepted by a person, and stays told', async () => {
  await scene.grow(4, 4, 4, 4);
  const { size } = await scene.verify();
  await scene.tamper(...cutTo(size - 6));
  await scene.write(3);
  const say = ['--by', KEEPER, '--reason', 'the disk broke'];
  assert.equal((await scene.turn()).state, 'stopped');
  assert.equal((await scene.run('accept-restore', '--by', KEEPER)).code, 2);
  assert.equal((await scene.run('accept-restore', ...say, '--by', 'x@centre.test')).code, 1);
  const done = await scene.run('accept-restore', ...say);
  assert.equal(done.code, 0, done.err);
  await scene.grow(5, 2, 9);
  const verdict = await scene.verify();
  assert.deepEqual(verdict.findings, []);
  assert.deepEqual(
    verdict.losses.map(({ from, to }) => [from, to]),
    [[size - 8, size - 1]],
  );
  const second = await scene.verifyElsewhere();
  assert.equal(second.code, 0, second.out + second.err);
  assert.match(second.out, /a restore lost entries from/);
  assert.match((await scene.run('verify')).out, /A restore lost what was signed/);
  assert.equal((await scene.run('accept-restore', ...say)).code, 1, 'nothing is lost any more');
});

test('a fork is seen: another history, signed by the same key, beside the exported one', async () => {
  await scene.grow(4, 4);
  const { size } = await scene.verify();
  const kept = `${scene.files.checkpointsFile}.kept`;
  renameSync(scene.files.checkpointsFile, kept);
  await scene.tamper(...cutTo(size - 4), 'delete from audit.checkpoint');
  await scene.grow(4, 6);
  await assertWhole();
  const verdict = await scene.verify('--checkpoints', kept);
  assert.match(verdict.findings[0]!.what, /not those that were signed/);
  const second = await scene.verifyElsewhere({ checkpoints: kept });
  assert.equal(second.code, 1);
  assert.match(second.out, /other entries were signed/);
});

test('a checkpoint over another root is of another history, even where the key is right', async () => {
  await scene.grow(4, 4);
  const keys = readKeys(scene.files.keysFile);
  assert.ok(keys.ok);
  const origin = originOf(scene.files.installation);
  const { size } = await scene.verify();
  const forged = { origin, size, root: sha256(Buffer.from('x')) };
  const note = signNote(forged, [keys.value[0]!.privateKey!]);
  const line = JSON.stringify({ note, from: size, proof: [], at: new Date() });
  const { checkpointsFile } = scene.files;
  writeFileSync(checkpointsFile, `${readFileSync(checkpointsFile, 'utf8')}${line}\n`);
  const { findings } = await scene.verify();
  assert.ok(
    findings.some(({ what }) => /another history/.test(what)),
    JSON.stringify(findings),
  );
  assert.ok(findings.some(({ what }) => /not those that were signed/.test(what)));
  assert.equal((await scene.verifyElsewhere()).code, 1);
});

test('the wrong key is seen: in the file, and in the hand of the one who checks', async () => {
  await scene.grow(4, 4);
  const { checkpointsFile, installation } = scene.files;
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const resigned = readFileSync(checkpointsFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const checkpoint = JSON.parse(line) as { note: string };
      return JSON.stringify({
        ...checkpoint,
        note: signNote(parseNote(checkpoint.note)!, [stranger]),
      });
    });
  const kept = `${checkpointsFile}.kept`;
  copyFileSync(checkpointsFile, kept);
  writeFileSync(checkpointsFile, `${resigned.join('\n')}\n`);
  await assertSeen(null, /No key of this log that you trust/, /not signed by a key of this log/);
  const key = (await scene.run('key')).out.trim();
  const wrong = key.replace(/\+[^+]+\+.*/, `+${'0'.repeat(8)}+${'A'.repeat(44)}`);
  assert.equal((await scene.run('verify', '--key', wrong)).code, 2);
  assert.equal((await scene.verify('--checkpoints', kept, '--key', key)).isWhole, true);
  assert.match(key, new RegExp(`^tocsin-audit/${installation}\\+`));
});

test('a line taken out of the file, and one that a power cut ended', async () => {
  await scene.grow(2, 2, 2, 2);
  const { checkpointsFile } = scene.files;
  const lines = readFileSync(checkpointsFile, 'utf8').split('\n');
  writeFileSync(checkpointsFile, lines.toSpliced(1, 1).join('\n'));
  await assertSeen(null, /is missing before it/, /is missing before it/);
  writeFileSync(checkpointsFile, `${lines.join('\n')}{"note":"toc`);
  await scene.grow(3);
  await assertWhole();
  for (const keys of [['no key'], ['tocsin-audit/x+00000000+AAAA']]) {
    const { code, out, err } = await scene.verifyElsewhere({ keys });
    assert.deepEqual([code, err], [1, '']);
    assert.match(out, /^NOT whole: a file or key is none, or was cut off: .* is no key\n$/);
  }
  rmSync(checkpointsFile);
  const told = await scene.run('verify');
  assert.equal(told.code, 1);
  assert.match(told.err, /There is no file of checkpoints at .*--checkpoints FILE/);
});

test('a detail is erased without a proof lost, but never in silence', async () => {
  await scene.grow(4, 4);
  const { out } = await scene.run('export');
  const lines = out.trim().split('\n');
  const { id } = JSON.parse(lines.at(-1)!) as { id: string };
  const key = JSON.parse(lines.find((line) => line.includes('key_made'))!) as { id: string };
  const say = ['--by', KEEPER, '--reason', 'names somebody: 07700 900123'];
  assert.equal((await scene.run('erase', 'x', ...say)).code, 2);
  assert.equal((await scene.run('erase', key.id, ...say)).code, 1, 'the log is checked by it');
  assert.equal((await scene.run('erase', id, ...say)).code, 0);
  assert.equal((await scene.run('erase', id, ...say)).code, 1, 'erased before');
  await scene.grow(2);
  await assertWhole();
  assert.equal((await scene.verify()).erased, 1);
  const exported = (await scene.run('export')).out;
  assert.match(exported.split('\n')[lines.length - 1]!, /"detail":null,"salt":null/);
  assert.doesNotMatch(exported, /07700/);
  await scene.tamper(`update audit.entry set detail = null, salt = null where id = ${at(3)}`);
  await assertSeen(3, /no entry says who erased it/, /was erased, and nobody said so/);
});

test('a key is exchanged: whoever trusts the first one trusts the second', async () => {
  await scene.grow(4, 4);
  const first = (await scene.run('key')).out.trim();
  const made = await scene.run('rotate-key', '--by', KEEPER);
  assert.equal(made.code, 0, made.err);
  await scene.grow(3, 3);
  const both = (await scene.run('key')).out.trim().split('\n');
  assert.deepEqual(both, [first, made.out.trim()]);
  const keys = readKeys(scene.files.keysFile);
  assert.ok(keys.ok);
  assert.deepEqual(
    keys.value.map(({ privateKey }) => privateKey !== undefined),
    [false, true],
    'the old half is forgotten',
  );
  assert.equal((await scene.verify('--key', first)).isWhole, true);
  assert.equal((await scene.verifyElsewhere({ keys: [first] })).code, 0);
  // The second alone vouches for nothing before it.
  assert.equal((await scene.verify('--key', made.out.trim())).isWhole, false);
  assert.equal((await scene.verifyElsewhere({ keys: [made.out.trim()] })).code, 1);
});
