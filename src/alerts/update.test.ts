/** An update of what is out: answers stand, the chase goes on, and nobody is told twice. */
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
  releaseVersion,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import {
  approveAndRelease,
  beginVersion,
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

async function draftUpdate(alertId: string, change: Partial<Wording>): Promise<void> {
  must(
    await officer(async (tx) => {
      must(await beginVersion(tx, centre.model, { alertId, kind: 'update' }));
      const version = (await findVersion(tx, alertId))!;
      const audience = version.audience as Parameters<typeof saveDraft>[1]['audience'];
      const draft = { wording: { ...version, ...change }, audience };
      return await saveDraft(tx, { ...draft, alertId, revision: 1 });
    }),
  );
}

/** The update released, with its two dispatches. */
async function releaseUpdate(alertId: string, change: Partial<Wording> = {}) {
  await draftUpdate(alertId, { what: 'Citrix patch is out', ...change });
  const submitted = await officer((tx) =>
    submitAlert(tx, contextOf(centre), { alertId, revision: 2, now: new Date() }),
  );
  const { hash } = must(submitted);
  must(
    await centre.db.web.attempt(centre.approver, (tx) =>
      approveAndRelease(tx, contextOf(centre), { alertId, hash, now: new Date() }),
    ),
  );
  const submission = await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = await findVersion(tx, alertId);
    return await findSubmission(tx, version!.id);
  });
  return { firstId: submission!.dispatchId, updateId: submission!.correctionDispatchId! };
}

async function acknowledged(alertId: string): Promise<number> {
  return await centre.db.web.withActor(centre.officer, async (tx) => {
    const { count } = await tx.one<{ count: number }>(sql`
      select count(acknowledged_at) as count from responses.v_response
      where alert_id = ${alertId}`);
    return count;
  });
}

const roundsOf = (dispatchId: string) =>
  centre.db.owner.withActor(system('test'), (tx) =>
    tx.rows<{ round: number; opensAt: Date }>(sql`
      select round, opens_at from dispatch.round where dispatch_id = ${dispatchId}
      order by round`),
  );

/** Released, round 1 delivered, Northmoor answered. */
async function answeredByOne() {
  const released = await releaseAlert(centre);
  await deliverAll(centre, released.dispatchId);
  const sent = await messagesOf(centre, released.dispatchId);
  const { code } = sent.find(({ number }) => number === numbers.northmoor)!;
  await textFrom(centre, numbers.northmoor, code);
  return { ...released, code };
}

it('goes to everybody who was told, and leaves answers and chase as they are', async () => {
  const { alertId, dispatchId, code } = await answeredByOne();
  const before = await roundsOf(dispatchId);
  const { firstId, updateId } = await releaseUpdate(alertId);
  assert.equal(await acknowledged(alertId), 1, 'who answered has answered');

  const update = (await messagesOf(centre, updateId)).filter(({ state }) => state === 'ready');
  assert.deepEqual(
    update.map(({ number }) => number).sort(),
    (await messagesOf(centre, dispatchId))
      .filter(({ state }) => state === 'delivered')
      .map(({ number }) => number)
      .sort(),
  );
  const text = update.find(({ number }) => number === numbers.northmoor)!;
  assert.match(text.body, /UPDATE, Northmoor: Citrix patch is out\. .*Not answered yet\? /);
  assert.ok(text.body.includes(`${code}=got it`), 'the same code');

  // Round 2, for who has not answered, comes when it would have come; nobody hears twice.
  const chase = (await messagesOf(centre, firstId)).filter(({ state }) => state !== 'cancelled');
  assert.deepEqual(
    chase.map(({ number, round, state, organisations }) => [number, round, state, organisations]),
    [[numbers.sharedOnCall, 2, 'held', ['Northmoor', 'Southmere']]],
  );
  assert.match(chase[0]!.body, /now you/);
  const rounds = await roundsOf(firstId);
  assert.deepEqual(rounds.slice(1), before.slice(1));

  // The shared post is not called where both answered, one before the update and one after.
  const sent = await messagesOf(centre, dispatchId);
  await textFrom(centre, numbers.southmere, sent.find((m) => m.number === numbers.southmere)!.code);
  assert.ok((await messagesOf(centre, firstId)).every(({ state }) => state === 'cancelled'));
  assert.equal(await acknowledged(alertId), 2);
});

it('after the last round chases nobody any more', async () => {
  const { alertId, dispatchId } = await answeredByOne();
  await centre.db.owner.withActor(system('test'), async (tx) => {
    await tx.run(sql`update dispatch.message set state = 'ready', due_at = now(),
        expires_at = now() + interval '1 hour'
      where dispatch_id = ${dispatchId} and state = 'held'`);
    await tx.run(sql`update dispatch.round set opens_at = opens_at - interval '3 hours',
        opened_at = coalesce(opened_at, now())
      where dispatch_id = ${dispatchId}`);
  });
  await deliverAll(centre, dispatchId);
  const { firstId, updateId } = await releaseUpdate(alertId);
  assert.ok((await messagesOf(centre, firstId)).every(({ state }) => state === 'cancelled'));
  const told = (await messagesOf(centre, updateId)).filter(({ state }) => state === 'ready');
  assert.ok(
    told.some(({ number }) => number === numbers.sharedOnCall),
    'the deputies hear of it',
  );
});

it('keeps its distance where sending had been paused', async () => {
  const { alertId, dispatchId } = await answeredByOne();
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update dispatch.dispatch set state = 'paused', pause_reason = 'test',
      paused_at = now() - interval '2 hours' where id = ${dispatchId}`),
  );
  const [, second] = await roundsOf(dispatchId);
  const { firstId } = await releaseUpdate(alertId);
  const [, after] = await roundsOf(firstId);
  const laterMs = after!.opensAt.getTime() - second!.opensAt.getTime();
  assert.ok(Math.abs(laterMs - 7_200_000) < 60_000, `${laterMs} ms`);
});

it('that asks again takes no earlier answer for one', async () => {
  const { alertId } = await answeredByOne();
  const { firstId, updateId } = await releaseUpdate(alertId, { asksAgain: true });
  assert.equal(await acknowledged(alertId), 0);
  const texts = (await messagesOf(centre, updateId)).filter(({ channel }) => channel === 'text');
  assert.ok(texts.every(({ body }) => /UPDATE CRITICAL, .* Answer again: /.test(body)));
  const mail = (await messagesOf(centre, updateId)).find(({ channel }) => channel === 'mail')!;
  assert.match(mail.subject!, /^UPDATE: /);
  assert.match(mail.body, /^THIS ADDS TO WHAT WE SENT ON .*\n\nPlease answer again/);
  assert.ok(
    (await messagesOf(centre, firstId)).some(({ state, round }) => state === 'held' && round === 2),
  );
});

it('from the board to the board, each page valid; a second update counts from the first', async () => {
  const { alertId } = await answeredByOne();
  const page = centre.visit(centre.officer);
  await page.get(`/alerts/${alertId}/board`);
  const composer = await page.submit('Write the update');
  assert.match(composer.text, /Everybody answers again/);
  assert.doesNotMatch(composer.text, /If you acted already/);
  const check = await page.submit(`/alerts/${alertId}/edit`, {
    what: 'Citrix patch is out',
    next: 'check',
  });
  assert.match(check.text, /Who has not answered yet/);
  assert.match(check.text, /UPDATE, Northmoor: Citrix patch is out\./);
  await page.submit('Submit for approval');
  const approver = centre.visit(centre.approver);
  const approval = await approver.get(`/alerts/${alertId}`);
  assert.match(approval.text, /This adds to what is out.*Who answered has answered/);
  const board = await approver.submit('Approve and send now');
  assert.match(board.text, /version 2/);
  await releaseUpdate(alertId);
  assert.equal(await acknowledged(alertId), 1);
});

it('a correction says what to do for whoever acted', async () => {
  const { alertId } = await answeredByOne();
  const page = centre.visit(centre.officer);
  await page.get(`/alerts/${alertId}/board`);
  await page.submit('Write the correction');
  const check = await page.submit(`/alerts/${alertId}/edit`, { next: 'check' });
  assert.match(check.text, /Say under “If you acted already” what to do for whoever acted/);
  await page.get(`/alerts/${alertId}/edit`);
  const whole = await page.submit(`/alerts/${alertId}/edit`, {
    ifActed: 'If you did, reconnect',
    next: 'check',
  });
  assert.match(whole.text, /CORRECTED, Northmoor: .* If you did, reconnect\./);
  assert.match(whole.text, /Submit for approval/);
  // Whoever had a text gets one, by mails alone though the severity now goes.
  await page.get(`/alerts/${alertId}/edit`);
  const lower = await page.submit(`/alerts/${alertId}/edit`, { severity: 'low', next: 'check' });
  assert.match(
    lower.text,
    /who had the last version NHS CYBER \d+ CORRECTED.* no texts of its own/,
  );
});

/** Those of the chain of so many rounds, and the reminders after them. */
function byChain<T extends { readonly round: number }>(messages: readonly T[], rounds: number) {
  const isOfChain = ({ round }: T) => round <= rounds;
  return [messages.filter(isOfChain), messages.filter((one) => !isOfChain(one))] as const;
}

it('a severity that falls tells everybody who had it, by the ways they had it', async () => {
  const { alertId, dispatchId } = await releaseAlert(centre);
  await deliverAll(centre, dispatchId);
  const told = (await messagesOf(centre, dispatchId)).filter(({ round }) => round === 1);
  await releaseVersion(centre, alertId, 'update', { severity: 'low', asksAgain: false });
  const { following, first } = await centre.db.owner.withActor(system('test'), (tx) =>
    tx.one<{ following: string; first: string }>(sql`
      select correction_dispatch_id as following, dispatch_id as first
      from alerts.v_live where alert_id = ${alertId}`),
  );
  const sorted = (rows: readonly { number: string }[]) => rows.map(({ number }) => number).sort();
  const news = (await messagesOf(centre, following)).filter(({ state }) => state !== 'cancelled');
  assert.deepEqual(sorted(news), sorted(told), 'texts too, though the lower severity sends mails');
  assert.ok(news.some(({ channel, body }) => channel === 'text' && body.includes('UPDATE')));
  // The chain of the lower severity is all that is left: nobody of rank 2 is texted any more.
  const [chase, reminders] = byChain(await messagesOf(centre, first), 1);
  assert.ok(chase.every(({ channel, state }) => channel === 'mail' && state === 'cancelled'));
  assert.ok(reminders.length > 0);
  assert.ok(reminders.every(({ channel, state }) => channel === 'mail' && state === 'held'));
  const before = (await messagesOf(centre, dispatchId)).filter(({ round }) => round > 1);
  assert.ok(before.every(({ state }) => state === 'cancelled'));
  const steps = await centre.visit(centre.officer).get(`/alerts/${alertId}/because`);
  assert.match(steps.text, /Low, after 14 days: their answer is due/);
});

it('a severity that rises asks everybody again, and tells by text who had mail alone', async () => {
  const { alertId, dispatchId } = await releaseAlert(centre, { severity: 'medium' });
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update dispatch.message set state = 'ready', due_at = now(),
      expires_at = now() + interval '1 hour' where dispatch_id = ${dispatchId}`),
  );
  await deliverAll(centre, dispatchId);
  const [first] = byChain(await messagesOf(centre, dispatchId), 1);
  const mailed = first.map(({ number }) => number);
  assert.ok(mailed.every((address) => address.includes('@')));
  await draftUpdate(alertId, { severity: 'critical' });
  const submit = (revision: number) =>
    officer((tx) => submitAlert(tx, contextOf(centre), { alertId, revision, now: new Date() }));
  const refused = await submit(2);
  assert.ok(!refused.ok);
  assert.match(refused.fields['asksAgain']!, /A higher severity asks everybody again/);
  await officer(async (tx) => {
    const version = (await findVersion(tx, alertId))!;
    const audience = version.audience as Parameters<typeof saveDraft>[1]['audience'];
    const draft = { wording: { ...version, asksAgain: true }, audience };
    return await saveDraft(tx, { ...draft, alertId, revision: 2 });
  });
  const { hash } = must(await submit(3));
  must(
    await centre.db.web.attempt(centre.approver, (tx) =>
      approveAndRelease(tx, contextOf(centre), { alertId, hash, now: new Date() }),
    ),
  );
  const submission = await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = await findVersion(tx, alertId);
    return (await findSubmission(tx, version!.id))!;
  });
  const ready = async (id: string) =>
    (await messagesOf(centre, id))
      .filter(({ state }) => state === 'ready')
      .map(({ number }) => number)
      .sort();
  assert.deepEqual(await ready(submission.correctionDispatchId!), mailed.toSorted());
  assert.deepEqual(
    await ready(submission.dispatchId),
    [numbers.northmoor, numbers.southmere, numbers.eastvale].sort(),
    'what they have in addition, once',
  );
  const history = await centre.db.web.withActor(centre.officer, (tx) =>
    tx.rows<{ severity: string }>(sql`
      select severity from alerts.v_version where alert_id = ${alertId} order by released_at`),
  );
  assert.deepEqual(
    history.map(({ severity }) => severity),
    ['medium', 'critical'],
  );
});
