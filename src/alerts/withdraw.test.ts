/** Withdrawing what is out: who may have had it is told, by words that were approved along. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { system } from '#kernel/actor.ts';
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
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import {
  approveAndRelease,
  beginVersion,
  findSubmission,
  findVersion,
  submitAlert,
  withdrawReleased,
} from './index.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const withdraw = (alertId: string, by = centre.officer) =>
  centre.db.web.attempt(by, (tx) =>
    withdrawReleased(tx, contextOf(centre), { alertId, reason: 'false alarm' }),
  );

async function newest(alertId: string) {
  return await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = (await findVersion(tx, alertId))!;
    return { version, submission: (await findSubmission(tx, version.id))! };
  });
}

/** Northmoor's text arrived; all else of round 1 waits, and round 2 is held. */
async function halfSent() {
  const released = await releaseAlert(centre);
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update dispatch.message set state = 'delivered', attempt = 1, accepted_at = now(),
      final_at = now() where id = (select id from dispatch.message
        where dispatch_id = ${released.dispatchId} and channel = 'text' and body like '%Northmoor:%'
          and round = 1)`),
  );
  return released;
}

it('tells who may have had it, calls the rest off, and is over', async () => {
  const { alertId, dispatchId } = await halfSent();
  const page = centre.visit(centre.officer);
  await page.get(`/alerts/${alertId}/board`);
  const shown = await page.click('Withdraw the alert');
  assert.match(shown.text, /WITHDRAWN, Northmoor: it does not hold any more/);
  assert.match(shown.text, /so far 1 message of/);
  assert.match(shown.text, /by Tom Lindqvist/);
  const back = await page.submit('Withdraw the alert now', {}, { status: 422 });
  assert.match(back.text, /Say why, for the audit/);
  const board = await page.submit('Withdraw the alert now', { reason: 'false alarm' });
  assert.match(board.text, /Withdrawn/);
  const { version, submission } = await newest(alertId);
  assert.deepEqual([version.kind, version.state, version.number], ['withdrawal', 'closed', 2]);
  const going = (await messagesOf(centre, submission.dispatchId)).filter(
    ({ state }) => state === 'ready',
  );
  assert.deepEqual(
    going.map(({ number, channel }) => [number, channel]),
    [[numbers.northmoor, 'text']],
  );
  assert.equal(
    going[0]!.body,
    submission.along.withdrawal.text.replace('{organisation}', 'Northmoor'),
  );
  assert.ok(
    (await messagesOf(centre, dispatchId)).every(({ state }) =>
      ['delivered', 'cancelled'].includes(state),
    ),
  );
  const again = await withdraw(alertId);
  assert.ok(!again.ok && again.kind === 'conflict');
  const visitor = await centre.site.visitor().get(`/${version.alertNumber}`);
  assert.match(visitor.text, /WITHDRAWN/);
  assert.doesNotMatch(visitor.text, /Isolate Citrix/);
});

it('who answered has answered, and an old code still does', async () => {
  const { alertId, dispatchId } = await releaseAlert(centre);
  await deliverAll(centre, dispatchId);
  const sent = await messagesOf(centre, dispatchId);
  const codeOf = (number: string) => sent.find((one) => one.number === number)!.code;
  await textFrom(centre, numbers.northmoor, codeOf(numbers.northmoor));
  must(await withdraw(alertId));
  await textFrom(centre, numbers.southmere, codeOf(numbers.southmere));
  const { count } = await centre.db.web.withActor(centre.officer, (tx) =>
    tx.one<{ count: number }>(sql`
      select count(acknowledged_at) as count from responses.v_response
      where alert_id = ${alertId}`),
  );
  assert.equal(count, 2);
});

it('pressing twice at once withdraws once', async () => {
  const { alertId } = await halfSent();
  const outcomes = await Promise.all([withdraw(alertId), withdraw(alertId, centre.approver)]);
  assert.deepEqual(
    outcomes.map(({ ok }) => ok).toSorted((a, b) => Number(a) - Number(b)),
    [false, true],
  );
});

it('whoever approved it approved these words too: others are not released', async () => {
  const alertId = await draftAlert(centre);
  const hash = await submitDraft(centre, alertId);
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update alerts.submission
        set along = jsonb_set(along, '{withdrawal,text}', '"Send money"')
      where content_hash = ${hash}`),
  );
  const refused = await centre.db.web.attempt(centre.approver, (tx) =>
    approveAndRelease(tx, contextOf(centre), { alertId, hash, now: new Date() }),
  );
  assert.ok(!refused.ok);
  assert.match(refused.message, /not what was approved/);
});

it('not by everybody, not before it is out, and not beside a version that waits', async () => {
  const draft = await draftAlert(centre);
  const early = await withdraw(draft);
  assert.ok(!early.ok && early.kind === 'conflict');
  const { alertId } = await halfSent();
  const lead = await centre.inviteLead('Rita Lead', ['RA']);
  const forbidden = await withdraw(alertId, lead);
  assert.ok(!forbidden.ok && forbidden.kind === 'forbidden');
  const kind = 'update' as const;
  must(
    await centre.db.web.attempt(centre.officer, (tx) =>
      beginVersion(tx, centre.model, { alertId, kind }),
    ),
  );
  must(
    await centre.db.web.attempt(centre.officer, (tx) =>
      submitAlert(tx, contextOf(centre), { alertId, revision: 1, now: new Date() }),
    ),
  );
  const waiting = await withdraw(alertId);
  assert.ok(!waiting.ok && waiting.kind === 'conflict');
  assert.match(waiting.message, /waits for approval/);
});

it('closing tells who had it, or nobody', async () => {
  const { alertId } = await halfSent();
  const page = centre.visit(centre.officer);
  await page.get(`/alerts/${alertId}/board`);
  const shown = await page.click('Close the alert');
  assert.match(shown.text, /CLOSED, Northmoor: it is over/);
  const board = await page.submit('Close and tell them');
  assert.match(board.text, /Closed/);
  const told = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ body: string }>(sql`
      select message.body from dispatch.message message
      join dispatch.dispatch dispatch on dispatch.id = message.dispatch_id
      where dispatch.label like '%, closing' and message.state = 'ready'`),
  );
  assert.equal(told.length, 1);
  assert.match(told[0]!.body, /^NHS CYBER 49\d\d CLOSED, Northmoor: /);
  const { version } = await newest(alertId);
  assert.deepEqual([version.kind, version.state], ['first', 'closed']);
  const quiet = await halfSent();
  await page.get(`/alerts/${quiet.alertId}/closing`);
  await page.submit('Close without telling anybody');
  assert.equal((await newest(quiet.alertId)).version.state, 'closed');
});
