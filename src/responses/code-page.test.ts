/** What whoever has an address and its code reads, and for whom they answer. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { listEntries } from '#audit/index.ts';
import { sql } from '#db/sql.ts';
import { system } from '#kernel/actor.ts';
import { answersAt } from '../../test/support/answers.ts';
import {
  deliverRounds,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  releaseVersion,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import type { PageClient } from '../../test/support/page-client.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

const { responsesTo, deskItems, tidy } = answersAt(() => centre);

type Change = Parameters<typeof releaseAlert>[1];

/** Released and delivered, also to the number that two organisations share. */
async function released(change: Change = {}) {
  const alert = await releaseAlert(centre, change);
  await deliverRounds(centre, alert.dispatchId);
  const messages = await messagesOf(centre, alert.dispatchId);
  const codeOf = (number: string) => messages.find((one) => one.number === number)!.code;
  return { ...alert, codeOf };
}

type Released = Awaited<ReturnType<typeof released>>;

/** A visitor who typed the address that got the alert, and its code. */
async function open({ number, codeOf }: Released, address: string): Promise<PageClient> {
  const visitor = centre.site.visitor();
  await visitor.get(`/${number}`);
  await visitor.submit('Go on', { address: `0${address.slice(2)}`, code: codeOf(address) });
  return visitor;
}

describe('the page behind the code', () => {
  it('reads to AMBER, and no further; everybody may answer', async () => {
    for (const [marking, isRead] of [
      ['CLEAR', true],
      ['GREEN', true],
      ['AMBER', true],
      ['AMBER+STRICT', false],
      ['RED', false],
    ] as const) {
      const alert = await released({ marking });
      const visitor = await open(alert, numbers.eastvale);
      assert.equal(/Isolate Citrix/.test(visitor.page.text), isRead, marking);
      assert.equal(/marked above what may be shown/.test(visitor.page.text), !isRead, marking);
      assert.equal(visitor.page.headers.get('cache-control'), 'no-store');
      assert.deepEqual(await responsesTo(alert.alertId), [], 'opening it is no answer (P7)');
      await visitor.submit('Got it', { kind: 'got_it' });
      assert.equal((await responsesTo(alert.alertId)).length, 1, marking);
      await tidy(alert.alertId);
    }
  });

  it('opened with the code is told as opened, unconfirmed; without it nobody opened it', async () => {
    const alert = await released({ marking: 'GREEN' });
    const officer = centre.visit(centre.officer);
    const list = `/alerts/${alert.alertId}/organisations?show=waiting`;
    const waiting = async () => (await officer.get(list)).text;
    const scanner = centre.site.visitor();
    await scanner.get(`/${alert.number}`);
    await scanner.submit('Go on', { address: '07700 900201', code: '0000' }, { status: 422 });
    assert.doesNotMatch(await waiting(), /unconfirmed/);

    const visitor = await open(alert, numbers.northmoor);
    await open(alert, numbers.northmoor);
    assert.match(
      await waiting(),
      /Northmoor Teaching Hospitals .{0,40}Opened \d\d:\d\d, unconfirmed/,
    );
    const [northmoor] = await centre.db.owner.withActor(system('test'), (tx) =>
      tx.rows<{ id: string }>(sql`
        select id from organisations.organisation where short_name = 'Northmoor'`),
    );
    const call = await officer.get(`/alerts/${alert.alertId}/calls/${northmoor!.id}`);
    assert.match(call.text, /Opened \d\d:\d\d, unconfirmed: somebody there has seen it/);
    const { entries } = await centre.db.web.withActor(centre.officer, (tx) =>
      listEntries(tx, { action: 'alert.opened' }),
    );
    const ofThis = entries.filter(({ subjectId }) => subjectId === alert.alertId);
    assert.equal(ofThis.length, 1, 'the second look is no change');
    assert.deepEqual(await responsesTo(alert.alertId), []);

    await visitor.submit('Got it', { kind: 'got_it' });
    const said = await officer.get(`/alerts/${alert.alertId}/organisations?show=acknowledged`);
    assert.doesNotMatch(said.text, /unconfirmed/);
    await tidy(alert.alertId);
  });

  it('what was opened before a version that asks again is not opened yet', async () => {
    const alert = await released({ marking: 'GREEN' });
    await open(alert, numbers.northmoor);
    await releaseVersion(centre, alert.alertId, 'update', { asksAgain: true });
    const list = `/alerts/${alert.alertId}/organisations?show=waiting`;
    const { text } = await centre.visit(centre.officer).get(list);
    assert.match(text, /Northmoor/);
    assert.doesNotMatch(text, /unconfirmed/);
    await tidy(alert.alertId);
  });

  it('shows another organisation, another alert or no code nothing (P8)', async () => {
    const alert = await released({ marking: 'AMBER' });
    const other = await released({ marking: 'AMBER', title: 'Of another alert' });
    const visitor = centre.site.visitor();
    await visitor.get(`/${alert.number}`);
    const refused = async (address: string, code: string) => {
      const { text } = await visitor.submit('Go on', { address, code }, { status: 422 });
      assert.doesNotMatch(text, /Citrix/);
      return text;
    };
    const crossed = await refused('07700 900203', alert.codeOf(numbers.northmoor));
    const stranger = await refused('07700 900998', alert.codeOf(numbers.northmoor));
    assert.equal(crossed, stranger);
    await refused('07700 900203', other.codeOf(numbers.eastvale));
    await tidy(alert.alertId);
    await tidy(other.alertId);
  });

  it('answers for one or several of those that share a number', async () => {
    const alert = await released({ marking: 'GREEN' });
    const visitor = await open(alert, numbers.sharedOnCall);
    assert.match(visitor.page.heading, /Ransomware through Citrix/);
    assert.match(visitor.page.text, /Answer for your organisations For Northmoor Southmere/);
    const boxes = visitor.page.elements('[name="organisation"]');
    const [northmoor] = boxes.map((box) => box.attribs['value']!);
    const none = { kind: 'got_it', organisation: [] };
    const asked = await visitor.submit('Got it', none, { status: 422 });
    assert.match(asked.text, /Choose for whom you answer/);
    const foreign = '00000000-0000-4000-8000-000000000000';
    await visitor.submit('Got it', { ...none, organisation: [foreign] }, { status: 422 });
    assert.deepEqual(await responsesTo(alert.alertId), []);

    await visitor.submit('Got it', { kind: 'got_it', organisation: [northmoor!] });
    assert.deepEqual(
      (await responsesTo(alert.alertId)).map(({ organisation }) => organisation),
      ['Northmoor'],
    );
    await visitor.submit('Back to the alert');
    assert.match(visitor.page.text, /Northmoor: You have this since \d\d:\d\d/);
    // Ticked are those for whom nobody has answered.
    await visitor.submit('We need help', { kind: 'help' });
    assert.deepEqual(
      (await responsesTo(alert.alertId)).map(({ organisation, help }) => [organisation, help]),
      [
        ['Northmoor', false],
        ['Southmere', true],
      ],
    );
    await visitor.submit('Back to the alert');
    await visitor.submit('We need help', { kind: 'help' });
    assert.equal((await deskItems()).length, 2);
    await tidy(alert.alertId);
  });

  it('says what a correction changed, with no link to a page that is not open to all', async () => {
    const alert = await released({ marking: 'AMBER' });
    await releaseVersion(centre, alert.alertId, 'correction', {
      doNow: 'Do NOT isolate Citrix.',
      ifActed: 'If you did, reconnect.',
      body: 'Other details.',
    });
    const visitor = await open(alert, numbers.eastvale);
    assert.match(visitor.page.text, /CORRECTED .* go by this/);
    assert.match(
      visitor.page.text,
      /Do now ?Gone: Isolate Citrix gateways now.*New: Do NOT isolate/,
    );
    assert.match(visitor.page.text, /Details ?Gone: .*Disconnect the gateways.*New: Other details/);
    assert.doesNotMatch(visitor.page.body, /versions\/1/);
    const outside = await centre.site.visitor().get(`/${alert.number}`);
    assert.doesNotMatch(outside.text, /Citrix|CORRECTED/);
    await tidy(alert.alertId);
  });

  it('a program that follows the link and posts its form answers nothing (P7)', async () => {
    const alert = await released();
    const visitor = centre.site.visitor();
    await visitor.get(`/${alert.number}`);
    await visitor.submit('Go on', {}, { status: 422 });
    const form = new URLSearchParams({ kind: 'got_it', boxes: 'yes' });
    assert.equal((await visitor.request('POST', `/${alert.number}`, { form })).status, 422);
    assert.deepEqual(await responsesTo(alert.alertId), []);
    await tidy(alert.alertId);
  });
});
