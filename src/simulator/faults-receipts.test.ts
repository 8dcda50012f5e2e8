import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CallbackReceiver,
  rowsOf,
  sendSms,
  settled,
  startForTest,
  withFault,
} from './kit-for-tests.ts';

describe('faults of receipts', () => {
  it('receipt_lost: nothing comes, asking finds out', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, receiver.options);
    await withFault(simulator, { fault: 'receipt_lost', reference: 'lost' });
    await sendSms(simulator, { reference: 'lost' });
    await sendSms(simulator, { reference: 'kept' });
    await settled(simulator);
    assert.deepEqual(
      receiver.deliveries.map(({ body }) => body['reference']),
      ['kept'],
    );
    assert.equal((await rowsOf(simulator, 'lost'))[0]!['status'], 'delivered');
  });

  it('receipt_doubled: the same receipt more than once', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, receiver.options);
    await withFault(simulator, { fault: 'receipt_doubled', copies: 3 });
    await sendSms(simulator);
    await settled(simulator);
    assert.equal(receiver.deliveries.length, 3);
    assert.deepEqual(receiver.deliveries[0], receiver.deliveries[2]);
  });

  it('receipt_reordered: later ones first', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, receiver.options);
    await withFault(simulator, { fault: 'receipt_reordered', batch: 3 });
    for (const reference of ['1', '2', '3']) await sendSms(simulator, { reference });
    await receiver.received(3);
    assert.deepEqual(
      receiver.deliveries.map(({ body }) => body['reference']),
      ['3', '2', '1'],
    );
  });

  it('receipt_early: comes before the answer to the request', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, {
      ...receiver.options,
      receiptDelayMs: [60_000, 60_000],
    });
    await withFault(simulator, { fault: 'receipt_early', times: 1 });
    const { body } = await sendSms(simulator);
    assert.equal(receiver.deliveries[0]!.body['id'], body['id']);
  });

  it('receipt_delayed: comes later than the others', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, receiver.options);
    await withFault(simulator, { fault: 'receipt_delayed', delayMs: 500, times: 1 });
    await sendSms(simulator, { reference: 'slow' });
    await sendSms(simulator, { reference: 'quick' });
    await receiver.received(2);
    assert.deepEqual(
      receiver.deliveries.map(({ body }) => body['reference']),
      ['quick', 'slow'],
    );
  });

  it('receipt_status: the final status asked for; technical failure tells nobody', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, receiver.options);
    await withFault(simulator, {
      fault: 'receipt_status',
      status: 'temporary-failure',
      number: '07700 900124',
    });
    await withFault(simulator, {
      fault: 'receipt_status',
      status: 'technical-failure',
      number: '07700 9002*',
    });
    await sendSms(simulator, { phone_number: '07700 900123', reference: 'a' });
    await sendSms(simulator, { phone_number: '+447700900124', reference: 'b' });
    await sendSms(simulator, { phone_number: '07700900200', reference: 'c' });
    await settled(simulator);
    const told = receiver.deliveries.map(({ body }) => [body['reference'], body['status']]);
    assert.deepEqual(Object.fromEntries(told), { a: 'delivered', b: 'temporary-failure' });
    assert.equal((await rowsOf(simulator, 'c'))[0]!['status'], 'technical-failure');
  });

  it('receipt_followed_by: a second, different receipt', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, receiver.options);
    await withFault(simulator, { fault: 'receipt_followed_by', status: 'permanent-failure' });
    await sendSms(simulator);
    await receiver.received(2);
    assert.deepEqual(
      receiver.deliveries.map(({ body }) => body['status']),
      ['delivered', 'permanent-failure'],
    );
  });

  it('reply_lost and reply_doubled: what a handset says comes never, or twice', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, receiver.options);
    await withFault(simulator, { fault: 'reply_lost', number: '07700900123' });
    await withFault(simulator, { fault: 'reply_doubled', number: '07700900124' });
    await simulator.reply('07700900123', 'lost');
    await simulator.reply('07700900124', 'twice');
    await settled(simulator);
    assert.deepEqual(
      receiver.deliveries.map(({ body }) => body['message']),
      ['twice', 'twice'],
    );
  });

  it('never_final: stays sending until a receipt is sent by hand', async (context) => {
    const receiver = await CallbackReceiver.start(context);
    const simulator = await startForTest(context, receiver.options);
    await withFault(simulator, { fault: 'never_final' });
    const { body } = await sendSms(simulator, { reference: 'a' });
    await settled(simulator);
    assert.equal((await rowsOf(simulator, 'a'))[0]!['status'], 'sending');
    await fetch(`${simulator.controlUrl}/_control/receipts`, {
      method: 'POST',
      body: JSON.stringify({ id: body['id'], status: 'temporary-failure' }),
    });
    const [delivery] = await receiver.received(1);
    assert.equal(delivery!.body['status'], 'temporary-failure');
  });
});
