/**
 * The main job of a centre that is not one of health: other severities, roles, chains, words. What
 * fails here and not elsewhere was written for health alone.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { findSubmission, findVersion } from '#alerts/index.ts';
import { severityById } from '#operating-model/index.ts';
import {
  deliverAll,
  messagesOf,
  openCentre,
  textFrom,
  type Centre,
  type OtherCentre,
} from '../support/centre.ts';
import { seedNotify } from '../support/dispatch.ts';

const regionalCert: OtherCentre = {
  modelFile: 'examples/regional-cert/operating-model.yaml',
  officerRole: 'watch_officer',
  approverRole: 'head_of_watch',
  organisationsCsv: `code,name,short_name,type,region,region_name,system,system_name,telephone
WW-0001,City of Harbourgate,Harbourgate,municipality,NN,Northern area,S1,Coast,0306 999 0001
WW-0002,Westland Water,Water,utility,NN,Northern area,S1,Coast,0306 999 0002
WW-0003,Brack Hosting,Brack,company,SS,Southern area,S2,Inland,0306 999 0003
`,
  contactsCsv: `organisation_code,name,kind,role,rank,mobile,email
WW-0001,Ines Vogt,person,it_head,1,07700 900301,ines@harbourgate.test
WW-0001,IT on duty,post,it_duty,2,07700 900302,
WW-0001,Crisis staff,post,crisis_staff,3,07700 900303,
WW-0002,Water control room,post,it_duty,1,07700 900304,control@water.test
WW-0003,Support,post,it_duty,1,07700 900305,support@brack.test
`,
};

let centre: Centre;
before(async () => {
  centre = await openCentre('demonstration', regionalCert);
  await seedNotify(centre.db.worker);
});
after(async () => {
  await centre.close();
});

describe('the main job under the rules of a regional CERT', () => {
  it('an alert is proposed, written, frozen, approved, sent in its rounds, and answered', async () => {
    const officer = centre.visit(centre.officer);
    await officer.get('/alerts/new');
    const typed = {
      title: 'Water works under attack',
      what: 'pumps are controlled from outside.',
      doNow: 'Cut the remote access of your pumps.',
      clearLine: '',
      impact: 'stopped',
      spread: 'single',
      confidence: 'seen',
      nextUpdateDate: '2099-11-23',
      nextUpdateTime: '04:00',
    };
    const proposed = await officer.submit('/alerts/new', { ...typed, next: 'propose' });
    assert.match(proposed.text, /The matrix proposes Red: Citizens go without/);
    const check = await officer.submit('/alerts/new', { next: 'check' });
    assert.match(check.text, /CERT WEST RED 4901: pumps are controlled/);
    const waiting = await officer.submit('Submit for approval');
    assert.match(waiting.text, /waits for approval/);
    const alertId = /\/alerts\/([0-9a-f-]{36})/.exec(waiting.path)![1]!;

    const approver = centre.visit(centre.approver);
    const approval = await approver.get(`/alerts/${alertId}`);
    assert.match(approval.text, /as the matrix proposes: Citizens go without/);
    await approver.submit('Approve and send');

    const dispatchId = await centre.db.web.withActor(centre.officer, async (tx) => {
      const version = await findVersion(tx, alertId);
      return (await findSubmission(tx, version!.id))!.dispatchId;
    });
    const texts = (await messagesOf(centre, dispatchId)).filter((one) => one.channel === 'text');
    const plan = texts.map(({ round, number }) => [round, number.slice(-3)]);
    assert.deepEqual(
      plan.toSorted(([, a], [, b]) => (String(a) < String(b) ? -1 : 1)),
      [
        [1, '301'],
        [1, '302'],
        [2, '303'],
        [1, '304'],
      ],
    );
    for (const { body } of texts) assert.match(body, /^CERT WEST RED 4901: /);

    await deliverAll(centre, dispatchId);
    const { code } = texts.find(({ number }) => number.endsWith('304'))!;
    await textFrom(centre, '447700900304', code);
    const board = await officer.get(`/alerts/${alertId}/board`);
    assert.match(board.text, /1 acknowledged/);
    const page = await centre.site.visitor().get('/4901');
    assert.match(page.text, /Early warning under NIS 2/);
  });

  it('pages show its names, and none of health', async () => {
    const officer = centre.visit(centre.officer);
    for (const path of ['/alerts/new', '/alerts/holding', '/organisations']) {
      const page = await officer.get(path);
      assert.doesNotMatch(page.text, /\b(NHS|patients?|trust)\b/i, path);
    }
    assert.equal(severityById(centre.model, 'critical'), undefined);
  });
});
