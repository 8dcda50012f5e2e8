import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { draftAlert, openCentre, submitDraft, type Centre } from '../../test/support/centre.ts';
import { seedGateway, seedNotify } from '../../test/support/dispatch.ts';

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
