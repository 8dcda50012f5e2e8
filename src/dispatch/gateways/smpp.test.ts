/** Against a message centre on a socket: what is sent, in which packets, and what it came to. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { PDU } from 'smpp';
import { newId } from '#kernel/ids.ts';
import {
  receiptOf,
  startMessageCentre,
  type Behave,
  type MessageCentre,
} from '../../../test/support/message-centre.ts';
import type { Outgoing, SendResult } from '../model.ts';
import type { Gateway, GatewayInbox, PartEnded, PartTaken } from './gateway.ts';
import { openSmppGateway, type SmppSettings } from './smpp.ts';

const quick = { connectMs: 2_000, answerMs: 300, sendMs: 1_000, enquireMs: 60_000, againMs: 320 };
const LONG = `${'Isolate Citrix gateways now. '.repeat(8)}End`;

const message = (change: Partial<Outgoing> = {}): Outgoing => ({
  reference: `tocsin-01234567-${newId()}-1-1`,
  address: '447700900123',
  subject: null,
  body: 'Northmoor: test',
  ...change,
});

type Kept = {
  parts: PartTaken[];
  ended: PartEnded[];
  replies: { id: string; sourceNumber: string; message: string }[];
  /** What the inbox says to the next of each kind. */
  says: Awaited<ReturnType<GatewayInbox['partEnded']>>;
  keepsReplies: boolean;
};

function open(
  context: TestContext,
  url: string,
  change: Partial<SmppSettings> = {},
  waits: Partial<typeof quick> = {},
): { gateway: Gateway; kept: Kept } {
  const gateway = openSmppGateway(
    'smpp',
    {
      url,
      from: '447700900998',
      systemType: '',
      bind: 'transceiver',
      window: 10,
      submitIds: 'text',
      receiptIds: 'text',
      ...change,
    },
    { waits: { ...quick, ...waits } },
  );
  context.after(() => gateway.close());
  const kept: Kept = { parts: [], ended: [], replies: [], says: 'kept', keepsReplies: true };
  gateway.receive!({
    part: (taken) => Promise.resolve(kept.parts.push(taken) > 0),
    partEnded: (ended) => Promise.resolve((kept.ended.push(ended), kept.says)),
    reply: (reply) => Promise.resolve((kept.replies.push(reply), kept.keepsReplies)),
  });
  return { gateway, kept };
}

/** Answers the n-th `submit_sm` (from 1) with this status. */
const refuseNth =
  (centre: MessageCentre, nth: number, status: number): Behave =>
  (packet) =>
    packet.command === 'submit_sm' && centre.submitted.length === nth
      ? packet.response({ command_status: status })
      : undefined;

describe('a text by SMPP', () => {
  it('binds as it is told and sends the text as it is', async (context) => {
    const centre = await startMessageCentre(context);
    const { gateway, kept } = open(context, centre.url, { systemType: 'VMA' });
    const sent = message({
      body: 'Isolate Citrix [now] – €5',
      expiresAt: new Date(Date.now() + 3_600_500),
    });
    assert.deepEqual(await gateway.send(sent), { class: 'accepted', providerId: 'id-1' });
    const [bind] = centre.binds;
    assert.deepEqual(
      [bind!['system_id'], bind!['password'], bind!['system_type'], bind!['interface_version']],
      ['me', 'secret', 'VMA', 0x34],
    );
    const [packet] = centre.submitted;
    assert.equal(textOf(packet!), 'Isolate Citrix [now] - €5');
    for (const [field, value] of Object.entries({
      source_addr: '447700900998',
      source_addr_ton: 1,
      destination_addr: sent.address,
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      data_coding: 0,
      registered_delivery: 1,
    }))
      assert.equal(packet![field], value, field);
    const minutes = ((packet!['validity_period'] as Date).getTime() - Date.now()) / 60_000;
    assert.ok(Math.round(minutes) === 60, `${minutes} min`);
    const part = { reference: sent.reference, part: 1, parts: 1, providerId: 'id-1' };
    assert.deepEqual(kept.parts, [part]);
  });

  it('a long one goes in parts that a handset joins, each with its id', async (context) => {
    const centre = await startMessageCentre(context);
    const { gateway, kept } = open(context, centre.url);
    const sent = message({ body: LONG });
    assert.deepEqual(await gateway.send(sent), { class: 'accepted', providerId: 'id-1' });
    assert.equal(centre.submitted.map(textOf).join(''), LONG);
    assert.deepEqual(
      kept.parts.map(({ part, parts, providerId }) => [part, parts, providerId]),
      [
        [1, 2, 'id-1'],
        [2, 2, 'id-2'],
      ],
    );
    const welsh = message({ body: 'Ŵyr: ynyswch' });
    assert.equal((await gateway.send(welsh)).class, 'accepted');
    assert.equal(centre.submitted.at(-1)!['data_coding'], 8);
    assert.equal(textOf(centre.submitted.at(-1)!), welsh.body);
  });

  const statuses: [number, SendResult['class'], number?][] = [
    [0x0b, 'rejected'],
    [0x58, 'not_sent', 2_000],
    [0x0a, 'not_sent', 5_000],
    [0x45, 'not_sent'],
    [0x08, 'unknown'],
    [0x400, 'unknown'],
  ];
  for (const [status, expected, pauseMs] of statuses)
    it(`0x${status.toString(16)} to the first part: ${expected}, nothing more is sent`, async (context) => {
      const centre = await startMessageCentre(context);
      const { gateway } = open(context, centre.url);
      centre.behave(refuseNth(centre, 1, status));
      const result = await gateway.send(message({ body: LONG }));
      assert.equal(result.class, expected);
      assert.equal(result.class === 'not_sent' ? result.pauseMs : undefined, pauseMs);
      assert.equal(centre.submitted.length, 1);
    });

  it('a later part that is refused makes the text unknown: none is sent again alone', async (context) => {
    const centre = await startMessageCentre(context);
    const { gateway } = open(context, centre.url);
    for (const status of [0x58, 0x0b, 0x0a]) {
      centre.submitted.length = 0;
      centre.behave(refuseNth(centre, 2, status));
      const result = await gateway.send(message({ body: LONG }));
      assert.deepEqual(
        [result.class, 'code' in result && result.code],
        ['unknown', `part 2: smpp 0x${status.toString(16)}`],
      );
      assert.equal(centre.submitted.length, 2);
    }
  });

  const breaks: [string, Behave][] = [
    ['says nothing', () => 'silence'],
    ['closes', (_packet, session) => (session.close(), 'silence')],
    ['resets', (_packet, session) => (session.destroy(), 'silence')],
  ];
  for (const [name, behave] of breaks)
    for (const nth of [1, 2])
      it(`a centre that ${name} after part ${nth}: unknown, in time, asked once`, async (context) => {
        const centre = await startMessageCentre(context);
        const { gateway } = open(context, centre.url);
        centre.behave((packet, session) =>
          packet.command === 'submit_sm' && centre.submitted.length === nth
            ? behave(packet, session)
            : undefined,
        );
        const begun = performance.now();
        assert.equal((await gateway.send(message({ body: LONG }))).class, 'unknown');
        assert.ok(performance.now() - begun < gateway.sendMaxMs);
        assert.equal(centre.submitted.length, nth);
      });

  it('a generic_nack is no proof of anything it does not name', async (context) => {
    const centre = await startMessageCentre(context);
    const { gateway } = open(context, centre.url);
    const { PDU } = await import('smpp');
    centre.behave((packet) =>
      packet.command === 'submit_sm'
        ? new PDU('generic_nack', {
            command_status: 0x03,
            sequence_number: packet.sequence_number,
          })
        : undefined,
    );
    assert.equal((await gateway.send(message())).class, 'not_sent', 'the packet was not processed');
  });

  it('does not begin when it is too late to begin', async (context) => {
    const centre = await startMessageCentre(context);
    const { gateway } = open(context, centre.url);
    assert.deepEqual(await gateway.send(message(), () => false), {
      class: 'not_sent',
      code: 'too_late',
    });
    assert.deepEqual(centre.submitted, []);
  });

  it('nobody there, no answer to the bind, or a refused one: not sent, in time', async (context) => {
    const silent = createServer(() => {});
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    context.after(() => silent.close());
    const centre = await startMessageCentre(context);
    centre.behave((packet) => packet.response({ command_status: 0x0e }));
    for (const url of [
      'smpp://me:secret@127.0.0.1:1',
      `smpp://me:secret@127.0.0.1:${(silent.address() as AddressInfo).port}`,
      centre.url,
    ]) {
      const { gateway } = open(context, url, {}, { connectMs: 400 });
      const begun = performance.now();
      const result = await gateway.send(message());
      assert.equal(result.class, 'not_sent');
      assert.ok(performance.now() - begun < 5_000);
    }
    assert.deepEqual(centre.submitted, []);
  });

  it('connects again after a cut, and after garbage, and goes on', async (context) => {
    const centre = await startMessageCentre(context);
    const { gateway } = open(context, centre.url);
    assert.equal((await gateway.send(message())).class, 'accepted');
    centre.cut();
    await centre.until(() => centre.binds.length === 2);
    assert.equal((await sent(gateway)).class, 'accepted');
    centre.behave((packet, session) => {
      if (packet.command !== 'submit_sm') return undefined;
      (session as unknown as { socket: Socket }).socket.write(Buffer.alloc(64, 0xff));
      centre.behave(() => undefined);
      return 'silence';
    });
    assert.equal((await gateway.send(message())).class, 'unknown');
    assert.equal((await sent(gateway)).class, 'accepted');
    assert.ok(centre.binds.length >= 3);
  });

  it('a connection that lives no more is found out by asking', async (context) => {
    const centre = await startMessageCentre(context);
    const { gateway } = open(context, centre.url, {}, { enquireMs: 100 });
    assert.equal((await gateway.send(message())).class, 'accepted');
    centre.behave((packet) => (packet.command === 'enquire_link' ? 'silence' : undefined));
    await centre.until(() => centre.binds.length >= 2);
  });
});

describe('what comes in by SMPP', () => {
  async function bound(context: TestContext, change: Partial<SmppSettings> = {}) {
    const centre = await startMessageCentre(context, (count) => `0${(count + 9).toString(16)}`);
    const opened = open(context, centre.url, change);
    assert.equal((await opened.gateway.send(message())).class, 'accepted');
    return { centre, ...opened };
  }

  it('a receipt is kept, then answered; one that is not kept comes again', async (context) => {
    const { centre, kept } = await bound(context);
    assert.equal(await centre.deliver(receiptOf('0a', 'DELIVRD')), 0);
    assert.deepEqual(kept.ended, [{ providerId: '0a', status: 'DELIVRD', meaning: 'delivered' }]);
    kept.says = 'failed';
    assert.equal(await centre.deliver(receiptOf('0a', 'EXPIRED')), 0x64);
    kept.says = 'kept';
    assert.equal(await centre.deliver({ ...receiptOf('0a', 'DELIVRD'), short_message: 'x' }), 0);
    assert.equal(await centre.deliver(receiptOf('0a', 'STRANGE')), 0);
    assert.equal(kept.ended.at(-1)!.meaning, 'retained');
  });

  it('ids in two forms are compared in one', async (context) => {
    const { centre, kept } = await bound(context, { submitIds: 'hex', receiptIds: 'dec' });
    await centre.deliver(receiptOf('0000000010', 'DELIVRD'));
    assert.equal(kept.parts[0]!.providerId, '10');
    assert.equal(kept.ended[0]!.providerId, '10');
  });

  it('a text is kept with its words, whatever alphabet, and repeated only once', async (context) => {
    const { centre, kept } = await bound(context);
    const text = { source_addr: '447700900123', destination_addr: '447700900998' };
    const words = ['4821 HELP', '4821 {yes} €', '4821 ŵy ☂'];
    const latin = Buffer.from('4821 caf\u00e9', 'latin1');
    await centre.deliver({ ...text, data_coding: 0, short_message: words[0] });
    await centre.deliver({ ...text, data_coding: 0, short_message: words[1] });
    await centre.deliver({ ...text, data_coding: 8, short_message: words[2] });
    await centre.deliver({ ...text, data_coding: 3, short_message: latin });
    await centre.deliver({ ...text, data_coding: 8, message_payload: words[2] });
    assert.deepEqual(
      kept.replies.map((reply) => reply.message),
      [...words, '4821 café', words[2]],
    );
    assert.deepEqual(
      new Set(kept.replies.map((reply) => reply.sourceNumber)),
      new Set([text.source_addr]),
    );
    await centre.deliver({ ...text, data_coding: 0, short_message: words[0] });
    assert.equal(kept.replies.at(-1)!.id, kept.replies[0]!.id);
    kept.keepsReplies = false;
    assert.equal(await centre.deliver({ ...text, short_message: 'again' }), 0x64);
  });

  it('a receipt with an id nobody told us belongs to the one text that has no answer', async (context) => {
    const { centre, gateway, kept } = await bound(context);
    kept.says = 'nobodys';
    centre.behave((packet) => (packet.command === 'submit_sm' ? 'silence' : undefined));
    const [lost, other] = [message(), message({ address: '447700900124' })];
    assert.equal((await gateway.send(lost)).class, 'unknown');
    assert.equal((await gateway.send(other)).class, 'unknown');
    await centre.deliver(receiptOf('ffff', 'DELIVRD', '447700900999'));
    assert.equal(kept.parts.length, 1, 'nobody sent to that number');
    await centre.deliver(receiptOf('fffe', 'DELIVRD', lost.address));
    assert.deepEqual(kept.parts.at(-1), {
      reference: lost.reference,
      part: 1,
      parts: 1,
      providerId: 'fffe',
    });
    await centre.deliver(receiptOf('fffd', 'DELIVRD', lost.address));
    assert.equal(kept.parts.length, 2, 'it has its receipt');
    for (let i = 0; i < 2; i++) await gateway.send(lost);
    await centre.deliver(receiptOf('fffc', 'DELIVRD', lost.address));
    assert.equal(kept.parts.length, 2, 'two could be meant');
  });

  it('an answer after the wait still tells whose receipt will come', async (context) => {
    const { centre, gateway, kept } = await bound(context);
    const late = Promise.withResolvers<void>();
    centre.behave((packet, session) => {
      if (packet.command !== 'submit_sm') return undefined;
      setTimeout(() => {
        session.send(packet.response({ message_id: 'late' }));
        late.resolve();
      }, 500);
      return 'silence';
    });
    const sentLate = message();
    assert.equal((await gateway.send(sentLate)).class, 'unknown');
    await late.promise;
    // The answer is read before the next request on the same connection.
    centre.behave(() => undefined);
    await gateway.send(message());
    assert.deepEqual(
      kept.parts.find(({ providerId }) => providerId === 'late')?.reference,
      sentLate.reference,
    );
  });
});

/** Sends until the gateway is bound again. */
async function sent(gateway: Gateway): Promise<SendResult> {
  for (let i = 0; i < 10; i++) {
    const result = await gateway.send(message());
    if (result.class !== 'not_sent') return result;
  }
  throw new Error('it does not bind again');
}

function textOf(packet: PDU): string {
  const { message: words } = packet['short_message'] as { message: string };
  return words;
}
