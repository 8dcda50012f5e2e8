import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { sql, type Sql } from '#db/sql.ts';
import {
  endAlert,
  boardContextOf,
  deliverAll,
  draftAlert,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  releaseVersion,
  submitDraft,
  textFrom,
  wording,
  type Centre,
} from '../../test/support/centre.ts';
import { seedNotify } from '../../test/support/dispatch.ts';
import { textIn } from '../../test/support/page-checks.ts';
import { boardOf, type Board } from './board.ts';
import { readAlert } from './reading.ts';
import { everywhere, type Filter } from './figures.ts';
import { fieldMinute } from './parse.ts';

let centre: Centre;

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
});

after(async () => {
  await centre.close();
});

async function readBoard(alertId: string, filter?: Filter, at?: Date): Promise<Board> {
  const reading = await readAlert(boardContextOf(centre), {
    reader: system('test'),
    alertId,
    now: new Date(),
    at,
  });
  assert.ok(reading !== undefined);
  return boardOf(reading, filter);
}

/** The stream of a page that was opened; `next` waits for what it is to say. */
async function follow(page: string, events: string) {
  await centre.visit(centre.officer).get(page);
  const stopping = new AbortController();
  const response = await fetch(`${centre.site.address}${events}`, {
    headers: { cookie: `tocsin=${centre.officer.id}` },
    signal: stopping.signal,
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const next = async (pattern: RegExp, withinMs = 60_000): Promise<void> => {
    const late = setTimeout(() => stopping.abort(`no ${pattern.source} in time`), withinMs);
    for (let seen = ''; !pattern.test(seen);) {
      const { value, done } = await reader.read();
      assert.ok(!done, 'the stream ended');
      seen += value;
    }
    clearTimeout(late);
  };
  return { next, stop: () => stopping.abort() };
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

  it('moves as soon as something waits for a second person, and when it comes back', async () => {
    const { next, stop } = await follow('/', '/desk/events');
    await next(/Nothing waits/);
    const alertId = await draftAlert(centre, { title: 'Waits for somebody' });
    await submitDraft(centre, alertId);
    // Far sooner than the half minute after which all is read anew.
    await next(/Waiting for approval[^]*Waits for somebody/, 10_000);
    const approver = centre.visit(centre.approver);
    await approver.get(`/alerts/${alertId}`);
    await approver.submit('Return to author', { reason: 'Shorter.' });
    await next(/Returned to the author[^]*Shorter\./, 10_000);
    stop();
  });
});

describe('the live board', () => {
  it('keeps whom it told when an organisation closes meanwhile', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    await deliverAll(centre, dispatchId);
    const { code } = (await messagesOf(centre, dispatchId)).find(
      ({ number, round }) => number === numbers.northmoor && round === 1,
    )!;
    const close = (on: Sql) =>
      centre.db.owner.withActor(system('test'), (tx) =>
        tx.run(sql`update organisations.organisation set closed_on = ${on}`),
      );
    await close(sql`current_date - 1`);
    try {
      await textFrom(centre, numbers.northmoor, `${code} HELP`);
      const { tally, desk, nextCalls } = await readBoard(alertId);
      assert.deepEqual([tally.mustAnswer, tally.acknowledged, tally.help], [4, 1, 1]);
      assert.match(desk[0]!.organisation ?? '', /Northmoor/);
      assert.equal(nextCalls[0]?.name, 'Lonely Trust');
    } finally {
      await close(sql`null`);
    }
  });

  it('counts organisations, and keeps accepted, delivered and acknowledged apart (P4)', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    const before = (await readBoard(alertId)).tally;
    assert.deepEqual(
      [before.mustAnswer, before.delivered, before.acknowledged, before.unreachable],
      [4, 0, 0, 1],
    );
    await deliverAll(centre, dispatchId);
    const first = (await messagesOf(centre, dispatchId)).find(
      ({ number, round }) => number === numbers.northmoor && round === 1,
    )!;
    await textFrom(centre, numbers.northmoor, `${first.code} YES`);
    const { tally, desk, nextCalls, map } = await readBoard(alertId);
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
    assert.equal(nextCalls[0]?.why, 'unreachable');
    assert.deepEqual(desk, []);
    assert.deepEqual(
      map.tiles.map(({ label, mustAnswer, acknowledged }) => [label, mustAnswer, acknowledged]),
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

  it('shows any minute since the release as it was', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    const own = (statement: Sql) =>
      centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));
    await deliverAll(centre, dispatchId);
    const [first] = await messagesOf(centre, dispatchId);
    await textFrom(centre, first!.number, `${first!.code} YES`);
    // As if all of it had been an hour ago, each five minutes after the other.
    await own(sql`update alerts.version set released_at = now() - interval '60 min',
      asked_at = now() - interval '60 min' where alert_id = ${alertId}`);
    await own(sql`update dispatch.message set accepted_at = now() - interval '55 min',
      final_at = now() - interval '50 min'
      where dispatch_id = ${dispatchId} and state = 'delivered'`);
    await own(sql`update dispatch.message set final_at = now() - interval '45 min'
      where dispatch_id = ${dispatchId} and state = 'cancelled'`);
    await own(sql`update responses.answer set at = now() - interval '45 min'
      where alert_id = ${alertId}`);
    await own(sql`update responses.response set acknowledged_at = now() - interval '45 min',
      affected_at = now() - interval '45 min' where alert_id = ${alertId}`);
    const at = async (minutes: number) => {
      const time = new Date(Date.now() - minutes * 60_000);
      const { tally } = await readBoard(alertId, everywhere, time);
      return [tally.notGone, tally.noReceipt, tally.delivered, tally.acknowledged, tally.affected];
    };
    assert.deepEqual(await at(57), [4, 0, 0, 0, 0]);
    assert.deepEqual(await at(52), [1, 3, 0, 0, 0]);
    assert.deepEqual(await at(47), [1, 0, 3, 0, 0]);
    const { tally } = await readBoard(alertId);
    assert.deepEqual(await at(0), [
      tally.notGone,
      tally.noReceipt,
      tally.delivered,
      tally.acknowledged,
      tally.affected,
    ]);
    const officer = centre.visit(centre.officer);
    const minute = fieldMinute(new Date(Date.now() - 47 * 60_000));
    const past = await officer.get(`/alerts/${alertId}/board?at=${minute}`);
    // Of yesterday it has its day too.
    assert.match(past.text, /As it was at (?:\d+ \w+ \d{4} at )?\d\d:\d\d/);
    assert.doesNotMatch(past.body, /data-events=/);
    // Of the paths the numbers, which are of then; whether a gateway worked is not kept.
    assert.match(past.text, /Texts: 3 of 4 gone, 3 delivered\./);
    assert.doesNotMatch(past.text, /last proven|no gateway|rings them/);
    const list = await officer.click('3 delivered');
    assert.match(list.text, /As it was at/);
    assert.equal(list.elements('tr').length, 4);
    assert.doesNotMatch(list.text, /Acknowledged \d/);
    const early = await officer.get(`/alerts/${alertId}/board?at=2020-01-01T00:00`, {
      status: 422,
    });
    assert.match(early.text, /This version went out on/);
    await officer.get(`/alerts/${alertId}/board?at=soon`, { status: 422 });
    await officer.get(`/alerts/${alertId}/board?at=2999-01-01T00:00`, { status: 422 });
  });

  it('shows of a past minute who waited for us then, and who had taken it', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    await deliverAll(centre, dispatchId);
    const { code } = (await messagesOf(centre, dispatchId)).find(
      ({ number, round }) => number === numbers.northmoor && round === 1,
    )!;
    await textFrom(centre, numbers.northmoor, `${code} HELP`);
    const own = (statement: Sql) =>
      centre.db.owner.withActor(system('test'), (tx) => tx.run(statement));
    await own(sql`update alerts.version set released_at = now() - interval '60 min',
      asked_at = now() - interval '60 min' where alert_id = ${alertId}`);
    await own(sql`update responses.desk_item set state = 'closed', outcome = 'rung',
      created_at = now() - interval '30 min', claimed_by = 'x', claimed_by_name = 'Amara Osei',
      claimed_at = now() - interval '20 min', claim_ends_at = now(),
      closed_at = now() - interval '10 min' where alert_id = ${alertId}`);
    const waited = async (minutes: number) => {
      const at = new Date(Date.now() - minutes * 60_000);
      const { desk } = await readBoard(alertId, everywhere, at);
      return desk.map(({ organisation, owner }) => [organisation, owner?.name]);
    };
    const northmoor = 'Northmoor Teaching Hospitals';
    assert.deepEqual(await waited(35), []);
    assert.deepEqual(await waited(25), [[northmoor, undefined]]);
    assert.deepEqual(await waited(15), [[northmoor, 'Amara Osei']]);
    assert.deepEqual(await waited(5), []);
    const minute = fieldMinute(new Date(Date.now() - 15 * 60_000));
    const page = await centre.visit(centre.officer).get(`/alerts/${alertId}/board?at=${minute}`);
    assert.match(page.text, /Northmoor Teaching Hospitals.* Help alert .*Amara Osei has it .*Open/);
    assert.doesNotMatch(page.text, /Take it/);
  });

  it('names who was reached from the call list on, and nobody once the alert is over', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre, { severity: 'medium' });
    // Whatever the hour.
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update dispatch.message set state = 'ready', due_at = now(),
        expires_at = now() + interval '1 hour' where dispatch_id = ${dispatchId}`),
    );
    await deliverAll(centre, dispatchId);
    const named = async (at?: Date) => {
      const { nextCalls, tally } = await readBoard(alertId, everywhere, at);
      const rung = await centre.db.owner.withActor(system('test'), (tx) =>
        tx.rows(sql`select from responses.v_to_ring where alert_id = ${alertId}`),
      );
      return [nextCalls.length, tally.silent, tally.toRing, ...(at ? [] : [rung.length])];
    };
    assert.deepEqual(
      await named(),
      [1, 0, 1, 1],
      'five days to answer, and one that nobody reaches',
    );
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`update alerts.version set asked_at = asked_at - interval '5 days'
        where alert_id = ${alertId}`),
    );
    const [first = 0, silent = 0, toRing = 0, rung] = await named();
    assert.ok(silent > 0 && first > 1);
    assert.deepEqual([toRing, rung], [silent + 1, silent + 1]);
    await endAlert(centre, alertId, 'closed');
    assert.equal((await readBoard(alertId)).nextCalls.length, 0);
    const page = await centre.visit(centre.officer).get(`/alerts/${alertId}/board`);
    assert.match(page.text, /Next to ring Nobody is chased any more/);
    assert.match(page.text, /acknowledged never answered/);
    const wall = await centre.visit(centre.officer).get(`/alerts/${alertId}/wall`);
    assert.match(wall.text, /Nobody is chased any more\./);
    for (const { text } of [page, wall]) assert.doesNotMatch(text, /being asked|\d to ring/);
  });

  it('says what the alert says, folded, in the version that holds', async () => {
    const manager = { what: '', doNow: 'Let your IT lead cut it off.', ifActed: '' };
    const { alertId } = await releaseAlert(centre, {
      content: {
        ...wording.content,
        cves: ['CVE-2026-12345'],
        steps: [{ type: 'Patch', text: 'Install 14.1-43', link: '' }],
      },
      readerWords: { manager },
    });
    const officer = centre.visit(centre.officer);
    const board = await officer.get(`/alerts/${alertId}/board`);
    const [words] = board.elements('details#words');
    assert.equal(words?.attribs['open'], undefined);
    const said = textIn(words);
    assert.match(
      said,
      /What is happening ransomware via Citrix Do now Isolate Citrix gateways now/,
    );
    assert.match(said, /Not known yet Whether patched gateways are safe\./);
    assert.match(said, /Install 14\.1-43 .*CVE-2026-12345/);
    assert.match(said, /In texts to “Manager” Do now: Let your IT lead cut it off\./);
    const corrected = { doNow: 'Do NOT isolate Citrix.', ifActed: 'If you did, reconnect.' };
    await releaseVersion(centre, alertId, 'correction', corrected);
    const [now] = (await officer.get(`/alerts/${alertId}/board`)).elements('details#words');
    assert.match(textIn(now), /version 2 .*a correction, holds since \d\d:\d\d/);
    assert.match(textIn(now), /Do now Do NOT isolate Citrix\. ?If you acted already If you did/);
    assert.doesNotMatch(textIn(now), /Manager/);
  });

  it('folds a long help queue after three, and shows all of it', async () => {
    const { alertId } = await releaseAlert(centre);
    await centre.db.owner.withActor(system('test'), (tx) =>
      tx.run(sql`
        insert into responses.desk_item (id, kind, alert_id, organisation_id)
        select gen_random_uuid(), 'not_understood', ${alertId}, organisation.id
        from organisations.organisation`),
    );
    const officer = centre.visit(centre.officer);
    const board = await officer.get(`/alerts/${alertId}/board`);
    assert.match(board.text, /2 more/);
    assert.equal(board.textOf('#desk-more').match(/Take it/g)?.length, 2);
    assert.equal(board.elements('.tocsin-desk-item').length, 5);
  });

  it('hangs on a wall, with everything and without a menu', async () => {
    const { alertId } = await releaseAlert(centre);
    const officer = centre.visit(centre.officer);
    const wall = await officer.get(`/alerts/${alertId}/wall?region=RB`);
    assert.match(wall.text, /2 must answer/);
    assert.equal(wall.elements('nav').length, 0);
    assert.match(wall.body, /wall\/events\?region=RB&amp;"/);
    await officer.get(`/alerts/${newId()}/wall`, { status: 404 });
  });

  it('streams the whole state first, and again after a change', async () => {
    const { alertId, dispatchId } = await releaseAlert(centre);
    const { next, stop } = await follow(
      `/alerts/${alertId}/board`,
      `/alerts/${alertId}/board/events`,
    );
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
    stop();
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
