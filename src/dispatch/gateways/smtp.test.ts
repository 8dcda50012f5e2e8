import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { newId } from '#kernel/ids.ts';
import { startQuickSimulator, type Simulator } from '../../../test/support/dispatch.ts';
import type { Outgoing, SendResult } from '../model.ts';
import type { Gateway } from './gateway.ts';
import { classifySmtp, openSmtpGateway, type SmtpFailure, type SmtpOptions } from './smtp.ts';

const FROM = 'Tocsin <alerts@centre.test>';

const mail = (change: Partial<Outgoing> = {}): Outgoing => ({
  reference: `tocsin-01234567-${newId()}-1-1`,
  address: 'oncall@northmoor.test',
  subject: 'Alert 4901',
  body: 'Isolate Citrix gateways now.',
  ...change,
});

function open(context: TestContext, url: string, options?: SmtpOptions): Gateway {
  const gateway = openSmtpGateway('smtp', { url, from: FROM }, options);
  context.after(() => gateway.close());
  return gateway;
}

describe('a failure of SMTP', () => {
  const cells: [string, SmtpFailure, boolean, SendResult['class']][] = [
    ['550 to the recipient', { responseCode: 550, command: 'RCPT TO' }, false, 'rejected'],
    ['554 to the content', { responseCode: 554, command: 'DATA' }, true, 'rejected'],
    ['451 to the recipient', { responseCode: 451, command: 'RCPT TO' }, false, 'not_sent'],
    ['452 to the content', { responseCode: 452, command: 'DATA' }, true, 'not_sent'],
    ['421 at any time', { responseCode: 421, command: 'CONN' }, true, 'not_sent'],
    ['554 as greeting', { responseCode: 554, command: 'CONN' }, false, 'not_sent'],
    ['530 to the sender', { responseCode: 530, command: 'MAIL FROM' }, false, 'not_sent'],
    ['535 to the password', { code: 'EAUTH', responseCode: 535 }, false, 'not_sent'],
    ['refused connection', { code: 'ESOCKET', command: 'CONN' }, false, 'not_sent'],
    ['time-out before the content', { code: 'ETIMEDOUT' }, false, 'not_sent'],
    ['time-out after it', { code: 'ETIMEDOUT' }, true, 'unknown'],
    ['closed after the content', { code: 'ECONNECTION', command: 'CONN' }, true, 'unknown'],
    ['closed with half a reply', { responseCode: 554, command: 'CONN' }, true, 'unknown'],
    ['an address without form', { code: 'EENVELOPE', command: 'API' }, false, 'rejected'],
    ['nothing known', {}, false, 'not_sent'],
    ['nothing known, after it', {}, true, 'unknown'],
  ];
  for (const [name, failure, begun, expected] of cells) {
    it(`${name}: ${expected}`, () => {
      assert.equal(classifySmtp(failure, begun).class, expected);
    });
  }
});

describe('against the simulated mail server', () => {
  let simulator: Simulator;
  let url: string;

  before(async () => {
    simulator = await startQuickSimulator();
    url = `smtp://127.0.0.1:${simulator.smtpPort}`;
  });

  after(() => simulator.close());

  beforeEach(() => simulator.clearFaults());

  type Got = { messageId: string | null; subject: string; raw: string; envelopeTo: string[] };

  async function received(): Promise<Got[]> {
    const response = await fetch(`${simulator.controlUrl}/_control/mail`);
    const { mails: list } = (await response.json()) as { mails: Got[] };
    return list;
  }

  async function sentBy(act: () => Promise<unknown>): Promise<Got[]> {
    const before = (await received()).length;
    await act();
    const all = await received();
    return all.slice(0, all.length - before);
  }

  it('delivers, with a Message-ID that stays for all attempts', async (context) => {
    const gateway = open(context, url);
    const id = newId();
    const got = await sentBy(async () => {
      for (const attempt of ['1-1', '1-2', '2-3'])
        assert.deepEqual(
          await gateway.send(mail({ reference: `tocsin-01234567-${id}-${attempt}` })),
          {
            class: 'accepted',
            providerId: null,
          },
        );
    });
    assert.equal(got.length, 3);
    assert.deepEqual(
      new Set(got.map((one) => one.messageId)),
      new Set([`<tocsin-01234567-${id}@centre.test>`]),
    );
    assert.match(got[0]!.raw, /^Auto-Submitted: auto-generated\r$/m);
  });

  it('sends several over kept connections, each once and to its own', async (context) => {
    const gateway = open(context, url);
    const got = await sentBy(async () => {
      for (let round = 0; round < 4; round++) {
        const sent = await Promise.all(
          Array.from({ length: 5 }, (_, i) =>
            gateway.send(mail({ address: `p${round}-${i}@northmoor.test` })),
          ),
        );
        assert.ok(sent.every((result) => result.class === 'accepted'));
      }
    });
    assert.equal(got.length, 20);
    assert.equal(new Set(got.flatMap((one) => one.envelopeTo)).size, 20);
  });

  it('a refused recipient is refused for good, and the connection serves on', async (context) => {
    const gateway = open(context, url);
    await simulator.addFault({ fault: 'mail_refused', times: 1 });
    assert.deepEqual(await gateway.send(mail()), { class: 'rejected', code: '550' });
    await simulator.addFault({ fault: 'mail_deferred', times: 1 });
    assert.deepEqual(await gateway.send(mail()), { class: 'not_sent', code: '451' });
    assert.equal((await gateway.send(mail())).class, 'accepted');
  });

  it('no answer after the final dot is unknown, and is not sent again', async (context) => {
    const gateway = open(context, url);
    const got = await sentBy(async () => {
      await gateway.send(mail());
      await simulator.addFault({ fault: 'mail_dropped', times: 1 });
      assert.equal((await gateway.send(mail())).class, 'unknown');
      assert.equal((await gateway.send(mail())).class, 'accepted');
    });
    assert.equal(got.length, 3);
  });

  it('a subject or an address cannot add a header or a recipient', async (context) => {
    const gateway = open(context, url);
    const got = await sentBy(async () => {
      await gateway.send(mail({ subject: 'A\r\nBcc: x@evil.test\r\n\r\nbody' }));
      for (const address of [
        'a@b.test\r\nRCPT TO:<x@evil.test>',
        'a@b.test>\r\nDATA',
        'a@b.test, x@evil.test',
      ])
        await gateway.send(mail({ address }));
    });
    for (const one of got) {
      const head = one.raw.slice(0, one.raw.indexOf('\r\n\r\n'));
      assert.doesNotMatch(head, /^bcc:/im);
      assert.ok(
        one.envelopeTo.every((to) => to !== 'x@evil.test'),
        one.envelopeTo.join(),
      );
      assert.equal(one.envelopeTo.length, 1);
    }
  });

  it('does not begin when it is too late to begin, even after 354', async (context) => {
    const gateway = open(context, url);
    for (const inTime of [0, 1]) {
      let asked = 0;
      const got = await sentBy(async () => {
        const result = await gateway.send(mail(), () => asked++ < inTime);
        assert.equal(result.class, 'not_sent');
      });
      assert.deepEqual(got, []);
    }
    assert.equal((await gateway.send(mail())).class, 'accepted');
  });

  it('a body keeps its dots and its lines', async (context) => {
    const gateway = open(context, url);
    const [got] = await sentBy(() => gateway.send(mail({ body: 'one\n.\nQUIT\n..two' })));
    assert.match(got!.raw, /one\r\n\.\r\nQUIT\r\n\.\.two/);
  });
});

describe('against a mail server that breaks off', () => {
  /** What it does with each command; `undefined` leaves it to the polite answer. */
  type Behave = (command: string, socket: Socket) => string | null | undefined;

  const polite = (command: string): string => {
    if (command === 'CONNECT') return '220 hello';
    if (/^EHLO/i.test(command)) return '250-hello\r\n250 AUTH PLAIN LOGIN';
    if (/^DATA/i.test(command)) return '354 go on';
    return '250 fine';
  };

  async function serverThat(context: TestContext, behave: Behave) {
    const sockets = new Set<Socket>();
    const commands: string[] = [];
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      let [seen, content] = ['', false];
      const answer = (command: string) => {
        commands.push(command);
        const said = behave(command, socket);
        const text = said === undefined ? polite(command) : said;
        if (text !== null) socket.write(`${text}\r\n`);
        content = /^DATA/i.test(command) && (text?.startsWith('354') ?? false);
      };
      answer('CONNECT');
      socket.on('data', (chunk) => {
        seen += chunk.toString();
        for (;;) {
          const mark = content ? '\r\n.\r\n' : '\r\n';
          const at = seen.indexOf(mark);
          if (at < 0) {
            if (content && seen.length > 10) behave('CONTENT', socket);
            return;
          }
          const line = content ? 'DOT' : seen.slice(0, at);
          seen = seen.slice(at + mark.length);
          answer(line);
        }
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    return { url: `smtp://127.0.0.1:${port}`, port, commands };
  }

  const closeAt =
    (moment: RegExp): Behave =>
    (command, socket) => {
      if (!moment.test(command)) return undefined;
      socket.destroy();
      return null;
    };
  const say =
    (moment: RegExp, text: string | null): Behave =>
    (command) =>
      moment.test(command) ? text : undefined;

  const behaviours: [string, Behave, SendResult['class']][] = [
    ['closes at once', closeAt(/^CONNECT/), 'not_sent'],
    ['greets with 554', say(/^CONNECT/, '554 no service'), 'not_sent'],
    ['closes at MAIL', closeAt(/^MAIL/), 'not_sent'],
    ['refuses our sender', say(/^MAIL/, '550 not you'), 'not_sent'],
    ['refuses the recipient', say(/^RCPT/, '550 unknown'), 'rejected'],
    ['closes at DATA', closeAt(/^DATA/), 'not_sent'],
    ['refuses DATA', say(/^DATA/, '554 no'), 'rejected'],
    ['closes after the final dot', closeAt(/^DOT/), 'unknown'],
    ['says nothing after the final dot', say(/^DOT/, null), 'unknown'],
    ['refuses the content', say(/^DOT/, '554 spam'), 'rejected'],
    ['defers the content', say(/^DOT/, '451 later'), 'not_sent'],
    ['says nothing at all', say(/./, null), 'not_sent'],
    ['says nothing to MAIL', say(/^MAIL/, null), 'not_sent'],
  ];
  for (const [name, behave, expected] of behaviours) {
    it(`${name}: ${expected}, asked once`, async (context) => {
      const server = await serverThat(context, behave);
      const gateway = open(context, server.url, { sendMaxMs: 400 });
      const begun = performance.now();
      assert.equal((await gateway.send(mail())).class, expected);
      assert.ok(performance.now() - begun < 5_000);
      assert.ok(server.commands.filter((command) => command === 'DOT').length <= 1);
    });
  }

  it('closes in the middle of the content: unknown', async (context) => {
    const server = await serverThat(context, closeAt(/^CONTENT/));
    const gateway = open(context, server.url);
    assert.equal((await gateway.send(mail({ body: 'x'.repeat(5_000_000) }))).class, 'unknown');
  });

  it('drips its greeting: not sent, within the time for one mail', async (context) => {
    const server = await serverThat(context, (command, socket) => {
      if (command !== 'CONNECT') return undefined;
      const drip = setInterval(() => socket.write('220-more\r\n'), 50);
      socket.on('close', () => clearInterval(drip));
      return null;
    });
    const gateway = open(context, server.url, { sendMaxMs: 400 });
    assert.equal((await gateway.send(mail())).class, 'not_sent');
  });

  it('is not there: not sent', async (context) => {
    const gateway = open(context, 'smtp://127.0.0.1:1');
    assert.equal((await gateway.send(mail())).class, 'not_sent');
  });

  it('refuses the password: not sent, and the mail is not tried without', async (context) => {
    const server = await serverThat(context, say(/^AUTH/, '535 wrong'));
    const gateway = open(context, server.url.replace('//', '//me:secret@'));
    assert.equal((await gateway.send(mail())).class, 'not_sent');
    assert.ok(!server.commands.some((command) => command.startsWith('MAIL')));
  });

  it('closes a kept connection: the next mail goes over a new one', async (context) => {
    const closed = Promise.withResolvers<void>();
    const server = await serverThat(context, (command, socket) => {
      socket.once('close', () => closed.resolve());
      if (command === 'DOT') setImmediate(() => socket.end());
      return undefined;
    });
    const gateway = open(context, server.url);
    assert.equal((await gateway.send(mail())).class, 'accepted');
    // Closed from both sides: the gateway has heard of it.
    await closed.promise;
    assert.equal((await gateway.send(mail())).class, 'accepted');
    assert.equal(server.commands.filter((command) => command === 'DOT').length, 2);
  });
});
