import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import type { Actor } from '#kernel/actor.ts';
import { refused } from '#kernel/outcome.ts';
import { startSite, type Site } from '../../test/support/page-client.ts';
import { api, json, problem, type IdempotencyEntry } from './index.ts';
import type { IdempotencyStore, Route } from './index.ts';

const alert = z.object({ id: z.uuid(), title: z.string() });
let made = 0;

const routes: Route[] = [
  api({
    method: 'POST',
    path: '/api/v1/alerts',
    access: 'alert.write',
    body: z.object({ title: z.string().min(1), severity: z.enum(['high', 'low']) }).strict(),
    api: { summary: 'Write an alert', responses: { 201: alert } },
    handle: async ({ body }) => {
      if (body.title === 'taken') return problem(refused('conflict', 'There is one already.'));
      if (body.title === 'throws') throw new Error('after the act, perhaps');
      return json(201, { id: '01900000-0000-7000-8000-000000000001', title: `${++made}` });
    },
  }),
  api({
    method: 'GET',
    path: '/api/v1/alerts/:id',
    access: 'alert.read',
    params: z.object({ id: z.uuid() }),
    query: z.object({ after: z.string().optional(), limit: z.coerce.number().max(200).optional() }),
    api: { summary: 'One alert', responses: { 200: alert } },
    handle: async ({ params, query }) => json(200, { id: params.id, title: String(query.limit) }),
  }),
];

/** As the real store, over a map. */
function keptInMemory(): IdempotencyStore {
  const kept = new Map<string, { hash: string; answer?: { status: number; body: string } }>();
  const name = (e: IdempotencyEntry) => `${e.actor.kind} ${e.route} ${e.key}`;
  return {
    async claim(entry) {
      const before = kept.get(name(entry));
      if (before === undefined) {
        kept.set(name(entry), { hash: entry.bodyHash });
        return { state: 'new' };
      }
      if (before.hash !== entry.bodyHash) return { state: 'other-body' };
      return before.answer ? { state: 'answered', answer: before.answer } : { state: 'unfinished' };
    },
    async keep(entry, answer) {
      kept.set(name(entry), { hash: entry.bodyHash, answer });
    },
    async release(entry) {
      kept.delete(name(entry));
    },
  };
}

const keys: Record<string, Actor> = {
  writer: { kind: 'key', id: 'k1', name: 'writer', permissions: new Set(['alert.write']) },
  reader: { kind: 'key', id: 'k2', name: 'reader', permissions: new Set(['alert.read']) },
};

let site: Site;
before(async () => {
  const apiKeys = { findApiKey: async (secret: string) => keys[secret] };
  const log = { info: () => {}, error: () => {} };
  site = await startSite({ routes, apiKeys, idempotency: keptInMemory(), log });
});
after(() => site.close());

async function send(body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${site.address}/api/v1/alerts`, {
    method: 'POST',
    headers: { authorization: 'Bearer writer', 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const value = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, value };
}

test('a key opens what it may, a cookie opens nothing', async () => {
  const good = { title: 'a', severity: 'high' };
  assert.equal((await send(good)).status, 201);
  assert.equal((await send(good, { authorization: 'Bearer reader' })).status, 403);
  for (const authorization of ['', 'Bearer nobody', 'Basic d3JpdGVy', 'Bearer']) {
    const answer = await send(good, { authorization, cookie: 'tocsin=writer' });
    assert.equal(answer.status, 401, authorization);
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer realm="Tocsin"');
  }
});

test('a refusal names each field in plain words', async () => {
  const { status, headers, value } = await send({ title: '', severity: 'grave', more: 1 });
  assert.equal(status, 422);
  assert.equal(headers.get('content-type'), 'application/problem+json; charset=utf-8');
  assert.deepEqual(value['errors'], [
    { field: 'title', message: 'Fill this in' },
    { field: 'severity', message: 'Choose one of those offered' },
    { field: 'more', message: 'Not known here' },
  ]);
  assert.equal((await send({})).status, 422);
  const broken = await send('{broken');
  assert.equal(broken.status, 400);
  // Words for a program: it has no page to go back to.
  assert.match(String(broken.value['detail']), /^The body is not JSON/);
  assert.equal(
    (await send('a=b', { 'content-type': 'application/x-www-form-urlencoded' })).status,
    415,
  );
  assert.equal((await send({ title: 'taken', severity: 'low' })).status, 409);
});

test('a value of the wrong type is told which was expected, and where', async () => {
  const cases: [unknown, { field: string; message: string }][] = [
    [
      { title: 7, severity: 'high' },
      { field: 'title', message: 'Give text here' },
    ],
    [
      { title: null, severity: 'high' },
      { field: 'title', message: 'Give text here' },
    ],
    [{ severity: 'high' }, { field: 'title', message: 'Fill this in' }],
    [
      { title: 'a', severity: 7 },
      { field: 'severity', message: 'Give text here: one of high, low' },
    ],
    [[], { field: '', message: 'Give an object here' }],
  ];
  for (const [body, error] of cases) assert.deepEqual((await send(body)).value['errors'], [error]);
  const empty = { method: 'POST', headers: { authorization: 'Bearer writer' } };
  const answer = await fetch(`${site.address}/api/v1/alerts`, empty);
  const { errors } = (await answer.json()) as { errors: unknown };
  assert.deepEqual(errors, [{ field: '', message: 'Give an object here' }]);
});

test('the same key gives the first answer again and does not act twice', async () => {
  const body = { title: 'once', severity: 'high' };
  const headers = { 'idempotency-key': 'c0ffee-1' };
  const before = made;
  const first = await send(body, headers);
  const second = await send(body, headers);
  assert.equal(made, before + 1);
  assert.deepEqual(second.value, first.value);
  assert.equal(second.status, 201);
  assert.equal(second.headers.get('idempotency-replayed'), 'true');
  assert.equal((await send({ ...body, title: 'other' }, headers)).status, 422);
  assert.equal((await send(body, { 'idempotency-key': 'short' })).status, 422);
});

test('a refusal frees the key; a fault keeps it, because the act may have happened', async () => {
  const taken = { title: 'taken', severity: 'low' };
  const headers = { 'idempotency-key': 'c0ffee-2' };
  assert.equal((await send(taken, headers)).status, 409);
  assert.equal((await send({ ...taken, title: 'free' }, headers)).status, 201);
  const fault = { title: 'throws', severity: 'low' };
  const other = { 'idempotency-key': 'c0ffee-3' };
  assert.equal((await send(fault, other)).status, 500);
  const again = await send(fault, other);
  assert.equal(again.status, 409);
  assert.match(String(again.value['detail']), /Look whether it was done/);
});

test('parameters are parsed: a bad id is not there, a bad query is said', async () => {
  const headers = { authorization: 'Bearer reader' };
  const get = (rest: string) => fetch(`${site.address}/api/v1/alerts/${rest}`, { headers });
  const id = '01900000-0000-7000-8000-000000000001';
  assert.equal((await get('1')).status, 404);
  assert.equal((await get(`${id}?limit=x`)).status, 422);
  assert.deepEqual(await (await get(`${id}?limit=7`)).json(), { id, title: '7' });
});

test('the OpenAPI document says what the routes check', async () => {
  const document = (await (await fetch(`${site.address}/api/v1/openapi.json`)).json()) as {
    openapi: string;
    paths: Record<string, Record<string, Record<string, unknown>>>;
  };
  assert.equal(document.openapi, '3.1.0');
  const post = document.paths['/api/v1/alerts']?.['post'];
  assert.equal(post?.['operationId'], 'postAlerts');
  assert.equal(post?.['x-permission'], 'alert.write');
  const text = JSON.stringify(post);
  assert.match(text, /"enum":\["high","low"\]/);
  assert.match(text, /Idempotency-Key/);
  const get = document.paths['/api/v1/alerts/{id}']?.['get'];
  const parameters = get?.['parameters'] as { name: string; in: string; required: boolean }[];
  assert.deepEqual(
    parameters.map((one) => [one.name, one.in, one.required]),
    [
      ['id', 'path', true],
      ['after', 'query', false],
      ['limit', 'query', false],
    ],
  );
});
