import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type { Actor, Permission } from '#kernel/actor.ts';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { openStream } from './event-stream.ts';
import { events, eventStream, type Session, type StreamEvent } from './index.ts';

const BEAT_MS = 25;
let site: Site;
let session: Session | undefined;
let news: ((event: StreamEvent) => void) | undefined;

function sessionWith(...permissions: Permission[]): Session {
  const id = '01900000-0000-7000-8000-0000000000aa';
  const actor: Actor = { kind: 'person', id, name: 'Ada', permissions: new Set(permissions) };
  return { id: 's1', actor, name: 'Ada', expiresAt: new Date('2099-01-01') };
}

async function* source(signal: AbortSignal): AsyncIterable<StreamEvent> {
  yield { name: 'numbers', html: 'first' };
  while (!signal.aborted) {
    const { promise, resolve } = Promise.withResolvers<StreamEvent | undefined>();
    news = resolve;
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
    const event = await promise;
    if (event !== undefined) yield event;
  }
}

before(async () => {
  const open = {
    path: '/events',
    access: 'alert.read',
    handle: async () => events(source),
  } as const;
  site = await startSite({
    routes: [eventStream(open)],
    sessions: { findSession: async () => session },
    streamBeatMs: BEAT_MS,
  });
});
after(() => site.close());
beforeEach(() => {
  session = sessionWith('alert.read');
});

async function connect(leave = new AbortController()): Promise<Response> {
  const headers = { cookie: 'tocsin=x' };
  return await fetch(`${site.address}/events`, { headers, signal: leave.signal });
}

/** All that came from now until the server ended the stream. */
async function rest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  let text = '';
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += Buffer.from(part.value).toString();
  }
  return text;
}

async function until(reader: ReadableStreamDefaultReader<Uint8Array>, words: string) {
  let text = '';
  while (!text.includes(words)) {
    const { value, done } = await reader.read();
    assert.ok(!done, `the stream ended before "${words}"`);
    text += Buffer.from(value).toString();
  }
}

test('a stream ends when its session ended or its rights changed', { timeout: 5000 }, async () => {
  for (const later of [undefined, sessionWith(), sessionWith('alert.read', 'alert.write')]) {
    session = sessionWith('alert.read');
    const { body } = await connect();
    const reader = body?.getReader();
    assert.ok(reader);
    await until(reader, 'event: beat');
    session = later;
    assert.doesNotMatch(await rest(reader), /event: numbers/);
  }
});

test('a stream is gzip for who takes it, whole to its end', { timeout: 5000 }, async () => {
  const open = async (accepted: string) => {
    const headers = { cookie: 'tocsin=x', 'accept-encoding': accepted };
    const request = get(`${site.address}/events`, { headers, agent: false });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  };
  const [zipped, plain] = [await open('gzip, br'), await open('br, gzip;q=0')];
  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.equal(plain.headers['content-encoding'], undefined);
  await delay(5 * BEAT_MS);
  session = undefined;
  const read = async (stream: IncomingMessage) => Buffer.concat(await stream.toArray());
  for (const text of [gunzipSync(await read(zipped)), await read(plain)])
    assert.match(
      text.toString(),
      /^retry: 3000\n\nevent: numbers\ndata: first\n\n(event: beat\ndata: \.\n\n)*$/,
    );
});

test('after a pause the session is asked before news leave', { timeout: 5000 }, async () => {
  let isWelcome = true;
  let say = (_event: StreamEvent): void => {};
  const asked: boolean[] = [];
  const errors: unknown[] = [];
  const stream = openStream({
    async *source() {
      const { promise, resolve } = Promise.withResolvers<StreamEvent>();
      say = resolve;
      yield await promise;
    },
    draw: (event) => Buffer.from('html' in event ? event.html : ''),
    closing: new AbortController().signal,
    isWelcome: async () => {
      asked.push(isWelcome);
      return isWelcome;
    },
    beatMs: 0,
    onError: (error) => errors.push(error),
  });
  isWelcome = false;
  say({ name: 'numbers', html: 'secret' });
  let text = '';
  stream.on('data', (part: Buffer) => (text += part.toString()));
  await once(stream, 'end');
  assert.doesNotMatch(text, /secret/);
  assert.deepEqual(errors, []);
  assert.ok(asked.includes(false));
});

test('who cannot be asked is not believed', { timeout: 5000 }, async () => {
  const errors: unknown[] = [];
  const stream = openStream({
    source,
    draw: (event) => Buffer.from('html' in event ? event.html : ''),
    closing: new AbortController().signal,
    isWelcome: () => Promise.reject(new Error('no database')),
    beatMs: BEAT_MS,
    onError: (error) => errors.push(error),
  });
  stream.resume();
  await once(stream, 'end');
  assert.equal(errors.length, 1);
});

test(
  'a session holds twenty streams, and one that ends makes room',
  { timeout: 10_000 },
  async () => {
    const leaving = Array.from({ length: 20 }, () => new AbortController());
    const open = await Promise.all(leaving.map(connect));
    assert.deepEqual([...new Set(open.map(({ status }) => status))], [200]);
    const refused = await connect();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), '30');
    await refused.text();
    session = undefined;
    await Promise.all(open.map((response) => response.text()));
    session = sessionWith('alert.read');
    const again = new AbortController();
    assert.equal((await connect(again)).status, 200);
    again.abort();
    news?.({ name: 'numbers', html: 'nobody hears it' });
  },
);
