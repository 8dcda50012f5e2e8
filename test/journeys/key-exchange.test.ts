/** Keys are exchanged in the real program while it sends: every text leaves, and none twice. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { until } from '../support/dispatch.ts';
import {
  prepareGround,
  runCommand,
  startProgram,
  type Ground,
  type Program,
} from '../support/program.ts';
import { acceptedByMessage, releaseByTwoPeople, signIn } from '../support/two-people.ts';

const KEEPER = 'priya.raman@centre.test';

let ground: Ground | undefined;
let program: Program | undefined;

after(async () => {
  await program?.stop();
  ground?.remove();
});

async function keys(...args: string[]): Promise<string> {
  const environment = { TOCSIN_DATA_DIR: ground!.folder, PORT: String(ground!.port) };
  const { code, out, err } = await runCommand(['keys', ...args], environment);
  assert.equal(code, 0, `${args.join(' ')}: ${out}${err}`);
  return out;
}

test('both kinds of key are exchanged in the middle of a send', async () => {
  ground = await prepareGround();
  program = await startProgram(ground);
  const alert = await releaseByTwoPeople(program.address);
  const by = ['--by', KEEPER];
  const sealedAnew = /and ([\d,]+) values were sealed anew/;
  const [, first] = sealedAnew.exec(await keys('rotate', ...by))!;
  assert.ok(Number(first!.replace(',', '')) > 1_000, `only ${first} values`);
  await keys('add-file-key', ...by);
  await keys('use-file-key', '2', ...by);
  await keys('remove-file-key', '1', ...by);
  assert.match(await keys('rotate', ...by), sealedAnew);
  const officer = await signIn(program.address, 'Amara Osei');
  const board = await until(
    () => officer.get(`${alert}/board`),
    ({ text }) => /Texts: \d+ of \d+ gone/.test(text) && !/Last one leaves/.test(text),
    60_000,
  );
  assert.match(board.text, /250 organisations must answer/);
  const accepted = await acceptedByMessage(program.phonesAddress);
  assert.ok(accepted.size >= 100, `only ${accepted.size} texts were accepted`);
  assert.ok([...accepted.values()].every((times) => times === 1));
  // Not every error: a beat that loses its connection on a busy machine begins anew by itself.
  assert.doesNotMatch(program.written(), /address_unreadable|not_opened/);
  const standing = await keys('status');
  assert.match(standing, /^file {6}2 {2}wraps \d+ keys$/m);
  assert.doesNotMatch(standing, /to seal/);
});

test('it starts again with the new keys alone', async () => {
  await program!.stop();
  program = await startProgram(ground!);
  const { text } = await (await signIn(program.address, 'Amara Osei')).get('/organisations');
  assert.match(text, /organisations/);
  assert.match(await keys('status'), /personal, current, wrapped by 2/);
});
