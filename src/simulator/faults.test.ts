import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FaultSet, seededRandom } from './faults.ts';
import {
  CallbackReceiver,
  call,
  firstError,
  rowsOf,
  sendSms,
  startForTest,
  temporaryFolder,
  withFault,
} from './kit-for-tests.ts';
import { RateLimiter } from './limiter.ts';

describe('faults before acceptance', () => {
  it('drop: the connection ends and nothing is stored', async (context) => {
    const simulator = await startForTest(context);
    await withFault(simulator, { fault: 'drop', times: 1 });
    await assert.rejects(sendSms(simulator, { reference: 'a' }), /fetch failed/);
    assert.equal((await rowsOf(simulator, 'a')).length, 0);
    assert.equal((await sendSms(simulator)).status, 201);
  });

  it('error: 500 and 504 are JSON, 502 and 503 come from the edge', async (context) => {
    const simulator = await startForTest(context);
    const answers: [number, string][] = [
      [500, '500 OperationalError: Internal server error'],
      [504, '504 SoftEventletTimeout: Timeout serving request'],
    ];
    for (const [status, expected] of answers) {
      await withFault(simulator, { fault: 'error', status, times: 1 });
      assert.equal(firstError(await sendSms(simulator)), expected);
    }
    await withFault(simulator, { fault: 'error', status: 502, times: 1 });
    const edge = await sendSms(simulator);
    assert.deepEqual(edge, {
      status: 502,
      body: { text: '<html><body><h1>502 Bad Gateway</h1></body></html>' },
    });
  });

  it('down: refuses connections while the second door stays open, or answers 503', async (context) => {
    const simulator = await startForTest(context);
    await withFault(simulator, { fault: 'down' });
    await assert.rejects(sendSms(simulator), (error: { cause: { code: string } }) => {
      assert.equal(error.cause.code, 'ECONNREFUSED');
      return true;
    });
    await fetch(`${simulator.controlUrl}/_control/faults`, { method: 'DELETE' });
    assert.equal((await sendSms(simulator)).status, 201);
    await simulator.addFault({ fault: 'down', mode: 'unavailable', times: 1 });
    assert.equal((await sendSms(simulator)).status, 503);
    assert.equal((await sendSms(simulator)).status, 201);
  });

  it('down for a time ends by itself, also when asked for at its own door', async (context) => {
    const simulator = await startForTest(context);
    const asked = await fetch(`${simulator.notifyUrl}/_control/faults`, {
      method: 'POST',
      body: JSON.stringify({ fault: 'down', forMs: 30 }),
    });
    assert.equal(asked.status, 201);
    const until = performance.now() + 5_000;
    while (simulator.simulation.faults.list().length > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await simulator.simulation.doors!.settle();
    assert.equal((await sendSms(simulator)).status, 201);
  });

  it('rate_limited: answers 429 and spends a token', async (context) => {
    const simulator = await startForTest(context);
    // 11 tokens, and a new one only every 2 s: none comes back while this test counts.
    simulator.simulation.limiter = new RateLimiter(30);
    await withFault(simulator, { fault: 'rate_limited', times: 2 });
    assert.match(firstError(await sendSms(simulator)), /^429 RateLimitError/);
    assert.match(firstError(await sendSms(simulator)), /^429 RateLimitError/);
    assert.equal((await sendSms(simulator)).status, 201);
    assert.equal(simulator.simulation.limiter.tokens()['live'], 8);
  });

  it('slow: waits before everything, for sends or reads only when asked', async (context) => {
    const simulator = await startForTest(context);
    await withFault(simulator, { fault: 'slow', delayMs: 40, on: 'get', times: 1 });
    const start = performance.now();
    await sendSms(simulator);
    const sent = performance.now();
    await rowsOf(simulator, 'a');
    assert.ok(performance.now() - sent >= 39, 'the read waited');
    assert.ok(sent - start < 39 + 1_000);
    assert.equal(simulator.simulation.faults.list().length, 0);
  });

  it('accept_after: a caller who gave up finds nothing, and later it is there', async (context) => {
    const simulator = await startForTest(context);
    await withFault(simulator, { fault: 'accept_after', delayMs: 60, times: 1 });
    const pending = sendSms(simulator, { reference: 'late' });
    assert.equal((await rowsOf(simulator, 'late')).length, 0);
    assert.equal((await pending).status, 201);
    assert.equal((await rowsOf(simulator, 'late')).length, 1);
  });
});

describe('faults after acceptance', () => {
  it('accept_then_drop: no answer, yet it is stored and delivered', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, receiver.options);
    await withFault(simulator, { fault: 'accept_then_drop', times: 1 });
    await assert.rejects(sendSms(simulator, { reference: 'a' }), /fetch failed/);
    await receiver.received(1);
    const rows = await rowsOf(simulator, 'a');
    assert.deepEqual(
      rows.map((row) => row['status']),
      ['delivered'],
    );
  });

  it('accept_then_500: an error for something that was stored', async (context) => {
    const simulator = await startForTest(context);
    await withFault(simulator, { fault: 'accept_then_500', times: 1 });
    assert.equal((await sendSms(simulator, { reference: 'a' })).status, 500);
    assert.equal((await rowsOf(simulator, 'a')).length, 1);
  });

  it('answer_after: stored at once, answered late', async (context) => {
    const simulator = await startForTest(context);
    await withFault(simulator, { fault: 'answer_after', delayMs: 60, times: 1 });
    const pending = sendSms(simulator, { reference: 'a' });
    while ((await rowsOf(simulator, 'a')).length === 0);
    assert.equal((await pending).status, 201);
  });

  it('insert_then_delete: an error, no row, no text on the phone', async (context) => {
    const simulator = await startForTest(context, {
      ledger: 'synced',
      dataDir: temporaryFolder(context),
    });
    await withFault(simulator, { fault: 'insert_then_delete', times: 1 });
    assert.equal((await sendSms(simulator, { reference: 'a' })).status, 500);
    assert.equal((await rowsOf(simulator, 'a')).length, 0);
    assert.equal(simulator.simulation.handsets.textCount, 0);
    const ledger = await fetch(`${simulator.controlUrl}/_control/ledger`);
    const { entries } = (await ledger.json()) as { entries: { type: string }[] };
    assert.deepEqual(
      entries.map(({ type }) => type),
      ['accepted', 'deleted'],
    );
  });
});

describe('the other faults', () => {
  it('get_lag: a look-up does not see what was just stored', async (context) => {
    const simulator = await startForTest(context);
    await withFault(simulator, { fault: 'get_lag', lagMs: 60_000, times: 2 });
    const { body } = await sendSms(simulator, { reference: 'a' });
    assert.equal((await rowsOf(simulator, 'a')).length, 0);
    const path = `/v2/notifications/${body['id'] as string}`;
    assert.equal((await call(simulator, path)).status, 404);
    assert.equal((await call(simulator, path)).status, 200);
  });

  it('other words leave than were asked for, and the answer says so', async (context) => {
    const simulator = await startForTest(context);
    await simulator.addFault({ fault: 'content_changed', times: 1, prefix: 'Not: ' });
    const bodies = [];
    for (let i = 0; i < 2; i++) {
      const { body } = await sendSms(simulator);
      const { id, content } = body as { id: string; content: { body: string } };
      bodies.push([content.body, simulator.simulation.notifications.find(id)!.body]);
    }
    const [[said, stored], [later]] = bodies as [[string, string], [string]];
    assert.equal(said, `Not: ${later}`);
    assert.equal(stored, said);
  });

  it('are listed, cleared one by one, and refused when misspelt', async (context) => {
    const simulator = await startForTest(context);
    const url = `${simulator.controlUrl}/_control/faults`;
    const post = (body: unknown) => fetch(url, { method: 'POST', body: JSON.stringify(body) });
    await post([{ fault: 'drop' }, { fault: 'receipt_lost', times: 3 }]);
    await post({ faults: [{ fault: 'slow', delayMs: 5 }] });
    const list = async (): Promise<string[]> => {
      const { faults } = (await (await fetch(url)).json()) as { faults: { fault: string }[] };
      return faults.map(({ fault }) => fault);
    };
    assert.deepEqual(await list(), ['drop', 'receipt_lost', 'slow']);
    await fetch(`${url}?id=2`, { method: 'DELETE' });
    assert.deepEqual(await list(), ['drop', 'slow']);
    const misspelt = await post({ fault: 'dorp' });
    assert.equal(misspelt.status, 400);
    assert.match(await misspelt.text(), /The faults are down, slow, drop, error, rate_limited/);
    for (const wrong of [{ fault: 'drop', tmes: 1 }, [{ fault: 'drop', tmes: 1 }]]) {
      const refused = await post(wrong);
      assert.equal(refused.status, 400);
      assert.match(await refused.text(), /tmes/);
    }
    assert.equal((await post('{')).status, 400);
  });

  it('strike after some, so often, and by a seeded chance', () => {
    const faults = new FaultSet(seededRandom(1));
    const subject = { recipient: '447700900123', reference: null };
    const strikes = (count: number): boolean[] =>
      Array.from({ length: count }, () => faults.take('drop', subject) !== null);
    faults.add({ fault: 'drop', on: 'send', after: 1, times: 2, probability: 1 });
    assert.deepEqual(strikes(5), [false, true, true, false, false]);
    faults.add({ fault: 'drop', on: 'send', after: 0, probability: 0.5 });
    const first = strikes(200);
    const again = new FaultSet(seededRandom(1));
    again.add({ fault: 'drop', on: 'send', after: 0, probability: 0.5 });
    const second = Array.from({ length: 200 }, () => again.take('drop', subject) !== null);
    assert.deepEqual(first, second);
    const share = first.filter(Boolean).length / 200;
    assert.ok(share > 0.4 && share < 0.6, share.toString());
  });
});
