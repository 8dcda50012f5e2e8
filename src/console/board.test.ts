import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import {
  deliverAll,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  textFrom,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { readBoard } from './board.ts';
import { csvOf } from './csv.ts';
import { drawCurve } from './curve.ts';
import { lastLeavesInMs } from './model.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

async function boardOf(alertId: string) {
  const { database, model, seals } = centre.product;
  const context = { database, model, openReply: seals.openReply };
  const board = await readBoard(context, { alertId, now: new Date() });
  assert.ok(board !== undefined);
  return board;
}

describe('the duty desk', () => {
  it('says what does not hold in the engine and what to do, and that nobody checks it', async () => {
    const own = (statement: Sql) =>
      centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));
    const officer = centre.visit(centre.officer);
    assert.match((await officer.get('/')).text, /Nobody checks the engine: it was never checked/);
    await own(sql`update dispatch.auditor set ended_at = now()`);
    assert.doesNotMatch((await officer.get('/')).text, /The engine needs somebody/);
    await own(sql`insert into dispatch.invariant (id, holds, mend, checked_at, breaches, sample,
      broken_since) values ('paced', 'no bucket was overspent', 'Do it.', now(), 2, 'x', now())`);
    const desk = await officer.get('/');
    assert.match(desk.text, /It does not hold that no bucket was overspent: 2 cases since/);
    assert.match(desk.text, /Do it\./);
    await own(sql`delete from dispatch.invariant`);
  });
});

describe('the live board', () => {
  it('counts organisations, and keeps accepted, delivered and acknowledged apart (P4)', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    const before = (await boardOf(alertId)).tally;
    assert.deepEqual(
      [before.mustAnswer, before.delivered, before.acknowledged, before.unreachable],
      [4, 0, 0, 1],
    );
    await deliverAll(centre, dispatchId);
    const first = (await messagesOf(centre, dispatchId)).find(
      ({ number, round }) => number === numbers.northmoor && round === 1,
    )!;
    await textFrom(centre, numbers.northmoor, `${first.code} YES`);
    const { tally, desk, nextCalls, regions } = await boardOf(alertId);
    assert.deepEqual(
      [tally.delivered, tally.acknowledged, tally.affected, tally.waiting, tally.unreachable],
      [3, 1, 1, 3, 1],
    );
    assert.equal(tally.acknowledgedLately, 1);
    // Eastvale has one contact only: its chain is at its end, so it is silent now.
    assert.deepEqual(
      nextCalls.map(({ name }) => name),
      ['Lonely Trust', 'Eastvale Ambulance'],
    );
    assert.equal(nextCalls[0]?.telephone, '0306 999 0005');
    assert.deepEqual(desk, []);
    assert.deepEqual(
      regions.map(({ name, mustAnswer, acknowledged }) => [name, mustAnswer, acknowledged]),
      [
        ['East', 2, 0],
        ['North', 2, 1],
      ],
    );
  });

  it('says that what was stopped may have left, while history is being read back', async () => {
    const { alertId } = await releaseAlert(centre);
    const keep = (statement: Sql) =>
      centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));
    await keep(sql`update dispatch.continuity set held_since = now(),
      held_start = pg_postmaster_start_time(), held_reason = 'another server'`);
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}/board`);
    const stopped = await officer.submit('Stop sending for good');
    const caveat = /until that is done, what counts as unknown or waiting may have left already/g;
    assert.equal(stopped.text.match(caveat)?.length, 2, 'in the notice and beside the ledger');
    assert.match(stopped.text, /0 gone, [1-9]\d* unknown, 0 never sent/);
    assert.match(stopped.text, /bin\/tocsin history status/);
    await keep(sql`update dispatch.continuity set held_since = null, held_start = null,
      held_reason = null`);
    const board = await officer.get(`/alerts/${alertId}/board`);
    assert.doesNotMatch(board.text, caveat);
    assert.match(board.text, /0 gone, 0 unknown, [1-9]\d* never sent/);
  });

  it('says what an alarm was raised about, and of how many texts', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    const [one, other] = await messagesOf(centre, dispatchId);
    const raise = (kind: string, id: string) =>
      centre.db.owner.withActor(system('test'), (tx) =>
        tx.run(sql`insert into dispatch.alarm (kind, message_id, gateway_id, provider_id)
          values (${kind}, ${id}, 'notify', ${newId()})`),
      );
    await raise('missing_at_provider', one!.id);
    await raise('stuck_at_provider', one!.id);
    await raise('stuck_at_provider', other!.id);
    const officer = centre.visit(centre.officer);
    const board = await officer.get(`/alerts/${alertId}/board`);
    assert.match(board.text, /The provider took 1 text and does not have it any more/);
    assert.match(board.text, /2 texts wait at the provider, which does not send on/);
    assert.doesNotMatch(board.text, /went out/);
  });

  it('every number opens its list, and the list is what was counted', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    await deliverAll(centre, dispatchId);
    const officer = centre.visit(centre.officer);
    const board = await officer.get(`/alerts/${alertId}/board`);
    for (const [label, count] of [
      ['must_answer', 4],
      ['delivered', 3],
      ['acknowledged', 0],
      ['waiting', 4],
      ['silent', 1],
      ['unreachable', 1],
      ['to_ring', 2],
      ['uncertain', 0],
    ] as const) {
      assert.ok(board.body.includes(`organisations?show=${label}"`), label);
      const list = await officer.get(`/alerts/${alertId}/organisations?show=${label}`);
      const rows = Math.max(0, list.elements('tr').length - 1);
      assert.equal(rows, count, label);
    }
  });

  it('streams the whole state first, and again after a change', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    const officer = centre.visit(centre.officer);
    await officer.get(`/alerts/${alertId}/board`);
    const stop = new AbortController();
    const response = await fetch(`${centre.site.address}/alerts/${alertId}/board/events`, {
      headers: { cookie: `tocsin=${centre.officer.id}` },
      signal: stop.signal,
    });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    const next = async (pattern: RegExp) => {
      for (let seen = ''; !pattern.test(seen);) {
        const { value, done } = await reader.read();
        assert.ok(!done, 'the stream ended');
        seen += value;
      }
    };
    await next(
      /tocsin-tile__number">0<\/span>\s*data:\s*<span class="tocsin-tile__label">acknowledged/,
    );
    await deliverAll(centre, dispatchId);
    const { code } = (await messagesOf(centre, dispatchId)).find(
      ({ number, round }) => number === numbers.eastvale && round === 1,
    )!;
    await textFrom(centre, numbers.eastvale, code);
    await next(
      /tocsin-tile__number">1<\/span>\s*data:\s*<span class="tocsin-tile__label">acknowledged/,
    );
    stop.abort();
  });

  it('is for the centre only', async () => {
    const { alertId } = await releaseAlert(centre);
    const path = `/alerts/${alertId}/board`;
    const visitor = await centre.site.visitor().request('GET', path);
    assert.equal(visitor.status, 303);
    const administrator = await centre.invite('No Alerts', []);
    assert.equal((await centre.visit(administrator).request('GET', path)).status, 403);
  });
});

describe('figures', () => {
  it('what the bucket holds leaves at once, the rest at its rate', () => {
    assert.equal(lastLeavesInMs({ waiting: 900, tokens: 980, ratePerSecond: 49.5 }), 0);
    assert.equal(lastLeavesInMs({ waiting: 1079, tokens: 980, ratePerSecond: 49.5 }), 2000);
    assert.equal(lastLeavesInMs({ waiting: 99, tokens: -5, ratePerSecond: 49.5 }), 2000);
  });

  it('a curve without answers is flat and says so', () => {
    const curve = drawCurve({ answers: [], mustAnswer: 4, elapsedMinutes: 3, deadlineMinutes: 60 });
    assert.equal(curve.summary, '0 of 4 organisations acknowledged 3 min after release.');
    assert.equal(curve.deadlineX, undefined);
    assert.doesNotMatch(curve.line + curve.area, /NaN/);
  });

  it('a spreadsheet does not run what an organisation is called', () => {
    const row = {
      organisationId: 'id',
      shortName: 'x',
      name: '=cmd|"/c calc"!A1, Ltd',
      code: '4821',
      regionCode: null,
      reach: 'delivered',
      moreToCome: false,
      acknowledgedAt: new Date('2026-11-23T03:12:00Z'),
      evidence: 'call',
      affected: null,
      helpAskedAt: null,
    } as const;
    assert.equal(
      csvOf([row]).split('\r\n')[1],
      `4821,"'=cmd|""/c calc""!A1, Ltd",,delivered,2026-11-23T03:12:00.000Z,call,,`,
    );
  });
});
