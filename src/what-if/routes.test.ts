import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  contactsCsv,
  draftAlert,
  openCentre,
  organisationsCsv,
  submitDraft,
  type Centre,
} from '../../test/support/centre.ts';
import { textIn } from '../../test/support/page-checks.ts';
import { startSite } from '../../test/support/page-client.ts';
import { seedGateway, seedNotify } from '../../test/support/dispatch.ts';
import { yearRoutes } from './routes-year.ts';

const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
let centre: Centre;
before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  await seedGateway(centre.db.worker, { id: 'mail', channel: 'mail' });
});
after(async () => await centre.close());

const scene = 'severity=critical&behaviour=nobody&at=2027-01-10T02:00';

test('an imagined alert: figures, what breaks, and the assumptions in words', async () => {
  const page = await centre.visit(centre.officer).get(`/what-if?${scene}`);
  assert.match(page.text, /Assumed: of those texted 0 in a hundred answer/);
  assert.match(page.text, /Texts ?4 Cost with VAT/);
  assert.match(page.text, /1 organisation that must answer: nothing reaches.*Lonely Trust/);
  assert.match(page.text, /Round 2 ?1 text, 0 mails after 15 min/);
  assert.match(page.text, /On-call IT ?round 2: 1/);
  assert.match(page.text, /released 10 January 2027/);
});

test('the same as a file; whoever may read neither rules nor alerts sees none of it', async () => {
  const visitor = centre.visit(centre.approver);
  const answer = await visitor.request('GET', `/what-if.csv?${scene}`);
  assert.match(answer.headers.get('content-disposition') ?? '', /what-if-\d{4}-\d\d-\d\d\.csv/);
  assert.match(answer.body, /"?Texts"?,4\r\n/);
  const stranger = await centre.invite('Nils Holm', []);
  await centre.visit(stranger).get('/what-if', { status: 403 });
});

test('what was typed wrong is said at its field, and the form keeps it', async () => {
  const page = await centre.visit(centre.officer).get('/what-if?at=soon&seed=x', { status: 422 });
  assert.match(page.text, /There is a problem Enter a time like 2027-01-31T02:30/);
  assert.match(page.text, /Enter a whole number/);
  assert.match(page.body, /value="soon"/);
});

test('what was typed wrong beside a written alert is said too', async () => {
  const path = `/what-if?alert=${await draftAlert(centre)}&seed=x`;
  const page = await centre.visit(centre.officer).get(path, { status: 422 });
  assert.match(page.text, /are those of the alert\. Imagine another one/);
});

test('a written alert, from where it is checked and where it is approved', async () => {
  const alertId = await draftAlert(centre);
  const officer = centre.visit(centre.officer);
  const check = await officer.get(`/alerts/${alertId}`);
  assert.match(check.body, new RegExp(`/what-if\\?alert=${alertId}"[^>]*>\\s*Rehearse tonight`));
  await officer.get(`/alerts/${alertId}/edit`);
  // The draft is taken as it stands on the form.
  const what = 'ransomware via the gateways of another maker';
  await officer.submit(`/alerts/${alertId}/edit`, {
    title: 'Another title',
    what,
    next: 'what-if',
  });
  assert.match(officer.page.text, /Another title to as the alert has it/);
  const page = await officer.get(`/what-if?alert=${await draftAlert(centre)}`);
  assert.match(page.text, /Ransomware through Citrix gateways to as the alert has it/);
  const waits = await draftAlert(centre);
  await submitDraft(centre, waits);
  const approval = await centre.visit(centre.approver).get(`/alerts/${waits}`);
  assert.match(approval.body, new RegExp(`/what-if\\?alert=${waits}`));
  await officer.get('/what-if?alert=01900000-0000-7000-8000-000000000000', { status: 404 });
  await officer.get('/what-if?alert=nothing', { status: 404 });
});

test('an imagined exercise says that it is one, and what forbids it', async () => {
  const page = await centre.visit(centre.officer).get(`/what-if?${scene}&exercise=yes`);
  assert.match(page.text, /Exercise Critical An imagined exercise to all who must answer/);
  assert.match(page.text, /Breaks: Exercises are sent from 08:00 until 18:00 only/);
});

test('a change that waits stands beside the rules in force', async () => {
  const keeper = await centre.invite('Priya Raman', ['administrator']);
  const visitor = centre.visit(keeper);
  await visitor.get('/operating-model/propose');
  const content = shipped.replace('{ ranks: [2], after: PT15M }', '{ ranks: [2], after: PT5M }');
  const proposal = await visitor.submit(
    '/operating-model/propose',
    { reason: 'Sooner' },
    { files: { file: { name: 'rules.yaml', content } } },
  );
  const link = /\/what-if\?rules=[0-9a-f-]+/.exec(proposal.body)![0];
  const page = await visitor.get(`${link}&${scene}`);
  assert.match(page.text, /Critical: second round after 5 min instead of 15 min/);
  assert.match(page.text, /1 text, 0 mails after 15 min ?1 text, 0 mails after 5 min/);
  await visitor.get('/what-if?rules=999', { status: 404 });
});

test('more than the rules let an alert cost is said where it is rehearsed, tried and approved', async (t) => {
  const source = shipped
    .replace('spend_cap: 3000', 'spend_cap: 0.05')
    .replace('spend_cap: 2000', 'spend_cap: 0.05');
  const modelFile = join(mkdtempSync(join(tmpdir(), 'tocsin-cap-')), 'rules.yaml');
  writeFileSync(modelFile, source);
  const roles = { officerRole: 'duty_officer', approverRole: 'approver' };
  const poor = await openCentre('demonstration', {
    modelFile,
    organisationsCsv,
    contactsCsv,
    ...roles,
  });
  t.after(() => poor.close());
  await seedNotify(poor.db.worker);
  const officer = poor.visit(poor.officer);
  const page = await officer.get(`/what-if?${scene}`);
  assert.match(page.text, /Breaks: The texts cost 11\.52p, more than 5p/);
  // Typed, another one holds for this rehearsal.
  assert.doesNotMatch((await officer.get(`/what-if?${scene}&cap=50`)).text, /The texts cost/);
  const alertId = await draftAlert(poor);
  const said = /more than the 5p that the rules allow/;
  const run = await officer.get(`/alerts/${alertId}/dry-run`);
  assert.match(run.text, said);
  assert.match(run.body, /#rule-severities-critical-spend_cap"/);
  await submitDraft(poor, alertId);
  assert.match((await poor.visit(poor.approver).get(`/alerts/${alertId}`)).text, said);
  const rules = await officer.get('/operating-model');
  assert.match(rules.body, /id="rule-severities-critical-spend_cap"/);
});

test('a year: month by month under two sets of rules, in the page and as a file', async () => {
  const visitor = centre.visit(centre.officer);
  await visitor.get('/what-if/year');
  const asked = 'go=yes&at=2027-01-01T00:00&seed=5&cap=0.01';
  const page = await visitor.get(`/what-if/year?${asked}&whole=yes`);
  assert.match(page.text, /15 alerts a month to all who must answer \(\d+ organisations\)/);
  const months = page.elements('.tocsin-if__month');
  assert.equal(months.length, 12);
  assert.match(textIn(months[0]), /^1 January 2027/);
  assert.match(textIn(months[11]), /^1 December 2027/);
  // One pence is soon spent, and one organisation has nobody.
  assert.match(page.text, /\d+ alerts? costs? more than (it|they) may/);
  assert.match(page.text, /nothing reaches.*Lonely Trust/);
  const answer = await visitor.request('GET', `/what-if/year.csv?${asked}`);
  const lines = answer.body.split('\r\n');
  assert.match(lines[0]!, /Month from,Rules,Alerts,Texts,Cost,Told within 15 min/);
  assert.match(lines[1]!, /^1 January 2027,In force,15,/);
  // The same year: what stands in the file stands on the page.
  const [, , , texts] = lines[1]!.split(',');
  assert.ok(textIn(months[0]).includes(texts!));
  await visitor.get('/what-if/year?go=yes&seed=x', { status: 422 });
  await visitor.get('/what-if/year?go=yes&rules=999', { status: 404 });
  await centre.visit(await centre.invite('Una Holm', [])).get('/what-if/year', { status: 403 });
});

test('a year is drawn while it is played: how far it has come, then its figures', async () => {
  const { years, pictures } = await played('go=yes&seed=5');
  assert.ok(pictures.length >= 10);
  assert.match(pictures[0]!, /9 alerts of 180 played/);
  assert.match(pictures.at(-1)!, /180 alerts of 180 played/);
  assert.match(years, /Month by month/);
});

/** What the stream of a year sends until its figures are there. */
async function played(asked: string): Promise<{ pictures: string[]; years: string }> {
  const { model, db } = centre;
  const formatTime = (at: Date) => at.toISOString();
  const context = { model, database: db.web, origin: 'http://localhost', formatTime };
  const site = await startSite({ routes: yearRoutes(context) });
  const actor = centre.officer;
  assert.ok(actor.kind === 'person');
  const visitor = site.visitorAs(actor);
  const cookie = `tocsin=${visitor.cookie('tocsin')}`;
  const stream = await fetch(`${site.address}/what-if/year/events?${asked}`, {
    headers: { cookie },
  });
  const pictures: string[] = [];
  let text = '';
  for await (const part of stream.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    const events = text.split('\n\n');
    text = events.pop()!;
    const drawn = events.filter((one) => one.includes('event: year'));
    const last = drawn.find((one) => one.includes('Month by month'));
    pictures.push(...drawn.filter((one) => one !== last));
    if (last === undefined) continue;
    await site.close();
    return { pictures: pictures.map((one) => one.replaceAll(/<[^>]*>|data: /g, '')), years: last };
  }
  throw new Error('the stream ended before the year');
}
