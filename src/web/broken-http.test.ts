/** Bytes that are no HTTP, or that a proxy and we could read as two different requests. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { api, json, page, text } from './index.ts';

const WAITS = { headers: 400, request: 800, silence: 1000, check: 50 };
const handled: string[] = [];
const faults: string[] = [];
let site: Site;

before(async () => {
  const handle = async ({ path }: { path: string }) => {
    handled.push(path);
    return path.startsWith('/api/') ? json(200, {}) : text(200, 'ok');
  };
  const doc = { summary: 'Echo', responses: { 200: z.object({}) } };
  const body = z.looseObject({});
  site = await startSite({
    waits: WAITS,
    log: { info: () => {}, error: (event) => faults.push(event) },
    routes: [
      page({ method: 'GET', path: '/open', access: 'public', handle }),
      page({ method: 'POST', path: '/form', access: 'public', handle }),
      api({ method: 'POST', path: '/api/v1/x', access: 'public', body, api: doc, handle }),
    ],
  });
});
after(() => site.close());

const GET = 'GET /open HTTP/1.1\r\nHost: localhost\r\n';
const POST =
  'POST /form HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n' +
  'Content-Type: application/x-www-form-urlencoded\r\n';
const API = 'POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
/** What would reach a handler if the request before it ended where its sender says. */
const NEXT = `${GET}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const A1 = '3\r\na=1\r\n0\r\n\r\n';

function open(): Socket {
  const { port, hostname } = new URL(site.address);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  return socket;
}

/** All that the server says, until it ends the connection or a request could have timed out. */
async function answerTo(bytes: Buffer): Promise<string> {
  const socket = open();
  let heard = '';
  socket.on('data', (part) => (heard += part.toString('latin1')));
  socket.end(bytes);
  const limit = AbortSignal.timeout(20_000);
  await once(socket, 'close', { signal: limit });
  return heard;
}

const statusesIn = (heard: string) =>
  [...heard.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));

const INSIDE = /fastify|llhttp|HPE_|FST_|ERR_|node:|\.ts\b|\bat \S+ \(|parse error/i;

const broken: readonly [string, string][] = [
  ['no version', 'GET /open\r\n\r\n'],
  ['rubbish', '\x00\xff\x13\x37\r\n\r\n'],
  ['the greeting of TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'],
  ['the greeting of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['HTTP/2 as text', 'GET /open HTTP/2.0\r\nHost: localhost\r\n\r\n'],
  ['a version that there is not', 'GET /open HTTP/3.7\r\nHost: localhost\r\n\r\n'],
  ['no host', 'GET /open HTTP/1.1\r\n\r\n'],
  ['two hosts', `${GET}Host: evil.test\r\n\r\n`],
  ['a method that there is not', 'BREW /open HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['a method of another protocol', 'PROPFIND /open HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['a trace', 'TRACE /open HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['a tunnel', 'CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['options of everything', 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['a space in the path', 'GET /op en HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['a NUL in the path', 'GET /op\0en HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['bytes in the path', 'GET /\xc3\xa9 HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['an endless path', `GET /open?${'a'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`],
  ['a NUL in a header', `${GET}X-A: a\0b\r\n\r\n`],
  ['a bare CR in a header', `${GET}X-A: a\rb\r\n\r\n`],
  ['lines without CR', 'GET /open HTTP/1.1\nHost: localhost\n\n'],
  ['a header without a colon', `${GET}nonsense\r\n\r\n`],
  ['a space before the colon', `${GET}X-A : b\r\n\r\n`],
  ['a folded header', `${GET}X-A: b\r\n c\r\n\r\n`],
  ['a header without a name', `${GET}: b\r\n\r\n`],
  ['a huge header', `${GET}X-A: ${'a'.repeat(100_000)}\r\n\r\n`],
  ['a flood of headers', `${GET}${'X: y\r\n'.repeat(20_000)}\r\n`],
  ['where it is from behind a flood', `${POST}${'X: y\r\n'.repeat(2_500)}Origin: evil\r\n\r\n`],
  ['an expectation that there is not', `${POST}Expect: 200-maybe\r\nContent-Length: 3\r\n\r\na=1`],
  ['length and chunks', `${POST}Content-Length: 4\r\n${CHUNKED}\r\n0\r\n\r\n${NEXT}`],
  ['chunks and length', `${POST}${CHUNKED}Content-Length: 4\r\n\r\n5c\r\n${NEXT}\r\n0\r\n\r\n`],
  ['two lengths', `${POST}Content-Length: 0\r\nContent-Length: ${NEXT.length}\r\n\r\n${NEXT}`],
  ['one length twice', `${POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\na=1${NEXT}`],
  ['a list of lengths', `${POST}Content-Length: 0, 5\r\n\r\n${NEXT}`],
  ['a length with a sign', `${POST}Content-Length: +3\r\n\r\na=1${NEXT}`],
  ['a negative length', `${POST}Content-Length: -3\r\n\r\na=1${NEXT}`],
  ['a length in hex', `${POST}Content-Length: 0x3\r\n\r\na=1${NEXT}`],
  ['a length beyond numbers', `${POST}Content-Length: 99999999999999999999999\r\n\r\na=1`],
  ['a length beyond exact numbers', `${POST}Content-Length: 9007199254740993\r\n\r\na=1`],
  ['a space after the length', `${POST}Content-Length : 3\r\n\r\na=1${NEXT}`],
  ['a body that ends early', `${POST}Content-Length: 5\r\n\r\na=1`],
  ['two codings', `${POST}${CHUNKED}Transfer-Encoding: identity\r\n\r\n${A1}${NEXT}`],
  ['a coding that there is not', `${POST}Transfer-Encoding: xchunked\r\n\r\n${A1}${NEXT}`],
  ['chunks that are not last', `${POST}Transfer-Encoding: chunked, identity\r\n\r\n${A1}${NEXT}`],
  ['chunks of no coding', `${POST}Transfer-Encoding: identity, chunked\r\n\r\n${A1}`],
  ['chunks of what is packed', `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n${A1}`],
  ['a tab of another kind', `${POST}Transfer-Encoding:\x0bchunked\r\n\r\n${A1}${NEXT}`],
  ['chunks in HTTP/1.0', `${POST.replace('1.1', '1.0')}${CHUNKED}\r\n0\r\n\r\n${NEXT}`],
  ['a size that is no number', `${POST}${CHUNKED}\r\nzz\r\na=1\r\n0\r\n\r\n${NEXT}`],
  ['a size beyond numbers', `${POST}${CHUNKED}\r\nffffffffffffffffff\r\na=1\r\n`],
  ['a negative size', `${POST}${CHUNKED}\r\n-3\r\na=1\r\n0\r\n\r\n`],
  ['a size with a prefix', `${POST}${CHUNKED}\r\n0x3\r\na=1\r\n0\r\n\r\n`],
  ['a chunk that is too long', `${POST}${CHUNKED}\r\n3\r\na=1XX\r\n0\r\n\r\n${NEXT}`],
  ['chunks without CR', `${POST}${CHUNKED}\r\n3\na=1\n0\n\n${NEXT}`],
  ['an endless extension', `${POST}${CHUNKED}\r\n3;${'a'.repeat(50_000)}\r\na=1\r\n0\r\n\r\n`],
  ['a length after the body', `${POST}${CHUNKED}\r\n3\r\na=1\r\n0\r\nContent-Length: 9\r\n\r\n`],
  ['a flood after the body', `${POST}${CHUNKED}\r\n0\r\n${'X: y\r\n'.repeat(5_000)}\r\n`],
  ['two origins', `${POST.replace(/Sec.*\r\n/, '')}Origin: http://localhost\r\nOrigin: x\r\n\r\n`],
  ['two words on where it is from', `${POST}Sec-Fetch-Site: cross-site\r\n\r\n`],
  ['two types', `${POST}Content-Type: application/json\r\nContent-Length: 3\r\n\r\na=1`],
  ['two keys', `${API}Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n`],
  ['JSON that says it is packed', `${API}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}`],
  ['another method in a header', `${POST.replace('form', 'open')}X-HTTP-Method: GET\r\n\r\n`],
];

for (const [name, bytes] of broken)
  test(`${name}: refused, and nothing of it reaches a handler`, async () => {
    handled.length = 0;
    const heard = await answerTo(Buffer.from(bytes, 'latin1'));
    const statuses = statusesIn(heard);
    assert.ok(statuses.length > 0, 'no answer');
    assert.ok(
      statuses.every((status) => status >= 400 && status < 500),
      heard.slice(0, 300),
    );
    assert.doesNotMatch(heard, INSIDE);
    assert.deepEqual(handled, []);
    assert.equal((await fetch(`${site.address}/open`)).status, 200);
  });

test('the same requests without the fault are answered', async () => {
  const plain = [
    `${GET}\r\n`,
    'GET /open HTTP/1.0\r\n\r\n',
    'GET http://localhost/open HTTP/1.1\r\nHost: localhost\r\n\r\n',
    `${POST}Content-Length: 3\r\n\r\na=1`,
    `${POST}${CHUNKED}\r\n${A1}`,
    `${API}Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}`,
  ];
  for (const one of plain) {
    assert.deepEqual(statusesIn(await answerTo(Buffer.from(one))), [200], one);
  }
});

test('whatever bytes of a request are others, the server answers, or ends, and stays', async () => {
  const whole = Buffer.from(`${POST}Content-Length: 3\r\n\r\na=1${POST}${CHUNKED}\r\n${A1}`);
  const change = fc.record({
    at: fc.nat(whole.length - 1),
    cut: fc.integer({ min: 0, max: 4 }),
    put: fc.uint8Array({ maxLength: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      let bytes = whole;
      for (const { at, cut, put } of changes)
        bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
      const heard = await answerTo(bytes);
      assert.ok(
        statusesIn(heard).every((status) => status < 500),
        heard,
      );
      assert.doesNotMatch(heard, INSIDE);
    }),
    { numRuns: 300 },
  );
  assert.deepEqual(faults, []);
  assert.equal((await fetch(`${site.address}/open`)).status, 200);
});

test('three hundred who never finish their headers keep nobody else waiting, and go', async () => {
  const slow = Array.from({ length: 300 }, () => open());
  for (const socket of slow) socket.write(GET);
  // Read to the end of what it says, or it is never seen to be over.
  const gone = slow.map((socket) => once(socket.resume(), 'close'));
  const startedAt = performance.now();
  assert.equal((await fetch(`${site.address}/open`)).status, 200);
  assert.ok(performance.now() - startedAt < 5_000);
  await Promise.race([
    Promise.all(gone),
    once(AbortSignal.timeout(20_000), 'abort').then(() => assert.fail('some are held')),
  ]);
});
