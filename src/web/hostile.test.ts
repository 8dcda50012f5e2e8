import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';
import type { Actor, Permission } from '#kernel/actor.ts';
import { startSite, type PageClient, type Site } from '../../test/support/page-client.ts';
import { api, callback, json, page, text, type Route } from './index.ts';

const MEGABYTE = 1024 * 1024;
const handled: string[] = [];
let site: Site;
let now = new Date();

function person(...permissions: Permission[]): Actor & { kind: 'person' } {
  const id = `01900000-0000-7000-8000-00000000000${permissions.length}`;
  return { kind: 'person', id, name: 'Ada', permissions: new Set(permissions) };
}

const answer = async ({ path }: { path: string }) => {
  handled.push(path);
  return json(200, {});
};
const doc = { summary: 'Echo', responses: { 200: z.object({}) } };
const body = z.looseObject({});

const routes: Route[] = [
  page({
    method: 'POST',
    path: '/upload',
    access: 'directory.write',
    bodyBytesMax: 24 * MEGABYTE,
    handle: async ({ files }) => text(200, String(files['list']?.bytes.length)),
  }),
  page({ method: 'POST', path: '/busy', access: 'public', perMinuteMax: 3, handle: answer }),
  page({
    method: 'POST',
    path: '/numbers',
    access: 'alert.read',
    perAccountMinuteMax: 3,
    handle: answer,
  }),
  page({ method: 'GET', path: '/open/:name', access: 'public', handle: answer }),
  page({ method: 'POST', path: '/open/:name', access: 'public', handle: answer }),
  api({ method: 'POST', path: '/api/v1/:name', access: 'public', body, api: doc, handle: answer }),
  callback({ method: 'POST', path: '/callbacks/:gateway/texts', handle: answer }),
];

before(async () => {
  site = await startSite({ routes, trustedProxies: ['127.0.0.1'], now: () => now });
});
after(() => site.close());

/** Offers `bytes` bytes of upload and stops as soon as there is an answer; how many were sent. */
async function upload(bytes: number, headers: Record<string, string>) {
  const type = { 'content-type': 'multipart/form-data; boundary=x', 'content-length': bytes };
  const request = http.request(`${site.address}/upload`, {
    method: 'POST',
    headers: { ...type, ...headers },
  });
  request.on('error', () => {});
  request.write('--x\r\ncontent-disposition: form-data; name="list"; filename="a.csv"\r\n\r\n');
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let page = '';
  for await (const part of response) page += String(part);
  request.destroy();
  return { status: response.statusCode, page };
}

test(
  'an upload is refused before it is read: the answer comes before the file',
  { timeout: 10_000 },
  async () => {
    const own = { 'sec-fetch-site': 'same-origin' };
    const [reader, keeper] = [person('alert.read'), person('directory.write', 'alert.read')];
    for (const actor of [reader, keeper]) site.visitorAs(actor);
    const bytes = 22 * MEGABYTE;
    const stranger = await upload(bytes, own);
    assert.equal(stranger.status, 401);
    assert.match(stranger.page, /Sign in, then choose the file again/);
    assert.equal((await upload(bytes, { ...own, cookie: 'tocsin=gone' })).status, 401);
    assert.equal((await upload(bytes, { ...own, cookie: `tocsin=${reader.id}` })).status, 403);
    const elsewhere = { 'sec-fetch-site': 'cross-site', cookie: `tocsin=${keeper.id}` };
    assert.equal((await upload(bytes, elsewhere)).status, 403);
  },
);

test('what a stranger goes on sending is not kept', { timeout: 10_000 }, async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const headers = { 'sec-fetch-site': 'same-origin', 'content-length': 22 * MEGABYTE };
  const type = { 'content-type': 'multipart/form-data; boundary=x' };
  const options = { method: 'POST', headers: { ...headers, ...type } };
  const request = http.request(`${site.address}/upload`, options);
  request.on('error', () => {});
  const chunk = Buffer.alloc(MEGABYTE);
  collect();
  const before = process.memoryUsage().arrayBuffers;
  // All but the end, so that a server which keeps it would be keeping it now.
  for (let sent = 0; sent < 20 && !request.destroyed; sent++) {
    await new Promise((resolve) => request.write(chunk, resolve));
  }
  // Buffers are given back some turns after their collection; what is held never is.
  let grown = Infinity;
  for (let turn = 0; turn < 100 && grown > 5 * MEGABYTE; turn++) {
    collect();
    await setImmediate();
    grown = process.memoryUsage().arrayBuffers - before;
  }
  request.destroy();
  assert.ok(grown <= 5 * MEGABYTE, `${grown} bytes`);
});

test('who may upload still does', async () => {
  const keeper = person('directory.write', 'alert.read');
  const visitor = site.visitorAs(keeper);
  const form = new FormData();
  form.set('list', new File([new Uint8Array(2 * MEGABYTE)], 'a.csv'));
  const answer = await visitor.request('POST', '/upload', { form });
  assert.deepEqual([answer.status, answer.body], [200, String(2 * MEGABYTE)]);
});

test('a NUL in a form, a query or a parameter reaches no handler', async () => {
  handled.length = 0;
  const visitor = site.visitor();
  const status = async (method: string, at: string, form?: URLSearchParams | FormData) =>
    (await visitor.request(method, at, form && { form })).status;
  assert.equal(await status('GET', '/open/a%00b'), 404);
  assert.equal(await status('GET', '/open/a?x=a%00b'), 400);
  assert.equal(await status('GET', '/open/a?x=1&x=%00'), 400);
  assert.equal(await status('GET', '/open/a?x%00=1'), 400);
  assert.equal(await status('POST', '/open/a', new URLSearchParams({ x: 'a\0b' })), 400);
  assert.equal(await status('POST', '/open/a', new URLSearchParams({ 'a\0b': 'x' })), 400);
  const parts = new FormData();
  parts.set('x', 'a\0b');
  assert.equal(await status('POST', '/open/a', parts), 400);
  assert.deepEqual(handled, []);
  assert.equal(await status('POST', '/open/a?x=0', new URLSearchParams({ x: '\\u0000' })), 200);
});

test('a NUL in JSON is refused with the name of its field; in a gateway it is a 404', async () => {
  handled.length = 0;
  const post = async (at: string, sent: string) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(site.address + at, { method: 'POST', headers, body: sent });
    const { errors } = (await response.json()) as { errors?: { field: string }[] };
    return [response.status, errors?.map(({ field }) => field)];
  };
  const nul = JSON.stringify({ texts: [{ body: 'fine' }, { body: 'a\0b' }] });
  assert.deepEqual(await post('/api/v1/a', nul), [422, ['texts.1.body']]);
  assert.deepEqual(await post('/api/v1/a', JSON.stringify({ a: { 'b\0': 1 } })), [422, ['a']]);
  assert.deepEqual(await post('/api/v1/a?q=%00', '{}'), [422, ['q']]);
  assert.deepEqual(await post('/callbacks/%00/texts', '{}'), [404, undefined]);
  const deep = `${'['.repeat(200_000)}"\\u0000"${']'.repeat(200_000)}`;
  assert.equal((await post('/api/v1/a', deep))[0], 422);
  assert.deepEqual(handled, []);
  assert.deepEqual(await post('/api/v1/a', '{"a": "\\\\u0000"}'), [200, undefined]);
});

test('a network gets so many requests a minute on a busy route, others get theirs', async () => {
  const post = async (from: string, path = '/busy') => {
    const response = await fetch(site.address + path, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin', 'x-forwarded-for': from },
      body: new URLSearchParams({ a: '1' }),
    });
    await response.text();
    return [response.status, response.headers.get('retry-after')];
  };
  for (let i = 0; i < 3; i++) assert.deepEqual(await post(`2001:db8::${i}`), [200, null]);
  assert.deepEqual(await post('2001:db8::9'), [429, '60']);
  assert.deepEqual(await post('2001:db8:0:1::9'), [200, null], 'another network');
  assert.deepEqual(await post('192.0.2.1'), [200, null], 'another network');
  assert.deepEqual(await post('2001:db8::9', '/open/x'), [200, null], 'another route');
  // What a visitor says of itself stands before what the proxy adds, and is not believed.
  assert.deepEqual(await post('198.51.100.7, 2001:db8::9'), [429, '60'], 'said by the visitor');
  now = new Date(now.getTime() + 60_000);
  assert.deepEqual(await post('2001:db8::9'), [200, null], 'the next minute');
});

test('an account gets so much a minute of what is read one by one, from wherever', async () => {
  const one = site.visitorAs(person('alert.read'));
  const other = site.visitorAs(person('alert.read', 'alert.write'));
  let network = 0;
  const post = async (client: PageClient) => {
    const from = { 'x-forwarded-for': `192.0.2.${(network += 1)}` };
    const answered = await client.request('POST', '/numbers', {
      form: new URLSearchParams({ a: '1' }),
      headers: from,
    });
    return [answered.status, answered.headers.get('retry-after')];
  };
  for (let i = 0; i < 3; i++) assert.deepEqual(await post(one), [200, null]);
  assert.deepEqual(await post(one), [429, '60']);
  assert.deepEqual(await post(other), [200, null], 'another account');
  now = new Date(now.getTime() + 60_000);
  assert.deepEqual(await post(one), [200, null], 'the next minute');
});
