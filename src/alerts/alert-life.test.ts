import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { innerText } from 'domutils';
import { nobody } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import {
  contextOf,
  deliverAll,
  draftAlert,
  messagesOf,
  must,
  numbers,
  openCentre,
  releaseAlert,
  submitDraft,
  type Centre,
} from '../../test/support/centre.ts';
import {
  approveAndRelease,
  findPublicAlert,
  findVersion,
  saveDraft,
  submitAlert,
  withdrawAlert,
} from './index.ts';
import { everybody } from '#organisations/index.ts';
import { wording } from '../../test/support/centre.ts';
import type { Page, PageClient } from '../../test/support/page-client.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
});

after(async () => {
  await centre.close();
});

const approve = async (alertId: string, hash: string, by = centre.approver) =>
  await centre.db.web.attempt(by, (tx) =>
    approveAndRelease(tx, contextOf(centre), { alertId, hash, now: new Date() }),
  );

describe('writing', () => {
  it('goes from an empty form to the board by two people, each page valid', async () => {
    const officer = centre.visit(centre.officer);
    await officer.get('/alerts/new');
    const check = await officer.submit('/alerts/new', {
      title: 'Ransomware through Citrix gateways',
      severity: 'critical',
      what: 'ransomware via Citrix',
      doNow: 'Isolate Citrix gateways now.',
      next: 'check',
    });
    assert.match(check.text, /4 organisations, of which 4 must answer/);
    assert.match(
      check.text,
      /NHS CYBER 49\d\d CRITICAL, Northmoor: ransomware via Citrix\. Isolate/,
    );
    const waiting = await officer.submit('Submit for approval');
    assert.match(
      waiting.text,
      /You shaped this, or whom it goes to, so somebody else has to approve it/,
    );
    const approver = centre.visit(centre.approver);
    const page = await approver.get(waiting.path);
    assert.match(page.text, /At once 3 texts, 3 mails/);
    assert.match(page.text, /1 organisation that must answer cannot be reached: ring/);
    for (const { text } of [check, page])
      assert.match(text, /1 organisation has nobody who can be texted/);
    const board = await approver.submit('Approve and send now');
    assert.match(board.text, /4 organisations must answer/);
  });

  it('gives back what was typed, with the reason beside each field', async () => {
    const officer = centre.visit(centre.officer);
    await officer.get('/alerts/new');
    const page = await officer.submit(
      '/alerts/new',
      {
        title: 'x'.repeat(121),
        what: 'two\nlines',
        doNow: 'kept as typed',
        nextUpdateDate: '2026-02-30',
        nextUpdateTime: '04:00',
      },
      { status: 422 },
    );
    assert.match(page.text, /The title has 121 characters; at most 120/);
    assert.match(page.text, /What is happening must be one line/);
    assert.match(page.text, /Enter the date and the time of the next update/);
    assert.match(page.body, /value="kept as typed"/);
    assert.match(page.body, /value="2026-02-30"/);
  });

  it('two tabs: the second save is refused and keeps its words', async () => {
    const alertId = await draftAlert(centre);
    const [first, second] = [centre.visit(centre.officer), centre.visit(centre.officer)];
    await first.get(`/alerts/${alertId}/edit`);
    await second.get(`/alerts/${alertId}/edit`);
    await first.submit(`/alerts/${alertId}/edit`, { title: 'First tab' });
    const page = await second.submit(
      `/alerts/${alertId}/edit`,
      { title: 'Second tab' },
      { status: 409 },
    );
    assert.match(page.text, /You saved this draft in another window at \d\d:\d\d\./);
    assert.match(page.body, /value="Second tab"/);
    assert.match(page.text, /Title First tab Second tab All other fields are the same/);
    await second.submit(`/alerts/${alertId}/edit`, {});
    const saved = await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, alertId));
    assert.equal(saved?.title, 'Second tab');
    const other = centre.visit(await centre.invite('Mia Berg', ['duty_officer']));
    await other.get(`/alerts/${alertId}/edit`);
    await first.get(`/alerts/${alertId}/edit`);
    await first.submit(`/alerts/${alertId}/edit`, { title: 'Once more' });
    const third = { title: 'Third' };
    const theirs = await other.submit(`/alerts/${alertId}/edit`, third, { status: 409 });
    assert.match(theirs.text, /Amara Osei saved this draft at \d\d:\d\d\./);
  });

  for (const [name, change, words] of [
    ['nothing to do', { doNow: '' }, /Say what to do now/],
    ['an update in the past', { nextUpdateAt: new Date(0) }, /must be in the future/],
    ['a text without its code', { ownText: '{organisation}: act' }, /must contain \{code\}/],
    ['a link in the text', { ownText: '{organisation} {code} https://x.test/' }, /No link/],
    ['an unknown blank', { ownText: '{organisation} {code} {name}' }, /Only the blanks/],
    [
      'a text of its own above the ceiling',
      { marking: 'GREEN', ownText: '{organisation} {code}' },
      /may not carry what is marked GREEN/,
    ],
  ] as const)
    it(`is not submitted with ${name}`, async () => {
      const alertId = await draftAlert(centre, change);
      const officer = centre.visit(centre.officer);
      const page = await officer.get(`/alerts/${alertId}`);
      assert.match(page.text, words);
      assert.doesNotMatch(page.text, /Submit for approval/);
      const form = new URLSearchParams({ revision: '1' });
      const refused = await officer.request('POST', `/alerts/${alertId}/submit`, { form });
      assert.equal(refused.status, 422);
      assert.match(refused.body, words);
    });

  it('an audience that nobody can be reached in leaves no trace of a submission', async () => {
    const alertId = await draftAlert(centre, {}, { include: ['ZZ-0005'], types: ['supplier'] });
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}`);
    const page = await officer.submit('Submit for approval', {}, { status: 422 });
    assert.match(page.text, /Nobody would get this/);
    const version = await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, alertId));
    assert.equal(version?.state, 'draft');
  });
});

describe('two people (P5)', () => {
  it('nobody approves what they shaped, however many roles they have', async () => {
    const both = await centre.invite('Both Roles', ['duty_officer', 'approver']);
    const alertId = await draftAlert(centre);
    const saved = await centre.db.web.attempt(both, (tx) =>
      saveDraft(tx, { wording, audience: everybody, alertId, revision: 1 }),
    );
    must(saved);
    const visitor = centre.visit(centre.officer);
    await visitor.get(`/alerts/${alertId}`);
    await visitor.submit('Submit for approval');
    const version = await centre.db.web.withActor(both, (tx) => findVersion(tx, alertId));
    const hash = await hashOf(alertId);
    for (const person of [both, centre.officer]) {
      const refused = await approve(alertId, hash, person);
      assert.equal(refused.ok, false);
    }
    assert.equal(version?.state, 'submitted');
    must(await approve(alertId, hash));
  });

  it('approves exactly what was shown: another hash is refused', async () => {
    const alertId = await draftAlert(centre);
    await submitDraft(centre, alertId);
    const refused = await approve(alertId, 'a'.repeat(64));
    assert.ok(!refused.ok && refused.kind === 'conflict');
  });

  it('taking it back voids the approval that was asked for', async () => {
    const alertId = await draftAlert(centre);
    const hash = await submitDraft(centre, alertId);
    const back = await centre.db.web.attempt(centre.officer, (tx) =>
      withdrawAlert(tx, { alertId, now: new Date() }),
    );
    must(back);
    assert.equal((await approve(alertId, hash)).ok, false);
  });

  it('pressing approve twice at once releases once', async () => {
    const alertId = await draftAlert(centre);
    const hash = await submitDraft(centre, alertId);
    const outcomes = await Promise.all([approve(alertId, hash), approve(alertId, hash)]);
    assert.deepEqual(
      outcomes.map(({ ok }) => ok).toSorted((a, b) => Number(a) - Number(b)),
      [false, true],
    );
  });

  it('a text that was changed behind the approval is not sent', async () => {
    const alertId = await draftAlert(centre);
    const hash = await submitDraft(centre, alertId);
    await centre.db.owner.withActor(centre.officer, (tx) =>
      tx.run(sql`update dispatch.message set body = 'Send money to Northmoor'
        where dispatch_id = (select dispatch_id from alerts.submission
          where content_hash = ${hash} limit 1)`),
    );
    const refused = await approve(alertId, hash);
    assert.ok(!refused.ok);
    assert.match(refused.message, /not what was approved/);
  });

  it('returning needs a reason and leads back to the author', async () => {
    const alertId = await draftAlert(centre);
    await submitDraft(centre, alertId);
    const approver = centre.visit(centre.approver);
    await approver.get(`/alerts/${alertId}`);
    const empty = await approver.submit('Return to author', { reason: ' ' }, { status: 422 });
    assert.match(empty.text, /Say why/);
    await approver.submit('Return to author', { reason: 'Name the product' });
    const officer = centre.visit(centre.officer);
    assert.match((await officer.get(`/alerts/${alertId}`)).text, /Returned by Tom Lindqvist/);
    const composer = await officer.get(`/alerts/${alertId}/edit`);
    assert.match(composer.text, /Returned by Tom Lindqvist \d\d:\d\d: Name the product/);
    const said = /Returned to the author .*by Tom Lindqvist, just now: Name the product/;
    assert.match((await officer.get('/')).text, said);
    await submitDraft(centre, alertId);
    assert.doesNotMatch((await officer.get('/')).text, /Returned to the author/);
    const again = await approver.get(`/alerts/${alertId}`);
    assert.match(again.text, /Returned \d\d:\d\d by Tom Lindqvist: Name the product/);
    assert.match(again.text, /Since then: nothing changed/);
    assert.doesNotMatch(again.text, /Changes since it was returned/);
  });

  it('who returned it sees every change since, also where another returned it later', async () => {
    const alertId = await draftAlert(centre);
    await submitDraft(centre, alertId);
    const back = async (approver: PageClient, reason: string) => {
      await approver.get(`/alerts/${alertId}`);
      await approver.submit('Return to author', { reason });
    };
    const officer = centre.visit(centre.officer);
    const mend = async (fields: Record<string, string>) => {
      await officer.get(`/alerts/${alertId}/edit`);
      await officer.submit(`/alerts/${alertId}/edit`, { ...fields, next: 'check' });
      await officer.submit('Submit for approval');
    };
    const tom = centre.visit(centre.approver);
    await back(tom, 'Say until when');
    await mend({ doNow: 'Isolate Citrix gateways until noon. Email safe.' });
    const ines = centre.visit(await centre.invite('Ines Calder', ['approver']));
    await back(ines, 'Only trusts');
    await mend({ types: 'trust' });

    const audience = 'Audience: 1 organisation was taken out.';
    const toTom = (await tom.get(`/alerts/${alertId}`)).text;
    assert.match(toTom, /Say until when Since then: Do now, audience/);
    assert.match(toTom, /Do now Isolate Citrix gateways Gone: now\. New: until noon\. Email safe/);
    assert.ok(toTom.includes(audience));
    const toInes = (await ines.get(`/alerts/${alertId}`)).text;
    assert.match(toInes, /Only trusts Since then: Audience/);
    assert.ok(toInes.includes(audience));
    assert.doesNotMatch(toInes, /Gone: now/);
  });
});

describe('a reason that was typed', () => {
  it('comes back in its form where it is too long', async () => {
    const alertId = await draftAlert(centre);
    await submitDraft(centre, alertId);
    const approver = centre.visit(centre.approver);
    await approver.get(`/alerts/${alertId}`);
    const reason = `Name the product ${'x'.repeat(1000)}`;
    const page = await approver.submit('Return to author', { reason }, { status: 422 });
    assert.match(page.body, /id="reason-error"[^]{0,120}Use 1000 characters or fewer/);
    assert.equal(valueOf(page, 'reason'), reason);
    await approver.submit('Return to author', { reason: 'Name the product' });
  });

  it('comes back in its form where the approval has run out meanwhile', async () => {
    const alertId = await draftAlert(centre);
    await submitDraft(centre, alertId);
    const approver = centre.visit(centre.approver);
    await approver.get(`/alerts/${alertId}`);
    await centre.db.owner.withActor(centre.officer, (tx) =>
      tx.run(sql`update identity.approval set state = 'voided', ended_at = now(),
          ended_by = 'test', end_reason = 'test'
        where id = (select approval_id from alerts.submission where state = 'waiting'
          order by submitted_at desc limit 1)`),
    );
    const reason = 'Name the product';
    const page = await approver.submit('Return to author', { reason }, { status: 409 });
    assert.match(page.body, /id="reason-error"/);
    assert.equal(valueOf(page, 'reason'), reason);
  });

  it('can be copied where its form is gone, because the author took the alert back', async () => {
    const alertId = await draftAlert(centre);
    await submitDraft(centre, alertId);
    const approver = centre.visit(centre.approver);
    await approver.get(`/alerts/${alertId}`);
    const now = new Date();
    must(await centre.db.web.attempt(centre.officer, (tx) => withdrawAlert(tx, { alertId, now })));
    const reason = 'Name the product,\nand its version';
    const page = await approver.submit('Return to author', { reason }, { status: 409 });
    assert.match(page.text, /does not wait for approval any more/);
    assert.equal(valueOf(page, 'kept-1'), reason);
  });
});

describe('freezing', () => {
  it('a shared number gets one text that counts for each organisation (P1)', async () => {
    const { dispatchId } = await releaseAlert(centre);
    const messages = await messagesOf(centre, dispatchId);
    const shared = messages.filter(({ number }) => number === numbers.sharedOnCall);
    assert.equal(shared.length, 1);
    assert.deepEqual(shared[0]?.organisations, ['Northmoor', 'Southmere']);
    assert.match(shared[0]?.body ?? '', /CRITICAL, Northmoor \+1: unanswered since/);
    assert.equal(shared[0]?.round, 2);
  });

  it('round 1 is ready at release, later rounds are held', async () => {
    const { dispatchId } = await releaseAlert(centre);
    const messages = await messagesOf(centre, dispatchId);
    for (const { round, state } of messages) assert.equal(state, round === 1 ? 'ready' : 'held');
  });

  it('each organisation has its own code, and its text names it', async () => {
    const { dispatchId } = await releaseAlert(centre);
    const messages = (await messagesOf(centre, dispatchId)).filter((m) => m.channel === 'text');
    for (const { code, body } of messages) assert.ok(body.includes(`Reply ${code}=got it`));
    const first = messages.filter(({ round }) => round === 1).map(({ code }) => code);
    assert.equal(new Set(first).size, first.length);
  });

  it('the audience narrows by type, region and role, and by name', async () => {
    const names = async (audience: Partial<typeof everybody>) => {
      const { dispatchId } = await releaseAlert(centre, {}, audience);
      const messages = await messagesOf(centre, dispatchId);
      return [...new Set(messages.flatMap(({ organisations }) => organisations))].sort();
    };
    assert.deepEqual(await names({ types: ['practice'] }), ['Hollow Lane']);
    assert.deepEqual(await names({ regions: ['RA'] }), ['Northmoor', 'Southmere']);
    assert.deepEqual(await names({ roles: ['on_call_it'] }), ['Northmoor', 'Southmere']);
    assert.deepEqual(await names({ types: ['practice'], include: ['ZZ-0003'] }), [
      'Eastvale',
      'Hollow Lane',
    ]);
  });
});

describe('markings bind (P8)', () => {
  for (const [marking, inText, inMail] of [
    ['CLEAR', true, true],
    ['GREEN', false, true],
    ['AMBER', false, false],
  ] as const)
    it(`${marking}: wording in texts ${inText}, in mails ${inMail}`, async () => {
      const { dispatchId } = await releaseAlert(centre, { marking });
      for (const { channel, subject, body } of await messagesOf(centre, dispatchId)) {
        const shown = channel === 'text' ? inText : inMail;
        assert.equal(/Citrix/.test(`${subject} ${body}`), shown);
      }
    });

  it('a visitor reads what is released and CLEAR; the rest looks like nothing at all', async () => {
    const clear = await releaseAlert(centre);
    const green = await releaseAlert(centre, { marking: 'GREEN' });
    const seen = async (number: number) =>
      await centre.db.web.withActor(nobody, (tx) => findPublicAlert(tx, number));
    assert.equal((await seen(clear.number))?.current.title, wording.title);
    assert.equal(await seen(green.number), undefined);
    const visitor = centre.site.visitor();
    const [hidden, absent] = [await visitor.get(`/${green.number}`), await visitor.get('/99999')];
    const same = (body: string, number: string) =>
      body.replaceAll(number, 'N').replace(/nonce="[^"]*"/g, '');
    assert.equal(same(hidden.text, String(green.number)), same(absent.text, '99999'));
  });
});

describe('steering', () => {
  it('a release is recalled whole in its window: a draft again, and nothing was sent', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre, { severity: 'medium' });
    const approver = centre.visit(centre.approver);
    const board = await approver.get(`/alerts/${alertId}/board`);
    assert.match(board.text, /Nothing has left yet: the first messages leave at \d\d:\d\d:\d\d/);
    const draft = await approver.submit('Recall: send nothing');
    assert.match(draft.text, /Recalled\. Nothing was sent; it is a draft again/);
    const states = (await messagesOf(centre, dispatchId)).map(({ state }) => state);
    assert.deepEqual([...new Set(states)], ['cancelled']);
    // Written again, it goes through two people again.
    const again = await centre.db.web.attempt(centre.officer, (tx) =>
      submitAlert(tx, contextOf(centre), { alertId, revision: 1, now: new Date() }),
    );
    const hash = must(again).hash;
    const page = await approver.get(`/alerts/${alertId}`);
    assert.match(
      page.text,
      /1 min after approval.*Until the first messages leave, the release can be recalled whole/,
    );
    must(await approve(alertId, hash));
    await approver.get(`/alerts/${alertId}/board`);
    assert.match((await approver.submit('Send now')).text, /It leaves now/);
    const late = await approver.request('POST', `/alerts/${alertId}/recall`, {
      form: new URLSearchParams(),
    });
    assert.equal(late.status, 409);
    assert.match(late.body, /It is leaving already/);
  });

  it('pause, resume and stop are each one press, and say what happened', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    const approver = centre.visit(centre.approver);
    await approver.get(`/alerts/${alertId}/board`);
    assert.match((await approver.submit('Pause sending')).text, /Paused\. What is under way/);
    assert.match((await approver.submit('Resume sending')).text, /Going on/);
    await deliverAll(centre, dispatchId);
    assert.match((await approver.submit('Stop sending for good')).text, /Sending was stopped/);
    const left = (await messagesOf(centre, dispatchId)).filter(({ state }) => state === 'held');
    assert.equal(left.length, 0);
  });
});

/** What stands in the field with this id. */
function valueOf(page: Page, id: string): string {
  const [field] = page.elements(`#${id}`);
  return field?.attribs['value'] ?? innerText(field ?? []).replace(/^\n/, '');
}

async function hashOf(alertId: string): Promise<string> {
  const approver = centre.visit(centre.approver);
  const page = await approver.get(`/alerts/${alertId}`);
  return /name="hash" value="([0-9a-f]{64})"/.exec(page.body)![1]!;
}
