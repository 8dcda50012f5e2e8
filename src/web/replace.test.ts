import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { nobody } from '#kernel/actor.ts';
import { createServer } from './server.ts';
import { json, text } from './replies.ts';
import { api, page, type Route } from './route.ts';

type Waiting = { readonly entered: () => void; readonly until: Promise<void> };

/** One page that says `word`, and says it late where it is told to wait; one door that takes it. */
function routesOf(word: string, waiting?: Waiting): Route[] {
  return [
    page({
      method: 'GET',
      path: '/word',
      access: 'public',
      async handle() {
        waiting?.entered();
        await waiting?.until;
        return text(200, word);
      },
    }),
    api({
      method: 'POST',
      path: '/api/v1/word',
      access: 'public',
      body: z.strictObject({ word: z.literal(word) }),
      api: { summary: `Takes ${word}`, responses: { 200: z.unknown() } },
      handle: ({ body }) => Promise.resolve(json(200, body)),
    }),
  ];
}

test('after a replacement the next request meets the new routes, the running one the old', async () => {
  const gate = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  const rest = {
    installation: { name: 'Old', kind: 'demonstration' as const },
    sessions: { findSession: () => Promise.resolve(undefined) },
    apiKeys: { findApiKey: () => Promise.resolve(nobody) },
  };
  const server = await createServer({
    ...rest,
    routes: routesOf('old', { entered: entered.resolve, until: gate.promise }),
    origin: 'http://localhost',
    log: { info: () => {}, error: () => {} },
  });
  const address = await server.listen({ port: 0 });
  const take = async (word: string) =>
    await fetch(`${address}/api/v1/word`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ word }),
    });
  try {
    assert.equal((await take('old')).status, 200);
    const running = fetch(`${address}/word`);
    await entered.promise;
    server.replace({ ...rest, routes: routesOf('new') });
    assert.equal(await (await fetch(`${address}/word`)).text(), 'new');
    assert.deepEqual([(await take('old')).status, (await take('new')).status], [422, 200]);
    const described = await (await fetch(`${address}/api/v1/openapi.json`)).text();
    assert.match(described, /Takes new/);
    gate.resolve();
    assert.equal(await (await running).text(), 'old');
  } finally {
    await server.close();
  }
});
