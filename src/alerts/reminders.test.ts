/** Reminders: to those whom the rounds told, where nobody of their organisation has answered. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import {
  deliverAll,
  draftAlert,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  releaseVersion,
  submitDraft,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify, startEngine, until } from '../../test/support/dispatch.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const high = { severity: 'high' };

/** Three rounds, then two reminders: after a day to ranks 1 and 2, after 40 h to all three. */
const CHAIN = 3;

const own = <T>(statement: ReturnType<typeof sql>) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

async function remindersOf(dispatchId: string) {
  return (await messagesOf(centre, dispatchId)).filter(({ round }) => round > CHAIN);
}

/** Everybody of the chain was told a day ago, and nobody answered: the first reminder is due. */
async function dayLater(dispatchId: string): Promise<void> {
  await own(sql`
    update dispatch.dispatch set released_at = released_at - interval '24 hours'
    where id = ${dispatchId}`);
  await own(sql`
    update dispatch.round set opens_at = opens_at - interval '24 hours',
      opened_at = case when round <= ${CHAIN} then opens_at - interval '24 hours' end
    where dispatch_id = ${dispatchId}`);
  await own(sql`
    update dispatch.message set state = 'delivered', attempt = 1, due_at = now(),
      accepted_at = now(), final_at = now()
    where dispatch_id = ${dispatchId} and round <= ${CHAIN}`);
}

/** The beat of an engine without a gateway: what is ready stays so. */
async function open(dispatchId: string): Promise<void> {
  const engine = startEngine(centre.db.worker, []);
  const isOpen = async () => {
    const [round] = await own<{ openedAt: Date | null }>(sql`
      select opened_at from dispatch.round where dispatch_id = ${dispatchId}
        and round = ${CHAIN + 1}`);
    return round!.openedAt !== null;
  };
  await until(isOpen, (opened) => opened);
  await engine.stop();
}

async function toRing(alertId: string): Promise<string[]> {
  const rows = await own<{ shortName: string }>(sql`
    select recipient.short_name from responses.v_to_ring to_ring
    join alerts.v_recipient recipient on recipient.alert_id = to_ring.alert_id
      and recipient.organisation_id = to_ring.organisation_id
    where to_ring.alert_id = ${alertId} order by 1`);
  return rows.map(({ shortName }) => shortName);
}

describe('reminders', () => {
  it('are counted, shown and approved with everything else', async () => {
    const alertId = await draftAlert(centre, high);
    const page = centre.visit(centre.officer);
    const run = await page.get(`/alerts/${alertId}/dry-run`);
    assert.match(run.text, /4, texts after 24 h, a reminder to rank 1, 2/);
    const preview = await page.get(`/alerts/${alertId}`);
    assert.match(preview.text, /After 24 h, a reminder/);
    await submitDraft(centre, alertId);
    const approval = await page.get(`/alerts/${alertId}`);
    assert.match(approval.text, /24 h later \d texts, \d mails as a reminder/);
    assert.match(approval.body, /#rule-severities-high-reminders-0/);
    // Each wording once, with all the rounds in which it goes.
    assert.match(approval.text, /Mail, reminders, rounds 4 and 5 ?REMINDER: /);
    assert.equal(approval.text.split('WE HAVE NO ANSWER FROM YOU YET').length, 2);
  });

  it('say that they are, in texts and in mails, and never go to who is not chased', async () => {
    const { dispatchId, alertId } = await releaseAlert(centre, high);
    const reminders = await remindersOf(dispatchId);
    assert.ok(reminders.every(({ state }) => state === 'held'));
    const text = reminders.find(({ number }) => number === numbers.northmoor)!;
    assert.match(text.body, /^NHS CYBER \d+ HIGH, Northmoor: REMINDER, you have not answered\. /);
    assert.match(text.body, /Reply \d{4}=got it, \d{4} HELP=call me$/);
    const mail = reminders.find(({ channel }) => channel === 'mail')!;
    assert.match(mail.subject!, /^REMINDER: \[TLP:CLEAR\]/);
    assert.match(mail.body, /^WE HAVE NO ANSWER FROM YOU YET/);
    const steps = await centre.visit(centre.officer).get(`/alerts/${alertId}/because`);
    assert.match(steps.text, /Reminder, round 4.*rank 1 and 2 once more, where nobody answered/);
    await own(sql`
      update organisations.contact set reader_kind = 'information' where name = 'Ada Okafor'`);
    const next = await releaseAlert(centre, high);
    const told = (await messagesOf(centre, next.dispatchId)).filter(
      ({ number }) => number === numbers.northmoor,
    );
    assert.deepEqual(
      told.map(({ round }) => round),
      [1],
    );
    await own(sql`
      update organisations.contact set reader_kind = 'technical' where name = 'Ada Okafor'`);
  });

  it('keep nobody off the call list, and leave when they are due, of use from then on', async () => {
    const { dispatchId, alertId } = await releaseAlert(centre, high);
    await dayLater(dispatchId);
    const silent = ['Eastvale', 'Lonely', 'Northmoor', 'Southmere'];
    assert.deepEqual(await toRing(alertId), silent);
    const board = await centre.visit(centre.officer).get(`/alerts/${alertId}/board`);
    assert.match(board.text, /3 silent/);
    await open(dispatchId);
    const states = (await remindersOf(dispatchId)).map(({ round, state }) => `${round} ${state}`);
    assert.deepEqual([...new Set(states)].sort(), ['4 ready', '5 held']);
    const [use] = await own<{ hours: number }>(sql`
      select min(round(extract(epoch from expires_at - now()) / 3600))::int as hours
      from dispatch.message where dispatch_id = ${dispatchId} and state = 'ready'`);
    assert.equal(use!.hours, 12, 'send_expires_after, from the opening of the reminder');
    assert.deepEqual(await toRing(alertId), silent, 'nor does one that is leaving');
  });

  it('are called off by an answer, for each organisation by itself', async () => {
    const { dispatchId } = await releaseAlert(centre, high);
    await dayLater(dispatchId);
    const first = (await messagesOf(centre, dispatchId)).find(
      ({ number, round }) => number === numbers.eastvale && round === 1,
    )!;
    await textFrom(centre, numbers.eastvale, first.code);
    await open(dispatchId);
    const left = (await remindersOf(dispatchId)).filter(({ state }) => state !== 'cancelled');
    assert.ok(left.length > 0);
    assert.ok(left.every(({ organisations }) => !organisations.includes('Eastvale')));
  });

  it('go on after an update that asks nobody again, though who was told is not told again', async () => {
    const { dispatchId, alertId } = await releaseAlert(centre, high);
    await deliverAll(centre, dispatchId);
    await releaseVersion(centre, alertId, 'update', { doNow: 'Patch it now.', asksAgain: false });
    const [live] = await own<{ id: string }>(sql`
      select dispatch_id as id from alerts.v_live where alert_id = ${alertId}`);
    const all = (await messagesOf(centre, live!.id)).filter(
      ({ number }) => number === numbers.northmoor,
    );
    assert.deepEqual(
      all.map(({ round, state }) => `${round} ${state}`),
      ['1 cancelled', '4 held', '5 held'],
    );
  });
});
