/** The lists behind the numbers of a board, and a board of some organisations. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import type { Tx } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import {
  boardContextOf,
  deliverAll,
  endAlert,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { rulesWith } from '../../test/support/rules.ts';
import { textIn } from '../../test/support/page-checks.ts';
import { boardOf, type Board } from './board.ts';
import { readAlert } from './reading.ts';
import { everywhere, type Filter } from './figures.ts';
import { findHelpSurge } from './store-desk.ts';
import { listAnnouncements } from './store-promises.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

async function readBoard(alertId: string, filter: Filter): Promise<Board> {
  const reading = await readAlert(boardContextOf(centre), {
    reader: system('test'),
    alertId,
    now: new Date(),
  });
  assert.ok(reading !== undefined);
  return boardOf(reading, filter);
}

describe('the lists of a board', () => {
  it('every number opens its list, and the list is what was counted', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    await deliverAll(centre, dispatchId);
    const [first] = await messagesOf(centre, dispatchId);
    await textFrom(centre, first!.number, `${first!.code} YES`);
    const officer = centre.visit(centre.officer);
    const links = async (path: string) => {
      const page = await officer.get(path);
      return (
        page
          .elements('a')
          .map((a) => ({ href: a.attribs['href'] ?? '', text: textIn(a) }))
          // A tile of the map leads to those that have not answered, and says what share has.
          .filter(
            ({ href, text }) =>
              /\/(organisations|messages)\?/.test(href) && /\d+(?!\d| ?%)/.test(text),
          )
      );
    };
    const ofAll = await links(`/alerts/${alertId}/board`);
    // Eight tiles, five steps and what they lost, regions twice and their affected, two paths.
    assert.ok(ofAll.length >= 26, String(ofAll.length));
    const shown = new Set(
      ofAll.map(({ href }) => new URL(href, 'http://x').searchParams.get('show')),
    );
    for (const listing of ['delivered', 'acknowledged', 'affected', 'gone', 'reached', 'not_gone'])
      assert.ok(shown.has(listing), listing);
    const ofSome = await links(`/alerts/${alertId}/board?region=RA&type=trust`);
    const onWall = await links(`/alerts/${alertId}/wall`);
    // Nine tiles, and as on the board.
    assert.ok(onWall.length >= 25, String(onWall.length));
    const onDesk = (await links('/')).filter(({ href }) => href.includes(alertId));
    assert.equal(onDesk.length, 8);
    for (const { href, text } of [...ofAll, ...ofSome, ...onWall, ...onDesk]) {
      const list = await officer.get(href);
      const rows = Math.max(0, list.elements('tr').length - 1);
      assert.equal(rows, Number(/\d+/.exec(text)![0]), `${href}: ${text}`);
    }
  });

  it('lists the organisations of each part of the ledger', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.message set state = 'delivered', attempt = 1, accepted_at = now(),
        final_at = now() where dispatch_id = ${dispatchId} and state = 'ready'
        and organisation_id = (select id from organisations.organisation
          where short_name = 'Northmoor')`),
    );
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}/board`);
    const stopped = await officer.submit('Stop sending for good');
    const shown = stopped
      .elements('a')
      .filter(({ attribs }) => (attribs['href'] ?? '').includes('/ledger?'));
    assert.deepEqual(shown.map(textIn), ['1 gone', '0 unknown', '3 never sent']);
    for (const link of shown) {
      const list = await officer.get(link.attribs['href']!);
      const rows = Math.max(0, list.elements('tr').length - 1);
      assert.equal(rows, Number(/\d+/.exec(textIn(link))![0]), textIn(link));
    }
  });

  it('is narrowed to a region, a system, a type, and to what has none', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    await deliverAll(centre, dispatchId);
    const counted = async (filter: Partial<Filter>) => {
      const { tally, nextCalls, curve } = await readBoard(alertId, { ...everywhere, ...filter });
      return [
        tally.mustAnswer,
        tally.delivered,
        nextCalls.length,
        /of (\d)/.exec(curve.summary)![1],
      ];
    };
    assert.deepEqual(await counted({}), [4, 3, 2, '4']);
    assert.deepEqual(await counted({ region: 'RA' }), [2, 2, 0, '2']);
    assert.deepEqual(await counted({ system: 'SB', type: 'trust' }), [2, 1, 2, '2']);
    assert.deepEqual(await counted({ region: 'RA', system: 'SB' }), [0, 0, 0, '0']);
    assert.deepEqual(await counted({ region: '-' }), [0, 0, 0, '0']);
    const officer = centre.visit(centre.officer);
    const path = `/alerts/${alertId}/board`;
    assert.match((await officer.get(path)).text, /North \(2\)/);
    // As the form sends it: what is not chosen is empty.
    const narrowed = await officer.get(`${path}?region=RB&system=&type=`);
    assert.match(narrowed.text, /2 organisations must answer/);
    assert.match(narrowed.body, /data-events="[^"]+events\?region=RB&amp;"/);
    const list = await officer.click('1 unreachable');
    assert.match(list.text, /Only East\./);
    assert.deepEqual(
      list
        .elements('th')
        .slice(3)
        .map((th) => textIn(th)),
      ['Lonely Trust'],
    );
    const csv = await officer.request('GET', `/alerts/${alertId}/organisations.csv?region=RA`);
    assert.equal(csv.body.trim().split('\r\n').length, 3);
    await officer.get(`/alerts/${alertId}/board?region=%3Cb%3E`, { status: 422 });
  });
});

describe('the desk under other rules', () => {
  const under = <T>(act: (tx: Tx) => Promise<T>) => centre.db.web.withActor(centre.officer, act);

  it('as many calls for help as the rules say, in so long, are no coincidence', async () => {
    const { dispatchId } = await releaseAlert(centre);
    await deliverAll(centre, dispatchId);
    const sent = await messagesOf(centre, dispatchId);
    const [one, other] = [numbers.northmoor, numbers.eastvale].map((number) =>
      sent.find((message) => message.number === number)!,
    );
    for (const { number, code } of [one!, other!]) await textFrom(centre, number, `${code} HELP`);
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`
        update responses.desk_item item set created_at = now() - interval '20 minutes'
        from organisations.organisation where organisation.id = item.organisation_id
          and organisation.short_name = 'Northmoor' and item.kind = 'help'`),
    );
    const surge = async (rule: string) => {
      const { desk } = rulesWith(['organisations: 3, within: PT30M', rule]);
      return (await under((tx) => findHelpSurge(tx, desk.helpSurge)))?.organisations;
    };
    assert.equal(await surge('organisations: 2, within: PT25M'), 2);
    assert.equal(await surge('organisations: 2, within: PT15M'), undefined);
    assert.equal(await surge('organisations: 3, within: PT25M'), undefined);
  });

  it('that an alert was closed stands on it for as long as the rules say', async () => {
    const { alertId } = await releaseAlert(centre);
    await endAlert(centre, alertId, 'closed');
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`
        update alerts.announcement set at = now() - interval '2 hours'
        where alert_id = ${alertId}`),
    );
    const stands = async (duration: string) => {
      const { desk } = rulesWith(['stand_for: PT12H', `stand_for: ${duration}`]);
      const all = await under((tx) =>
        listAnnouncements(tx, { withinMs: desk.announcementsStandForMs }),
      );
      return all.some((row) => row.alertId === alertId);
    };
    assert.deepEqual([await stands('PT1H'), await stands('PT3H')], [false, true]);
  });
});
