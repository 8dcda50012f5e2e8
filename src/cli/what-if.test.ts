import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { draftAlert, openCentre, type Centre } from '../../test/support/centre.ts';
import { ran } from '../../test/support/command.ts';
import { seedGateway, seedNotify } from '../../test/support/dispatch.ts';
import { whatIfCommand } from './what-if.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'tocsin-what-if-'));
let centre: Centre;
before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  await seedGateway(centre.db.worker, { id: 'mail', channel: 'mail' });
});
after(async () => {
  await centre.close();
  rmSync(folder, { recursive: true });
});

const whatIf = async (...args: string[]) => {
  const { web: database } = centre.db;
  const context = { database, model: centre.model, origin: 'https://tocsin.example' };
  return await ran((output) => whatIfCommand(context, args, output));
};

test('alone it prints how it is called; wrong numbers are named by their option', async () => {
  assert.equal((await whatIf()).code, 2);
  assert.match((await whatIf('--help')).out, /Usage: bin\/tocsin what-if FILE/);
  const wrong = await whatIf('--severity', 'mild', '--behaviour', 'own', '--text-share', '101');
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /--severity: Choose one of critical, high/);
  assert.match(wrong.err, /--text-share: Enter a number from 0 to 100/);
  assert.match((await whatIf('--alert', '1')).err, /There is no alert 1\./);
  assert.match((await whatIf('--audience', 'Moon')).err, /No audience is called ‘Moon’/);
});

test('an imagined alert under the rules in force, the same each time', async () => {
  const first = await whatIf(
    '--severity',
    'critical',
    '--behaviour',
    'nobody',
    '--at',
    '2027-01-10T02:00',
  );
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /released 10 January 2027.*to: All who must answer/);
  assert.match(first.out, /Assumed: of those texted 0 in a hundred answer/);
  assert.match(first.out, /Texts {2,}4\n/);
  assert.match(first.out, /Round 2 {2,}1 text, 0 mails after 15 min/);
  const again = await whatIf(
    '--severity',
    'critical',
    '--behaviour',
    'nobody',
    '--at',
    '2027-01-10T02:00',
  );
  assert.equal(again.out, first.out);
});

test('other rules stand beside those in force, for people, for sheets and for programs', async () => {
  const file = join(folder, 'new.yaml');
  writeFileSync(
    file,
    shipped.replace('{ ranks: [2], after: PT15M }', '{ ranks: [2], after: PT5M }'),
  );
  const number = await draftedNumber();
  const args = [file, '--alert', number, '--behaviour', 'nobody'];
  assert.match(
    (await whatIf(...args)).out,
    /Round 2 +1 text, 0 mails after 15 min +1 text, 0 mails after 5 min/,
  );
  assert.match(
    (await whatIf(...args, '--csv')).out,
    /Round 2,"1 text, 0 mails after 15 min","1 text/,
  );
  const { sides } = JSON.parse((await whatIf(...args, '--json')).out);
  assert.deepEqual(
    sides.map(
      (side: { summary: { rounds: { opensAfterMs: number }[] } }) =>
        side.summary.rounds[1]!.opensAfterMs,
    ),
    [900_000, 300_000],
  );
  writeFileSync(file, 'lane: 1');
  assert.match((await whatIf(...args)).err, /new\.yaml/);
});

async function draftedNumber(): Promise<string> {
  await draftAlert(centre);
  return '4901';
}

test('a year counts its alerts by severity, and says how far it has come', async () => {
  const { code, out, err } = await whatIf('--year', '--seed', '3', '--json');
  assert.equal(code, 0, err);
  const [year] = JSON.parse(out).years;
  assert.equal(year.alerts, 180);
  const sum = year.severities.reduce((all: number, one: { alerts: number }) => all + one.alerts, 0);
  assert.equal(sum, 180);
  assert.ok(year.severities[0].alerts < year.severities[3].alerts);
  assert.match(err, /180 of 180 alerts/);
  const plain = await whatIf('--year', '--seed', '3');
  assert.match(plain.out, /Alerts {2,}180\n/);
  assert.match(plain.out, /Month from +Rules +Alerts .* What breaks\n.* In force +15 /);
  const file = await whatIf('--year', '--seed', '3', '--csv');
  assert.equal(file.out.match(/,In force,15,/g)?.length, 12);
  assert.equal(year.months.length, 12);
  const texts = year.months.reduce((all: number, one: { texts: number }) => all + one.texts, 0);
  assert.equal(texts, year.texts);
});
