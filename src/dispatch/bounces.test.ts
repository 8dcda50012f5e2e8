/** Mail that comes back, over real SMTP: what is a report becomes a receipt, the rest is refused. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { system } from '#kernel/actor.ts';
import { newId } from '#kernel/ids.ts';
import { openDatabase, type Database } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { cloneDatabase, type Clone } from '../../test/support/database.ts';
import {
  installation,
  makeDispatch,
  putInState,
  quiet,
  referenceOf,
  rowsOf,
  seedNotify,
  startQuickSimulator,
  until,
} from '../../test/support/dispatch.ts';
import { readReport } from './bounce-report.ts';
import { startBounceListener, type BounceListener } from './bounces.ts';
import type { Gateway } from './gateways/gateway.ts';
import { openSmtpGateway } from './gateways/smtp.ts';
import { applyWaitingReceipts } from './inbox.ts';
import { returnPath } from './return-path.ts';
import { upsertGateway } from './store-gateway.ts';

const key = Buffer.alloc(32, 7);
const domain = 'bounces.centre.test';

/** A report as mail systems write it. */
function reportOf(fields: string, type = 'delivery-status'): string {
  return [
    'From: <mailer-daemon@relay.test>',
    'Subject: Undelivered',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="x"',
    '',
    '--x',
    'Content-Type: text/plain',
    '',
    'It did not arrive. Action: failed, Status: 5.9.9 says nothing here.',
    '--x',
    `Content-Type: message/${type}`,
    '',
    'Reporting-MTA: dns; relay.test',
    '',
    ...fields.split('\n'),
    '--x--',
    '',
  ].join('\r\n');
}

describe('a report', () => {
  const to = 'Final-Recipient: rfc822; a@b.test\n';
  const cells: [string, string, string | undefined][] = [
    ['a mailbox that is not there', `${to}Action: failed\nStatus: 5.1.1`, 'failed 5.1.1'],
    ['given up in the end', `${to}Action: failed\nStatus: 4.4.7`, 'failed 4.4.7'],
    ['still tried', `${to}Action: delayed\nStatus: 4.2.2`, 'delayed 4.2.2'],
    ['arrived', `${to}Action: Delivered\nStatus: 2.0.0`, 'delivered 2.0.0'],
    ['passed on', `${to}Action: relayed\nStatus: 2.0.0`, 'relayed 2.0.0'],
    ['folded, in other letters', `${to}ACTION:\n failed\nstatus: 5.2.2 (full)`, 'failed 5.2.2'],
    ['without an action', `${to}Status: 5.1.1`, undefined],
    ['without a code', `${to}Action: failed`, undefined],
    ['an action nobody defined', `${to}Action: exploded\nStatus: 5.1.1`, undefined],
    ['a word of the language', `${to}Action: constructor\nStatus: 5.1.1`, undefined],
    ['a code of no form', `${to}Action: failed\nStatus: 9.9`, undefined],
  ];
  for (const [name, fields, expected] of cells)
    it(`${name}: ${expected ?? 'none'}`, async () => {
      const report = await readReport(Buffer.from(reportOf(fields)));
      assert.equal(report && `${report.action} ${report.code}`, expected);
    });

  it('is none without its part, and nothing is read as one by accident', async () => {
    const away = 'Subject: Away\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n';
    for (const raw of [away, '', '\0', reportOf('Action: failed\nStatus: 5.1.1', 'rfc822')])
      assert.equal(await readReport(Buffer.from(raw)), undefined);
  });
});

describe('the listener for what comes back', () => {
  let db: Clone;
  let listener: BounceListener;
  let gateways: Map<string, Gateway>;

  before(async () => {
    db = await cloneDatabase();
    await seedNotify(db.worker);
    await db.worker.withActor(system('test'), (tx) =>
      upsertGateway(tx, {
        id: 'smtp',
        kind: 'smtp',
        channel: 'mail',
        bucket: { id: 'smtp', ratePerSecond: 1e6, burst: 1e6 },
        canBeAsked: false,
        takesReplies: false,
        settingsSealed: Buffer.from('unused in tests'),
        callbackTokenHash: null,
      }),
    );
    listener = await listen(db.web);
    const settings = { url: 'smtp://127.0.0.1:1', from: 'a@centre.test' };
    gateways = new Map([['smtp', openSmtpGateway('smtp', settings)]]);
  });

  after(async () => {
    await listener.close();
    await db.drop();
  });

  const listen = (database: Database) =>
    startBounceListener({
      host: '127.0.0.1',
      port: 0,
      domain,
      key,
      installation,
      database,
      log: quiet,
    });

  const owner = <T>(work: Parameters<Clone['owner']['withActor']>[1]) =>
    db.owner.withActor(system('test'), work) as Promise<T>;

  /** A message that attempt 1 handed to the relay; its reference and its state. */
  async function handedOver(): Promise<{ reference: string; state: () => Promise<string> }> {
    const dispatchId = await makeDispatch(db.owner, { messages: 1 });
    const [row] = await owner<{ id: string }[]>((tx) => rowsOf(tx, dispatchId));
    await owner(async (tx) => {
      await tx.run(sql`insert into dispatch.attempt (message_id, epoch, number, gateway_id, owner)
        values (${row!.id}, 1, 1, 'smtp', ${newId()})`);
      await putInState(tx, row!.id, 'accepted', { owner: newId() });
      await tx.run(sql`update dispatch.message set gateway_id = 'smtp' where id = ${row!.id}`);
    });
    const state = async () =>
      (await owner<{ state: string }[]>((tx) => rowsOf(tx, dispatchId)))[0]!.state;
    return { reference: referenceOf(row!.id), state };
  }

  const addressFor = (reference: string) => `${returnPath(key, reference)!}@${domain}`;
  const kept = () =>
    owner<{ status: string }[]>((tx) =>
      tx.rows(sql`select status from dispatch.receipt_inbox where gateway_id = 'smtp'
        order by received_at`),
    );
  const apply = () => applyWaitingReceipts(db.worker, gateways);

  /** Speaks line by line; the code of each answer, after the greeting. */
  async function speak(lines: readonly string[], port = listener.port): Promise<string[]> {
    const socket = connect(port, '127.0.0.1');
    const codes: string[] = [];
    let seen = '';
    let answered = Promise.withResolvers<void>();
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      seen += chunk.toString();
      const last = /(?:^|\n)(\d{3}) [^\n]*\r\n$/.exec(seen);
      if (last === null) return;
      codes.push(last[1]!);
      seen = '';
      answered.resolve();
    });
    socket.on('close', () => answered.resolve());
    await answered.promise;
    for (const line of lines) {
      answered = Promise.withResolvers();
      socket.write(`${line}\r\n`);
      await answered.promise;
    }
    socket.destroy();
    return codes.slice(1);
  }

  const send = (to: string, raw: string, port = listener.port) =>
    speak(['EHLO relay.test', 'MAIL FROM:<>', `RCPT TO:<${to}>`, 'DATA', `${raw}\r\n.`], port);

  it('a bounce moves its message, once, and a delay moves nothing', async () => {
    const { reference, state } = await handedOver();
    const report = (fields: string) => send(addressFor(reference), reportOf(fields));
    const codes = await report('Action: delayed\nStatus: 4.4.1');
    assert.deepEqual(codes, ['250', '250', '250', '354', '250']);
    await apply();
    assert.equal(await state(), 'accepted');
    for (let i = 0; i < 2; i++) await report('Action: failed\nStatus: 5.1.1');
    await apply();
    assert.equal(await state(), 'undelivered');
    assert.deepEqual(await kept(), [{ status: 'delayed 4.4.1' }, { status: 'failed 5.1.1' }]);
    await report('Action: delayed\nStatus: 4.4.2');
    await apply();
    assert.equal(await state(), 'undelivered', 'nothing moves back');
  });

  it('nothing is believed of an address where nothing goes', async () => {
    const { reference, state } = await handedOver();
    await owner((tx) =>
      tx.run(sql`select dispatch.stop(array_agg(contact_point_id)) from dispatch.message
        where gateway_id = 'smtp'`),
    );
    const before = (await kept()).length;
    const codes = await send(addressFor(reference), reportOf('Action: delivered\nStatus: 2.0.0'));
    assert.deepEqual(codes, ['250', '250', '250', '354', '250'], 'nothing tells whoever sent it');
    await apply();
    assert.deepEqual([(await kept()).length, await state()], [before, 'accepted']);
    await owner((tx) => tx.run(sql`delete from dispatch.stopped`));
  });

  it('all the way: our mail, the relay, its bounce, our listener', async (context: TestContext) => {
    const simulator = await startQuickSimulator({
      bounceSmtp: { host: '127.0.0.1', port: listener.port },
    });
    const url = `smtp://127.0.0.1:${simulator.smtpPort}`;
    const settings = { url, from: 'Tocsin <alerts@centre.test>', bounceDomain: domain };
    const gateway = openSmtpGateway('smtp', settings, { returnPathKey: key });
    context.after(async () => {
      await gateway.close();
      await simulator.close();
    });
    await simulator.addFault({ fault: 'mail_bounced', number: 'gone@northmoor.test' });
    const [lost, well] = [await handedOver(), await handedOver()];
    const mail = (reference: string, address: string) =>
      gateway.send({ reference, address, subject: 'Alert', body: 'Isolate now.' });
    assert.equal((await mail(lost.reference, 'gone@northmoor.test')).class, 'accepted');
    assert.equal((await mail(well.reference, 'here@northmoor.test')).class, 'accepted');
    await until(
      async () => (await apply(), await lost.state()),
      (state) => state === 'undelivered',
    );
    assert.equal(await well.state(), 'accepted');
  });

  it('what is no bounce of ours is refused before its content', async () => {
    const { reference } = await handedOver();
    const address = addressFor(reference);
    const forged = address.replace(/.@/, (last) => (last === '0@' ? '1@' : '0@'));
    const hello = 'EHLO relay.test';
    const cells: [string[], string][] = [
      [[hello, 'MAIL FROM:<somebody@evil.test>'], '550'],
      [[hello, 'MAIL FROM:<>', `RCPT TO:<${forged}>`], '550'],
      [[hello, 'MAIL FROM:<>', 'RCPT TO:<postmaster@bounces.centre.test>'], '550'],
      [[hello, 'MAIL FROM:<>', `RCPT TO:<${address.replace(domain, 'evil.test')}>`], '550'],
      [
        [hello, 'MAIL FROM:<>', `RCPT TO:<${address}>`, `RCPT TO:<${address.toUpperCase()}>`],
        '452',
      ],
      [[hello, 'MAIL FROM:<>', 'DATA'], '503'],
      [[hello, 'MAIL FROM:<> SIZE=999999999'], '552'],
      [[hello, 'VRFY postmaster'], '252'],
      [[hello, 'AUTH PLAIN AGEAYg=='], '500'],
    ];
    for (const [lines, code] of cells)
      assert.equal((await speak(lines)).at(-1), code, lines.join(', '));
  });

  it('what is too large, no report, or of no attempt changes nothing', async () => {
    const { reference, state } = await handedOver();
    const before = await kept();
    const large = `${reportOf('Action: failed\nStatus: 5.1.1')}${'x'.repeat(78)}\r\n`.padEnd(
      300_000,
      `${'x'.repeat(76)}\r\n`,
    );
    assert.equal((await send(addressFor(reference), large)).at(-1), '552');
    assert.equal(
      (await send(addressFor(reference), 'Subject: Away\r\n\r\nback on Monday')).at(-1),
      '250',
    );
    const nobody = addressFor(referenceOf(newId()));
    const report = reportOf('Action: failed\nStatus: 5.1.1');
    assert.equal((await send(nobody, report)).at(-1), '250');
    assert.equal((await send(addressFor(reference.replace(/1$/, '9')), report)).at(-1), '250');
    await apply();
    assert.deepEqual(await kept(), before);
    assert.equal(await state(), 'accepted');
  });

  it('a database that is away: it is brought again', async () => {
    const { reference } = await handedOver();
    const away = openDatabase({ host: '/nowhere', user: 'x', database: 'x' });
    const alone = await listen(away);
    const report = reportOf('Action: failed\nStatus: 5.1.1');
    assert.equal((await send(addressFor(reference), report, alone.port)).at(-1), '451');
    await alone.close();
    await away.end();
  });

  it('a connection that breaks off in the middle leaves the listener well', async () => {
    const socket = connect(listener.port, '127.0.0.1');
    await once(socket, 'data');
    socket.write('EHLO x\r\nMAIL FROM:<>\r\n');
    socket.resetAndDestroy();
    assert.equal((await speak(['EHLO relay.test']))[0], '250');
  });
});
