import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CallbackReceiver, sendSms, settled, startForTest } from './kit-for-tests.ts';

/** A receiver on a busy machine answers later than one would think: only silence waits so long. */
const QUICK = { callbackRetryMs: 1, callbackTimeoutMs: 1_000 };

describe('callbacks', () => {
  it('tell the final status with the token of the service', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, { ...QUICK, ...receiver.options });
    const sent = await sendSms(simulator, { reference: 'r-1', phone_number: '07700 900123' });
    const [delivery] = await receiver.received(1);
    assert.equal(delivery!.path, '/receipts');
    assert.equal(delivery!.authorization, 'Bearer a-token-we-chose');
    const { created_at, completed_at, sent_at, ...rest } = delivery!.body;
    for (const time of [created_at, completed_at, sent_at]) {
      assert.match(time as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }
    assert.deepEqual(rest, {
      id: sent.body['id'],
      reference: 'r-1',
      to: '07700 900123',
      status: 'delivered',
      notification_type: 'sms',
      template_id: (sent.body['template'] as { id: string }).id,
      template_version: 1,
    });
  });

  it('tell replies with other names for the same things', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, { ...QUICK, ...receiver.options });
    const reply = await simulator.reply('+44 7700 900123', '4821 HELP');
    const [delivery] = await receiver.received(1);
    assert.equal(delivery!.path, '/texts');
    const { date_received, ...rest } = delivery!.body;
    assert.match(date_received as string, /Z$/);
    assert.deepEqual(rest, {
      id: reply.id,
      source_number: '447700900123',
      destination_number: '07700900998',
      message: '4821 HELP',
    });
  });

  const rules: [string, (number | 'drop' | 'silence')[], number, string][] = [
    ['a 5xx is tried again', [500, 503], 3, 'delivered'],
    ['a 429 is tried again', [429], 2, 'delivered'],
    ['a lost connection is tried again', ['drop'], 2, 'delivered'],
    ['silence is tried again', ['silence'], 2, 'delivered'],
    ['another 4xx is dropped at once', [404], 1, 'dropped'],
    ['six tries in all', [500, 500, 500, 500, 500, 500, 500], 6, 'lost'],
  ];
  for (const [name, answers, attempts, outcome] of rules) {
    it(name, async (context) => {
      const receiver = await CallbackReceiver.start(context, answers);
      const simulator = await startForTest(context, { ...QUICK, ...receiver.options });
      const end = await simulator.simulation.callbacks.send('receipts', () => ({ id: 'x' }));
      assert.deepEqual(end, { outcome, attempts });
      assert.equal(receiver.deliveries.length, attempts);
    });
  }

  it('are not sent without an address', async (context) => {
    const simulator = await startForTest(context, QUICK);
    await sendSms(simulator);
    await settled(simulator);
    const end = await simulator.simulation.callbacks.send('texts', () => ({}));
    assert.equal(end.outcome, 'unset');
  });
});
