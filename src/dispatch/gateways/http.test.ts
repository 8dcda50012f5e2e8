/** Through proxies and private authorities: what surely did not leave is still told from the rest. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  getCACertificates,
  setDefaultCACertificates,
  createServer as createTlsServer,
} from 'node:tls';
import { after, before, describe, it, type TestContext } from 'node:test';
import { createAuthority, type Authority } from '../../../test/support/certificate.ts';
import { deadlineIn, openHttp, type Answer, type Mark, type Network } from './http.ts';

const NAME = 'notify.test';
const waits = { connectMs: 1_000, headersMs: 1_000, bodyMs: 1_000 };

async function listening(context: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

type Seen = { class: 'answered' | 'not_sent' | 'unknown'; status?: number; code?: string };

/** One POST, told as a gateway tells it. */
async function post(
  context: TestContext,
  baseUrl: string,
  network: Network,
  { deadlineMs = 5_000, mayStart = (): boolean => true } = {},
): Promise<Seen> {
  const http = openHttp({ baseUrl, connections: 2, waits, network });
  context.after(() => http.close());
  const mark: Mark = { started: false, mayStart };
  const { signal, clear } = deadlineIn(deadlineMs);
  try {
    const answer: Answer = await http.request({
      method: 'POST',
      path: '/v2/notifications/sms',
      headers: { 'content-type': 'application/json' },
      body: '{"a":1}',
      mark,
      signal,
    });
    return { class: 'answered', status: answer.status };
  } catch (error) {
    const { code } = error as { code?: string };
    return { class: mark.started ? 'unknown' : 'not_sent', ...(code && { code }) };
  } finally {
    clear();
  }
}

/** The request line and the content, whole. */
function requestIn(seen: string): boolean {
  return seen.includes('{"a":1}');
}

describe('a provider behind a proxy and a private authority', () => {
  let authority: Authority;
  let usual: string[];

  before(() => {
    authority = createAuthority();
    usual = getCACertificates('default');
    setDefaultCACertificates([...usual, authority.cert]);
  });

  after(() => {
    setDefaultCACertificates(usual);
  });

  type Behave = (socket: Socket) => void;

  /** A TLS server with a certificate of the authority, which does as told with a whole request. */
  async function provider(context: TestContext, behave: Behave, signer = authority) {
    const requests: string[] = [];
    const { cert, key } = signer.issue(NAME);
    const server = createTlsServer({ cert, key }, (socket) => {
      let seen = '';
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        seen += chunk.toString();
        if (!requestIn(seen)) return;
        requests.push(seen);
        seen = '';
        behave(socket);
      });
    });
    server.on('tlsClientError', () => {});
    return { port: await listening(context, server), requests };
  }

  const answer: Behave = (socket) =>
    socket.write('HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}');

  /** A small CONNECT proxy; every tunnel leads to `port`, whatever name was asked for. */
  async function proxyTo(
    context: TestContext,
    port: number,
    answerConnect: (socket: Socket, open: () => void) => void = (_socket, open) => open(),
  ) {
    const asked: { url: string; authorization: string | undefined }[] = [];
    const server = createHttpServer();
    server.on('connect', (request: IncomingMessage, socket: Socket) => {
      asked.push({
        url: request.url ?? '',
        authorization: request.headers['proxy-authorization'],
      });
      socket.on('error', () => {});
      answerConnect(socket, () => {
        const through = connect(port, '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
          through.pipe(socket).pipe(through);
        });
        through.on('error', () => socket.destroy());
        socket.on('close', () => through.destroy());
      });
    });
    const httpsProxy = `http://me:sesame@127.0.0.1:${await listening(context, server)}`;
    return { network: { httpsProxy }, asked };
  }

  const origin = `https://${NAME}`;

  it('is reached through the tunnel; the proxy sees a name and its own password', async (context) => {
    const { port, requests } = await provider(context, answer);
    const { network, asked } = await proxyTo(context, port);
    assert.deepEqual(await post(context, origin, network), { class: 'answered', status: 201 });
    assert.equal(requests.length, 1);
    assert.match(requests[0]!, /^POST \/v2\/notifications\/sms HTTP\/1\.1\r\n/);
    assert.doesNotMatch(requests[0]!, /proxy-authorization|sesame/i);
    const authorization = `Basic ${Buffer.from('me:sesame').toString('base64')}`;
    assert.deepEqual(asked, [{ url: `${NAME}:443`, authorization }]);
  });

  const afterRequest: [string, Behave][] = [
    ['resets after the request', (socket) => socket.destroy()],
    ['closes after the request', (socket) => socket.end()],
    ['says nothing', () => {}],
    ['answers garbage', (socket) => socket.write('garbage\r\n\r\n')],
  ];
  for (const [name, behave] of afterRequest) {
    it(`${name}: unknown, asked once`, async (context) => {
      const { port, requests } = await provider(context, behave);
      const { network } = await proxyTo(context, port);
      assert.equal((await post(context, origin, network)).class, 'unknown');
      assert.equal(requests.length, 1);
    });
  }

  type Refuse = Parameters<typeof proxyTo>[2];
  const refusals: [string, Refuse][] = [
    ['refuses with 403', (socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')],
    ['wants a password', (socket) => socket.end('HTTP/1.1 407 Who\r\ncontent-length: 0\r\n\r\n')],
    ['cannot reach it', (socket) => socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')],
    ['closes', (socket) => socket.destroy()],
    ['says nothing', () => {}],
    ['answers garbage', (socket) => socket.end('garbage\r\n\r\n')],
    ['opens the tunnel and closes it', (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n')],
    ['opens the tunnel to nowhere', (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n')],
  ];
  for (const [name, refuse] of refusals) {
    it(`a proxy that ${name}: not sent, in time`, async (context) => {
      const { port, requests } = await provider(context, answer);
      const { network } = await proxyTo(context, port, refuse);
      const begun = performance.now();
      assert.equal((await post(context, origin, network)).class, 'not_sent');
      assert.ok(performance.now() - begun < 6_000);
      assert.deepEqual(requests, []);
    });
  }

  it('a deadline that ends before the tunnel is there: not sent, and never sent later', async (context) => {
    const { port, requests } = await provider(context, answer);
    const opened = Promise.withResolvers<void>();
    const { network } = await proxyTo(context, port, (_socket, open) => {
      setTimeout(() => {
        open();
        opened.resolve();
      }, 3_000);
    });
    const begun = performance.now();
    assert.equal((await post(context, origin, network, { deadlineMs: 300 })).class, 'not_sent');
    assert.ok(performance.now() - begun < 2_500, 'it waited for the tunnel');
    await opened.promise;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(requests, []);
  });

  it('a lease that ended while the tunnel was made: not sent', async (context) => {
    const { port, requests } = await provider(context, answer);
    const { network } = await proxyTo(context, port);
    const seen = await post(context, origin, network, { mayStart: () => false });
    assert.deepEqual(seen, { class: 'not_sent', code: 'too_late' });
    assert.deepEqual(requests, []);
  });

  it('a certificate of another authority, or for another name: not sent', async (context) => {
    const stranger = await provider(context, answer, createAuthority());
    const through = await proxyTo(context, stranger.port);
    assert.equal((await post(context, origin, through.network)).class, 'not_sent');
    const { port } = await provider(context, answer);
    const { network } = await proxyTo(context, port);
    assert.equal((await post(context, 'https://other.test', network)).class, 'not_sent');
  });

  it('NO_PROXY is reached directly, and nothing of this machine goes by a proxy', async (context) => {
    const { port } = await provider(context, answer);
    const { network, asked } = await proxyTo(context, port);
    const noProxy = { ...network, noProxy: '.test' };
    assert.equal((await post(context, origin, noProxy)).class, 'not_sent', 'no such name');
    const plain = createServer((socket) => socket.once('data', () => answer(socket)));
    const here = `http://127.0.0.1:${await listening(context, plain)}`;
    const seen = await post(context, here, { httpProxy: network.httpsProxy });
    assert.deepEqual(seen, { class: 'answered', status: 201 });
    assert.deepEqual(asked, []);
  });

  it('without TLS the proxy has the request, so what breaks there is unknown', async (context) => {
    const proxy = createServer((socket) => socket.once('data', () => socket.destroy()));
    const httpProxy = `http://127.0.0.1:${await listening(context, proxy)}`;
    assert.equal((await post(context, 'http://notify.test', { httpProxy })).class, 'unknown');
    const nobody = { httpProxy: 'http://127.0.0.1:1' };
    assert.equal((await post(context, 'http://notify.test', nobody)).class, 'not_sent');
  });
});
