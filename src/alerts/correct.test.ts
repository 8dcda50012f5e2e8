/** A correction from the board of the first version to the phones of both kinds of readers. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import {
  contextOf,
  deliverAll,
  messagesOf,
  must,
  numbers,
  openCentre,
  releaseAlert,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import {
  approveAndRelease,
  beginVersion,
  closeAlert,
  findSubmission,
  findVersion,
  saveDraft,
  submitAlert,
  type Wording,
} from './index.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const officer = <T>(work: Parameters<typeof centre.db.web.attempt<T>>[1]) =>
  centre.db.web.attempt(centre.officer, work);

const changed: Partial<Wording> = {
  what: 'Citrix is safe',
  doNow: 'Do NOT isolate Citrix.',
  ifActed: 'If you did, reconnect.',
};

const asCorrection = { kind: 'correction' } as const;

/** The next version, submitted; its hash, and its two dispatches. */
async function submitCorrection(alertId: string) {
  must(await officer((tx) => beginVersion(tx, centre.model, { alertId, ...asCorrection })));
  const hash = await officer(async (tx) => {
    const version = (await findVersion(tx, alertId))!;
    const audience = version.audience as Parameters<typeof saveDraft>[1]['audience'];
    const draft = { wording: { ...version, ...changed }, audience };
    must(await saveDraft(tx, { ...draft, alertId, revision: 1 }));
    return await submitAlert(tx, contextOf(centre), { alertId, revision: 2, now: new Date() });
  });
  return must(hash).hash;
}

const release = (alertId: string, hash: string) =>
  centre.db.web.attempt(centre.approver, (tx) =>
    approveAndRelease(tx, contextOf(centre), { alertId, hash, now: new Date() }),
  );

async function dispatchesOf(alertId: string) {
  const submission = await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = await findVersion(tx, alertId);
    return await findSubmission(tx, version!.id);
  });
  return { first: submission!.dispatchId, correction: submission!.correctionDispatchId! };
}

/** Northmoor's text arrived; all else of round 1 waits, and round 2 is held. */
async function releasedAndHalfSent() {
  const released = await releaseAlert(centre);
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update dispatch.message set state = 'delivered', attempt = 1, accepted_at = now(),
      final_at = now() where id = (select id from dispatch.message
        where dispatch_id = ${released.dispatchId} and channel = 'text' and body like '%Northmoor:%'
          and round = 1)`),
  );
  return released;
}

it('of several who begin the next version at once one does, and the others are told', async () => {
  const { alertId } = await releaseAlert(centre);
  const kinds = ['update', 'correction', 'update', 'correction', 'update'] as const;
  const begun = await Promise.all(
    kinds.map((kind) => officer((tx) => beginVersion(tx, centre.model, { alertId, kind }))),
  );
  const answers = begun.map((one) => (one.ok ? 'begun' : one.kind));
  assert.deepEqual(answers.toSorted(), ['begun', 'conflict', 'conflict', 'conflict', 'conflict']);
});

it('who may have had the first is corrected, who had nothing gets a first alert', async () => {
  const { alertId, dispatchId } = await releasedAndHalfSent();
  const codes = new Map(
    (await messagesOf(centre, dispatchId)).map(({ number, code }) => [number, code]),
  );
  const hash = await submitCorrection(alertId);
  // The first goes on until the correction is approved.
  assert.ok((await messagesOf(centre, dispatchId)).some(({ state }) => state === 'ready'));
  const approver = centre.visit(centre.approver);
  const page = await approver.get(`/alerts/${alertId}`);
  assert.match(page.text, /This corrects what is out/);
  assert.match(page.text, /at most 4 texts, 4 mails of the correction/);
  must(await release(alertId, hash));
  assert.ok(
    (await messagesOf(centre, dispatchId)).every(({ state }) =>
      ['delivered', 'cancelled'].includes(state),
    ),
  );
  const { first, correction } = await dispatchesOf(alertId);
  const corrected = (await messagesOf(centre, correction)).filter(({ state }) => state === 'ready');
  assert.deepEqual(
    corrected.map(({ number }) => number),
    [numbers.northmoor],
  );
  const code = codes.get(numbers.northmoor)!;
  assert.match(
    corrected[0]!.body,
    new RegExp(
      `^NHS CYBER 49\\d\\d CORRECTED, Northmoor: Do NOT isolate Citrix\\. If you did, reconnect\\. .*${code}=got it`,
    ),
  );
  const firsts = (await messagesOf(centre, first)).filter(({ state }) => state === 'ready');
  assert.ok(firsts.every(({ number }) => number !== numbers.northmoor));
  assert.deepEqual(
    firsts
      .filter(({ channel }) => channel === 'text')
      .map(({ number }) => number)
      .sort(),
    [numbers.southmere, numbers.eastvale].sort(),
  );
  assert.ok(firsts.every(({ body }) => !/CORRECTED|If you did|IF YOU ACTED/.test(body)));
  // The post of rank 2 had nothing: it waits for its round, as in any alert.
  const onCall = (await messagesOf(centre, first)).find(
    (one) => one.number === numbers.sharedOnCall,
  );
  assert.deepEqual([onCall?.state, onCall?.round], ['held', 2]);
});

it('answers by the old code count, and an acknowledgement of the first version does not', async () => {
  const { alertId, dispatchId } = await releaseAlert(centre);
  await deliverAll(centre, dispatchId);
  const code = (await messagesOf(centre, dispatchId)).find(
    ({ number, round }) => number === numbers.northmoor && round === 1,
  )!.code;
  const acknowledged = () =>
    centre.db.web.withActor(centre.officer, async (tx) => {
      const rows = await tx.rows<{ evidence: string | null }>(sql`
        select evidence from responses.v_response where alert_id = ${alertId}`);
      return rows.map(({ evidence }) => evidence);
    });
  await textFrom(centre, numbers.northmoor, code);
  assert.deepEqual(await acknowledged(), ['text_with_code']);
  const hash = await submitCorrection(alertId);
  must(await release(alertId, hash));
  assert.deepEqual(await acknowledged(), [null]);
  // Nothing of the correction left yet: the text he has is of the first version.
  await textFrom(centre, numbers.northmoor, code);
  assert.deepEqual(await acknowledged(), ['text_with_code']);
  const { first } = await dispatchesOf(alertId);
  const chain = (await messagesOf(centre, first)).filter(({ round }) => round === 2);
  assert.ok(chain.length > 0, 'the shared post has Southmere too, which did not answer');
  const board = await centre.visit(centre.officer).get(`/alerts/${alertId}/board`);
  assert.match(board.text, /version 2/);
  assert.match(board.text, /4 organisations must answer/);
});

it('is begun once, given up in peace, and refused where the alert is over', async () => {
  const { alertId, dispatchId } = await releasedAndHalfSent();
  const page = centre.visit(centre.officer);
  await page.get(`/alerts/${alertId}/board`);
  const composer = await page.submit('Write the correction');
  assert.match(composer.text, /Everybody the version before was for/);
  const again = await officer((tx) => beginVersion(tx, centre.model, { alertId, ...asCorrection }));
  assert.equal(again.ok, false);
  assert.match((await page.get('/alerts')).text, /Live/);
  await page.get(`/alerts/${alertId}`);
  await page.click('The board of the version that is out');
  // The board of what is out stays, and steers it.
  await page.get(`/alerts/${alertId}/board`);
  assert.match((await page.submit('Pause sending')).text, /Paused/);
  await page.get(`/alerts/${alertId}`);
  await page.submit('Give up the draft');
  assert.match((await page.get(`/alerts/${alertId}`)).path, /board$/);
  const hash = await submitCorrection(alertId);
  await page.get(`/alerts/${alertId}/board`);
  must(await officer((tx) => closeAlert(tx, alertId)));
  const late = await release(alertId, hash);
  assert.equal(late.ok, false);
  assert.ok(
    (await messagesOf(centre, dispatchId)).every(({ state }) => state !== 'ready'),
    'closed, so called off',
  );
});

it('by the API it is written and submitted; a second correction reaches all who had any', async () => {
  const { alertId } = await releasedAndHalfSent();
  must(await release(alertId, await submitCorrection(alertId)));
  const one = await dispatchesOf(alertId);
  await deliverAll(centre, one.correction);
  await deliverAll(centre, one.first);
  must(await release(alertId, await submitCorrection(alertId)));
  const two = await dispatchesOf(alertId);
  const corrected = (await messagesOf(centre, two.correction)).filter(
    ({ state, channel }) => state === 'ready' && channel === 'text',
  );
  assert.deepEqual(
    corrected.map(({ number }) => number).sort(),
    [numbers.northmoor, numbers.southmere, numbers.eastvale].sort(),
  );
  const firsts = (await messagesOf(centre, two.first)).filter(
    ({ state, round }) => state === 'ready' && round === 1,
  );
  assert.deepEqual(firsts, []);
});

it('whoever was reached by phone is to be rung again, and the list says that they were', async () => {
  const { alertId, dispatchId } = await releaseAlert(centre);
  await deliverAll(centre, dispatchId);
  const { id: lonely } = await centre.db.web.withActor(centre.officer, (tx) =>
    tx.one<{ id: string }>(sql`
      select id from organisations.organisation where code = 'ZZ-0005'`),
  );
  const page = centre.visit(centre.officer);
  await page.get(`/alerts/${alertId}/organisations/${lonely}`);
  await page.submit(`/alerts/${alertId}/organisations/${lonely}/call`, {
    kind: 'got_it',
    note: 'rang the switchboard',
  });
  const standing = () =>
    centre.db.web.withActor(centre.officer, (tx) =>
      tx.one<{ acknowledgedAt: Date | null; earlierCallAt: Date | null }>(sql`
        select acknowledged_at, earlier_call_at from responses.v_response
        where alert_id = ${alertId} and organisation_id = ${lonely}`),
    );
  const told = await standing();
  assert.ok(told.acknowledgedAt !== null && told.earlierCallAt === null);
  must(await release(alertId, await submitCorrection(alertId)));
  const after = await standing();
  assert.deepEqual(after, { acknowledgedAt: null, earlierCallAt: told.acknowledgedAt });
  const list = await page.get(`/alerts/${alertId}/organisations?show=to_ring`);
  assert.match(list.text, /Lonely Trust/);
});
