/** The engine over SMPP: receipts of parts, unknowns without a look-up, and texts that come in. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  makeDispatch,
  quickWaits,
  quiet,
  release,
  rowsOf,
  seals,
  startEngine,
  statesOf,
  until,
} from '../../test/support/dispatch.ts';
import { receiptOf, startMessageCentre } from '../../test/support/message-centre.ts';
import { capabilitiesOf } from './gateways/capabilities.ts';
import { openSmppGateway } from './gateways/smpp.ts';
import { openInbox } from './inbound.ts';
import { REPLY_TASK } from './inbox.ts';
import { formatReference } from './model.ts';
import { upsertGateway } from './store-gateway.ts';

const waits = { connectMs: 2_000, answerMs: 400, sendMs: 1_500, enquireMs: 60_000, againMs: 320 };

describe('the engine over SMPP', () => {
  let db: Clone;

  before(async () => {
    db = await cloneDatabase();
    await db.worker.withActor(system('test'), (tx) =>
      upsertGateway(tx, {
        ...capabilitiesOf('smpp', 'text'),
        id: 'smpp',
        kind: 'smpp',
        channel: 'text',
        bucket: { id: 'smpp', ratePerSecond: 1e6, burst: 1e6 },
        settingsSealed: Buffer.from('unused in tests'),
        callbackTokenHash: null,
      }),
    );
  });

  after(() => db.drop());

  async function scene(context: TestContext) {
    const centre = await startMessageCentre(context, () => crypto.randomUUID());
    const gateway = openSmppGateway(
      'smpp',
      {
        url: centre.url,
        from: '447700900998',
        systemType: '',
        bind: 'transceiver',
        window: 10,
        submitIds: 'text',
        receiptIds: 'text',
      },
      { waits },
    );
    const engine = startEngine(db.worker, [gateway], quickWaits.engine);
    context.after(() => engine.stop());
    return centre;
  }

  const owner = <T>(work: Parameters<Clone['owner']['withActor']>[1]) =>
    db.owner.withActor(system('test'), work) as Promise<T>;

  const lengthen = (id: string) =>
    owner((tx) =>
      tx.run(sql`update dispatch.message set body = repeat('Isolate Citrix now. ', 12)
        where dispatch_id = ${id}`),
    );

  /** The ids of the parts of each text, as the database keeps them. */
  const partsOf = () =>
    owner<{ reference: string; ids: string[] }[]>((tx) =>
      tx.rows(sql`select reference, array_agg(provider_id order by part) as ids
        from dispatch.part where reference is not null group by reference`),
    );

  it('sends each text once, and a text in parts is delivered when all parts are', async (context) => {
    const centre = await scene(context);
    const id = await makeDispatch(db.owner, { messages: 3 });
    await lengthen(id);
    await release(db.web, id);
    await until(
      () => statesOf(db.owner, id),
      ({ accepted = 0 }) => accepted === 3,
    );
    assert.equal(centre.submitted.length, 6);
    const parts = await until(partsOf, (list) => list.length === 3);
    const [whole, half, failed] = parts.map(({ ids }) => ids) as [string[], string[], string[]];
    for (const part of whole.toReversed()) await centre.deliver(receiptOf(part, 'DELIVRD'));
    await centre.deliver(receiptOf(half[0]!, 'DELIVRD'));
    await centre.deliver(receiptOf(failed[0]!, 'DELIVRD'));
    await centre.deliver(receiptOf(failed[1]!, 'UNDELIV'));
    await until(
      () => statesOf(db.owner, id),
      ({ accepted, delivered, undelivered }) =>
        accepted === 1 && delivered === 1 && undelivered === 1,
    );
    await centre.deliver(receiptOf(whole[0]!, 'ENROUTE'));
    await centre.deliver(receiptOf(failed[1]!, 'DELIVRD'));
    await centre.deliver(receiptOf(half[1]!, 'DELIVRD'));
    await until(
      () => statesOf(db.owner, id),
      ({ delivered }) => delivered === 3,
    );
  });

  it('without an answer it is unknown, is never sent again, and its receipt settles it', async (context) => {
    const centre = await scene(context);
    centre.behave((packet) => (packet.command === 'submit_sm' ? 'silence' : undefined));
    const id = await makeDispatch(db.owner, { messages: 2 });
    await release(db.web, id);
    await until(
      () => statesOf(db.owner, id),
      ({ unknown }) => unknown === 2,
    );
    // Look-ups would be due within a second here; this gateway cannot be asked.
    await owner((tx) =>
      tx.run(sql`update dispatch.message set check_at = now() where dispatch_id = ${id}`),
    );
    const to = String(centre.submitted[0]!['destination_addr']);
    await centre.deliver(receiptOf('never-told', 'DELIVRD', to));
    await until(
      () => statesOf(db.owner, id),
      ({ unknown, delivered }) => unknown === 1 && delivered === 1,
    );
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    assert.equal(centre.submitted.length, 2);
    await owner((tx) =>
      tx.run(sql`update dispatch.message set expires_at = now() where dispatch_id = ${id}
        and state = 'unknown'`),
    );
    await until(
      () => statesOf(db.owner, id),
      (states) => states['uncertain_closed'] === 1,
    );
  });

  it('throttled, everybody waits, and nothing is lost or doubled', async (context) => {
    const centre = await scene(context);
    let refused = 0;
    centre.behave((packet) => {
      if (packet.command !== 'submit_sm' || refused >= 2) return undefined;
      refused += 1;
      return packet.response({ command_status: 0x58 });
    });
    const id = await makeDispatch(db.owner, { messages: 4 });
    await release(db.web, id);
    await until(
      () => statesOf(db.owner, id),
      ({ accepted = 0 }) => accepted === 4,
      20_000,
    );
    const to = centre.submitted.map((packet) => String(packet['destination_addr']));
    assert.equal(to.length - refused, new Set(to).size);
  });

  it('a receipt that comes before the answer waits for its owner', async (context) => {
    const centre = await scene(context);
    centre.behave((packet, session) => {
      if (packet.command !== 'submit_sm') return undefined;
      void centre.deliver(receiptOf('early', 'DELIVRD')).then(() => {
        session.send(packet.response({ message_id: 'early' }));
      });
      return 'silence';
    });
    const id = await makeDispatch(db.owner, { messages: 1 });
    await release(db.web, id);
    await until(
      () => statesOf(db.owner, id),
      ({ delivered }) => delivered === 1,
    );
  });

  it('a text that comes in is kept sealed, and told of once', async (context) => {
    const centre = await scene(context);
    await centre.until(() => centre.binds.length === 1);
    const text = { source_addr: '447700900123', destination_addr: '447700900998' };
    const deliver = () => centre.deliver({ ...text, data_coding: 0, short_message: '4821 HELP' });
    await until(
      () => deliver().catch(() => -1),
      (status) => status === 0,
    );
    assert.equal(await deliver(), 0);
    const { replies, jobs } = await owner<{ replies: number; jobs: number }>((tx) =>
      tx.one(sql`select (select count(*) from dispatch.reply_inbox) as replies, (select count(*)
        from graphile_worker.jobs where task_identifier = ${REPLY_TASK}) as jobs`),
    );
    assert.deepEqual([replies, jobs], [1, 1]);
  });

  it('two last parts at the same moment: the text ends all the same', async () => {
    const id = await makeDispatch(db.owner, { messages: 12 });
    const inbox = openInbox('smpp', { database: db.worker, seals, log: quiet });
    const rows = await owner<{ id: string }[]>((tx) => rowsOf(tx, id));
    for (const { id: messageId } of rows) {
      const reference = formatReference({
        installation: crypto.randomUUID(),
        messageId,
        epoch: 1,
        attempt: 1,
      });
      const place = (part: number) => ({ reference, part, parts: 2 });
      const ended = (providerId: string) =>
        inbox.partEnded({ providerId, status: 'DELIVRD', meaning: 'delivered' });
      await inbox.part({ ...place(1), providerId: `${messageId}-1` });
      await inbox.part({ ...place(2), providerId: `${messageId}-2` });
      await Promise.all([ended(`${messageId}-1`), ended(`${messageId}-2`)]);
    }
    const { receipts } = await owner<{ receipts: number }>((tx) =>
      tx.one(sql`select count(*) as receipts from dispatch.receipt_inbox
        where provider_id = any(${rows.map((row) => `${row.id}-1`)})`),
    );
    assert.equal(receipts, 12);
  });
});
