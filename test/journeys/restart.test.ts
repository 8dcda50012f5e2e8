/** Starting, stopping and being killed: nothing is lost, nothing stands in the way. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { node } from '../support/audit.ts';
import {
  prepareGround,
  root,
  runCommand,
  startProgram,
  type Ground,
  type Program,
} from '../support/program.ts';
import { until } from '../support/dispatch.ts';
import { acceptedByMessage, releaseByTwoPeople, signIn } from '../support/two-people.ts';

let ground: Ground | undefined;
let program: Program | undefined;

after(async () => {
  await program?.stop();
  ground?.remove();
});

test('a killed Tocsin comes back with all it knew and goes on sending', async () => {
  ground = await prepareGround();
  program = await startProgram(ground);
  const alert = await releaseByTwoPeople(program.address);
  // In the middle of sending: the mails take some seconds.
  await program.kill();
  program = await startProgram(ground);
  const officer = await signIn(program.address, 'Amara Osei');
  // Everything that nobody had claimed goes out; what was claimed by the dead is looked up later.
  const board = await until(
    () => officer.get(`${alert}/board`),
    ({ text }) => /Texts: \d+ of \d+ gone/.test(text) && !/Last one leaves/.test(text),
    30_000,
  );
  assert.match(board.text, /250 organisations must answer/);
  const accepted = await acceptedByMessage(program.phonesAddress);
  assert.ok(accepted.size >= 100, `only ${accepted.size} texts were accepted`);
  assert.deepEqual(
    [...accepted.values()].filter((times) => times > 1),
    [],
  );
});

test('a second start on the same folder says who is there, and changes nothing', async () => {
  const again = await runCommand(['start'], {
    PORT: String(ground!.port + 10),
    TOCSIN_DATA_DIR: ground!.folder,
  });
  assert.equal(again.code, 1);
  const where = new RegExp(` at ${program!.address}\\. Stop it first`);
  assert.match(again.err, /^Another Tocsin \(process \d+\) runs on the data folder /);
  assert.match(again.err, where);
  // Also where the port is the first thing that is in the way.
  const samePort = { PORT: String(ground!.port), TOCSIN_DATA_DIR: ground!.folder };
  assert.match((await runCommand(['start'], samePort)).err, where);
});

test('a word that a command does not know ends it with 2 and a sentence', async () => {
  const environment = { TOCSIN_DATA_DIR: ground!.folder, PORT: String(ground!.port) };
  // Every command has tests of its own for its words; here a process says it, and ends.
  const mistakes = [
    ['start', 'extra'],
    ['migrate', '--x'],
    ['import', '--nope'],
  ];
  for (const args of mistakes) {
    const { code, err } = await runCommand(args, environment);
    assert.equal(code, 2, `${args.join(' ')}: ${err}`);
    assert.match(err, /does not understand|^Usage|Unknown option/);
  }
});

test('commands join the Tocsin that runs', async () => {
  const environment = { TOCSIN_DATA_DIR: ground!.folder, PORT: String(ground!.port) };
  const key = await runCommand(
    ['api-key', 'create', '--name', 'Trial', '--may', 'alert.read', '--json'],
    environment,
  );
  assert.equal(key.code, 0, key.err);
  const { secret } = JSON.parse(key.out) as { secret: string };
  const answer = await fetch(`${program!.address}/api/v1/openapi.json`, {
    headers: { authorization: `Bearer ${secret}` },
  });
  assert.equal(answer.status, 200);
});

test('the audit log is whole after the kill, also for whoever has nothing of ours', async () => {
  const environment = { TOCSIN_DATA_DIR: ground!.folder, PORT: String(ground!.port) };
  const verified = await until(
    () => runCommand(['audit', 'verify', '--json'], environment),
    ({ out }) => (JSON.parse(out) as { size: number; signed: number }).signed > 20,
    60_000,
  );
  assert.equal(verified.code, 0, verified.out);
  // In this order: what is signed after an export is over more than it holds.
  const checkpoints = path.join(ground!.folder, '../checkpoints.jsonl');
  copyFileSync(path.join(ground!.folder, 'audit-checkpoints.jsonl'), checkpoints);
  const exported = await runCommand(['audit', 'export'], environment);
  assert.match(exported.out, /"action":"alert\.released"/);
  const entries = path.join(ground!.folder, '../entries.jsonl');
  writeFileSync(entries, exported.out);
  const { out: key } = await runCommand(['audit', 'key'], environment);
  const script = path.join(root, 'scripts/verify-audit.mjs');
  const second = await node(script, 'log', entries, checkpoints, key.trim());
  assert.deepEqual([second.code, second.err], [0, ''], second.out);
});

const refusals: readonly (readonly [string, () => Record<string, string>, RegExp])[] = [
  [
    'a port in use',
    () => ({ PORT: String(ground!.port) }),
    /Port \d+ is in use by another program\. Stop that program, or .*: PORT=\d+ npm start/,
  ],
  ['a port that is none', () => ({ PORT: 'http' }), /PORT is ‘http’; it must be a whole number/],
  [
    'a folder with something else in it',
    () => ({ TOCSIN_DATA_DIR: strangeFolder(), PORT: String(ground!.port + 20) }),
    /TOCSIN_DATA_DIR/,
  ],
  [
    'a live key on a demonstration folder',
    () => ({
      TOCSIN_DATA_DIR: ground!.folder,
      PORT: String(ground!.port + 20),
      NOTIFY_API_KEY:
        'live-00000000-0000-4000-8000-000000000001-00000000-0000-4000-8000-000000000002',
    }),
    /demonstration/,
  ],
];

for (const [name, environment, words] of refusals)
  test(`refused in one sentence: ${name}`, async () => {
    const refused = await runCommand(['start'], environment());
    assert.notEqual(refused.code, 0);
    assert.match(refused.err, words);
    assert.doesNotMatch(refused.err, /\n\s+at /, 'a stack is no sentence');
  });

let strange: string | undefined;
after(() => {
  if (strange !== undefined) rmSync(strange, { recursive: true, force: true });
});

function strangeFolder(): string {
  strange = mkdtempSync(path.join(os.tmpdir(), 'tocsin-strange-'));
  writeFileSync(path.join(strange, 'thesis.txt'), 'not a database');
  return strange;
}
