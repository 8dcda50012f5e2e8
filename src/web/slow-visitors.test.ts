/** Visitors who take their time: each has a limit, and a live stream has none but its own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { events, eventStream, file, page, text, type StreamEvent } from './index.ts';

const WAITS = { headers: 200, request: 500, silence: 700, check: 50 };
/** What the machine may be late by. */
const GRACE_MS = 20_000;
let site: Site;
let handled = 0;
const longAnswerEnded = Promise.withResolvers<void>();

/** More than the sockets between hold, so that a reader who stops stops us too. */
async function* endless(): AsyncIterable<string> {
  try {
    for (;;) yield 'x'.repeat(1_000_000);
  } finally {
    longAnswerEnded.resolve();
  }
}

async function* source(signal: AbortSignal): AsyncIterable<StreamEvent> {
  yield { name: 'numbers', html: 'first' };
  await once(signal, 'abort').catch(() => {});
}

before(async () => {
  site = await startSite({
    waits: WAITS,
    streamBeatMs: 100,
    routes: [
      page({
        method: 'POST',
        path: '/form',
        access: 'public',
        async handle() {
          handled++;
          return text(200, 'taken');
        },
      }),
      page({
        method: 'GET',
        path: '/long',
        access: 'public',
        handle: async () => file('long.txt', 'text/plain', endless()),
      }),
      eventStream({ path: '/events', access: 'public', handle: async () => events(source) }),
    ],
  });
});
after(() => site.close());

const POST =
  'POST /form HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n' +
  'Content-Type: application/x-www-form-urlencoded\r\n';

function open(first: string): Socket {
  const { port, hostname } = new URL(site.address);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(first);
  return socket;
}

/** How long the server kept the connection, in ms, and its first line; drips once per 50 ms. */
async function keptFor(first: string, drip = ''): Promise<{ ms: number; line: string }> {
  const socket = open(first);
  const startedAt = performance.now();
  let heard = '';
  socket.on('data', (part) => (heard += part.toString('latin1')));
  const dripping = setInterval(() => drip !== '' && socket.write(drip), 50);
  const limit = AbortSignal.timeout(WAITS.silence + GRACE_MS);
  await once(socket, 'close', { signal: limit }).finally(() => clearInterval(dripping));
  return { ms: performance.now() - startedAt, line: heard.split('\r\n')[0] ?? '' };
}

for (const [name, first, drip] of [
  ['a body that never comes', `${POST}Content-Length: 1000\r\n\r\n`, ''],
  ['a body that drips', `${POST}Content-Length: 1000\r\n\r\n`, 'a'],
  ['a chunked body that drips', `${POST}Transfer-Encoding: chunked\r\n\r\n`, '1\r\na\r\n'],
  ['headers that drip', 'GET /long HTTP/1.1\r\nHost: localhost\r\n', 'X-A: b\r\n'],
  ['a line that stops', 'GET /lo', ''],
  ['nothing at all', '', ''],
] as const)
  test(`${name}: 408, and the connection is over`, async () => {
    const { ms, line } = await keptFor(first, drip);
    assert.equal(line, 'HTTP/1.1 408 Request Timeout');
    assert.ok(ms < WAITS.request + GRACE_MS, `kept for ${ms} ms`);
    assert.equal(handled, 0);
  });

test('an answer that nobody reads does not hold its connection', async () => {
  const socket = open('GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n');
  socket.pause();
  const late = delay(WAITS.silence + GRACE_MS, 'held', { ref: false });
  const ended = longAnswerEnded.promise.then(() => 'ended');
  assert.equal(await Promise.race([ended, late]), 'ended');
  socket.destroy();
});

test('a live stream outlives every limit', async () => {
  const leave = new AbortController();
  const { body } = await fetch(`${site.address}/events`, { signal: leave.signal });
  const reader = body!.getReader();
  const until = performance.now() + 2 * WAITS.silence + WAITS.check;
  let heard = '';
  while (performance.now() < until) {
    const { value, done } = await reader.read();
    assert.ok(!done, `ended after: ${heard}`);
    heard += Buffer.from(value).toString();
  }
  assert.match(heard, /event: numbers/);
  leave.abort();
});
