import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { newId } from '#kernel/ids.ts';
import {
  DEFAULT_API_KEYS,
  DEFAULT_TEMPLATES,
  startQuickSimulator,
  type Simulator,
} from '../../../test/support/dispatch.ts';
import type { Outgoing, SendResult } from '../model.ts';
import type { Gateway } from './gateway.ts';
import { openNotifyGateway } from './notify.ts';
import { classify, contentDiffers, mintToken, parseNotifyKey } from './notify-contract.ts';

const KEY = DEFAULT_API_KEYS.live;
const hasty = { waits: { connectMs: 300, headersMs: 300, bodyMs: 300 } };

const message = (change: Partial<Outgoing> = {}): Outgoing => ({
  reference: `tocsin-01234567-${newId()}-1-1`,
  address: '447700900123',
  subject: null,
  body: 'Northmoor: test',
  ...change,
});

/** Where an answer is expected, there is time for it, however busy the machine is. */
const patient = { connectMs: 10_000, headersMs: 10_000, bodyMs: 10_000 };

function open(
  context: TestContext,
  baseUrl: string,
  { apiKey = KEY, waits = patient }: { apiKey?: string; waits?: typeof patient } = {},
): Gateway {
  const gateway = openNotifyGateway('notify', { baseUrl, apiKey }, { waits });
  context.after(() => gateway.close());
  return gateway;
}

describe('the answer of Notify', () => {
  const problem = (error: string, text: string) => ({ errors: [{ error, message: text }] });
  const cells: [string, number, unknown, SendResult['class'], number?][] = [
    ['taken', 201, { id: newId() }, 'accepted'],
    ['taken, by another 2xx', 200, { id: newId() }, 'accepted'],
    ['taken, unreadable', 201, undefined, 'unknown'],
    ['taken, without an id', 201, {}, 'unknown'],
    ['taken, with an id of another form', 201, { id: '7' }, 'unknown'],
    ['a bad number', 400, problem('BadRequestError', 'Not a UK mobile number'), 'rejected'],
    ['a bad field', 400, problem('ValidationError', 'reference is not of type string'), 'rejected'],
    ['no template', 400, problem('BadRequestError', 'Template not found'), 'not_sent', 5_000],
    [
      'another blank',
      400,
      problem('BadRequestError', 'Missing personalisation: name'),
      'not_sent',
      5_000,
    ],
    ['a 400 of somebody in between', 400, undefined, 'unknown'],
    ['no token', 401, problem('AuthError', 'Unauthorized'), 'not_sent', 5_000],
    ['a wrong clock', 403, problem('AuthError', 'Error: Your system clock …'), 'not_sent', 5_000],
    ['a revoked key', 403, problem('AuthError', 'Invalid token: revoked'), 'not_sent', 5_000],
    ['a 403 of somebody in between', 403, undefined, 'not_sent', 5_000],
    ['a 404 of somebody in between', 404, undefined, 'unknown'],
    ['too fast', 429, problem('RateLimitError', 'Exceeded rate limit'), 'not_sent', 2_000],
    ['too fast, bare', 429, undefined, 'not_sent', 2_000],
    ['too many today', 429, problem('TooManyRequestsError', 'x'), 'not_sent', 60_000],
    ['their failure', 500, problem('Exception', 'Internal server error'), 'unknown'],
    ['the edge', 502, undefined, 'unknown'],
    ['the edge, busy', 503, undefined, 'unknown'],
    ['the edge, late', 504, problem('SoftEventletTimeout', 'x'), 'unknown'],
    ['a redirect', 302, undefined, 'unknown'],
    ['no content', 204, undefined, 'unknown'],
  ];
  for (const [name, status, body, expected, pauseMs] of cells) {
    it(`${status}, ${name}: ${expected}`, () => {
      const result = classify({ status, body });
      assert.equal(result.class, expected);
      assert.equal(result.class === 'not_sent' ? result.pauseMs : undefined, pauseMs);
      const tooFast = status === 429 && pauseMs === 2_000;
      assert.equal(result.class === 'not_sent' && result.tooFast === true, tooFast);
      assert.equal('code' in result && result.code === 'clock_is_wrong', name === 'a wrong clock');
    });
  }
});

describe('a key of Notify', () => {
  it('is read from the right: its name may hold hyphens', () => {
    const [service, secret] = [crypto.randomUUID(), crypto.randomUUID()];
    assert.deepEqual(parseNotifyKey(`my-long-name-${service}-${secret}`), {
      name: 'my-long-name',
      serviceId: service,
      secret,
    });
    // Hex in the form of a UUID is all that Notify asks of an id.
    const plain = '0a1b2c3d-1111-2222-3333-444455556666';
    assert.deepEqual(parseNotifyKey(`x-${plain}-${plain}`)?.secret, plain);
    for (const text of [
      '',
      secret,
      `x-${service}`,
      `${service}-${secret}`,
      `x-${service}-${secret}x`,
    ])
      assert.equal(parseNotifyKey(text), undefined, text);
    const settings = { baseUrl: 'http://localhost', apiKey: 'nonsense' };
    assert.throws(() => openNotifyGateway('notify', settings), TypeError);
  });

  it('mints one token a second, the same for the whole second', () => {
    const key = { serviceId: crypto.randomUUID(), secret: crypto.randomUUID() };
    assert.equal(mintToken(key, 5), mintToken(key, 5));
    assert.notEqual(mintToken(key, 5), mintToken(key, 6));
    const claims = Buffer.from(mintToken(key, 5).split('.')[1]!, 'base64url').toString();
    assert.deepEqual(JSON.parse(claims), { iss: key.serviceId, iat: 5 });
  });
});

describe('against the simulated Notify', () => {
  let simulator: Simulator;

  before(async () => {
    simulator = await startQuickSimulator();
  });

  after(() => simulator.close());

  it('sends the text as it is, found again by its reference', async (context) => {
    const gateway = open(context, simulator.notifyUrl);
    const sent = message({ body: 'Ünïcode ((name)) <b>&amp; "quotes"\nsecond line' });
    const result = await gateway.send(sent);
    assert.ok(result.class === 'accepted' && result.providerId !== null);
    const row = simulator.simulation.notifications.find(result.providerId)!;
    assert.deepEqual([row.body, row.normalisedTo], [sent.body, sent.address]);
    const found = await gateway.find!(sent.reference);
    assert.ok(found.answer === 'found');
    assert.equal(found.providerId, result.providerId);
  });

  it('a base URL may have a path, and a slash at its end', async (context) => {
    const gateway = open(context, `${simulator.notifyUrl}/`);
    assert.equal((await gateway.send(message())).class, 'accepted');
  });

  it('does not begin when it is too late to begin', async (context) => {
    const gateway = open(context, simulator.notifyUrl);
    const before = simulator.simulation.counts.accepted;
    const result = await gateway.send(message(), () => false);
    assert.deepEqual(result, { class: 'not_sent', code: 'too_late' });
    assert.equal(simulator.simulation.counts.accepted, before);
    assert.equal((await gateway.send(message(), () => true)).class, 'accepted');
  });

  it('the oldest counts where one reference is there twice', async (context) => {
    const gateway = open(context, simulator.notifyUrl);
    const twice = message();
    const first = await gateway.send(twice);
    await gateway.send(twice);
    const found = await gateway.find!(twice.reference);
    assert.ok(first.class === 'accepted' && found.answer === 'found');
    assert.equal(found.providerId, first.providerId);
  });

  const faults: [string, object, SendResult['class'], number][] = [
    ['accept_then_drop', {}, 'unknown', 1],
    ['accept_then_500', {}, 'unknown', 1],
    ['accept_then_500', { status: 502 }, 'unknown', 1],
    ['insert_then_delete', {}, 'unknown', 1],
    ['drop', {}, 'unknown', 0],
    ['error', { status: 500 }, 'unknown', 0],
    ['error', { status: 503 }, 'unknown', 0],
    ['rate_limited', {}, 'not_sent', 0],
    ['answer_after', { delayMs: 3_000 }, 'unknown', 1],
  ];
  for (const [fault, fields, expected, stored] of faults) {
    it(`${fault} ${JSON.stringify(fields)}: ${expected}`, async (context) => {
      const isLate = fault === 'answer_after';
      const gateway = open(context, simulator.notifyUrl, isLate ? hasty : {});
      await gateway.send(message());
      const before = simulator.simulation.counts.accepted;
      await simulator.addFault({ fault, times: 1, ...fields } as never);
      assert.equal((await gateway.send(message())).class, expected);
      assert.equal(simulator.simulation.counts.accepted - before, stored);
      await simulator.clearFaults();
    });
  }

  it('nobody at the door: not sent', async (context) => {
    const gateway = open(context, simulator.notifyUrl);
    await simulator.addFault({ fault: 'down', mode: 'refuse' });
    assert.equal((await gateway.send(message())).class, 'not_sent');
    await simulator.clearFaults();
    assert.equal((await gateway.send(message())).class, 'accepted');
  });

  it('a bad number is refused for good', async (context) => {
    const gateway = open(context, simulator.notifyUrl);
    assert.equal((await gateway.send(message({ address: '123' }))).class, 'rejected');
  });

  it('a key not theirs, or a wrong clock, is no fault of the text', async (context) => {
    const stranger = KEY.slice(0, -1) + 'b';
    assert.equal(
      (await open(context, simulator.notifyUrl, { apiKey: stranger }).send(message())).class,
      'not_sent',
    );
    const settings = { baseUrl: simulator.notifyUrl, apiKey: KEY };
    const wrong = openNotifyGateway('notify', settings, { now: () => Date.now() - 60_000 });
    assert.equal((await wrong.send(message())).class, 'not_sent');
    await wrong.close();
  });

  it('a look-up says found, absent, or that it cannot tell', async (context) => {
    const { reference } = message();
    const unhurried = open(context, simulator.notifyUrl);
    assert.deepEqual(await unhurried.find!(reference), { answer: 'absent' });
    const gateway = open(context, simulator.notifyUrl, hasty);
    for (const fault of [
      { fault: 'error', on: 'get' },
      { fault: 'drop', on: 'get' },
      { fault: 'down', mode: 'unavailable' },
      { fault: 'slow', on: 'get', delayMs: 3_000 },
    ]) {
      await simulator.addFault({ ...fault, times: 1 } as never);
      assert.deepEqual(await gateway.find!(reference), { answer: 'cannot_tell' }, fault.fault);
      await simulator.clearFaults();
    }
    const wrongKey = open(context, simulator.notifyUrl, { apiKey: KEY.slice(0, -1) + 'b' });
    assert.deepEqual(await wrongKey.find!(reference), { answer: 'cannot_tell' });
  });

  it('waits for a pass-through template, and looks again when its own is gone', async (context) => {
    const own = {
      id: crypto.randomUUID(),
      type: 'sms',
      name: 'Own',
      body: 'Hello ((name))',
    } as const;
    const other = await startQuickSimulator({ templates: [own] });
    context.after(() => other.close());
    const gateway = open(context, other.notifyUrl);
    const first = await gateway.send(message());
    assert.deepEqual(
      [first.class, 'code' in first && first.code],
      ['not_sent', 'no_pass_through_template'],
    );
    other.simulation.changeTemplate({ ...own, body: ' ((body)) ' });
    assert.equal((await gateway.send(message())).class, 'accepted');
    other.simulation.changeTemplate({ ...own, body: 'Hello ((name))' });
    assert.equal((await gateway.send(message())).class, 'not_sent', 'no text is lost by an edit');
    other.simulation.changeTemplate({ ...own, body: '((body))' });
    assert.equal((await gateway.send(message())).class, 'accepted');
  });
});

describe('mail by the simulated Notify', () => {
  it('goes through a pass-through template with its subject, found by its reference', async (context) => {
    const simulator = await startQuickSimulator();
    context.after(() => simulator.close());
    const settings = { baseUrl: simulator.notifyUrl, apiKey: KEY };
    const gateway = openNotifyGateway('notify-mail', settings, { channel: 'mail', waits: patient });
    context.after(() => gateway.close());
    const sent = message({
      address: 'oncall@northmoor.test',
      subject: 'Alert 4901 "high"',
      body: 'Isolate Citrix — now.\n\n* one\n* ((two))\n',
    });
    const result = await gateway.send(sent);
    assert.ok(result.class === 'accepted' && result.providerId !== null);
    assert.equal(result.contentDiffers, undefined);
    const row = simulator.simulation.notifications.find(result.providerId)!;
    assert.deepEqual(
      [row.channel, row.normalisedTo, row.body, row.subject?.replace(/[“”]/g, '"')],
      ['email', sent.address, sent.body.trim(), sent.subject],
    );
    assert.equal((await gateway.find!(sent.reference)).answer, 'found');
    assert.equal((await gateway.send(message({ address: 'no address' }))).class, 'rejected');
    const { id } = DEFAULT_TEMPLATES[1];
    simulator.simulation.changeTemplate({ id, subject: 'News: ((subject))' });
    assert.deepEqual(await gateway.readTemplate!(), { answer: 'missing' });
    assert.equal(
      (await gateway.send(sent)).class,
      'not_sent',
      'its subject passes nothing through',
    );
  });
});

describe('the words that a provider repeats', () => {
  const text = { channel: 'text' } as const;
  const mail = { channel: 'mail' } as const;
  const named = { ...text, serviceName: 'Centre' };
  const cells: [string, string, string, Parameters<typeof contentDiffers>[2], boolean][] = [
    ['the same', 'Isolate now', 'Isolate now', text, false],
    ['characters replaced as Notify does', 'a “b” – ☂ ', 'a "b" - ?', text, false],
    ['something before', 'Isolate now', 'News: Isolate now', text, true],
    ['something after', 'Isolate now', 'Isolate now. Ignore this', text, true],
    ['nothing', 'Isolate now', '', text, true],
    ['the name of the service', 'Isolate now', 'Centre: Isolate now', named, false],
    ['without the name of the service', 'Isolate now', 'Isolate now', named, false],
    ['the name of another service', 'Isolate now', 'Center: Isolate now', named, true],
    ['the name where none is told', 'Isolate now', 'Centre: Isolate now', text, true],
    ['a mail with other line ends', 'a\nb\n', 'a\r\nb', mail, false],
    ['a mail with a footer', 'a', 'a\n\nUnsubscribe', mail, true],
  ];
  for (const [name, body, returned, as, expected] of cells) {
    it(`${name}: ${expected ? 'differs' : 'the same'}`, () => {
      const answer = { status: 201, body: { id: newId(), content: { body: returned } } };
      assert.equal(contentDiffers(answer, { body }, as), expected);
    });
  }

  it('an implementation that repeats nothing proves nothing', () => {
    for (const body of [undefined, {}, { content: {} }, { content: { body: 7 } }])
      assert.equal(contentDiffers({ status: 201, body }, { body: 'a' }, text), false);
  });
});

describe('against a server that breaks off', () => {
  type Behave = (socket: Socket, request: string) => void;
  const templates = JSON.stringify({
    templates: [{ id: crypto.randomUUID(), version: 1, body: '((body))' }],
  });
  const ok = (body: string, status = '200 OK') =>
    `HTTP/1.1 ${status}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

  /** A server that answers for templates well, and to the send as told. */
  async function serverThat(context: TestContext, behave: Behave): Promise<string> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      let seen = '';
      socket.on('data', (chunk) => {
        seen += chunk.toString();
        const head = seen.indexOf('\r\n\r\n');
        if (head < 0) return;
        const length = Number(/content-length: (\d+)/i.exec(seen)?.[1] ?? 0);
        if (seen.length < head + 4 + length) return;
        const request = seen;
        seen = '';
        if (request.startsWith('GET /v2/templates')) socket.write(ok(templates));
        else behave(socket, request);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const behaviours: [string, Behave, SendResult['class']][] = [
    ['resets after the request', (socket) => socket.resetAndDestroy(), 'unknown'],
    ['closes after the request', (socket) => socket.end(), 'unknown'],
    ['says nothing', () => {}, 'unknown'],
    ['answers garbage', (socket) => socket.write('\u0016\u0003\u0001 not HTTP\r\n\r\n'), 'unknown'],
    ['sends headers slowly', (socket) => socket.write('HTTP/1.1 201 Created\r\n'), 'unknown'],
    [
      'breaks off in a 201',
      (socket) => socket.end('HTTP/1.1 201 Created\r\ncontent-length: 99\r\n\r\n{"id":'),
      'unknown',
    ],
    ['answers 201 with HTML', (socket) => socket.write(ok('<html>', '201 Created')), 'unknown'],
    [
      'lets a 201 drip',
      (socket) => {
        socket.write('HTTP/1.1 201 Created\r\ncontent-length: 9999\r\n\r\n');
        const drip = setInterval(() => socket.write(' '), 50);
        socket.on('close', () => clearInterval(drip));
      },
      'unknown',
    ],
    [
      'breaks off in a 400',
      (socket) => socket.end('HTTP/1.1 400 Bad\r\ncontent-length: 99\r\n\r\n{"err'),
      'unknown',
    ],
    [
      'hides a NUL in its error',
      (socket) => socket.write(ok('{"errors":[{"error":"a\\u0000","message":"b"}]}', '400 Bad')),
      'rejected',
    ],
  ];
  for (const [name, behave, expected] of behaviours) {
    it(`${name}: ${expected}`, async (context) => {
      const gateway = open(context, await serverThat(context, behave), hasty);
      const begun = performance.now();
      assert.equal((await gateway.send(message())).class, expected);
      const tookMs = performance.now() - begun;
      assert.ok(tookMs < gateway.sendMaxMs + 1_000, `${tookMs} ms is longer than the lease allows`);
    });
  }

  it('is asked once: no retry by the client', async (context) => {
    let requests = 0;
    const url = await serverThat(context, (socket) => {
      requests += 1;
      socket.resetAndDestroy();
    });
    await open(context, url).send(message());
    assert.equal(requests, 1);
  });

  it('that accepts no connection, or closes it at once: not sent', async (context) => {
    const closed = createServer((socket) => socket.destroy());
    closed.listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    assert.equal(
      (await open(context, `http://127.0.0.1:${port}`).send(message())).class,
      'not_sent',
    );
    closed.close();
    await once(closed, 'close');
    assert.equal(
      (await open(context, `http://127.0.0.1:${port}`).send(message())).class,
      'not_sent',
    );
    assert.equal((await open(context, 'http://nowhere.invalid').send(message())).class, 'not_sent');
  });

  it('that speaks no TLS: not sent', async (context) => {
    const url = await serverThat(context, () => {});
    const gateway = open(context, url.replace('http:', 'https:'));
    assert.equal((await gateway.send(message())).class, 'not_sent');
  });

  it('that is slow to name its template: not sent, in time', async (context) => {
    const silent = createServer(() => {});
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    context.after(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const gateway = open(context, `http://127.0.0.1:${port}`, hasty);
    const begun = performance.now();
    assert.equal((await gateway.send(message())).class, 'not_sent');
    assert.ok(performance.now() - begun < gateway.sendMaxMs + 1_000);
  });
});
