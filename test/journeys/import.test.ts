/**
 * A large import in the real program, proposed by one and agreed to by another: killed in the
 * middle, it leaves nothing and starts again.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { until } from '../support/dispatch.ts';
import { PageClient } from '../support/page-client.ts';
import {
  prepareGround,
  runCommand,
  startProgram,
  type Ground,
  type Program,
} from '../support/program.ts';

const ROWS = 12_000;
const WAIT_MS = 60_000;

let ground: Ground | undefined;
let program: Program | undefined;

after(async () => {
  await program?.stop();
  ground?.remove();
});

const lines = Array.from({ length: ROWS }, (_, i) => `KK-${i},Killed ${i},other`);
const content = `code,name,type\n${lines.join('\n')}\n`;

async function found(client: PageClient): Promise<string> {
  return (await client.get('/organisations?q=Killed')).text;
}

/** So many rows take two persons. */
async function proposeAndAgree(one: PageClient, other: PageClient): Promise<void> {
  const waits = await one.submit('Propose it to a second person', { reason: 'The new register.' });
  const links = waits.elements('a').map(({ attribs }) => attribs['href'] ?? '');
  await other.get(links.find((href) => href.startsWith('/changes/'))!);
  await other.submit('Approve, and do it');
}

test('a killed import leaves nothing, says so, and is started again', async () => {
  ground = await prepareGround();
  program = await startProgram(ground);
  const officer = new PageClient(program.address);
  await officer.get('/sign-in');
  await officer.submit('Continue as Amara Osei');
  await officer.get('/organisations/import?kind=organisations');
  const files = { file: { name: 'killed.csv', content } };
  const { path: address } = await officer.submit('Check the file', {}, { files });
  const checked = () => officer.get(address);
  await until(checked, ({ heading }) => heading === 'Check before you import', WAIT_MS);
  const priya = new PageClient(program.address);
  await priya.get('/sign-in');
  await priya.submit('Continue as Priya Raman');
  await proposeAndAgree(officer, priya);
  await until(checked, ({ text }) => /Writing/.test(text), WAIT_MS);
  await program.kill();

  program = await startProgram(ground);
  const broken = await until(checked, ({ heading }) => heading === 'It broke off', WAIT_MS);
  assert.match(broken.text, /Nothing was written/);
  assert.match(await found(officer), /No organisation fits/);
  await officer.get(address);
  await officer.submit('Start again');
  await until(checked, ({ heading }) => heading === 'Check before you import', WAIT_MS);
  await proposeAndAgree(officer, priya);
  await until(checked, ({ heading }) => heading === 'Imported', WAIT_MS);
  assert.match(await found(officer), /12,000 organisations/);
});

test('the command line joins, sees them, and takes the last import back', async () => {
  const environment = { TOCSIN_DATA_DIR: ground!.folder, PORT: String(ground!.port) };
  const file = path.join(path.dirname(ground!.folder), 'killed.csv');
  writeFileSync(file, content);
  const dry = await runCommand(['import', 'organisations', file, '--dry-run'], environment);
  assert.match(dry.out, new RegExp(`unchanged +${ROWS}\\n`));
  const undone = await runCommand(['import', 'undo', '--json'], environment);
  assert.deepEqual(JSON.parse(undone.out).counts, { removed: ROWS, ended: 0, putBack: 0, left: 0 });
});
