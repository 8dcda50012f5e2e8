/** A holding alert goes with one person where nobody is there, and somebody else looks at it (P5). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql } from '#db/sql.ts';
import { createApiKey, WAKE_TASK, type WakingTimer } from '#identity/index.ts';
import { everybody, saveAudience } from '#organisations/index.ts';
import {
  contextOf,
  must,
  openCentre,
  tasksFor,
  type Centre,
  type Person,
} from '../../../test/support/centre.ts';
import { seedNotify } from '../../../test/support/dispatch.ts';
import { findSubmission, findVersion, withdrawReleased } from '#alerts/index.ts';
import { releaseAlone } from './alone.ts';
import { whyNotAlone } from './model.ts';

let centre: Centre;
let second: Person;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  second = await centre.invite('Mia Berg', ['duty_officer']);
  for (const [person, number] of [
    [second, '+447700900303'],
    [centre.approver, '+447700900301'],
  ] as const) {
    const page = centre.visit(person);
    await page.get('/account');
    await page.submit('Save the number', { phone: number });
  }
});

after(() => centre.close());

const own = <T>(statement: ReturnType<typeof sql>) =>
  centre.db.owner.withActor(system('test'), (tx) => tx.rows<T>(statement));

/** A holding alert of the officer that waits; the page is that of the alert. */
async function waiting(changed: Record<string, string> = {}, by = centre.officer) {
  const page = centre.visit(by);
  await page.get('/alerts/holding');
  const shown = await page.submit('Submit for approval', changed);
  return { page, shown, alertId: shown.path.split('/')[2]! };
}

async function hashOf(alertId: string): Promise<string> {
  return await centre.db.web.withActor(centre.officer, async (tx) => {
    const version = await findVersion(tx, alertId);
    return (await findSubmission(tx, version!.id))!.contentHash;
  });
}

const goAlone = async (alertId: string, by: Person, changed = {}) =>
  centre.db.web.attempt(by, async (tx) =>
    releaseAlone(tx, contextOf(centre), {
      alertId,
      hash: await hashOf(alertId),
      organisations: 4,
      now: new Date(),
      ...changed,
    }),
  );

const forgetThose = () => own(sql`delete from alerts.alone`);

describe('a saved text to all who must answer', () => {
  it('goes with one person, who types how many get it; all officers are told', async () => {
    const { page, shown, alertId } = await waiting();
    assert.match(shown.text, /Nobody there to approve it\?.*2 of 2 left/s);
    const confirm = await page.click('Send it alone');
    assert.match(confirm.text, /To 4 organisations, 4 must answer/);
    const wrong = await page.submit('Send it alone, now', { organisations: '5' }, { status: 422 });
    assert.match(wrong.text, /Type the number of organisations/);
    const board = await page.submit('Send it alone, now', { organisations: '4' });
    assert.match(board.text, /It leaves now/);
    assert.match(board.text, /Ola Ade sent it alone|sent it alone\. Review due/);
    const [dispatch] = await own<{ state: string }>(sql`
      select dispatch.state from dispatch.dispatch dispatch
      join alerts.submission on submission.dispatch_id = dispatch.id
      join alerts.version on version.id = submission.version_id
      where version.alert_id = ${alertId}`);
    assert.equal(dispatch?.state, 'sending');
    const desk = await centre.visit(second).get('/');
    assert.match(desk.text, /Sent by one person: to be looked at/);
    const timers = await timersOf('announcement', 'review');
    for (const timer of timers) await tasksFor(centre)[WAKE_TASK]!(timer);
    const told = await own<{ body: string }>(sql`
      select body from dispatch.message where body like '%one person%'`);
    assert.ok(told.some(({ body }) => /was sent by one person/.test(body)));
    assert.ok(told.some(({ body }) => /one person sent alert .* Look at it, due/.test(body)));
  });

  it('is looked at by somebody else, once, and a bad one is explained', async () => {
    const { alertId } = await waiting();
    must(await goAlone(alertId, centre.officer));
    const own1 = await centre.visit(centre.officer).get(`/alerts/${alertId}/review`);
    assert.match(own1.text, /You let it go, so somebody else has to look at it/);
    const page = centre.visit(second);
    await page.get(`/alerts/${alertId}/review`);
    const none = await page.submit('Write it down', {}, { status: 422 });
    assert.match(none.text, /Say whether it was right/);
    const bare = await page.submit('Write it down', { finding: 'wrong' }, { status: 422 });
    assert.match(bare.text, /Say what was wrong/);
    const done = await page.submit('Write it down', { finding: 'wrong', remark: 'It could wait.' });
    assert.match(done.text, /Not right to send Mia Berg.*It could wait\./s);
    const desk = await page.get('/');
    assert.doesNotMatch(desk.text, new RegExp(`alerts/${alertId}/review`));
    await assert.rejects(
      own(sql`update alerts.alone set reviewed_by = by where alert_id = ${alertId}`),
      /review_by_another/,
    );
  });

  it('goes no more often than the rules allow, however many press at once', async () => {
    await forgetThose();
    const ids = [];
    for (let i = 0; i < 4; i += 1) ids.push((await waiting()).alertId);
    const done = await Promise.all(ids.map((id) => goAlone(id, centre.officer)));
    assert.equal(done.filter(({ ok }) => ok).length, centre.model.holding.alone!.most);
    const refusals = done.flatMap((one) => (one.ok ? [] : [one.message]));
    assert.ok(refusals.every((message) => /As many went with one person/.test(message)));
    await forgetThose();
  });

  it('pressed twice at once it goes once', async () => {
    const { alertId } = await waiting();
    const done = await Promise.all([1, 2].map(() => goAlone(alertId, centre.officer)));
    assert.equal(done.filter(({ ok }) => ok).length, 1);
    await forgetThose();
  });

  it('is withdrawn like any other, and an approval comes too late', async () => {
    const { alertId } = await waiting();
    const hash = await hashOf(alertId);
    must(await goAlone(alertId, centre.officer));
    const late = centre.visit(centre.approver);
    await late.get('/alerts');
    const gone = await centre.db.web.attempt(centre.officer, (tx) =>
      withdrawReleased(tx, contextOf(centre), { alertId, reason: 'false alarm' }),
    );
    must(gone);
    assert.notEqual(hash, '');
    await forgetThose();
  });

  it('is said on the public page where nobody looked at it in time', async () => {
    const { alertId } = await waiting();
    must(await goAlone(alertId, centre.officer));
    const [{ number } = { number: 0 }] = await own<{ number: number }>(
      sql`select number from alerts.alert where id = ${alertId}`,
    );
    const stranger = () => centre.site.visitor().get(`/${number}`);
    assert.doesNotMatch((await stranger()).text, /nobody else has looked/);
    await own(sql`update alerts.alone set review_due_at = now() - interval '1 minute'`);
    assert.match((await stranger()).text, /Sent by one person, and nobody else has looked at it/);
    await forgetThose();
  });
});

describe('what needs a second person', () => {
  const refusedAs = async (why: RegExp, changed: Record<string, string>, by = centre.officer) => {
    const { alertId, shown } = await waiting(changed, by);
    assert.doesNotMatch(shown.text, /Send it alone/);
    const done = await goAlone(alertId, by);
    assert.ok(!done.ok);
    assert.match(done.message, why);
  };

  it('other words, other readers', async () => {
    await refusedAs(/Its words were changed/, { doNow: 'Pay 500 pounds to this account.' });
    const north = await saved('The North', { regions: ['RA'] }, second);
    await refusedAs(/not all who must answer/, { audience: north });
  });

  it('a page, an address or a number in a blank', async () => {
    const { alertId } = await waiting({ audience: '' });
    const version = await centre.db.web.withActor(centre.officer, (tx) => findVersion(tx, alertId));
    const text = centre.model.holding.texts.find(({ title }) => title === version!.title)!;
    const holding = { ...centre.model.holding, texts: [{ ...text, doNow: 'Use {way} now.' }] };
    const whyWith = (way: string) =>
      whyNotAlone({ ...version!, doNow: `Use ${way} now.` }, { holding }, { isOfAnother: true });
    assert.equal(whyWith('the fallback of 28 November, 03:40'), undefined);
    for (const way of [
      'evil.example',
      'evil．example',
      'me@evil',
      '07700 900123',
      '０７７００９００１２３',
    ])
      assert.match(whyWith(way) ?? '', /Its words were changed/, way);
  });

  it('the usual audience, where the same person saved it, or a key of theirs', async () => {
    const mine = await saved(centre.model.holding.audience, { regions: ['RB'] }, centre.officer);
    await refusedAs(/nobody else saved it/, { audience: mine });
    const wish = { permissions: ['directory.write'], expiresAt: null } as const;
    const answered = { ...wish, name: 'A program', answeredFor: centre.officer.id };
    const key = await centre.db.web.withActor(system('test'), (tx) =>
      createApiKey(tx, answered, new Date()),
    );
    await own(sql`update organisations.audience_version set saved_by = ${must(key).id}
      where audience_id = ${mine}`);
    await refusedAs(/nobody else saved it/, { audience: mine });
    const { alertId } = await waiting({ audience: mine }, second);
    const done = await goAlone(alertId, second, { organisations: 3 });
    assert.ok(done.ok, JSON.stringify(done));
    await forgetThose();
  });

  it('what went with one person before, and was recalled', async () => {
    const { alertId } = await waiting({ audience: '' });
    await own(sql`
      insert into alerts.alone (alert_id, by, by_name, review_due_at)
      values (${alertId}, ${centre.officer.id}, 'Amara Osei', now() + interval '1 day')`);
    const again = await goAlone(alertId, centre.officer);
    assert.ok(!again.ok && /went with one person before/.test(again.message));
    await forgetThose();
  });

  it('whoever may write and not approve, and another hash', async () => {
    const { alertId } = await waiting({ audience: '' });
    const writer: Person = {
      ...centre.officer,
      permissions: new Set(['alert.read', 'alert.write']),
    };
    const barred = await goAlone(alertId, writer);
    assert.ok(!barred.ok && barred.kind === 'forbidden');
    const other = await goAlone(alertId, centre.officer, { hash: 'f'.repeat(64) });
    assert.ok(!other.ok && other.kind === 'conflict');
  });

  it('where the rules name no number', async () => {
    const { alertId } = await waiting({ audience: '' });
    const context = contextOf(centre);
    const model = { ...context.model, holding: { ...context.model.holding, alone: undefined } };
    const done = await centre.db.web.attempt(centre.officer, async (tx) =>
      releaseAlone(
        tx,
        { ...context, model },
        {
          alertId,
          hash: await hashOf(alertId),
          organisations: 4,
          now: new Date(),
        },
      ),
    );
    assert.ok(!done.ok && /nothing go with one person/.test(done.message));
  });

  it('the database refuses it in the name of another', async () => {
    const { alertId } = await waiting();
    const statement = sql`
      update identity.approval set state = 'alone', let_go_by = ${second.id}, let_go_at = now()
      where id = (select approval_id from alerts.submission
        join alerts.version on version.id = submission.version_id
        where version.alert_id = ${alertId})`;
    await assert.rejects(
      centre.db.web.withActor(centre.officer, (tx) => tx.run(statement)),
      /given by the person who acts/,
    );
  });
});

async function saved(name: string, question: object, by: Person): Promise<string> {
  const id = newId();
  must(
    await centre.db.web.attempt(by, (tx) =>
      saveAudience(tx, { id, name, question: { ...everybody, ...question }, now: new Date() }),
    ),
  );
  return id;
}

async function timersOf(...kinds: string[]): Promise<WakingTimer[]> {
  const rows = await own<{ payload: WakingTimer }>(sql`
    select job.payload from graphile_worker._private_jobs job
    where job.payload ->> 'kind' = any (${kinds})`);
  return rows.map(({ payload }) => payload);
}
