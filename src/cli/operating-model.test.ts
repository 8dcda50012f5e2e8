import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ran } from '../../test/support/command.ts';
import { operatingModelCommand } from './operating-model.ts';

const shipped = fileURLToPath(new URL('../../operating-model.yaml', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tocsin-model-'));
after(() => rmSync(folder, { recursive: true }));

const called = async (...args: string[]) =>
  await ran((output) => operatingModelCommand(args, output));

test('check says that the shipped file is right', async () => {
  const { code, out, err } = await called('check', shipped);
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /is right \([0-9a-f]{12}\)/);
});

test('check names file and line of an error, or all of it as JSON, and exits 1', async () => {
  const file = join(folder, 'bad.yaml');
  writeFileSync(file, readFileSync(shipped, 'utf8').replace('lane: 1', 'lane: 8'));
  const plain = await called('check', file);
  assert.equal(plain.code, 1);
  assert.equal(plain.out, '');
  assert.match(plain.err, /bad\.yaml:\d+: severities\.critical\.lane: allowed: 1/);
  const json = await called('check', file, '--json');
  assert.equal(json.code, 1);
  assert.equal(JSON.parse(json.out).findings[0].path, 'severities.critical.lane');
});

test('show prints the model for people and for programs', async () => {
  const plain = await called('show', shipped);
  assert.match(plain.out, /Critical \(critical\): text and mail, lane 1/);
  const json = JSON.parse((await called('show', shipped, '--json')).out);
  assert.equal(json.severities[0].id, 'critical');
  assert.equal('source' in json, false);
});

test('explain says in sentences what happens under a severity', async () => {
  const { code, out } = await called('explain', 'high', shipped);
  assert.equal(code, 0);
  assert.match(out, /^High\n/);
  assert.match(out, /After 30 min, where nobody answered: rank 2\./);
  assert.match(out, /An answer is due within 48 h\./);
  assert.match(
    out,
    /approve it, within 10 min of its submission\. Woken: at once approver, after 5 min/,
  );
  assert.match(out, /Proposed where impact on care is ‘Care stops/);
  const wrong = await called('explain', 'hihg', shipped);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /no severity hihg\. Did you mean high\? There are critical, high/);
});

test('diff says in words what changes; comments change nothing', async () => {
  const text = readFileSync(shipped, 'utf8');
  const file = join(folder, 'new.yaml');
  writeFileSync(
    file,
    text.replace(
      'after: PT30M }\n      - { ranks: [3], after: PT1H',
      'after: PT15M }\n      - { ranks: [3], after: PT1H',
    ),
  );
  const { code, out } = await called('diff', shipped, file);
  assert.deepEqual([code, out], [0, 'High: second round after 15 min instead of 30 min\n']);
  writeFileSync(file, `# A word more.\n${text}`);
  assert.equal((await called('diff', shipped, file)).out, 'No rule changes.\n');
  writeFileSync(file, text.replace('lane: 1', 'lane: 8'));
  const broken = await called('diff', shipped, file);
  assert.deepEqual([broken.code, broken.out], [1, '']);
  assert.match(broken.err, /new\.yaml:\d+: severities\.critical\.lane/);
});

test('the schema for editors is the one that is published', async () => {
  const { code, out } = await called('schema');
  assert.equal(code, 0);
  const published = new URL('../../operating-model.schema.json', import.meta.url);
  const mend = 'write it anew: bin/tocsin operating-model schema > operating-model.schema.json';
  assert.deepEqual(JSON.parse(readFileSync(published, 'utf8')), JSON.parse(out), mend);
  const { properties } = JSON.parse(out);
  assert.equal(properties.sender.maxLength, 20);
  assert.match(properties.severities.description, /How urgent/);
  const duration = new RegExp(properties.proof_holds_for.pattern);
  for (const right of ['PT15M', 'PT48H', 'P5D', 'P1W', 'P1DT6H']) assert.match(right, duration);
  for (const wrong of ['P', 'PT', 'P1DT', 'P1M', 'P1Y', '15 min', 'Pnow'])
    assert.doesNotMatch(wrong, duration);
  const { oneOf } = properties.promises.properties.review.properties.steps.items;
  assert.deepEqual(oneOf, [{ required: ['before'] }, { required: ['after'] }]);
});

test('help is asked for or deserved', async () => {
  assert.equal((await called('--help')).code, 0);
  for (const args of [['burn'], ['check', 'a', 'b'], ['explain'], ['diff', 'a'], ['--colour']]) {
    const { code, err } = await called(...args);
    assert.equal(code, 2);
    assert.match(err, /^Usage: bin\/tocsin operating-model/);
  }
  const missing = await called('check', join(folder, 'none.yaml'));
  assert.equal(missing.code, 1);
  assert.match(missing.err, /none\.yaml cannot be read \(ENOENT\)\.\n$/);
});
