/** What is out keeps the rules it was submitted under, whatever comes into force meanwhile. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { findVersion } from '#alerts/index.ts';
import { productRoutes } from '#main/wiring.ts';
import { parseOperatingModel, severityById, type OperatingModel } from '#operating-model/index.ts';
import {
  draftAlert,
  must,
  openCentre,
  releaseAlert,
  submitDraft,
  type Centre,
} from '../support/centre.ts';
import { startSite, type Site } from '../support/page-client.ts';

/** The shipped rules with another name for the highest severity: the old one is gone. */
const shipped = readFileSync(new URL('../../operating-model.yaml', import.meta.url), 'utf8');
const yaml = shipped
  .replaceAll(/\bcritical\b/g, 'worst')
  .replaceAll('label: Critical', 'label: Worst');
const other: OperatingModel = must(parseOperatingModel(yaml, 'other.yaml'));

let centre: Centre;
let site: Site;
before(async () => {
  centre = await openCentre();
  site = await startSite({ routes: productRoutes({ ...centre.product, model: other }) });
});
after(async () => {
  await site.close();
  await centre.close();
});

describe('an alert that is out, under rules that do not know its severity any more', () => {
  it('is called what it was called, with the deadline it had', async () => {
    assert.equal(severityById(other, 'critical'), undefined);
    const { alertId } = await releaseAlert(centre);
    const officer = site.visitorAs(centre.officer);
    const board = await officer.get(`/alerts/${alertId}/board`);
    assert.match(board.text, /LIVE Critical/);
    assert.match((await officer.get('/')).text, /LIVE Critical/);
  });

  it('is closed and withdrawn as it would have been', async () => {
    const officer = site.visitorAs(centre.officer);
    const closed = `/alerts/${(await releaseAlert(centre)).alertId}/closing`;
    await officer.get(closed);
    assert.match(
      (await officer.submit(closed)).text,
      /Everybody who may have had it is being told/,
    );
    const withdrawn = `/alerts/${(await releaseAlert(centre)).alertId}/withdrawal`;
    await officer.get(withdrawn);
    const page = await officer.submit(withdrawn, { reason: 'It was wrong' });
    assert.match(page.text, /Withdrawn\. Everybody who may have had it is being told/);
  });

  it('that waits is approved as it was frozen', async () => {
    const alertId = await draftAlert(centre);
    await submitDraft(centre, alertId);
    const approver = site.visitorAs(centre.approver);
    const page = await approver.get(`/alerts/${alertId}`);
    assert.match(page.text, /Critical TLP:CLEAR/);
    await approver.submit('Approve and send now');
  });
});

it('a draft that was begun under other rules is frozen under those of its day', async () => {
  const alertId = await draftAlert(centre);
  const version = async () =>
    await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, alertId));
  assert.equal((await version())?.modelVersion, centre.model.version);
  const officer = site.visitorAs(centre.officer);
  const check = await officer.get(`/alerts/${alertId}`);
  assert.match(check.text, /Choose a severity/);
  await officer.get(`/alerts/${alertId}/edit`);
  await officer.submit(`/alerts/${alertId}/edit`, { severity: 'worst', next: 'check' });
  await officer.submit('Submit for approval');
  assert.equal((await version())?.modelVersion, other.version);
});
