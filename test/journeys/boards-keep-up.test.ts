/**
 * A board that goes on from what it counted once and from what is told since shows what a board
 * shows that counts everything anew: whatever moves, and wherever between the two it was counted.
 */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { parseNotice, type Notice } from '#console/notice.ts';
import { advanceAlert, readAlert, type Reading } from '#console/reading.ts';
import { sql } from '#db/sql.ts';
import type { Tx } from '#db/database.ts';
import { listen, type Listener } from '#db/listen.ts';
import { adoptMessages, requeueMessages } from '#dispatch/store-check.ts';
import { applyReceipts } from '#dispatch/store-inbox.ts';
import { readyMessages } from '#dispatch/store-rounds.ts';
import { claimMessages, expireLeases, settleMessages } from '#dispatch/store-send.ts';
import {
  boardContextOf,
  deliverAll,
  messagesOf,
  numbers,
  openCentre,
  releaseAlert,
  textFrom,
  type Centre,
} from '../support/centre.ts';
import { seedNotify } from '../support/dispatch.ts';

const OWNER = newId();
let centre: Centre;
let listener: Listener;
let notices: Notice[] = [];

before(async () => {
  centre = await openCentre();
  await seedNotify(centre.db.worker);
  listener = listen({
    config: centre.db.web.config,
    channels: ['tocsin_dispatch', 'tocsin_response', 'test_mark'],
    onNotify: (channel, payload) => {
      if (channel === 'test_mark') heard(payload);
      else notices.push(parseNotice(channel, payload));
    },
    onGap: () => {},
  });
  await listener.ready;
});

after(async () => {
  await listener.stop();
  await centre.close();
});

let heard: (mark: string) => void = () => {};

/** Everything that was told until now. They come in the order of the commits. */
async function allNotices(): Promise<Notice[]> {
  const { promise, resolve } = Promise.withResolvers<string>();
  heard = resolve;
  await work((tx) => tx.run(sql`select pg_notify('test_mark', 'here')`));
  await promise;
  return notices;
}

const work = <T>(act: (tx: Tx) => Promise<T>): Promise<T> =>
  centre.db.worker.withActor(system('test'), act);

const read = async (alertId: string, isFollowed: boolean) => {
  const asked = { reader: system('test'), alertId, now: new Date(), isFollowed };
  return (await readAlert(boardContextOf(centre), asked))!;
};

/** What both ways of counting have to agree on. */
function numbersOf({ figures, paths }: Reading) {
  return {
    figures: figures
      .map((row) => ({ ...row, answeredAfterS: row.answeredAfterS.toSorted((a, b) => a - b) }))
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    paths: paths.map(({ gateways, ...tally }) => ({
      ...tally,
      // Told by the tokens of the moment.
      lastLeavesAt: undefined,
      gateways: gateways.map(({ gateway, messages }) => [gateway.id, messages]),
    })),
  };
}

async function inState(dispatchId: string, state: string) {
  return await work((tx) =>
    tx.rows<{ id: string; attempt: number }>(sql`
      select id, attempt from dispatch.message
      where dispatch_id = ${dispatchId} and state = ${state} order by id`),
  );
}

async function answerBy(dispatchId: string, number: string, words: string): Promise<void> {
  const { code } = (await messagesOf(centre, dispatchId)).find((one) => one.number === number)!;
  await textFrom(centre, number, `${code} ${words}`.trim());
}

async function receiveIn(
  dispatchId: string,
  to: 'delivered' | 'undelivered',
  most: number,
): Promise<void> {
  const accepted = await work((tx) =>
    tx.rows<{ id: string; attempt: number; providerId: string }>(sql`
      select id, attempt, provider_id from dispatch.message
      where dispatch_id = ${dispatchId} and state = 'accepted' order by id limit ${most}`),
  );
  const moved = accepted.map(({ id, ...one }) => ({
    ...one,
    messageId: id,
    gatewayId: 'notify',
    to,
  }));
  await work((tx) => applyReceipts(tx, moved));
}

/** After each step every board agrees; with each another one begins. Returns what they showed. */
async function agreeAfter(
  alertId: string,
  steps: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<string[]> {
  notices = [];
  const boards = [await read(alertId, true)];
  const seen: string[] = [];
  for (const [name, step] of Object.entries(steps)) {
    await step();
    // This one has counted what it is told below.
    boards.push(await read(alertId, true));
    const told = await allNotices();
    const expected = numbersOf(await read(alertId, false));
    for (const [i, board] of boards.entries()) {
      // As if the while had passed for which it may know who holds what.
      board.counted!.claimedReadAtMs = 0;
      const news = { reader: system('test'), notices: told, now: new Date() };
      const advanced = await advanceAlert(boardContextOf(centre), board, news);
      assert.deepEqual(numbersOf(advanced!), expected, `board ${i} after: ${name}`);
      boards[i] = advanced!;
    }
    notices = [];
    seen.push(JSON.stringify(expected));
  }
  return seen;
}

for (const reminds of [false, true])
  it(`a board goes on from what is told${reminds ? ', where the next in line is a reminder' : ''}`, () =>
    goOn(reminds));

async function goOn(reminds: boolean): Promise<void> {
  const { alertId, dispatchId } = await releaseAlert(centre);
  const claim = (leaseMs = 60_000) =>
    work((tx) =>
      claimMessages(tx, { gatewayId: 'notify', channel: 'text', owner: OWNER, leaseMs, most: 2 }),
    );
  const settle = async (ends: readonly ('accepted' | 'rejected' | 'not_sent' | 'unknown')[]) => {
    const claimed = await inState(dispatchId, 'claimed');
    const batch = claimed.map(({ id, attempt }, i) => ({
      id,
      attempt,
      epoch: 1,
      class: ends[i % ends.length]!,
      code: null,
      againInMs: 0,
      providerId: ends[i % ends.length] === 'accepted' ? newId() : null,
    }));
    await work((tx) => settleMessages(tx, OWNER, batch));
  };
  const receive = (to: 'delivered' | 'undelivered', most: number) =>
    receiveIn(dispatchId, to, most);
  const steps: Readonly<Record<string, () => Promise<unknown>>> = {
    claims: () => claim(),
    'goes back in line, or is refused': () => settle(['not_sent', 'rejected']),
    'claims again': () => claim(),
    'is taken, or nobody knows': () => settle(['accepted', 'unknown']),
    'puts back what is not there': async () => {
      const absent = await inState(dispatchId, 'unknown');
      assert.ok((await work((tx) => requeueMessages(tx, absent))).length > 0);
    },
    'claims for no time': () => claim(0),
    'lets a lease end': () => work((tx) => expireLeases(tx, 0)),
    'finds one at the provider': async () => {
      const [found] = await inState(dispatchId, 'unknown');
      const adoption = { ...found!, foundAttempt: found!.attempt, providerId: newId() };
      assert.equal((await work((tx) => adoptMessages(tx, [adoption]))).length, 1);
    },
    'is delivered': () => receive('delivered', 1),
    'hears from one that nothing reached': () => answerBy(dispatchId, numbers.eastvale, 'HELP'),
    'claims what is left': async () => {
      while ((await claim()).length > 0);
    },
    'is taken': () => settle(['accepted']),
    'hears from one of two that share a number': () =>
      answerBy(dispatchId, numbers.northmoor, 'YES'),
    'does not arrive, or does': async () => {
      await receive('undelivered', 1);
      await receive('delivered', 2);
    },
    'hears from the other': () => answerBy(dispatchId, numbers.southmere, 'NO'),
  };
  await centre.db.owner.withActor(system('test'), (tx) =>
    tx.run(sql`update dispatch.round set reminds = ${reminds}, opened_at = now()
      where dispatch_id = ${dispatchId} and round > 1`),
  );
  // With the next in line, whose number two organisations share.
  const held = (await inState(dispatchId, 'held')).map(({ id }) => id);
  await work((tx) => readyMessages(tx, held));
  const seen = await agreeAfter(alertId, steps);
  // Each step but the claims that go back changed a number, so each could have gone wrong.
  assert.ok(new Set(seen).size > 10, `${new Set(seen).size} different boards`);
  assert.match(seen.at(-1)!, /"delivered":[1-9]/);
  assert.match(seen.at(-1)!, /"failed":[1-9]/);
}

it('so it does where answers call off the texts of the next in line', async () => {
  const { alertId, dispatchId } = await releaseAlert(centre);
  await deliverAll(centre, dispatchId);
  const seen = await agreeAfter(alertId, {
    'the first answers': () => answerBy(dispatchId, numbers.northmoor, 'YES'),
    'the other answers': () => answerBy(dispatchId, numbers.southmere, 'NO'),
  });
  assert.match(seen.at(-1)!, /"cancelled":[1-9]/);
});
