import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { listEntries } from '#audit/index.ts';
import {
  draftAlert,
  openCentre,
  releaseAlert,
  wording,
  type Centre,
} from '../../test/support/centre.ts';
import { assessmentOf, checkAssessment } from './assessment.ts';
import { noContent } from './content/model.ts';

let centre: Centre;
before(async () => {
  centre = await openCentre();
});
after(async () => {
  await centre.close();
});

/** For these the shipped model proposes High. */
const answers = { impact: 'stopped', spread: 'one', confidence: 'possible' };

const judged = (reason: string) => ({ ...noContent, assessment: { ...answers, reason } });

it('three answers propose a severity, with the reason beside them; nothing is saved by that', async () => {
  const officer = centre.visit(centre.officer);
  await officer.get('/alerts/new');
  const typed = { title: 'Half a thought', severity: 'low', ...answers };
  const page = await officer.submit('/alerts/new', { ...typed, next: 'propose' });
  assert.match(page.text, /The matrix proposes High: Patients may come to harm\./);
  assert.match(page.body, /name="severity"[^>]*value="high"[^>]*checked/);
  assert.match(page.body, /value="Half a thought"/);
  const list = await officer.get('/alerts');
  assert.doesNotMatch(list.text, /Half a thought/);
});

it('a draft that is saved already is proposed for in the same way', async () => {
  const alertId = await draftAlert(centre, { severity: 'low' });
  const officer = centre.visit(centre.officer);
  const path = `/alerts/${alertId}/edit`;
  await officer.get(path);
  const page = await officer.submit(path, { ...answers, next: 'propose' });
  assert.match(page.text, /The matrix proposes High/);
  const half = await officer.submit(
    path,
    { impact: 'stopped', spread: '', next: 'propose' },
    { status: 422 },
  );
  assert.match(half.body, /href="#assessment">\s+Answer all three of the list, or none/);
});

it('another severity needs a reason, which the approver reads and the audit keeps', async () => {
  const alertId = await draftAlert(centre, { severity: 'medium', content: judged('') });
  const officer = centre.visit(centre.officer);
  const page = await officer.get(`/alerts/${alertId}`);
  assert.match(
    page.body,
    new RegExp(`href="/alerts/${alertId}/edit#assessment">Your answers propose`),
  );
  assert.doesNotMatch(page.text, /Submit for approval/);
  await officer.get(`/alerts/${alertId}/edit`);
  const severityReason = 'The supplier switched it off already, says 07700 900123';
  await officer.submit(`/alerts/${alertId}/edit`, { severityReason, next: 'check' });
  await officer.submit('Submit for approval');
  const approval = await centre.visit(centre.approver).get(`/alerts/${alertId}`);
  assert.match(approval.text, /Severity Medium instead of High: The supplier switched it off/);
  assert.match(approval.text, /impact on care: care stops, or patients may come to harm/);
  const subject = { kind: 'alert', id: alertId };
  const action = 'alert.severity_overridden';
  const { entries } = await centre.db.web.withActor(centre.officer, (tx) =>
    listEntries(tx, { action, subject }),
  );
  assert.equal(entries.length, 1);
  const detail = JSON.stringify(entries[0]!.detail);
  assert.match(detail, /"chosen":"medium"/);
  assert.match(detail, /"proposed":"high"/);
  assert.match(detail, /The supplier switched it off/);
  assert.doesNotMatch(detail, /900123/);
});

it('the proposed one needs no reason and leaves no entry; readers see nothing of it', async () => {
  const { alertId, number } = await releaseAlert(centre, {
    severity: 'high',
    content: judged('an inner thought'),
  });
  const { entries } = await centre.db.web.withActor(centre.officer, (tx) =>
    listEntries(tx, { subject: { kind: 'alert', id: alertId } }),
  );
  assert.ok(entries.every(({ action }) => action !== 'alert.severity_overridden'));
  const page = await centre.site.visitor().get(`/${number}`);
  assert.doesNotMatch(page.body, /inner thought|matrix/);
});

it('answers that the model does not know any more are given anew', () => {
  const content = { ...noContent, assessment: { ...answers, spread: 'galaxy', reason: '' } };
  const stale = { ...wording, content };
  assert.equal(assessmentOf(stale, centre.model), undefined);
  assert.match(checkAssessment(stale, centre.model)!, /give them anew/);
  assert.equal(checkAssessment(wording, centre.model), undefined);
});

it('the page of an alert says whom the affected have to tell, as the model says', async () => {
  const { number } = await releaseAlert(centre);
  const page = await centre.site.visitor().get(`/${number}`);
  for (const { label, where } of centre.model.reportingClocks) {
    assert.ok(page.text.includes(label), label);
    assert.ok(page.text.includes(where), where);
  }
  assert.match(page.text, /Within 72 h of becoming aware/);
});
